/* random_match.h - random matches and keys for tests of the classifier: few different values,
 * so that matches meet again, overlap and cover each other, and keys hit. */
#pragma once

#include <string.h>

#include "match.h"
#include "rng.h"

enum match_kind {
	MATCH_ONE_MASK,	 /* a five-tuple */
	MATCH_FEW_MASKS, /* of fields, up to 32 */
	MATCH_PREFIXES,	 /* of two addresses, with ports or not */
	MATCH_BITS,	 /* any bits of two words: no two masks have much in common */
	MATCH_WIDE,	 /* bits of any words */
	MATCH_ONE_BIT,	 /* no two masks have anything in common */
	MATCH_SAME,	 /* one of three */
	MATCH_KINDS
};

static inline uint64_t few_values(struct rng *r)
{
	return 0x0101010101010101u * rng_below(r, 3);
}

/* 'mask' of some word, and a value for it. */
static inline void match_word(struct rng *r, struct match *m, unsigned word, uint64_t mask)
{
	flow_words(&m->mask)[word] |= mask;
	flow_words(&m->key)[word] = (flow_words(&m->key)[word] & ~mask) | (few_values(r) & mask);
}

static inline uint64_t prefix_mask(unsigned len)
{
	return len ? htobe32(0xffffffffu << (32 - len)) : 0;
}

static inline struct match random_match(struct rng *r, enum match_kind kind)
{
	enum { ADDRS = 22, PORTS = 26, PROTO = 18, REG = 9 };
	struct match m;

	memset(&m, 0, sizeof(m));
	switch (kind) {
	case MATCH_ONE_MASK:
		match_word(r, &m, PROTO, 0xff00ffff00000000u);
		match_word(r, &m, ADDRS, UINT64_MAX);
		match_word(r, &m, PORTS, 0xffffffffu);
		break;
	case MATCH_FEW_MASKS:
		for (unsigned i = 0; i < 5; i++)
			if (rng_below(r, 2))
				match_word(r, &m, PROTO + 2 * i, i & 1 ? 0xffff : UINT64_MAX);
		break;
	case MATCH_PREFIXES:
		match_word(r, &m, ADDRS, prefix_mask(rng_below(r, 33)));
		match_word(r, &m, ADDRS, prefix_mask(rng_below(r, 33)) << 32);
		if (rng_below(r, 2))
			match_word(r, &m, PORTS, rng_below(r, 2) ? 0xffff : 0xffff0000u);
		break;
	case MATCH_BITS:
		match_word(r, &m, REG, rng_u64(r) & rng_u64(r));
		match_word(r, &m, REG + 1, rng_u64(r) & rng_u64(r));
		break;
	case MATCH_WIDE:
		for (unsigned i = 0; i < FLOW_WORDS; i++)
			if (rng_below(r, 3) == 0)
				match_word(r, &m, i, rng_u64(r) & rng_u64(r) & rng_u64(r));
		break;
	case MATCH_ONE_BIT:
		flow_words(&m.mask)[rng_below(r, FLOW_WORDS)] = 1ull << rng_below(r, 64);
		if (rng_below(r, 2))
			m.key = m.mask;
		break;
	default:
		for (unsigned i = rng_below(r, 3); i; i--)
			match_word(r, &m, PROTO + i, UINT64_MAX);
		memset(&m.key, 0, sizeof(m.key));
	}
	return m;
}

/* One that has 'm' as its like: often matched by it, or by all but a bit. */
static inline struct flow_key random_key(struct rng *r, const struct match *m)
{
	struct flow_key key;
	uint64_t *w = flow_words(&key);
	const uint64_t *mask = flow_words_const(&m->mask), *value = flow_words_const(&m->key);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		w[i] = (few_values(r) & ~mask[i]) | value[i];
	if (rng_below(r, 4) == 0)
		w[rng_below(r, FLOW_WORDS)] ^= 1ull << rng_below(r, 64);
	return key;
}
