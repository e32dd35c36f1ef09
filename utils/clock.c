#include "clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t warp_ns;
static _Atomic uint64_t cycles_hz;

static uint64_t clock_raw_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_now_ns(void)
{
	return clock_raw_ns() + atomic_load_explicit(&warp_ns, memory_order_relaxed);
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000u;
}

uint64_t clock_thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void clock_warp_ms(uint64_t ms)
{
	atomic_fetch_add(&warp_ns, ms * 1000000u);
}

uint64_t clock_cycles_hz(void)
{
	uint64_t hz = atomic_load_explicit(&cycles_hz, memory_order_relaxed);

	if (hz)
		return hz;
#if defined(__aarch64__)
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
#else
	uint64_t t0 = clock_raw_ns(), c0 = clock_cycles(), t1;

	do {
		t1 = clock_raw_ns();
	} while (t1 - t0 < 10000000u);
	hz = (clock_cycles() - c0) * 1000000000u / (t1 - t0);
#endif
	atomic_store_explicit(&cycles_hz, hz, memory_order_relaxed);
	return hz;
}
