/* Interfaces of the host when memory or the system fails while they are taken, at every
 * place by turns: the reason comes back, the interface is as it was before, and the next
 * attempt succeeds.  A switch that is killed at any place leaves what can be given back. */
#include <signal.h>
#include <sys/wait.h>

#include "leftovers.h"
#include "port_maker.h"

static void netdev_of_the_host(void **state)
{
	struct maker m = maker("h0", &port_netdev_ops);
	int fd = host_tap("h0", false);

	m.conf.mtu = 1400;
	m.conf.queues = 2;
	assert_in_range(fail_port(&m, check_up, check_given_back), 40, REFUSALS_MAX);
	assert_given_back();
	close(fd);
}

/* bpf(2) is to be called again where a signal came in between. */
static void signal_while_a_netdev_is_opened_does_no_harm(void **state)
{
	struct maker m = maker("h0", &port_netdev_ops);
	int fd = host_tap("h0", false);
	unsigned signals = 0;
	const char *failed = "";

	assert_int_equal(make_port(&m), 0);
	for (unsigned n = 1; failed; n++) {
		fail_arm(FAIL_SYSCALL, n, false);
		int rc = open_port(&m);
		failed = fail_disarm();
		if (failed && !strcmp(failed, "bpf")) {
			assert_int_equal(rc, 0);
			signals++;
		}
		if (!rc)
			close_port(&m);
	}
	assert_int_equal(signals, 2); /* programs are loaded */
	destroy_port(&m);
	close(fd);
}

/* In a process of its own, with the n-th call in its stead. */
static void die_with_netdev(unsigned n)
{
	struct maker m = maker("h0", &port_netdev_ops);

	m.conf.mtu = 1400;
	event_reinit(env.base);
	if (netlink_open(&env.nl) || make_port(&m))
		_exit(2);
	fail_arm(FAIL_DEATH, n, false);
	int rc = open_port(&m);
	if (!rc)
		port_close(m.port, true);
	_exit(rc ? 2 : 0);
}

static void on_cleared(bool done, const char *text, void *arg)
{
	assert_true(done);
}

static void killed_at_any_call_a_netdev_can_be_given_back(void **state)
{
	static const struct leftovers_ops ops = {.tell = on_cleared};
	int fd = host_tap("h0", false), status;
	unsigned deaths = 0;

	for (;;) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			die_with_netdev(deaths + 1);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(leftovers_clear(env.look, OWNER, &ops, NULL), 0);
		assert_given_back();
		if (!WIFSIGNALED(status))
			break;
		assert_int_equal(WTERMSIG(status), SIGKILL);
		deaths++;
	}
	assert_int_equal(status, 0);
	assert_in_range(deaths, 40, REFUSALS_MAX);
	close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(netdev_of_the_host),
		T(signal_while_a_netdev_is_opened_does_no_harm),
		T(killed_at_any_call_a_netdev_can_be_given_back),
	};

	return ports_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
