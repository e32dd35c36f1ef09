/* args.h - the grammar of the command line.
 *
 *	[--rundir DIR] [--json] [--timeout S] NOUN [VERB] ARGS [KEY=VALUE...]
 *
 * What needs no daemon is checked here: nouns, verbs, options, missing and
 * excess words, the form KEY=VALUE and a key given twice.  Which keys exist and
 * which values they take the daemon alone decides.  Nouns, verbs and long
 * options may be abbreviated where that is unique.  The general options are
 * taken anywhere; "--" ends options.
 *
 * A struct call borrows from argv and owns its 'params'.
 *
 * Threads: one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "command.h"
#include "strbuf.h"

enum { CALL_OPTIONS_MAX = 8 };

struct globals {
	const char *rundir; /* NULL: not given */
	const char *batch;  /* -f FILE; NULL: not given */
	double timeout_s;   /* 0: wait for ever */
	bool json;
	bool human;
	bool help;
	bool version;
};

/* The general options, for help and completion. */
extern const struct command_option global_options[];

struct call {
	const struct noun *noun;       /* NULL: none was given */
	const struct command *command; /* NULL: with --help only */
	const char *args[COMMAND_ARGS_MAX];
	json_t *params; /* an object */
	struct {
		const struct command_option *option;
		const char *value; /* "" for a flag */
	} options[CALL_OPTIONS_MAX];
	unsigned n_options;
};

/* Read the words after the program's name.  0, or -EINVAL with one line in
 * 'why'; 'call' needs call_fini() either way, and call->noun is what was
 * recognized until then. */
int args_parse(const struct noun *const *nouns, int argc, char *const *argv,
	struct globals *globals, struct call *call, struct strbuf *why);
void call_fini(struct call *call);

/* The value of an option, "" for a flag, NULL where it was not given. */
const char *call_option(const struct call *call, const char *name);

/* By full name or unique abbreviation.  NULL with one line in 'why', which
 * tells the candidates or the nearest name. */
const struct noun *noun_lookup(
	const struct noun *const *nouns, const char *word, struct strbuf *why);
const struct command *command_lookup(const struct noun *noun, const char *word, struct strbuf *why);

/* Append "BRIDGE PORT [KEY=VALUE...] [--may-exist]": what follows the verb. */
void command_synopsis(const struct command *command, struct strbuf *text);

/* A decimal number of the whole 'word' from 'min' to 'max': true, and '*value'. */
bool word_number(const char *word, double min, double max, double *value);

/* Cut a line into words as a shell does: blanks part them, '...' "..." and \
 * quote, # begins a comment.  In place; the words point into 'line'.  Returns
 * their number, -E2BIG beyond 'max', -EINVAL for a quote without its end. */
int words_split(char *line, char **words, int max);
