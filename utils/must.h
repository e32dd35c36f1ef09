/* must.h - out of memory in the control plane ends the process.
 *
 * Its allocations are small and belong to the control plane (what a client can size is
 * bounded before); going on without them would leave half a change.
 *
 * Threads: any. */
#pragma once

#include <stdlib.h>

/* 'p', which is not NULL. */
#define must(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) must_p = (p);                                                        \
		if (!must_p)                                                                       \
			abort();                                                                   \
		must_p;                                                                            \
	})

/* For calls that answer 0, such as json_object_set_new(). */
static inline void must_do(int rc)
{
	if (rc)
		abort();
}
