/* closer.h - what the kernel makes one wait for, done by threads of their own.
 *
 * Closing a packet socket or a tap waits for RCU grace periods of the kernel, some
 * 10 ms each; the control thread must not.  A few threads do it, so that waits
 * overlap; they start with the first job and end with the process.
 *
 * Threads: closer_close() any, the rest control. */
#pragma once

#include <stdbool.h>

struct event_base;

/* Before closer_run(): where 'done' is to run.  0 or -errno. */
int closer_init(struct event_base *base);
void closer_fini(void); /* every 'done' has run */

/* Close 'fd' soon.  It is the closer's from now on. */
void closer_close(int fd);

/* The caller's memory, until 'done' is called. */
struct closer_job {
	void (*work)(void *arg); /* on a thread of the closer's */
	void (*done)(void *arg); /* after it, from the event loop */
	void *arg;
	struct closer_job *next; /* the closer's */
};

/* Jobs are begun in order. */
void closer_run(struct closer_job *job);

/* Has all that it was given been done, and told?  For tests. */
bool closer_is_idle(void);
