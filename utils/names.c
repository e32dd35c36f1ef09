#include "names.h"

#include <string.h>

/* Beyond this nobody means a command; it bounds the work of the distance. */
enum { WORD_MAX = 32 };

/* Insertions, deletions, replacements and swaps of neighbours that turn 'a'
 * into 'b' (optimal string alignment). */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[strlen(a) % 3][n];
}

const char *names_nearest(const char *const *names, unsigned n, const char *word)
{
	const char *nearest = NULL;
	unsigned least = 0;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		if (strlen(names[i]) > WORD_MAX)
			continue;
		unsigned edits = edit_distance(word, names[i]);
		size_t letters = strlen(names[i]) - strspn(names[i], "-");
		/* A third of the word may be wrong; "rm" is not meant to be "add". */
		if (edits > (letters + 2) / 3 || edits >= strlen(word))
			continue;
		if (!nearest || edits < least) {
			nearest = names[i];
			least = edits;
		}
	}
	return nearest;
}

int names_lookup(const char *const *names, unsigned n, const char *word, const char *what,
	struct strbuf *why)
{
	size_t len = strlen(word);
	unsigned matches = 0;
	int found = NAMES_NONE;

	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(names[i], word))
			return (int)i;
		if (len && !strncmp(names[i], word, len)) {
			matches++;
			found = (int)i;
		}
	}
	if (matches == 1)
		return found;
	if (matches > 1) {
		strbuf_printf(why, "%s '%s' is ambiguous: ", what, word);
		for (unsigned i = 0; i < n; i++)
			if (!strncmp(names[i], word, len))
				strbuf_printf(why, "%s%s", names[i], --matches ? ", " : "");
		return NAMES_AMBIGUOUS;
	}

	const char *nearest = names_nearest(names, n, word);

	strbuf_printf(why, "no %s '%s'", what, word);
	if (nearest)
		strbuf_printf(why, ", did you mean '%s'?", nearest);
	return NAMES_NONE;
}
