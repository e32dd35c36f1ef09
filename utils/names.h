/* names.h - find a name by its beginning, or the one that was meant.
 *
 * Threads: any. */
#pragma once

#include "strbuf.h"

enum { NAMES_NONE = -1, NAMES_AMBIGUOUS = -2 };

/* The index of 'word' among 'n' names: the equal one, else the only one that
 * begins with it.  Else NAMES_NONE or NAMES_AMBIGUOUS, and one line in 'why'
 * that calls them 'what' and tells the candidates or the nearest. */
int names_lookup(const char *const *names, unsigned n, const char *word, const char *what,
	struct strbuf *why);

/* The name nearest to 'word' by edits, or NULL where none is near. */
const char *names_nearest(const char *const *names, unsigned n, const char *word);
