
#include "cli.h"
#include "value.h"

static const struct command_option options[] = {
	{"--all", NULL, "all", "reasons that never came up, too"},
	{0},
};

static void print_drops(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {
		{"PORT", false}, {"COUNT", true}, {"REASON", false}, {"ABOUT", false}};
	static const char *const keys[] = {"port", "reason", NULL};
	struct table *table = table_create(&cli->style, columns, 4);
	json_t *drops = value_sorted(result, keys), *drop;
	size_t i;

	json_array_foreach(drops, i, drop)
	{
		table_cell(table, COLOR_NONE, "%s", value_str(drop, "port"));
		table_count(table, value_count(drop, "count"));
		table_cell(table, COLOR_NONE, "%s", value_str(drop, "reason"));
		table_cell(table, COLOR_NONE, "%s", value_str(drop, "about"));
	}
	if (!json_array_size(drops))
		strbuf_puts(&cli->out, "no packet was dropped\n");
	table_print(table, 0, &cli->out);
	table_destroy(table);
	json_decref(drops);
}

static const struct command drops_commands[] = {
	{
		.about = "Tell why packets were dropped, by port.",
		.more = "Every packet that is not forwarded is counted under one reason.",
		.method = "drops",
		.args = {{"PORT", "port", ARG_PORT, true}},
		.options = options,
		.paged = PAGED_LIST,
		.print = print_drops,
	},
};

const struct noun noun_drops = {
	.name = "drops",
	.about = "Why packets were dropped.",
	.commands = drops_commands,
	.n_commands = 1,
};
