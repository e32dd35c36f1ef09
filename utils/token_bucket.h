/* token_bucket.h - a rate limit in one 64-bit word, shared by any threads.
 *
 * The generic cell rate algorithm: the word is the theoretical arrival time of
 * the next conforming unit, in ns.  A unit conforms while that time is at most
 * 'burst_ns' ahead of now.  The cost of a charge rounds down to whole ns, so
 * above 10^8 units/s charge a burst at once rather than unit by unit.
 *
 * A charge of more than the burst conforms where the source has been quiet for the whole
 * of it, and keeps those that follow waiting until it is paid: the rate is kept, and
 * nothing is too large to ever pass.
 *
 * Threads: any; lock-free. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
	_Atomic uint64_t tat_ns;
};

/* Immutable rate, shared by the buckets that use it.  rate 0 means no limit. */
struct token_rate {
	uint64_t rate;	    /* units per second */
	uint64_t unit_cost; /* in ns / 2^32: charging multiplies, it does not divide */
	uint64_t burst_ns;  /* how far ahead of its rate a source may run */
};

static inline struct token_rate token_rate_make(uint64_t rate, uint64_t burst_units)
{
	struct token_rate r = {.rate = rate};

	if (rate) {
		r.unit_cost = (1000000000ull << 32) / rate;
		r.burst_ns = (uint64_t)((double)burst_units * 1e9 / (double)rate);
	}
	return r;
}

/* As if nothing had been charged, for when the rate changes. */
static inline void token_bucket_reset(struct token_bucket *b)
{
	atomic_store_explicit(&b->tat_ns, 0, memory_order_relaxed);
}

/* Charge 'units' at time 'now_ns'.  False, and nothing charged, where that
 * would exceed the burst. */
static inline bool token_bucket_take(
	struct token_bucket *b, const struct token_rate *r, uint64_t units, uint64_t now_ns)
{
	if (!r->rate)
		return true;

	uint64_t cost = (uint64_t)((unsigned __int128)units * r->unit_cost >> 32);
	uint64_t tat = atomic_load_explicit(&b->tat_ns, memory_order_relaxed);

	for (;;) {
		uint64_t base = tat > now_ns ? tat : now_ns;
		if (base + (cost < r->burst_ns ? cost : r->burst_ns) > now_ns + r->burst_ns)
			return false;
		if (atomic_compare_exchange_weak_explicit(&b->tat_ns, &tat, base + cost,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
	}
}
