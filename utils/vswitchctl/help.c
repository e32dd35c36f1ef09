#include "help.h"

#include <string.h>

enum { TERM_COLUMN = 26, WIDTH_USUAL = 80, WIDTH_MAX = 100 };

/* Prose is folded also where the output is no terminal. */
static unsigned help_width(const struct cli *cli)
{
	unsigned width = cli->style.width;

	return !width ? WIDTH_USUAL : width > WIDTH_MAX ? WIDTH_MAX : width;
}

/* "  --may-exist             what it does" */
static void put_item(struct cli *cli, const char *term, const char *about)
{
	size_t len = strlen(term) + 2;

	strbuf_puts(&cli->out, "  ");
	style_puts(&cli->style, &cli->out, COLOR_BOLD, term);
	if (len + 2 > TERM_COLUMN) {
		strbuf_putc(&cli->out, '\n');
		len = 0;
	}
	strbuf_printf(&cli->out, "%*s", (int)(TERM_COLUMN - len), "");
	text_fold(&cli->out, about, TERM_COLUMN, help_width(cli));
	strbuf_putc(&cli->out, '\n');
}

static void trim(struct strbuf *text)
{
	while (text->len && text->str[text->len - 1] == ' ')
		text->str[--text->len] = '\0';
}

static void put_heading(struct cli *cli, const char *text)
{
	strbuf_putc(&cli->out, '\n');
	style_puts(&cli->style, &cli->out, COLOR_BOLD, text);
	strbuf_putc(&cli->out, '\n');
}

static void put_options(struct cli *cli, const char *heading, const struct command_option *options)
{
	struct strbuf term = STRBUF_INIT;

	if (!options)
		return;
	put_heading(cli, heading);
	for (const struct command_option *o = options; o->name; o++) {
		strbuf_reset(&term);
		strbuf_printf(
			&term, "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		put_item(cli, strbuf_str(&term), o->about);
	}
	strbuf_fini(&term);
}

static void put_keys(struct cli *cli, enum key_set set)
{
	struct strbuf term = STRBUF_INIT, about = STRBUF_INIT;

	if (set == KEYS_NONE)
		return;
	put_heading(cli, "Keys");
	for (const struct config_key *k = NULL; (k = keys_next(set, k));) {
		strbuf_reset(&term);
		strbuf_reset(&about);
		key_name(k, &term);
		strbuf_putc(&term, '=');
		key_syntax(k, &term);
		key_about(k, &about);
		put_item(cli, strbuf_str(&term), strbuf_str(&about));
	}
	strbuf_fini(&term);
	strbuf_fini(&about);
}

/* Paragraphs parted by an empty line. */
static void put_prose(struct cli *cli, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		struct strbuf paragraph = STRBUF_INIT;

		strbuf_printf(
			&paragraph, "%.*s", end ? (int)(end - text) : (int)strlen(text), text);
		strbuf_putc(&cli->out, '\n');
		text_fold(&cli->out, strbuf_str(&paragraph), 0, help_width(cli));
		strbuf_putc(&cli->out, '\n');
		strbuf_fini(&paragraph);
		text = end ? end + 2 : NULL;
	}
}

static void put_usage(struct cli *cli, const struct noun *noun, const struct command *command)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "vswitchctl %s%s%s ", noun->name, command->verb ? " " : "",
		command->verb ? command->verb : "");
	command_synopsis(command, &line);
	strbuf_puts(&cli->out, "Usage: ");
	text_fold(&cli->out, strbuf_str(&line), 8, help_width(cli));
	strbuf_putc(&cli->out, '\n');
	strbuf_fini(&line);
}

static void show_command(struct cli *cli, const struct noun *noun, const struct command *command)
{
	put_usage(cli, noun, command);
	put_prose(cli, command->about);
	put_prose(cli, command->more);
	put_options(cli, "Options", command->options);
	put_keys(cli, command->keys);
	strbuf_puts(&cli->out, "\nThe general options are in vswitchctl --help.\n");
}

static void show_noun(struct cli *cli, const struct noun *noun)
{
	struct strbuf term = STRBUF_INIT;

	strbuf_printf(&cli->out, "Usage: vswitchctl %s %s\n", noun->name,
		noun->bare ? "[VERB] ..." : "VERB ...");
	put_prose(cli, noun->about);
	put_heading(cli, "Verbs");
	for (unsigned i = 0; i < noun->n_commands; i++) {
		const struct command *command = &noun->commands[i];

		if (command->hidden)
			continue;
		strbuf_reset(&term);
		strbuf_printf(&term, "%s ", command->verb);
		command_synopsis(command, &term);
		trim(&term);
		put_item(cli, strbuf_str(&term), command->about);
	}
	if (noun->bare)
		strbuf_printf(
			&cli->out, "\n%s alone means %s %s.", noun->name, noun->name, noun->bare);
	strbuf_printf(&cli->out, "\nvswitchctl %s VERB --help tells more.\n", noun->name);
	strbuf_fini(&term);
}

static void show_program(struct cli *cli)
{
	strbuf_puts(&cli->out,
		"Usage: vswitchctl [--rundir DIR] [--json] [--timeout S] NOUN [VERB] ARGS\n");
	put_prose(cli, "Configures and watches the virtual switch vswitchd.");
	put_heading(cli, "Nouns");
	for (const struct noun *const *n = commands; *n; n++) {
		struct strbuf term = STRBUF_INIT;

		strbuf_printf(&term, "%s ", (*n)->name);
		if (!(*n)->commands[0].verb)
			command_synopsis((*n)->commands, &term);
		for (unsigned i = 0; i < (*n)->n_commands; i++)
			if ((*n)->commands[i].verb && !(*n)->commands[i].hidden)
				strbuf_printf(&term, "%s%s", i ? "|" : "", (*n)->commands[i].verb);
		trim(&term);
		put_item(cli, strbuf_str(&term), (*n)->about);
		strbuf_fini(&term);
	}
	put_options(cli, "Options, anywhere in the line", global_options);
	strbuf_puts(&cli->out,
		"\nNouns, verbs and options may be shortened where that is unique.\n"
		"vswitchctl NOUN --help and vswitchctl NOUN VERB --help tell more.\n");
}

int help_show(struct cli *cli, const struct noun *noun, const struct command *command)
{
	if (noun && !command && !noun->commands[0].verb)
		command = &noun->commands[0];
	if (command)
		show_command(cli, noun, command);
	else if (noun)
		show_noun(cli, noun);
	else
		show_program(cli);
	return CLI_DONE;
}

static int run_help(struct cli *cli, const struct call *call)
{
	const struct noun *noun = NULL;
	const struct command *command = NULL;
	struct strbuf why = STRBUF_INIT;
	int status = CLI_DONE;

	if (call_option(call, "--man")) {
		man_page(commands, &cli->out);
		return CLI_DONE;
	}
	if (call->args[0])
		noun = noun_lookup(commands, call->args[0], &why);
	if (noun && call->args[1] && noun->commands[0].verb)
		command = command_lookup(noun, call->args[1], &why);
	if (why.len) {
		cli_error(cli, client_error(CLIENT_LOCAL, "help: %s", strbuf_str(&why)));
		status = CLI_USAGE;
	} else {
		help_show(cli, noun, command);
	}
	strbuf_fini(&why);
	return status;
}

static const struct command_option help_options[] = {
	{"--man", NULL, NULL, "print the manual page, as roff"},
	{0},
};

static const struct command help_commands[] = {
	{
		.about = "Explain a noun or a verb, as --help does.",
		.args = {{"NOUN", NULL, ARG_NOUN, true}, {"VERB", NULL, ARG_TEXT, true}},
		.options = help_options,
		.run = run_help,
	},
};

const struct noun noun_help = {
	.name = "help",
	.about = "Explain a noun or a verb.",
	.commands = help_commands,
	.n_commands = 1,
};
