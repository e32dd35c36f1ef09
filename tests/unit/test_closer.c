/* Jobs run side by side on threads of their own; who waits is told from the event loop. */
#include "closer.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"

enum { JOBS = 8, MANY = 200, PATIENCE_MS = 20000 };

struct job {
	struct closer_job job;
	pthread_t worked_on, done_on;
	unsigned *n_done;
	pthread_barrier_t *together; /* where all jobs meet; NULL: do not wait */
};

static int setup(void **state)
{
	struct event_base *base = event_base_new();

	*state = base;
	return base ? closer_init(base) : -1;
}

static int teardown(void **state)
{
	closer_fini();
	event_base_free(*state);
	return 0;
}

static void work(void *arg)
{
	struct job *j = arg;

	j->worked_on = pthread_self();
	if (j->together)
		pthread_barrier_wait(j->together);
}

static void done(void *arg)
{
	struct job *j = arg;

	j->done_on = pthread_self();
	++*j->n_done;
}

static void await(struct event_base *base, const unsigned *n_done, unsigned n)
{
	uint64_t deadline = clock_now_ms() + PATIENCE_MS;

	while (*n_done < n) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_true(clock_now_ms() < deadline);
	}
	assert_int_equal(*n_done, n);
}

static void work_is_done_elsewhere_and_told_here(void **state)
{
	unsigned n_done = 0;
	struct job j = {.job = {.work = work, .done = done, .arg = &j}, .n_done = &n_done};

	closer_run(&j.job);
	assert_int_equal(n_done, 0); /* never from within the call */
	await(*state, &n_done, 1);
	assert_false(pthread_equal(j.worked_on, pthread_self()));
	assert_true(pthread_equal(j.done_on, pthread_self()));
}

/* None of them ends before all have begun: one after the other they never would. */
static void waits_overlap(void **state)
{
	pthread_barrier_t together;
	struct job jobs[JOBS];
	unsigned n_done = 0;

	pthread_barrier_init(&together, NULL, JOBS);
	for (unsigned round = 0; round < 3; round++) {
		n_done = 0;
		for (unsigned i = 0; i < JOBS; i++) {
			jobs[i] = (struct job){.job = {.work = work, .done = done, .arg = &jobs[i]},
				.n_done = &n_done,
				.together = &together};
			closer_run(&jobs[i].job);
		}
		await(*state, &n_done, JOBS);
	}
	pthread_barrier_destroy(&together);
}

static void more_jobs_than_threads_are_all_done(void **state)
{
	static struct job jobs[MANY];
	unsigned n_done = 0;

	for (unsigned i = 0; i < MANY; i++) {
		jobs[i] = (struct job){
			.job = {.work = work, .done = done, .arg = &jobs[i]}, .n_done = &n_done};
		closer_run(&jobs[i].job);
	}
	await(*state, &n_done, MANY);
}

static void descriptors_are_closed(void **state)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	closer_close(ends[1]);
	/* The reader sees the end of the file once the only writer is closed. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			work_is_done_elsewhere_and_told_here, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_overlap, setup, teardown),
		cmocka_unit_test_setup_teardown(
			more_jobs_than_threads_are_all_done, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_closed, setup, teardown),
	};

	return cmocka_run_group_tests_name("closer", tests, NULL, NULL);
}
