#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "help.h"
#include "pages.h"
#include "screen.h"

const char *cli_rundir(const char *given)
{
	const char *env = getenv("VSWITCH_RUNDIR");

	if (given)
		return given;
	return env && *env ? env : "/run/vswitch";
}

int cli_error(struct cli *cli, json_t *error)
{
	const json_t *message = json_object_get(error, "message");

	/* A line on a picture would vanish with it. */
	screen_close();
	/* What was said before stands; the order on a terminal should show it. */
	cli_flush(cli, CLI_DONE);
	if (cli->globals.json) {
		json_dumpf(error, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	} else {
		struct style plain = {0};
		struct strbuf line = STRBUF_INIT;

		style_puts(&plain, &line, COLOR_NONE,
			json_is_string(message) ? json_string_value(message)
						: "an error without a message");
		fprintf(stderr, "vswitchctl: %s\n", strbuf_str(&line));
		strbuf_fini(&line);
	}
	json_decref(error);
	return CLI_REFUSED;
}

struct client *cli_client(struct cli *cli)
{
	json_t *error;

	if (cli->client)
		return cli->client;
	cli->client = client_open(cli_rundir(cli->globals.rundir),
		(unsigned)(cli->globals.timeout_s * 1000 + 0.5), &error);
	if (!cli->client)
		cli_error(cli, error);
	return cli->client;
}

json_t *cli_call(struct cli *cli, const char *method, json_t *params)
{
	struct client *client = cli_client(cli);
	json_t *error;

	if (!client)
		return NULL;
	json_t *result = client_call(client, method, params, &error);

	if (!result)
		cli_error(cli, error);
	return result;
}

void cli_json(struct cli *cli, const json_t *document)
{
	char *text = json_dumps(document,
		JSON_ENCODE_ANY | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT));

	if (!text)
		abort();
	strbuf_puts(&cli->out, text);
	strbuf_putc(&cli->out, '\n');
	free(text);
}

int cli_flush(struct cli *cli, int status)
{
	size_t len = cli->out.len;
	bool ok = fwrite(strbuf_str(&cli->out), 1, len, stdout) == len && !fflush(stdout);

	strbuf_reset(&cli->out);
	if (ok)
		return status;
	fprintf(stderr, "vswitchctl: cannot write: %s\n", strerror(errno));
	return CLI_REFUSED;
}

static int run_method(struct cli *cli, const struct call *call)
{
	const struct command *command = call->command;
	json_t *result = command->paged ? pages_all(cli, command->method, call->params)
					: cli_call(cli, command->method, call->params);

	if (!result)
		return CLI_REFUSED;
	if (cli->globals.json)
		cli_json(cli, result);
	else if (command->print)
		command->print(cli, call, result);
	json_decref(result);
	return CLI_DONE;
}

static int run(struct cli *cli, const struct call *call)
{
	if (cli->globals.help)
		return help_show(cli, call->noun, call->command);
	if (cli->globals.version) {
		strbuf_puts(&cli->out, "vswitchctl " VSWITCH_VERSION "\n");
		return CLI_DONE;
	}
	if (cli->globals.batch)
		return batch_run(cli, cli->globals.batch);
	if (call->command->paged == PAGED_PRINT)
		return pages_run(cli, call);
	return call->command->run ? call->command->run(cli, call) : run_method(cli, call);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {.globals = {.timeout_s = 30}};
	struct strbuf why = STRBUF_INIT;
	struct call call;
	int status = CLI_USAGE;

	if (args_parse(commands, argc - 1, argv + 1, &cli.globals, &call, &why)) {
		cli_error(&cli, client_error(CLIENT_LOCAL, "%s", strbuf_str(&why)));
	} else {
		cli.style = style_detect(STDOUT_FILENO);
		cli.style.human = cli.globals.human;
		status = run(&cli, &call);
		status = cli_flush(&cli, status);
	}
	call_fini(&call);
	client_close(cli.client);
	strbuf_fini(&cli.out);
	strbuf_fini(&why);
	return status;
}
