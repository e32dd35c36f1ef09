/* The terminal as a picture: what happens just before the program sleeps is not missed. */
#include <dlfcn.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "screen.h"

enum { PATIENCE_S = 20 };

static const uint64_t second_ns = 1000000000;
static int signal_first; /* comes before the next sleep */

static void be_late(void)
{
	int signo = signal_first;

	signal_first = 0;
	if (signo)
		raise(signo);
}

/* They stand before the C library's. */
int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	be_late();
	return ((__typeof__(&poll))dlsym(RTLD_NEXT, "poll"))(fds, n, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *sleeping)
{
	be_late();
	return ((__typeof__(&ppoll))dlsym(RTLD_NEXT, "ppoll"))(fds, n, timeout, sleeping);
}

struct terminal {
	int master, in, out; /* what stdin and stdout were */
};

static int setup(void **state)
{
	static struct terminal t;
	int slave;

	t.in = dup(STDIN_FILENO);
	t.out = dup(STDOUT_FILENO);
	assert_int_equal(openpty(&t.master, &slave, NULL, NULL, NULL), 0);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	close(slave);
	assert_true(screen_open());
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct terminal *t = *state;

	screen_close();
	dup2(t->in, STDIN_FILENO);
	dup2(t->out, STDOUT_FILENO);
	close(t->in);
	close(t->out);
	close(t->master);
	return 0;
}

static void assert_resized_before_time(void)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_S * second_ns;

	assert_int_equal(screen_wait(end_ns), SCREEN_RESIZED);
	assert_true(clock_now_ns() < end_ns);
}

static void new_size_just_before_the_sleep_is_seen(void **state)
{
	signal_first = SIGWINCH;
	assert_resized_before_time();
}

static void new_size_between_two_sleeps_is_seen(void **state)
{
	raise(SIGWINCH);
	assert_resized_before_time();
}

static void key_ends_it_and_time_passes(void **state)
{
	struct terminal *t = *state;

	assert_int_equal(screen_wait(clock_now_ns() + second_ns / 100), SCREEN_TIME);
	assert_int_equal(write(t->master, "xq", 2), 2);
	assert_int_equal(screen_wait(clock_now_ns() + PATIENCE_S * second_ns), SCREEN_QUIT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(new_size_just_before_the_sleep_is_seen),
		T(new_size_between_two_sleeps_is_seen),
		T(key_ends_it_and_time_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
