/* completion.h - what may come next in a command line.
 *
 * Threads: one. */
#pragma once

#include "args.h"

/* The names of the daemon's objects: 'method' is bridge.list or port.list.  An
 * array of objects with "name", the caller's, or NULL. */
typedef json_t *completion_names_fn(const char *method, const char *rundir, void *arg);

/* Append the words that may stand in the place of the last one of 'line', a
 * line each.  'line' is what follows the program's name; where it ends in a
 * blank the last word is empty.  Where a file belongs nothing is appended. */
void completion_reply(const struct noun *const *nouns, const char *line, completion_names_fn *names,
	void *arg, struct strbuf *out);
