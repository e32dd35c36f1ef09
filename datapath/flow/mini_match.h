/* mini_match.h - a match without its empty words: a rule that looks at three words of a key
 * has three masks and three values.
 *
 * The invariant is that of match.h: value bits outside the mask are 0.
 *
 * Pure; any thread.  Inline, since lookups of the classifier compare with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "match.h"

struct mini_match {
	flow_map map;	 /* words of which the mask is not 0 */
	uint32_t n;	 /* of them */
	uint64_t *words; /* n masks, then n values; the owner's memory */
};

/* Where among its set words does a map have word 'i'? */
static inline unsigned flow_map_rank(flow_map map, unsigned i)
{
	return (unsigned)__builtin_popcount(map & ((1u << i) - 1));
}

/* Words of 'match' that a mini_match keeps; each takes two of its memory. */
unsigned mini_match_size(const struct match *match);
/* 'words' has room for all of them. */
void mini_match_init(struct mini_match *m, const struct match *match, uint64_t *words);
void mini_match_expand(const struct mini_match *m, struct match *match);
/* The values alone, with 0 for all else. */
void mini_match_key(const struct mini_match *m, struct flow_key *key);

bool mini_match_equal(const struct mini_match *a, const struct mini_match *b);
/* Every packet that 'b' matches, 'a' matches. */
bool mini_match_covers(const struct mini_match *a, const struct mini_match *b);
/* Some packet is matched by both. */
bool mini_match_overlaps(const struct mini_match *a, const struct mini_match *b);

static inline bool mini_match_hits(const struct mini_match *m, const uint64_t *key)
{
	const uint64_t *mask = m->words, *value = mask + m->n;

	for (flow_map map = m->map; map; map &= map - 1)
		if ((key[__builtin_ctz(map)] & *mask++) != *value++)
			return false;
	return true;
}

/* Does mask 'b' have every bit of mask 'a'?  Each is a map and the words that it names. */
bool mini_mask_within(flow_map a_map, const uint64_t *a, flow_map b_map, const uint64_t *b);
