/* fail_each.h - builds something again and again, with the n-th allocation or system call
 * failing, for every n.
 *
 * What make() answers to a failure must be an error, or what it has built must work all the
 * same; either way, when it has been taken down the process holds what it held before, and
 * the next attempt, in the same surroundings, succeeds: at least it gets as far as to the
 * next failure, and now and then to its end.
 *
 * Threads: the test's. */
#pragma once

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "fail_nth.h"

enum { FAIL_PATIENCE_MS = 5000, FAIL_WHOLE_EVERY = 8, FAIL_FDS = 64 };

/* 'arg' is the caller's. */
struct subject {
	int (*make)(void *arg);	    /* 0 or -errno; nothing fails before or after it */
	void (*check)(void *arg);   /* asserts that what was made works */
	void (*unmake)(void *arg);  /* takes down what was made */
	void (*refused)(void *arg); /* asserts what must hold after a failure; or NULL */
	bool single;		    /* not: all that follow the n-th fail, too */
	bool slow;		    /* a whole attempt only after every eighth failure */
	void *arg;
};

/* An event loop that has met all descriptors up to FAIL_FDS: it keeps a block for each, and
 * which one comes next depends on what other threads have open. */
static inline struct event_base *fail_event_base(void)
{
	struct event_base *base = event_base_new();
	struct event *events[FAIL_FDS];
	unsigned n = 0;

	assert_non_null(base);
	do {
		int fd = eventfd(0, EFD_CLOEXEC);

		assert_true(fd >= 0);
		events[n] = event_new(base, fd, EV_READ, NULL, NULL);
		assert_int_equal(event_add(events[n], NULL), 0);
	} while (event_get_fd(events[n++]) < FAIL_FDS - 1);
	while (n--) {
		int fd = event_get_fd(events[n]);

		event_free(events[n]);
		close(fd);
	}
	return base;
}

static void make_well(const struct subject *s)
{
	assert_int_equal(s->make(s->arg), 0);
	s->check(s->arg);
	s->unmake(s->arg);
}

static bool is_held(const struct fail_held *before, struct fail_held *now)
{
	*now = fail_held();
	return now->blocks <= before->blocks && now->maps <= before->maps &&
	       now->fds <= before->fds;
}

/* Other threads may still be closing what they were given; of what they had when 'before' was
 * taken it may be less now, and may not be more again. */
static void assert_held(struct fail_held *before, const char *failed, unsigned n)
{
	uint64_t end_ms = clock_now_ms() + FAIL_PATIENCE_MS;
	struct fail_held now;

	while (!is_held(before, &now) && clock_now_ms() < end_ms)
		sched_yield();
	if (!is_held(before, &now))
		fail_msg("left behind after failure %u (%s): %ld blocks, %ld maps, %ld descriptors",
			n, failed ? failed : "none", now.blocks - before->blocks,
			now.maps - before->maps, now.fds - before->fds);
	*before = now;
}

static const char *fail_one(
	const struct subject *s, enum fail_kind kind, unsigned n, bool stays, unsigned *refusals)
{
	fail_arm(kind, n, stays);
	int rc = s->make(s->arg);
	const char *failed = fail_disarm();

	if (rc > 0 || (rc && !failed))
		fail_msg("answer %d, failure %u (%s)", rc, n, failed ? failed : "none");
	if (!rc) {
		s->check(s->arg);
		s->unmake(s->arg);
	} else {
		++*refusals;
		if (s->refused)
			s->refused(s->arg);
	}
	return failed;
}

/* How many attempts were refused. */
static unsigned fail_each(const struct subject *s, enum fail_kind kind)
{
	unsigned refusals = 0;

	make_well(s); /* what is built once per process is there from now on */
	make_well(s);
	struct fail_held before = fail_held();
	for (int stays = 0; stays < (s->single ? 1 : 2); stays++) {
		const char *failed = "";

		for (unsigned n = 1; failed; n++) {
			failed = fail_one(s, kind, n, stays, &refusals);
			assert_held(&before, failed, n);
			if (s->slow && failed && n % FAIL_WHOLE_EVERY)
				continue;
			make_well(s);
			assert_held(&before, failed, n);
		}
	}
	return refusals;
}
