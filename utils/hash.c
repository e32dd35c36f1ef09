#include "hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct hash_seed hash_seed(void)
{
	struct hash_seed seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		abort();
	return seed;
}

static inline uint64_t rotl(uint64_t v, int n)
{
	return (v << n) | (v >> (64 - n));
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t hash_bytes(struct hash_seed seed, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v[4] = {
		seed.k0 ^ 0x736f6d6570736575u,
		seed.k1 ^ 0x646f72616e646f6du,
		seed.k0 ^ 0x6c7967656e657261u,
		seed.k1 ^ 0x7465646279746573u,
	};
	uint64_t last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		uint64_t m;
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
