#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "port_text.h"
#include "value.h"

static const struct command_option add_options[] = {
	{"--may-exist", NULL, "may-exist", "if the bridge has the port already, set its keys"},
	{0},
};

static const struct command_option del_options[] = {
	{"--if-exists", NULL, "if-exists", "do nothing where there is no such port"},
	{0},
};

static const struct command_option stats_options[] = {
	{"-v", NULL, NULL, "frames by size too, as for a single PORT"},
	{0},
};

static const char *const by_bridge[] = {"bridge", "name", NULL};

/* The command is done; but the port may not forward yet, and why is of use. */
static void print_change(struct cli *cli, const struct call *call, json_t *result)
{
	const char *state = value_str(result, "state"), *why = value_str(result, "why");

	if (!*state || !strcmp(state, "up"))
		return;
	strbuf_printf(&cli->out, "port %s is ", value_str(result, "name"));
	style_puts(&cli->style, &cli->out, port_state_color(state), state);
	if (*why)
		strbuf_puts(&cli->out, ": ");
	style_puts(&cli->style, &cli->out, COLOR_NONE, why);
	strbuf_putc(&cli->out, '\n');
}

static void print_list(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {{"BRIDGE", false}, {"PORT", false},
		{"OFPORT", true}, {"TYPE", false}, {"VLAN", false}, {"MTU", true}, {"LINK", false},
		{"STATE", false}, {"DETAILS", false}};
	struct table *table = table_create(&cli->style, columns, 9);
	json_t *ports = value_sorted(result, by_bridge), *port;
	struct strbuf text = STRBUF_INIT;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		table_cell(table, COLOR_NONE, "%s", value_str(port, "bridge"));
		table_cell(table, COLOR_NONE, "%s", value_str(port, "name"));
		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(port, "ofport"));
		table_cell(table, COLOR_NONE, "%s", value_str(port, "type"));
		strbuf_reset(&text);
		port_vlan_text(&text, port);
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(port, "mtu"));
		table_cell(table, COLOR_NONE, "%s", value_bool(port, "link") ? "yes" : "no");
		table_cell(table, port_state_color(value_str(port, "state")), "%s",
			value_str(port, "state"));
		strbuf_reset(&text);
		port_details_text(&text, port);
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
	}
	if (!json_array_size(ports))
		strbuf_puts(&cli->out, NO_PORT);
	table_print(table, 0, &cli->out);
	table_destroy(table);
	strbuf_fini(&text);
	json_decref(ports);
}

/* How it is, before how it is set up. */
static json_t *state_first(json_t *port)
{
	static const char *const first[] = {"state", "why", "since-s", "link", NULL};
	json_t *ordered = json_object();

	for (const char *const *key = first; *key; key++)
		if (json_object_get(port, *key))
			json_object_set(ordered, *key, json_object_get(port, *key));
	json_object_update(ordered, port);
	return ordered;
}

static void print_show(struct cli *cli, const struct call *call, json_t *result)
{
	static const char *const skip[] = {"name", "why", NULL};
	json_t *ports = value_sorted(result, by_bridge), *port;
	size_t i;

	if (!json_array_size(ports))
		strbuf_puts(&cli->out, NO_PORT);
	json_array_foreach(ports, i, port)
	{
		json_t *ordered = state_first(port);

		if (i)
			strbuf_putc(&cli->out, '\n');
		style_puts(&cli->style, &cli->out, COLOR_BOLD, value_str(port, "name"));
		strbuf_putc(&cli->out, '\n');
		value_block(&cli->style, &cli->out, ordered, skip);
		json_decref(ordered);
	}
	json_decref(ports);
}

static const char *const directions[] = {"rx", "tx"};

static void print_sizes(struct cli *cli, const json_t *port)
{
	static const struct table_column columns[] = {
		{"SIZE", true}, {"RX FRAMES", true}, {"TX FRAMES", true}};
	struct table *table = table_create(&cli->style, columns, 3);
	const json_t *sizes[2];
	const char *class;
	json_t *n;

	for (unsigned d = 0; d < 2; d++)
		sizes[d] = json_object_get(json_object_get(port, directions[d]), "sizes");
	json_object_foreach((json_t *)sizes[0], class, n)
	{
		table_cell(table, COLOR_NONE, "%s", class);
		table_count(table, value_count(sizes[0], class));
		table_count(table, value_count(sizes[1], class));
	}
	strbuf_putc(&cli->out, '\n');
	strbuf_printf(&cli->out, "%s by frame size\n", value_str(port, "name"));
	table_print(table, 2, &cli->out);
	table_destroy(table);
}

static void print_stats(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {{"PORT", false}, {"DIR", false},
		{"PACKETS", true}, {"BYTES", true}, {"DROPS", true}, {"ERRORS", true},
		{"GSO", true}, {"SEGMENTED", true}, {"CHECKSUMMED", true}};
	struct table *table = table_create(&cli->style, columns, 9);
	json_t *ports = value_sorted(result, by_bridge), *port;
	bool sizes = call->args[0] || call_option(call, "-v");
	size_t i;

	json_array_foreach(ports, i, port) for (unsigned d = 0; d < 2; d++)
	{
		const json_t *n = json_object_get(port, directions[d]);

		table_cell(table, COLOR_NONE, "%s", value_str(port, "name"));
		table_cell(table, COLOR_NONE, "%s", directions[d]);
		table_count(table, value_count(n, "packets"));
		table_bytes(table, value_count(n, "bytes"));
		table_count(table, value_count(n, "drops"));
		table_count(table, value_count(n, "errors"));
		table_count(table, value_count(n, "gso"));
		/* Work the switch does on the way out only. */
		if (d == 0) {
			table_cell(table, COLOR_NONE, "-");
			table_cell(table, COLOR_NONE, "-");
			continue;
		}
		table_count(table, value_count(n, "segmented"));
		table_count(table, value_count(n, "checksummed"));
	}
	if (!json_array_size(ports))
		strbuf_puts(&cli->out, NO_PORT);
	table_print(table, 0, &cli->out);
	table_destroy(table);
	if (sizes)
		json_array_foreach(ports, i, port) print_sizes(cli, port);
	json_decref(ports);
}

static const struct command port_commands[] = {
	{
		.verb = "add",
		.about = "Plug a port into a bridge.",
		.more = "The command returns when the port is stored and every worker forwards by "
			"it. A port whose device is absent waits for it; the command says so and "
			"succeeds.",
		.method = "port.add",
		.args = {{"BRIDGE", "bridge", ARG_BRIDGE, false},
			{"PORT", "name", ARG_TEXT, false}},
		.keys = KEYS_PORT,
		.options = add_options,
		.config = true,
		.print = print_change,
	},
	{
		.verb = "del",
		.about = "Unplug a port.",
		.method = "port.del",
		.args = {{"PORT", "name", ARG_PORT, false}},
		.options = del_options,
		.config = true,
	},
	{
		.verb = "set",
		.about = "Change keys of a port.",
		.more = "KEY= without a value takes the key back to its default.",
		.method = "port.set",
		.args = {{"PORT", "name", ARG_PORT, false}},
		.keys = KEYS_PORT_SET,
		.keys_needed = true,
		.config = true,
		.print = print_change,
	},
	{
		.verb = "show",
		.about = "Show all that is known of a port, or of every one.",
		.method = "port.list",
		.args = {{"PORT", "name", ARG_PORT, true}},
		.keys = KEYS_PORT_FILTER,
		.paged = PAGED_LIST,
		.print = print_show,
	},
	{
		.verb = "list",
		.about = "List the ports, one line each.",
		.method = "port.list",
		.args = {{"PORT", "name", ARG_PORT, true}},
		.keys = KEYS_PORT_FILTER,
		.paged = PAGED_LIST,
		.print = print_list,
	},
	{
		.verb = "stats",
		.about = "Show what ports received (rx) and sent (tx).",
		.more = "Drops are told apart by the command drops. GSO counts large segments that "
			"passed in one piece; segmented and checksummed count the frames on which "
			"the "
			"switch had to finish that work for a receiver that cannot.",
		.method = "port.stats",
		.args = {{"PORT", "name", ARG_PORT, true}},
		.options = stats_options,
		.paged = PAGED_LIST,
		.print = print_stats,
	},
};

const struct noun noun_port = {
	.name = "port",
	.about = "Ports: taps, interfaces, patches and capture files in a bridge.",
	.commands = port_commands,
	.n_commands = sizeof port_commands / sizeof *port_commands,
};
