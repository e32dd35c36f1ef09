#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "value.h"

enum { LINE_WORDS_MAX = 64, CODE_FAILED_ELSEWHERE = 7 };

struct batch {
	const char *name; /* of the file, for messages */
	json_t *requests;
	json_t *lines; /* the line number of each request */
};

/* Append the request that a line's words stand for.  0, or -EINVAL with 'why'. */
static int batch_add(struct batch *batch, char *line, int number, struct strbuf *why)
{
	char *words[LINE_WORDS_MAX];
	int n = words_split(line, words, LINE_WORDS_MAX);

	if (!n)
		return 0;
	if (n < 0) {
		strbuf_puts(why, n == -E2BIG ? "too many words" : "a quote has no end");
		return -EINVAL;
	}
	struct globals globals = {.timeout_s = -1};
	struct call call;
	int rc = args_parse(commands, n, words, &globals, &call, why);

	if (!rc && (globals.rundir || globals.batch || globals.json || globals.human ||
			   globals.help || globals.version || globals.timeout_s >= 0)) {
		strbuf_puts(why, "general options stand before the batch, not in it");
		rc = -EINVAL;
	} else if (!rc && !call.command->config) {
		strbuf_printf(why, "'%s' does not change the configuration", words[0]);
		rc = -EINVAL;
	} else if (!rc) {
		json_array_append_new(
			batch->requests, json_pack("{s:s, s:O}", "method", call.command->method,
						 "params", call.params));
		json_array_append_new(batch->lines, json_integer(number));
	}
	call_fini(&call);
	return rc;
}

/* Read the whole file.  CLI_DONE, or an exit status after telling the error. */
static int batch_read(struct batch *batch, struct cli *cli, FILE *file)
{
	struct strbuf why = STRBUF_INIT;
	char *line = NULL;
	size_t cap = 0;
	int status = CLI_DONE, number = 1;

	for (; status == CLI_DONE && getline(&line, &cap, file) >= 0; number++)
		if (batch_add(batch, line, number, &why)) {
			cli_error(cli, client_error(CLIENT_LOCAL, "%s:%d: %s", batch->name, number,
					       strbuf_str(&why)));
			status = CLI_USAGE;
		}
	if (status == CLI_DONE && ferror(file)) {
		cli_error(cli, client_error(CLIENT_LOCAL, "%s: %s", batch->name, strerror(errno)));
		status = CLI_REFUSED;
	}
	free(line);
	strbuf_fini(&why);
	return status;
}

/* The answer that tells why the batch was refused, or -1: the ones that failed
 * only because another did say nothing of use. */
static int batch_culprit(const json_t *answers)
{
	int found = -1;
	json_t *answer;
	size_t i;

	json_array_foreach(answers, i, answer)
	{
		json_t *error = json_object_get(answer, "error");

		if (!error)
			continue;
		if (value_real(error, "code") != CODE_FAILED_ELSEWHERE)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

static int batch_send(struct batch *batch, struct cli *cli)
{
	struct client *client = cli_client(cli);
	json_t *error;

	if (!client)
		return CLI_REFUSED;
	json_t *answers = client_batch(client, batch->requests, &error);

	if (!answers)
		return cli_error(cli, error);

	int culprit = batch_culprit(answers), status = CLI_DONE;

	if (culprit >= 0) {
		json_t *message;

		error = json_deep_copy(json_object_get(json_array_get(answers, culprit), "error"));
		message = json_sprintf("%s:%d: %s", batch->name,
			(int)json_integer_value(json_array_get(batch->lines, culprit)),
			value_str(error, "message"));
		json_object_set_new(error, "message", message);
		status = cli_error(cli, error);
	} else if (cli->globals.json) {
		json_t *results = json_array(), *answer;
		size_t i;

		json_array_foreach(answers, i, answer)
			json_array_append(results, json_object_get(answer, "result"));
		cli_json(cli, results);
		json_decref(results);
	}
	json_decref(answers);
	return status;
}

int batch_run(struct cli *cli, const char *path)
{
	bool from_stdin = !strcmp(path, "-");
	struct batch batch = {from_stdin ? "stdin" : path, json_array(), json_array()};
	FILE *file = from_stdin ? stdin : fopen(path, "re");
	int status;

	if (!file) {
		status =
			cli_error(cli, client_error(CLIENT_LOCAL, "%s: %s", path, strerror(errno)));
		goto out;
	}
	status = batch_read(&batch, cli, file);
	if (status == CLI_DONE && json_array_size(batch.requests))
		status = batch_send(&batch, cli);
	else if (status == CLI_DONE && cli->globals.json)
		cli_json(cli, batch.requests);
	if (!from_stdin)
		fclose(file);
out:
	json_decref(batch.requests);
	json_decref(batch.lines);
	return status;
}

static int run_batch(struct cli *cli, const struct call *call)
{
	return batch_run(cli, call->args[0]);
}

static const struct command batch_commands[] = {
	{
		.about = "Do the commands in FILE as one transaction: all of them or none.",
		.more = "A line holds what would follow the program's name; quotes are as in a "
			"shell, # "
			"begins a comment. Only commands that change the configuration may stand "
			"there: add, del and set of bridges and ports, add and del of MAC "
			"addresses. "
			"FILE may be - for stdin. With --json the document is the array of "
			"results.",
		.args = {{"FILE", NULL, ARG_FILE, false}},
		.run = run_batch,
	},
};

const struct noun noun_batch = {
	.name = "batch",
	.about = "Several commands as one transaction.",
	.commands = batch_commands,
	.n_commands = 1,
};
