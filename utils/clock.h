/* clock.h - monotonic time and the cycle counter.
 *
 * Time in ns or ms since an arbitrary start.  Tests may warp it forward;
 * the switch itself never does.
 *
 * Threads: any. */
#pragma once

#include <stdint.h>

uint64_t clock_now_ns(void);
uint64_t clock_now_ms(void);

/* Processor time that the calling thread has used; a system call. */
uint64_t clock_thread_ns(void);

/* Move the clock forward; for tests of time-outs and ageing. */
void clock_warp_ms(uint64_t ms);

/* Frequency of clock_cycles(), measured once (takes about 10 ms the first time
 * where the machine does not tell). */
uint64_t clock_cycles_hz(void);

/* A cheap counter of constant rate: the TSC on x86, the virtual counter on arm64. */
static inline uint64_t clock_cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t v;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
	return clock_now_ns();
#endif
}

static inline void clock_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}
