/* bench.h - how long one operation takes: the median over rounds, by the cycle
 * counter.
 *
 * A round is a function that does 'n' operations; rounds are as long as 'n' makes
 * them (aim at 100 us or more).  The median discards what the rest of the machine
 * did meanwhile.  One line per result:
 *
 *	parse tcp4                      9.8 ns   25.4 cycles
 *
 * Threads: one. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

enum { BENCH_ROUNDS = 101 };

/* Do 'n' operations. */
typedef void (*bench_fn)(unsigned n, void *arg);

/* Keep the compiler from leaving out the work that yields 'p', and from knowing what
 * lies behind it. */
static inline void bench_use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Cycles per operation. */
static inline double bench_measure(bench_fn fn, void *arg, unsigned n)
{
	double rounds[BENCH_ROUNDS];

	fn(n, arg); /* warms caches and predictors */
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		uint64_t start = clock_cycles();
		fn(n, arg);
		rounds[i] = (double)(clock_cycles() - start) / n;
	}
	qsort(rounds, BENCH_ROUNDS, sizeof(rounds[0]), bench_compare);
	return rounds[BENCH_ROUNDS / 2];
}

/* Measure and print. */
static inline void bench_run(const char *name, bench_fn fn, void *arg, unsigned n)
{
	double cycles = bench_measure(fn, arg, n);

	printf("%-28s %10.1f ns %10.1f cycles\n", name, cycles * 1e9 / (double)clock_cycles_hz(),
		cycles);
}
