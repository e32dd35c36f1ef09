#include "args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

enum { NAMES_MAX = 48 };

const struct command_option global_options[] = {
	{"--rundir", "DIR", NULL,
		"where the daemon's socket is; else $VSWITCH_RUNDIR, else /run/vswitch"},
	{"--json", NULL, NULL, "print one JSON document; an error is one JSON object on stderr"},
	{"--timeout", "S", NULL, "seconds to wait for the daemon, 30 by default; 0: for ever"},
	{"--human", NULL, NULL, "round numbers: 1.2 M, 3.4 GB"},
	{"--help", NULL, NULL, "help for the program, a noun, or a verb; also -h"},
	{"--version", NULL, NULL, "the version of this program"},
	{"-f", "FILE", NULL, "do the commands in FILE as one transaction, as batch FILE does"},
	{0},
};

/* Where a parse stands. */
struct reader {
	const struct noun *const *nouns;
	int argc;
	char *const *argv;
	int at; /* the next word */
	struct globals *globals;
	struct call *call;
	unsigned n_args;
	struct strbuf *why;
};

static int refuse(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "port add: ..." in front of what is wrong. */
static int refuse(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (r->call->noun)
		strbuf_printf(r->why, "%s", r->call->noun->name);
	if (r->call->command && r->call->command->verb)
		strbuf_printf(r->why, " %s", r->call->command->verb);
	if (r->call->noun)
		strbuf_puts(r->why, ": ");
	va_start(ap, fmt);
	strbuf_vprintf(r->why, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const struct noun *noun_lookup(
	const struct noun *const *nouns, const char *word, struct strbuf *why)
{
	const char *names[NAMES_MAX];
	unsigned n = 0;

	for (; nouns[n]; n++)
		names[n] = nouns[n]->name;
	int i = names_lookup(names, n, word, "command", why);

	return i < 0 ? NULL : nouns[i];
}

const struct command *command_lookup(const struct noun *noun, const char *word, struct strbuf *why)
{
	const char *names[NAMES_MAX];
	struct strbuf what = STRBUF_INIT;

	for (unsigned i = 0; i < noun->n_commands; i++)
		names[i] = noun->commands[i].verb;
	strbuf_printf(&what, "verb of %s", noun->name);
	int i = names_lookup(names, noun->n_commands, word, strbuf_str(&what), why);

	strbuf_fini(&what);
	return i < 0 ? NULL : &noun->commands[i];
}

bool word_number(const char *word, double min, double max, double *value)
{
	char *end;

	if (!*word || word[strspn(word, "0123456789.")])
		return false;
	*value = strtod(word, &end);
	return !*end && *value >= min && *value <= max;
}

/* Put a word into the parameters; a second value for a key is refused. */
static int param_set(struct reader *r, const char *key, json_t *value)
{
	json_t *params = r->call->params;

	if (!value)
		return refuse(r, "'%s' is not UTF-8", r->argv[r->at - 1]);
	if (json_object_get(params, key)) {
		json_decref(value);
		return refuse(r, "'%s' is given twice", key);
	}
	if (json_object_set_new(params, key, value))
		return refuse(r, "'%s' is not UTF-8", r->argv[r->at - 1]);
	return 0;
}

static int read_key(struct reader *r, const char *word)
{
	const char *sign = strchr(word, '=');

	if (!sign || sign == word)
		return refuse(r, "'%s' is not KEY=VALUE", word);
	char *key = strndup(word, (size_t)(sign - word));
	if (!key)
		abort();
	int rc = param_set(r, key, sign[1] ? json_string(sign + 1) : json_null());

	free(key);
	return rc;
}

static int read_word(struct reader *r, const char *word)
{
	const struct command *command = r->call->command;
	const struct command_arg *arg = &command->args[r->n_args];

	if (!arg->word) {
		if (command->keys)
			return read_key(r, word);
		return refuse(r, "'%s' is one word too many", word);
	}
	/* No name contains '=': such a word shows that a name was left out. */
	if (command->keys && strchr(word, '=')) {
		if (!arg->optional)
			return refuse(r, "%s is missing before '%s'", arg->word, word);
		return read_key(r, word);
	}
	r->call->args[r->n_args++] = word;
	return arg->param ? param_set(r, arg->param, json_string(word)) : 0;
}

static int set_global(struct reader *r, const struct command_option *option, const char *value)
{
	struct globals *g = r->globals;

	if (!strcmp(option->name, "--rundir"))
		g->rundir = value;
	else if (!strcmp(option->name, "-f"))
		g->batch = value;
	else if (!strcmp(option->name, "--json"))
		g->json = true;
	else if (!strcmp(option->name, "--human"))
		g->human = true;
	else if (!strcmp(option->name, "--help"))
		g->help = true;
	else if (!strcmp(option->name, "--version"))
		g->version = true;
	else if (!word_number(value, 0, 1e6, &g->timeout_s))
		return refuse(r, "--timeout: '%s' is not a number of seconds", value);
	return 0;
}

static int set_option(struct reader *r, const struct command_option *option, const char *value)
{
	struct call *call = r->call;

	for (const struct command_option *o = global_options; o->name; o++)
		if (o == option)
			return set_global(r, option, value);
	if (call_option(call, option->name))
		return refuse(r, "'%s' is given twice", option->name);
	if (call->n_options == CALL_OPTIONS_MAX)
		return refuse(r, "'%s' is one option too many", option->name);
	call->options[call->n_options].option = option;
	call->options[call->n_options++].value = value;
	return option->param ? param_set(r, option->param, json_true()) : 0;
}

/* The option a word begins with, by the command's list and then the general one. */
static const struct command_option *option_lookup(struct reader *r, const char *word, size_t len)
{
	const struct command *command = r->call->command;
	const struct command_option *lists[] = {command ? command->options : NULL, global_options};
	const struct command_option *all[NAMES_MAX];
	const char *names[NAMES_MAX];
	struct strbuf why = STRBUF_INIT;
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++)
		for (const struct command_option *o = lists[i]; o && o->name && n < NAMES_MAX;
			o++) {
			all[n] = o;
			names[n++] = o->name;
		}
	char *name = strndup(word, len);
	if (!name)
		abort();
	int i = names_lookup(names, n, name, "option", &why);

	if (i < 0)
		refuse(r, "%s", strbuf_str(&why));
	strbuf_fini(&why);
	free(name);
	return i < 0 ? NULL : all[i];
}

/* "--name", "--name=value", "--name value", "-n", "-nVALUE" or "-n VALUE". */
static int read_option(struct reader *r, const char *word)
{
	bool longer = word[1] == '-';
	size_t len = longer ? strcspn(word, "=") : 2;
	const char *value = word[len] ? word + len + (longer ? 1 : 0) : NULL;
	const struct command_option *option = option_lookup(
		r, !strcmp(word, "-h") ? "--help" : word, !strcmp(word, "-h") ? 6 : len);

	if (!option)
		return -EINVAL;
	if (!option->value) {
		if (value)
			return refuse(r, "'%s' takes no value", option->name);
		return set_option(r, option, "");
	}
	if (!value && r->at < r->argc)
		value = r->argv[r->at++];
	if (!value)
		return refuse(r, "'%s' lacks its %s", option->name, option->value);
	return set_option(r, option, value);
}

static int read_name(struct reader *r, const char *word)
{
	struct call *call = r->call;

	if (!call->noun) {
		call->noun = noun_lookup(r->nouns, word, r->why);
		if (!call->noun)
			return -EINVAL;
		if (!call->noun->commands[0].verb)
			call->command = &call->noun->commands[0];
		return 0;
	}
	call->command = command_lookup(call->noun, word, r->why);
	return call->command ? 0 : -EINVAL;
}

/* The noun alone stands for a verb. */
static void bare_verb(struct call *call)
{
	if (!call->noun || call->command || !call->noun->bare)
		return;
	for (unsigned i = 0; i < call->noun->n_commands; i++)
		if (!strcmp(call->noun->commands[i].verb, call->noun->bare))
			call->command = &call->noun->commands[i];
}

/* Whether an option of ours is anywhere in the line.  Help is added to the line
 * that was refused, so what else is wrong does not matter; and the form of an
 * error must be known before the error. */
static bool asks_for(int argc, char *const *argv, const char *option)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], option))
			return true;
	return false;
}

static int check_complete(struct reader *r)
{
	struct call *call = r->call;

	if (r->globals->batch && call->noun)
		return refuse(r, "-f FILE takes no other command");
	if (r->globals->batch)
		return 0;
	if (!call->noun)
		return refuse(r, "a command is missing; vswitchctl --help lists them");
	if (!call->command) {
		struct strbuf verbs = STRBUF_INIT;

		for (unsigned i = 0; i < call->noun->n_commands; i++)
			strbuf_printf(&verbs, "%s%s", i ? ", " : "", call->noun->commands[i].verb);
		refuse(r, "a verb is missing: %s", strbuf_str(&verbs));
		strbuf_fini(&verbs);
		return -EINVAL;
	}
	const struct command_arg *arg = &call->command->args[r->n_args];
	if (arg->word && !arg->optional)
		return refuse(r, "%s is missing", arg->word);
	if (call->command->keys_needed && json_object_size(call->params) <= r->n_args)
		return refuse(r, "KEY=VALUE is missing");
	return 0;
}

int args_parse(const struct noun *const *nouns, int argc, char *const *argv,
	struct globals *globals, struct call *call, struct strbuf *why)
{
	struct reader r = {.nouns = nouns,
		.argc = argc,
		.argv = argv,
		.globals = globals,
		.call = call,
		.why = why};
	bool help = asks_for(argc, argv, "--help") || asks_for(argc, argv, "-h"), options = true;
	int rc = 0;

	*call = (struct call){.params = json_object()};
	if (!call->params)
		abort();
	globals->json |= asks_for(argc, argv, "--json");
	while (!rc && r.at < argc && !(help && call->command)) {
		const char *word = argv[r.at++];

		if (options && !strcmp(word, "--")) {
			options = false;
		} else if (options && word[0] == '-' && word[1]) {
			if (!help)
				bare_verb(call);
			rc = read_option(&r, word);
		} else {
			rc = call->command ? read_word(&r, word) : read_name(&r, word);
		}
	}
	globals->help |= help;
	if (rc || globals->help || globals->version)
		return rc;
	bare_verb(call);
	return check_complete(&r);
}

void call_fini(struct call *call)
{
	json_decref(call->params);
	*call = (struct call){0};
}

const char *call_option(const struct call *call, const char *name)
{
	for (unsigned i = 0; i < call->n_options; i++)
		if (!strcmp(call->options[i].option->name, name))
			return call->options[i].value;
	return NULL;
}

void command_synopsis(const struct command *command, struct strbuf *text)
{
	const char *gap = "";

	for (const struct command_arg *a = command->args; a->word; a++, gap = " ")
		strbuf_printf(text, a->optional ? "%s[%s]" : "%s%s", gap, a->word);
	if (command->keys) {
		strbuf_printf(
			text, command->keys_needed ? "%sKEY=VALUE..." : "%s[KEY=VALUE...]", gap);
		gap = " ";
	}
	for (const struct command_option *o = command->options; o && o->name; o++, gap = " ")
		strbuf_printf(text, "%s[%s%s%s]", gap, o->name, o->value ? " " : "",
			o->value ? o->value : "");
}

int words_split(char *line, char **words, int max)
{
	int n = 0;

	for (char *in = line;;) {
		in += strspn(in, " \t\r\n");
		if (!*in || *in == '#')
			return n;
		if (n == max)
			return -E2BIG;

		char *out = words[n++] = in;
		char quote = '\0';

		for (; *in && (quote || !strchr(" \t\r\n", *in)); in++) {
			if (quote ? *in == quote : *in == '\'' || *in == '"')
				quote = quote ? '\0' : *in;
			else if (*in == '\\' && quote != '\'' && in[1])
				*out++ = *++in;
			else
				*out++ = *in;
		}
		if (quote)
			return -EINVAL;
		bool last = !*in;

		*out = '\0';
		if (last)
			return n;
		in++;
	}
}
