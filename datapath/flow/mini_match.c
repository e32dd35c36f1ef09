#include "mini_match.h"

#include <string.h>

unsigned mini_match_size(const struct match *match)
{
	return (unsigned)__builtin_popcount(flow_key_map(&match->mask));
}

void mini_match_init(struct mini_match *m, const struct match *match, uint64_t *words)
{
	const uint64_t *mask = flow_words_const(&match->mask);
	const uint64_t *value = flow_words_const(&match->key);

	m->map = flow_key_map(&match->mask);
	m->n = (uint32_t)__builtin_popcount(m->map);
	m->words = words;
	for (flow_map map = m->map; map; map &= map - 1, words++) {
		words[0] = mask[__builtin_ctz(map)];
		words[m->n] = value[__builtin_ctz(map)];
	}
}

static void spread(flow_map map, const uint64_t *from, uint64_t *to)
{
	for (; map; map &= map - 1)
		to[__builtin_ctz(map)] = *from++;
}

void mini_match_expand(const struct mini_match *m, struct match *match)
{
	memset(match, 0, sizeof(*match));
	spread(m->map, m->words, flow_words(&match->mask));
	spread(m->map, m->words + m->n, flow_words(&match->key));
}

void mini_match_key(const struct mini_match *m, struct flow_key *key)
{
	memset(key, 0, sizeof(*key));
	spread(m->map, m->words + m->n, flow_words(key));
}

bool mini_match_equal(const struct mini_match *a, const struct mini_match *b)
{
	return a->map == b->map && !memcmp(a->words, b->words, 2 * a->n * sizeof(*a->words));
}

bool mini_match_covers(const struct mini_match *a, const struct mini_match *b)
{
	const uint64_t *mask = a->words, *value = mask + a->n;

	if (a->map & ~b->map)
		return false;
	for (flow_map map = a->map; map; map &= map - 1, mask++, value++) {
		const uint64_t *other = b->words + flow_map_rank(b->map, __builtin_ctz(map));

		if ((*mask & ~other[0]) || (other[b->n] & *mask) != *value)
			return false;
	}
	return true;
}

bool mini_match_overlaps(const struct mini_match *a, const struct mini_match *b)
{
	for (flow_map map = a->map & b->map; map; map &= map - 1) {
		const uint64_t *x = a->words + flow_map_rank(a->map, __builtin_ctz(map));
		const uint64_t *y = b->words + flow_map_rank(b->map, __builtin_ctz(map));

		if ((x[a->n] ^ y[b->n]) & x[0] & y[0])
			return false;
	}
	return true;
}

bool mini_mask_within(flow_map a_map, const uint64_t *a, flow_map b_map, const uint64_t *b)
{
	if (a_map & ~b_map)
		return false;
	for (flow_map map = a_map; map; map &= map - 1)
		if (*a++ & ~b[flow_map_rank(b_map, __builtin_ctz(map))])
			return false;
	return true;
}
