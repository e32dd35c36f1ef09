#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "value.h"

static void print_limits(struct cli *cli, json_t *limits)
{
	static const struct table_column columns[] = {
		{"LIMIT", false}, {"NOW", true}, {"MAX", true}, {"USED", true}, {"ABOUT", false}};
	struct table *table = table_create(&cli->style, columns, 5);
	json_t *limit;
	size_t i;

	json_array_foreach(limits, i, limit)
	{
		bool counted = json_is_number(json_object_get(limit, "now"));
		double now = value_real(limit, "now"), max = value_real(limit, "max");
		enum color color = !max || now < 0.8 * max ? COLOR_NONE
				   : now < max		   ? COLOR_YELLOW
							   : COLOR_RED;

		table_cell(table, COLOR_NONE, "%s", value_str(limit, "name"));
		if (counted)
			table_count(table, value_count(limit, "now"));
		else
			table_cell(table, COLOR_NONE, "-");
		table_count(table, value_count(limit, "max"));
		if (counted)
			table_cell(table, color, "%.0f %%", max ? 100 * now / max : 0);
		else
			table_cell(table, COLOR_NONE, "-");
		table_cell(table, COLOR_NONE, "%s", value_str(limit, "about"));
	}
	if (i)
		strbuf_putc(&cli->out, '\n');
	table_print(table, 0, &cli->out);
	table_destroy(table);
}

static void print_status(struct cli *cli, const struct call *call, json_t *result)
{
	static const char *const skip[] = {"version", "pid", "uptime-s", "limits", "store", NULL};
	const json_t *store = json_object_get(result, "store");
	struct strbuf *out = &cli->out, line = STRBUF_INIT;

	strbuf_printf(&line, "vswitchd %s, pid %" PRIu64 ", up ", value_str(result, "version"),
		value_count(result, "pid"));
	style_seconds(&line, value_count(result, "uptime-s"));
	style_puts(&cli->style, out, COLOR_BOLD, strbuf_str(&line));
	strbuf_putc(out, '\n');
	value_block(&cli->style, out, result, skip);
	if (store) {
		strbuf_puts(out, "\nstore\n");
		value_block(&cli->style, out, store, NULL);
	}
	print_limits(cli, json_object_get(result, "limits"));
	strbuf_fini(&line);
}

static const struct command status_commands[] = {
	{
		.about = "Show how the daemon is and how full its tables are.",
		.more = "Every table that traffic or a guest can fill has a maximum; what happens "
			"when it is full stands beside it.",
		.method = "status",
		.print = print_status,
	},
};

const struct noun noun_status = {
	.name = "status",
	.about = "The daemon: its store, its limits.",
	.commands = status_commands,
	.n_commands = 1,
};

/* Our own version is told even where the daemon's cannot be. */
static int run_version(struct cli *cli, const struct call *call)
{
	if (!cli->globals.json)
		strbuf_puts(&cli->out, "vswitchctl " VSWITCH_VERSION "\n");

	json_t *result = cli_call(cli, "version", NULL);

	if (!result)
		return CLI_REFUSED;
	if (cli->globals.json) {
		json_t *both =
			json_pack("{s:s, s:O}", "vswitchctl", VSWITCH_VERSION, "vswitchd", result);

		cli_json(cli, both);
		json_decref(both);
	} else {
		strbuf_printf(&cli->out, "vswitchd   %s, protocol %" PRIu64 "\n",
			value_str(result, "version"), value_count(result, "protocol"));
	}
	json_decref(result);
	return CLI_DONE;
}

static const struct command version_commands[] = {
	{
		.about = "Tell the versions of this program and of the daemon.",
		.more = "The document is {\"vswitchctl\": VERSION, \"vswitchd\": {...}}.",
		.run = run_version,
	},
};

const struct noun noun_version = {
	.name = "version",
	.about = "Versions of the command line and of the daemon.",
	.commands = version_commands,
	.n_commands = 1,
};
