#include "cli.h"
#include "value.h"

static int run_log(struct cli *cli, const struct call *call)
{
	static const struct table_column columns[] = {{"MODULE", false}, {"LEVEL", false}};
	static const char *const keys[] = {"module", NULL};
	bool set = call->args[0] != NULL;
	json_t *result = cli_call(cli, set ? "log.set" : "log.list", call->params);

	if (!result)
		return CLI_REFUSED;
	if (cli->globals.json) {
		cli_json(cli, result);
	} else if (!set) {
		struct table *table = table_create(&cli->style, columns, 2);
		json_t *modules = value_sorted(result, keys), *module;
		size_t i;

		json_array_foreach(modules, i, module)
		{
			table_cell(table, COLOR_NONE, "%s", value_str(module, "module"));
			table_cell(table, COLOR_NONE, "%s", value_str(module, "level"));
		}
		table_print(table, 0, &cli->out);
		table_destroy(table);
		json_decref(modules);
	}
	json_decref(result);
	return CLI_DONE;
}

static const struct command log_commands[] = {
	{
		.about = "List the log levels, or set that of a module or of all.",
		.more = "LEVEL is error, warn, info or debug. It is not kept over a restart.",
		.args = {{"LEVEL", "level", ARG_LEVEL, true}, {"MODULE", "module", ARG_TEXT, true}},
		.run = run_log,
	},
};

const struct noun noun_log = {
	.name = "log",
	.about = "What the daemon logs.",
	.commands = log_commands,
	.n_commands = 1,
};
