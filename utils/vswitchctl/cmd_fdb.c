#include <inttypes.h>

#include "cli.h"
#include "value.h"

static void print_show(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {
		{"VLAN", true}, {"MAC", false}, {"PORT", false}, {"AGE", true}};
	struct table *table = table_create(&cli->style, columns, 4);
	json_t *entry;
	size_t i;

	json_array_foreach(result, i, entry)
	{
		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(entry, "vlan"));
		table_cell(table, COLOR_NONE, "%s", value_str(entry, "mac"));
		table_cell(table, COLOR_NONE, "%s", value_str(entry, "port"));
		if (value_bool(entry, "local"))
			table_cell(table, COLOR_NONE, "local");
		else if (value_bool(entry, "static"))
			table_cell(table, COLOR_NONE, "static");
		else
			table_cell(table, COLOR_NONE, "%" PRIu64 " s", value_count(entry, "age-s"));
	}
	if (!json_array_size(result) && !cli->pages)
		strbuf_puts(&cli->out, call->params && json_object_size(call->params) > 1
					       ? "no such MAC address is known\n"
					       : "no MAC address is known\n");
	table_print_part(table, cli->widths, &cli->out);
	table_destroy(table);
}

static void print_removed(struct cli *cli, const struct call *call, json_t *result)
{
	uint64_t n = value_count(result, "removed");

	strbuf_puts(&cli->out, "removed ");
	style_count(&cli->style, &cli->out, n);
	strbuf_puts(&cli->out, n == 1 ? " address\n" : " addresses\n");
}

static const struct command fdb_commands[] = {
	{
		.verb = "show",
		.about = "List the MAC addresses a bridge knows, by VLAN and address.",
		.method = "fdb.list",
		.args = {{"BRIDGE", "bridge", ARG_BRIDGE, false}},
		.keys = KEYS_FDB_FILTER,
		.paged = PAGED_PRINT,
		.print = print_show,
	},
	{
		.verb = "flush",
		.about = "Forget learned MAC addresses.",
		.method = "fdb.flush",
		.args = {{"BRIDGE", "bridge", ARG_BRIDGE, false}},
		.keys = KEYS_FDB_FILTER,
		.print = print_removed,
	},
	{
		.verb = "add",
		.about = "Tie a MAC address to a port for good.",
		.method = "fdb.add",
		.args = {{"BRIDGE", "bridge", ARG_BRIDGE, false}, {"MAC", "mac", ARG_TEXT, false},
			{"PORT", "port", ARG_PORT, false}},
		.keys = KEYS_FDB_VLAN,
		.config = true,
	},
	{
		.verb = "del",
		.about = "Remove a MAC address, static or learned.",
		.method = "fdb.del",
		.args = {{"BRIDGE", "bridge", ARG_BRIDGE, false}, {"MAC", "mac", ARG_TEXT, false}},
		.keys = KEYS_FDB_VLAN,
		.config = true,
		.print = print_removed,
	},
};

const struct noun noun_fdb = {
	.name = "fdb",
	.about = "MAC addresses: which port each was last seen behind.",
	.commands = fdb_commands,
	.n_commands = sizeof fdb_commands / sizeof *fdb_commands,
};
