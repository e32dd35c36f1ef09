/* pages.h - lists of the daemon, asked for page by page ("limit", "after" and "next" of
 * proto/management.md), so that they may be of any length.
 *
 * Threads: one. */
#pragma once

#include "cli.h"

struct pages {
	struct cli *cli;
	const char *method;
	json_t *params;
	bool end;
	bool failed; /* an error was told */
};

/* 'params' is borrowed, NULL for none; so is 'method'. */
void pages_init(struct pages *pages, struct cli *cli, const char *method, const json_t *params);
void pages_fini(struct pages *pages);

/* The next page, an array, the caller's; NULL at the end, or after an error that has been
 * told. */
json_t *pages_next(struct pages *pages);

/* All of a list; NULL after an error that has been told. */
json_t *pages_all(struct cli *cli, const char *method, const json_t *params);

/* Do a command whose 'print' takes page after page: each is written before the next one is
 * asked for.  With --json they are one array.  An exit status. */
int pages_run(struct cli *cli, const struct call *call);
