#include "cli.h"
#include "completion.h"

/* The shell asks the program itself, so that what it offers is the command
 * table of the program that will run, and the names are those of the moment.
 * Bash cuts words also at '=' and ':'; what stands before is cut off again. */
static const char BASH[] =
	"# bash completion for vswitchctl: made by vswitchctl completion bash\n"
	"_vswitchctl()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} word before\n"
	"\tline=${line#*[[:blank:]]}\n"
	"\tword=${line##*[[:blank:]]}\n"
	"\tbefore=${word%\"${word##*[=:]}\"}\n"
	"\tmapfile -t COMPREPLY < <(\"$1\" completion reply -- \"$line\" 2>/dev/null)\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
	"\tif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.] ]]; then\n"
	"\t\tcompopt -o nospace\n"
	"\tfi\n"
	"}\n"
	"complete -o default -F _vswitchctl vswitchctl\n";

static int run_bash(struct cli *cli, const struct call *call)
{
	strbuf_puts(&cli->out, BASH);
	return CLI_DONE;
}

/* Somebody is at the keyboard: no daemon, or a slow one, is no name. */
static json_t *daemon_names(const char *method, const char *rundir, void *arg)
{
	enum { PATIENCE_MS = 1000 };
	json_t *error = NULL, *names;
	struct client *client = client_open(cli_rundir(rundir), PATIENCE_MS, &error);

	names = client ? client_call(client, method, NULL, &error) : NULL;
	json_decref(error);
	client_close(client);
	return names;
}

static int run_reply(struct cli *cli, const struct call *call)
{
	completion_reply(commands, call->args[0], daemon_names, cli, &cli->out);
	return CLI_DONE;
}

static const struct command completion_commands[] = {
	{
		.verb = "bash",
		.about = "Print the completion for bash; to be sourced.",
		.run = run_bash,
	},
	{
		.verb = "reply",
		.about = "Print what may come next in LINE.",
		.args = {{"LINE", NULL, ARG_TEXT, false}},
		.hidden = true,
		.run = run_reply,
	},
};

const struct noun noun_completion = {
	.name = "completion",
	.about = "Completion of command lines for the shell.",
	.commands = completion_commands,
	.n_commands = sizeof completion_commands / sizeof *completion_commands,
};
