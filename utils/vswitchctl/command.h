/* command.h - the shape of the command table.
 *
 * A noun ("port") has verbs ("add"); one struct command each.  The grammar, the
 * help, the manual page and the completion all read this table, so that a
 * command is added by writing its entry: most need only the method they call
 * and a function that prints its result.
 *
 * Threads: any; all constant. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "keys.h"

struct cli;
struct call;

enum { COMMAND_ARGS_MAX = 4 };

/* What a word stands for: what completion offers in its place. */
enum arg_kind { ARG_TEXT, ARG_BRIDGE, ARG_PORT, ARG_FILE, ARG_LEVEL, ARG_NOUN };

struct command_arg {
	const char *word;  /* as help names it: "BRIDGE"; NULL ends the list */
	const char *param; /* of the method; NULL where the command reads it itself */
	enum arg_kind kind;
	bool optional; /* only after the required ones */
};

struct command_option {
	const char *name;  /* "--may-exist" or "-n"; NULL ends the list */
	const char *value; /* as help names it: "N"; NULL for a flag */
	const char *param; /* of the method, set to true; NULL where the command reads it */
	const char *about; /* lower case, no full stop */
};

/* Whether the method's list is asked for in pages, as pages.h does. */
enum command_paged {
	PAGED_NOT,
	PAGED_LIST,  /* 'print' is given all of it */
	PAGED_PRINT, /* 'print' is called for each page */
};

struct command {
	const char *verb;   /* NULL: the noun alone is the command */
	const char *about;  /* a sentence */
	const char *more;   /* further paragraphs parted by "\n\n", or NULL */
	const char *method; /* NULL where 'run' calls what it needs */
	struct command_arg args[COMMAND_ARGS_MAX + 1];
	enum key_set keys; /* KEY=VALUE words that are taken */
	bool keys_needed;  /* at least one of them */
	const struct command_option *options;
	bool config; /* changes the configuration, so that a batch may hold it */
	enum command_paged paged;
	bool hidden; /* from help and the manual: what programs of ours call */

	/* Do the whole command; an exit status.  NULL: call 'method', then 'print'. */
	int (*run)(struct cli *cli, const struct call *call);
	/* Print the result for people into cli->out.  NULL: nothing to say. */
	void (*print)(struct cli *cli, const struct call *call, json_t *result);
};

struct noun {
	const char *name;
	const char *about; /* a sentence */
	const struct command *commands;
	unsigned n_commands;
	const char *bare; /* the verb meant by the noun alone, or NULL */
};

/* Every noun, in the order of the manual; the entry after the last is NULL. */
extern const struct noun *const commands[];

/* One file per noun. */
extern const struct noun noun_bridge, noun_port, noun_fdb, noun_drops, noun_worker, noun_top,
	noun_watch, noun_log, noun_config, noun_batch, noun_show, noun_status, noun_version,
	noun_completion, noun_help;
