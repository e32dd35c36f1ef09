/* bench.h - how long one operation takes: the median over rounds, by the cycle
 * counter.
 *
 * A round is a function that does 'n' operations; rounds are as long as 'n' makes
 * them (aim at 100 us or more).  The median discards what the rest of the machine
 * did meanwhile.  One line per result:
 *
 *	parse tcp4                      9.8 ns   25.4 cycles
 *
 * In the environment, BENCH_ONLY is the name of the only one to be measured, and with
 * BENCH_COUNT it is not measured but done that many times, silently: what callgrind
 * counts for two counts, divided by their difference, is the instructions of one
 * operation, whatever the set-up costs (callgrind.sh).
 *
 * Threads: one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Is it to be run at all?  Saves a caller the set-up. */
static inline bool bench_wants(const char *name)
{
	const char *only = getenv("BENCH_ONLY");

	return !only || !strcmp(only, name);
}

/* Measure and print. */
static inline void bench_run(const char *name, bench_fn fn, void *arg, unsigned n)
{
	const char *count = getenv("BENCH_COUNT");

	if (!bench_wants(name))
		return;
	if (count) {
		fn((unsigned)strtoul(count, NULL, 10), arg);
		return;
	}
	double cycles = bench_measure(fn, arg, n);

	printf("%-28s %10.1f ns %10.1f cycles\n", name, cycles * 1e9 / (double)clock_cycles_hz(),
		cycles);
}
