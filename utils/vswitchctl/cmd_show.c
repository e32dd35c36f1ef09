#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "pages.h"
#include "port_text.h"
#include "value.h"

static void print_ports(struct cli *cli, const char *bridge, json_t *ports)
{
	static const struct table_column columns[] = {{"PORT", false}, {"OFPORT", true},
		{"TYPE", false}, {"VLAN", false}, {"STATE", false}, {"DETAILS", false}};
	struct table *table = table_create(&cli->style, columns, 6);
	struct strbuf text = STRBUF_INIT;
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		const char *state = value_str(port, "state");

		if (strcmp(value_str(port, "bridge"), bridge))
			continue;
		table_cell(table, COLOR_NONE, "%s", value_str(port, "name"));
		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(port, "ofport"));
		table_cell(table, COLOR_NONE, "%s", value_str(port, "type"));
		strbuf_reset(&text);
		port_vlan_text(&text, port);
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
		/* A port can be ready with nobody at its other end. */
		if (!strcmp(state, "up") && !value_bool(port, "link"))
			table_cell(table, COLOR_YELLOW, "up, no link");
		else
			table_cell(table, port_state_color(state), "%s", state);
		strbuf_reset(&text);
		port_details_text(&text, port);
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
	}
	table_print(table, 2, &cli->out);
	table_destroy(table);
	strbuf_fini(&text);
}

static void print_show(struct cli *cli, json_t *bridges, json_t *ports)
{
	struct strbuf line = STRBUF_INIT;
	json_t *bridge;
	size_t i;

	if (!json_array_size(bridges))
		strbuf_puts(&cli->out, NO_BRIDGE);
	json_array_foreach(bridges, i, bridge)
	{
		const json_t *fdb = json_object_get(bridge, "fdb");

		if (i)
			strbuf_putc(&cli->out, '\n');
		strbuf_reset(&line);
		style_puts(&cli->style, &cli->out, COLOR_BOLD, value_str(bridge, "name"));
		strbuf_printf(&line, "  dpid %s  mac %s  macs ", value_str(bridge, "dpid"),
			value_str(bridge, "mac"));
		style_count(&cli->style, &line, value_count(fdb, "entries"));
		strbuf_puts(&line, " of ");
		style_count(&cli->style, &line, value_count(fdb, "limit"));
		style_puts(&cli->style, &cli->out, COLOR_NONE, strbuf_str(&line));
		strbuf_putc(&cli->out, '\n');
		print_ports(cli, value_str(bridge, "name"), ports);
	}
	strbuf_fini(&line);
}

static int run_show(struct cli *cli, const struct call *call)
{
	static const char *const keys[] = {"name", NULL};
	json_t *bridges = cli_call(cli, "bridge.list", NULL);
	json_t *ports = bridges ? pages_all(cli, "port.list", NULL) : NULL;
	int status = CLI_REFUSED;

	if (ports) {
		json_t *all = json_pack("{s:o, s:o}", "bridges", value_sorted(bridges, keys),
			"ports", value_sorted(ports, keys));

		if (cli->globals.json)
			cli_json(cli, all);
		else
			print_show(cli, json_object_get(all, "bridges"),
				json_object_get(all, "ports"));
		json_decref(all);
		status = CLI_DONE;
	}
	json_decref(bridges);
	json_decref(ports);
	return status;
}

static const struct command show_commands[] = {
	{
		.about = "Show every bridge with its ports.",
		.more = "The document is {\"bridges\": [...], \"ports\": [...]}, each list as "
			"bridge "
			"list and port list give it.",
		.run = run_show,
	},
};

const struct noun noun_show = {
	.name = "show",
	.about = "The whole switch at a glance.",
	.commands = show_commands,
	.n_commands = 1,
};
