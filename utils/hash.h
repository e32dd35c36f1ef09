/* hash.h - keyed hashing for tables that strangers fill.
 *
 * Every table draws its own random seed (hash_seed()), so that nobody outside
 * can choose keys that collide.  Two strengths: hash_u64() mixes one word in a
 * few cycles; hash_bytes() is SipHash-1-3 for anything longer that does not sit
 * in the fast path.
 *
 * Threads: any. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_seed {
	uint64_t k0;
	uint64_t k1;
};

/* A fresh random seed from the kernel. */
struct hash_seed hash_seed(void);

uint64_t hash_bytes(struct hash_seed seed, const void *data, size_t len);

/* A keyed mix of one word: two rounds of 64x64->128 multiply and fold. */
static inline uint64_t hash_u64(struct hash_seed seed, uint64_t v)
{
	__extension__ typedef unsigned __int128 u128;
	u128 m = (u128)(v ^ seed.k0) * (seed.k1 | 1);
	uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);

	m = (u128)(h ^ seed.k1) * 0x9e3779b97f4a7c15u;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}
