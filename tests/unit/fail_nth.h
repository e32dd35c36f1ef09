/* fail_nth.h - makes the n-th allocation, or the n-th system call, of a thread fail.
 *
 * In a test that links it, it stands before the functions of the C library and of the
 * sanitizers: what the switch, libevent, SQLite, libnl, libpcap and the C library itself ask
 * for comes by here.  Everything is passed on, and counted, until a thread asks for a
 * failure; other threads never get one.
 *
 * FAIL_ALLOC is malloc() and its kin, and mmap(); FAIL_OWN_ALLOC those of them that the
 * program itself calls, not the libraries that it is linked with.  FAIL_SYSCALL is what takes a
 * descriptor, a thread or a device from the system or sets it up; see the bottom of fail_nth.c.
 * FAIL_DEATH kills the process in place of such a call.
 *
 * Threads: any; arm and disarm concern the calling one. */
#pragma once

#include <stdbool.h>

enum fail_kind { FAIL_ALLOC, FAIL_OWN_ALLOC, FAIL_SYSCALL, FAIL_DEATH };

/* The n-th from now on, counted from 1, fails; with 'stays' all that follow, too.  An
 * allocation fails with ENOMEM, a call with an errno that it is known to have. */
void fail_arm(enum fail_kind kind, unsigned n, bool stays);

/* From now on nothing fails.  The name of the function that failed first; NULL where there
 * were less than n calls. */
const char *fail_disarm(void);

/* What the process holds at the moment. */
struct fail_held {
	long blocks; /* allocated and not freed */
	long maps;   /* of mmap() */
	long fds;
};

struct fail_held fail_held(void);
