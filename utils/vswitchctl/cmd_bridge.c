#include "cli.h"
#include "value.h"

static const struct command_option add_options[] = {
	{"--may-exist", NULL, "may-exist", "if the bridge exists, set its keys"},
	{0},
};

static const struct command_option del_options[] = {
	{"--if-exists", NULL, "if-exists", "do nothing where there is no such bridge"},
	{0},
};

static void print_list(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {{"BRIDGE", false}, {"DPID", false},
		{"MAC", false}, {"PORTS", true}, {"MACS", true}};
	static const char *const keys[] = {"name", NULL};
	struct table *table = table_create(&cli->style, columns, 5);
	json_t *bridges = value_sorted(result, keys), *bridge;
	size_t i;

	json_array_foreach(bridges, i, bridge)
	{
		table_cell(table, COLOR_NONE, "%s", value_str(bridge, "name"));
		table_cell(table, COLOR_NONE, "%s", value_str(bridge, "dpid"));
		table_cell(table, COLOR_NONE, "%s", value_str(bridge, "mac"));
		table_count(table, json_array_size(json_object_get(bridge, "ports")));
		table_count(table, value_count(json_object_get(bridge, "fdb"), "entries"));
	}
	if (!json_array_size(bridges))
		strbuf_puts(&cli->out, NO_BRIDGE);
	table_print(table, 0, &cli->out);
	table_destroy(table);
	json_decref(bridges);
}

static void print_show(struct cli *cli, const struct call *call, json_t *result)
{
	static const char *const skip[] = {"name", NULL}, *const keys[] = {"name", NULL};
	json_t *bridges = value_sorted(result, keys), *bridge;
	size_t i;

	if (!json_array_size(bridges))
		strbuf_puts(&cli->out, NO_BRIDGE);
	json_array_foreach(bridges, i, bridge)
	{
		if (i)
			strbuf_putc(&cli->out, '\n');
		style_puts(&cli->style, &cli->out, COLOR_BOLD, value_str(bridge, "name"));
		strbuf_putc(&cli->out, '\n');
		value_block(&cli->style, &cli->out, bridge, skip);
	}
	json_decref(bridges);
}

static const struct command bridge_commands[] = {
	{
		.verb = "add",
		.about = "Create a bridge, with an internal port of the same name.",
		.more = "A bridge without rules is a learning switch. Its internal port is an "
			"interface of the host, where an address of the host belongs.",
		.method = "bridge.add",
		.args = {{"BRIDGE", "name", ARG_TEXT, false}},
		.keys = KEYS_BRIDGE,
		.options = add_options,
		.config = true,
	},
	{
		.verb = "del",
		.about = "Remove a bridge and its ports.",
		.method = "bridge.del",
		.args = {{"BRIDGE", "name", ARG_BRIDGE, false}},
		.options = del_options,
		.config = true,
	},
	{
		.verb = "set",
		.about = "Change keys of a bridge.",
		.more = "KEY= without a value takes the key back to its default.",
		.method = "bridge.set",
		.args = {{"BRIDGE", "name", ARG_BRIDGE, false}},
		.keys = KEYS_BRIDGE,
		.keys_needed = true,
		.config = true,
	},
	{
		.verb = "show",
		.about = "Show all that is known of a bridge, or of every one.",
		.method = "bridge.list",
		.args = {{"BRIDGE", "name", ARG_BRIDGE, true}},
		.print = print_show,
	},
	{
		.verb = "list",
		.about = "List the bridges, one line each.",
		.method = "bridge.list",
		.print = print_list,
	},
};

const struct noun noun_bridge = {
	.name = "bridge",
	.about = "Bridges: the switches that ports are plugged into.",
	.commands = bridge_commands,
	.n_commands = sizeof bridge_commands / sizeof *bridge_commands,
};
