#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "value.h"

static const struct command_option apply_options[] = {
	{"--dry-run", NULL, NULL, "only tell what would be done"},
	{0},
};

static int run_export(struct cli *cli, const struct call *call)
{
	json_t *document = document_call(cli, "config.export", json_object());

	if (!document)
		return CLI_REFUSED;
	char *text = json_dumps(document, JSON_INDENT(2));

	strbuf_printf(&cli->out, "%s\n", text ? text : "");
	free(text);
	json_decref(document);
	return CLI_DONE;
}

/* The document in a file, "-" being stdin; NULL after telling the error. */
static json_t *load(struct cli *cli, const char *path)
{
	bool from_stdin = !strcmp(path, "-");
	json_error_t error;
	json_t *document = from_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
				      : json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (document)
		return document;
	if (error.line > 0)
		cli_error(
			cli, client_error(CLIENT_LOCAL, "%s:%d:%d: %s", from_stdin ? "stdin" : path,
				     error.line, error.column, error.text));
	else
		cli_error(cli, client_error(CLIENT_LOCAL, "%s", error.text));
	return NULL;
}

static const char *sign_of(const char *action, enum color *color)
{
	if (!strcmp(action, "add")) {
		*color = COLOR_GREEN;
		return "+";
	}
	if (!strcmp(action, "del")) {
		*color = COLOR_RED;
		return "-";
	}
	*color = COLOR_YELLOW;
	return "~";
}

static void print_line(struct cli *cli, const char *action, const char *indent, const char *text)
{
	enum color color;
	struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "%s %s", sign_of(action, &color), text);
	strbuf_puts(&cli->out, indent);
	style_puts(&cli->style, &cli->out, color, strbuf_str(&line));
	strbuf_putc(&cli->out, '\n');
	strbuf_fini(&line);
}

/* "~ tag: 10 -> 20" */
static void print_key(struct cli *cli, const char *key, const json_t *old, const json_t *now)
{
	bool gone = !now || json_is_null(now), fresh = !old || json_is_null(old);
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "%s: ", key);
	if (!fresh)
		value_text(&text, old);
	if (!fresh && !gone)
		strbuf_puts(&text, " -> ");
	if (!gone)
		value_text(&text, now);
	print_line(cli, fresh ? "add" : gone ? "del" : "set", "    ", strbuf_str(&text));
	strbuf_fini(&text);
}

static void print_changes(struct cli *cli, const json_t *changes)
{
	struct strbuf text = STRBUF_INIT;
	json_t *change, *pair;
	const char *key;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		strbuf_reset(&text);
		strbuf_printf(&text, "%s %s", value_str(change, "kind"), value_str(change, "name"));
		print_line(cli, value_str(change, "action"), "", strbuf_str(&text));
		json_object_foreach(json_object_get(change, "keys"), key, pair)
			print_key(cli, key, json_array_get(pair, 0), json_array_get(pair, 1));
	}
	strbuf_fini(&text);
}

/* The result of config.apply, or NULL after telling the error. */
static json_t *apply(struct cli *cli, const char *path, bool dry_run)
{
	json_t *document = load(cli, path);

	if (!document)
		return NULL;
	json_t *result = document_apply(cli, document, dry_run);

	json_decref(document);
	if (result && cli->globals.json)
		cli_json(cli, result);
	else if (result)
		print_changes(cli, json_object_get(result, "changes"));
	return result;
}

static int run_apply(struct cli *cli, const struct call *call)
{
	json_t *result = apply(cli, call->args[0], call_option(call, "--dry-run") != NULL);

	if (!result)
		return CLI_REFUSED;
	if (!cli->globals.json && !json_array_size(json_object_get(result, "changes")))
		strbuf_puts(&cli->out, "nothing to change\n");
	json_decref(result);
	return CLI_DONE;
}

static int run_diff(struct cli *cli, const struct call *call)
{
	json_t *result = apply(cli, call->args[0], true);

	if (!result)
		return CLI_TROUBLE;
	size_t n = json_array_size(json_object_get(result, "changes"));

	json_decref(result);
	return n ? CLI_DIFFERENT : CLI_DONE;
}

static const struct command config_commands[] = {
	{
		.verb = "export",
		.about = "Print the whole configuration as a JSON document.",
		.more = "It is indented, and sorted by name, so that two of them can be compared "
			"line "
			"by line.",
		.method = "config.export",
		.run = run_export,
	},
	{
		.verb = "apply",
		.about = "Make the configuration be the document in FILE, and tell what that "
			 "changed.",
		.more = "What FILE does not have is removed. All is done, or nothing. FILE may be "
			"- for "
			"stdin.",
		.method = "config.apply",
		.args = {{"FILE", NULL, ARG_FILE, false}},
		.options = apply_options,
		.run = run_apply,
	},
	{
		.verb = "diff",
		.about = "Tell what apply FILE would change.",
		.more = "+ is added, - is removed, ~ is changed from one value to another. The "
			"exit "
			"status is that of diff(1): 0 where nothing would change, 1 where "
			"something "
			"would, 2 for trouble.",
		.method = "config.apply",
		.args = {{"FILE", NULL, ARG_FILE, false}},
		.run = run_diff,
	},
};

const struct noun noun_config = {
	.name = "config",
	.about = "The whole configuration as a document.",
	.commands = config_commands,
	.n_commands = sizeof config_commands / sizeof *config_commands,
};
