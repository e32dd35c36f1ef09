/* held.h - what the switch keeps for a connection between its calls, so that documents of
 * the configuration may be longer than one line of the protocol.
 *
 * An answer in pages: the lists of config.export or of config.apply, as they were when that
 * was done, taken page by page with config.more.  One at a time; a later one takes its
 * place.  The objects are the configuration's own, shared, and not copied.
 *
 * A document in parts: what config.part gave, until config.apply takes it.  Bounded over all
 * connections by LIMITS_PARTS_BYTES.
 *
 * Threads: control. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "refusal.h"
#include "strbuf.h"

struct held {
	json_t *answer; /* an object of lists and numbers; NULL: none */
	size_t at;	/* entries of all its lists that were given out */
	unsigned serial;

	json_t *parts; /* an array of documents; NULL: none */
	size_t bytes;  /* of their text */
};

void held_fini(struct held *h, size_t *all_bytes);

/* ---- an answer in pages ---- */

/* Takes the reference. */
void held_answer(struct held *h, json_t *answer);

/* Append the next page: the object with as many entries as 'limit' and 'bytes' allow, one at
 * least, and "next" where there are more.  The answer is let go with its last page. */
void held_page(struct held *h, size_t limit, size_t bytes, struct strbuf *out);

/* Is this the "next" of the last page? */
bool held_continues(const struct held *h, const char *after);

/* The object with the entries that there is room for, and "more": how many were left out. */
void held_cut(const json_t *answer, size_t bytes, struct strbuf *out);

/* ---- a document in parts ---- */

/* Keep a part of 'bytes'; 'all_bytes' is the sum over all connections.  How many there are,
 * or -ENOSPC. */
int held_part(struct held *h, json_t *part, size_t bytes, size_t *all_bytes);

/* All parts as one document, a new one; NULL where there are not 'n'.  They are gone. */
json_t *held_join(struct held *h, size_t n, size_t *all_bytes);
