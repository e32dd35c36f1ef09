/* rng.h - random numbers for tests: a seed that is printed, and VSWITCH_SEED to
 * run with the same one again. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rng {
	uint64_t state;
};

static inline struct rng rng_init(const char *test)
{
	const char *text = getenv("VSWITCH_SEED");
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	uint64_t seed =
		text ? strtoull(text, NULL, 0) : ((uint64_t)ts.tv_sec << 32 ^ (uint64_t)ts.tv_nsec);
	printf("%s: VSWITCH_SEED=%llu\n", test, (unsigned long long)seed);
	return (struct rng){seed};
}

/* splitmix64: any seed is a good one. */
static inline uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline unsigned rng_below(struct rng *r, unsigned n)
{
	return (unsigned)(rng_u64(r) % n);
}

static inline void rng_fill(struct rng *r, void *dst, size_t len)
{
	uint8_t *p = dst;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(r);
}
