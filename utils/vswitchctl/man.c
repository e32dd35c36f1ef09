#include <string.h>

#include "help.h"

/* Text as roff takes it literally: a backslash and a hyphen are escaped, and a
 * line does not begin with a control character. */
static void put_roff(struct strbuf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		strbuf_puts(out, "\\&");
	for (; *text; text++) {
		if (*text == '-')
			strbuf_puts(out, "\\-");
		else if (*text == '\\')
			strbuf_puts(out, "\\e");
		else
			strbuf_putc(out, *text);
	}
}

static void put_line(struct strbuf *out, const char *text)
{
	put_roff(out, text);
	strbuf_putc(out, '\n');
}

/* A tagged paragraph: the term in bold, then the text. */
static void put_item(struct strbuf *out, const char *term, const char *value, const char *text)
{
	strbuf_puts(out, ".TP\n\\fB");
	put_roff(out, term);
	strbuf_puts(out, "\\fR");
	if (value) {
		strbuf_puts(out, "\\fI");
		put_roff(out, value);
		strbuf_puts(out, "\\fR");
	}
	strbuf_putc(out, '\n');
	put_line(out, text);
}

static void put_options(struct strbuf *out, const struct command_option *options)
{
	for (const struct command_option *o = options; o && o->name; o++) {
		struct strbuf value = STRBUF_INIT;

		if (o->value)
			strbuf_printf(&value, " %s", o->value);
		put_item(out, o->name, strbuf_str(&value), o->about);
		strbuf_fini(&value);
	}
}

static void put_keys(struct strbuf *out, enum key_set set)
{
	struct strbuf name = STRBUF_INIT, value = STRBUF_INIT, about = STRBUF_INIT;

	for (const struct config_key *k = NULL; (k = keys_next(set, k));) {
		strbuf_reset(&name);
		strbuf_reset(&value);
		strbuf_reset(&about);
		key_name(k, &name);
		strbuf_putc(&value, '=');
		key_syntax(k, &value);
		key_about(k, &about);
		put_item(out, strbuf_str(&name), strbuf_str(&value), strbuf_str(&about));
	}
	strbuf_fini(&name);
	strbuf_fini(&value);
	strbuf_fini(&about);
}

static void put_prose(struct strbuf *out, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		struct strbuf paragraph = STRBUF_INIT;

		strbuf_printf(
			&paragraph, "%.*s", end ? (int)(end - text) : (int)strlen(text), text);
		strbuf_puts(out, ".PP\n");
		put_line(out, strbuf_str(&paragraph));
		strbuf_fini(&paragraph);
		text = end ? end + 2 : NULL;
	}
}

static void put_command(struct strbuf *out, const struct noun *noun, const struct command *command)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_puts(out, ".SS ");
	strbuf_printf(&text, "%s%s%s ", noun->name, command->verb ? " " : "",
		command->verb ? command->verb : "");
	command_synopsis(command, &text);
	put_line(out, strbuf_str(&text));
	put_line(out, command->about);
	put_prose(out, command->more);
	if (command->method) {
		strbuf_reset(&text);
		strbuf_printf(&text, "With --json: the result of the method %s.", command->method);
		put_prose(out, strbuf_str(&text));
	}
	put_options(out, command->options);
	if (command->keys == KEYS_BRIDGE)
		strbuf_puts(out, ".PP\nThe keys are listed under BRIDGE KEYS.\n");
	else if (command->keys == KEYS_PORT || command->keys == KEYS_PORT_SET)
		strbuf_puts(out, ".PP\nThe keys are listed under PORT KEYS.\n");
	else
		put_keys(out, command->keys);
	strbuf_fini(&text);
}

static const char HEAD[] =
	".TH VSWITCHCTL 8 \"\" \"vswitch " VSWITCH_VERSION "\" \"System Administration\"\n"
	".SH NAME\nvswitchctl \\- configure and watch the virtual switch\n"
	".SH SYNOPSIS\n"
	"\\fBvswitchctl\\fR [\\fB\\-\\-rundir\\fR \\fIDIR\\fR] [\\fB\\-\\-json\\fR] "
	"[\\fB\\-\\-timeout\\fR \\fIS\\fR] \\fINOUN\\fR [\\fIVERB\\fR] \\fIARGS\\fR\n"
	".SH DESCRIPTION\n"
	"vswitchctl calls the daemon vswitchd over its management socket. Every command is one "
	"call, but for show and top, which look at several things. A change is durable, and "
	"every worker forwards by it, when the command returns.\n"
	".PP\n"
	"Nouns, verbs and long options may be shortened where that is unique. Words of the "
	"form KEY=VALUE set keys; KEY= takes a key back to its default. A word \\-\\- ends the "
	"options.\n"
	".PP\n"
	"What is printed for people is aligned, and on a terminal coloured and with separators "
	"in numbers. Scripts should use \\-\\-json, whose documents stay as they are.\n"
	".SH OPTIONS\n";

static const char TAIL[] =
	".SH EXIT STATUS\n"
	".TP\n0\nDone.\n"
	".TP\n1\nRefused; one line on stderr tells why and names the offending word.\n"
	".TP\n2\nThe command line is wrong; nothing was asked of the daemon.\n"
	".PP\n"
	"config diff differs: 0 is no difference, 1 a difference, 2 trouble of any kind.\n"
	".SH ERRORS\n"
	"With \\-\\-json an error is one object on stderr: {\"code\", \"message\", \"data\"}. "
	"Codes "
	"above 0 and those of JSON-RPC are the daemon\\(aqs. Of this program are \\-32000: the "
	"daemon cannot be reached; \\-32001: it did not answer in time; \\-32002: it answered what "
	"is no answer; \\-32003: a wrong command line or file.\n"
	".SH ENVIRONMENT\n"
	".TP\nVSWITCH_RUNDIR\nStands for \\-\\-rundir.\n"
	".TP\nNO_COLOR\nNo colours where it is set and not empty.\n"
	".SH FILES\n"
	".TP\n/run/vswitch/vswitchd.sock\nThe management socket.\n"
	".SH SEE ALSO\nvswitchd(8), ovs\\-vsctl(8)\n";

void man_page(const struct noun *const *nouns, struct strbuf *out)
{
	strbuf_puts(out, HEAD);
	put_options(out, global_options);
	strbuf_puts(out, ".SH COMMANDS\n");
	for (; *nouns; nouns++)
		for (unsigned i = 0; i < (*nouns)->n_commands; i++)
			if (!(*nouns)->commands[i].hidden)
				put_command(out, *nouns, &(*nouns)->commands[i]);
	strbuf_puts(out, ".SH BRIDGE KEYS\n");
	put_keys(out, KEYS_BRIDGE);
	strbuf_puts(out, ".SH PORT KEYS\n");
	put_keys(out, KEYS_PORT);
	strbuf_puts(out, TAIL);
}
