/* Taps when memory or the system fails while they are made or opened, at every place by
 * turns: the reason comes back, no device stays behind that was not there before, one that
 * was is as it was, and the next attempt succeeds. */
#include <errno.h>

#include "port_maker.h"

static void check_no_device(void *arg)
{
	struct maker *m = arg;
	struct netlink_link l;

	check_closed(m);
	assert_int_equal(netlink_link_get(env.look, m->conf.name, &l), -ENODEV);
}

static void tap_that_the_switch_makes(void **state)
{
	struct maker m = maker("t0", &port_tap_ops);

	m.conf.mtu = 1400;
	m.conf.queues = 2;
	m.conf.has_mac = true;
	m.conf.mac = (struct eth_addr){.b = {2, 0, 0, 0, 0, 9}};
	assert_in_range(fail_port(&m, check_up, check_no_device), 20, REFUSALS_MAX);
}

static void internal_port(void **state)
{
	struct maker m = maker("br0", &port_internal_ops);

	m.conf.mtu = 1400;
	assert_in_range(fail_port(&m, check_up, check_no_device), 20, REFUSALS_MAX);
}

static void tap_of_the_host(void **state)
{
	struct maker m = maker("h0", &port_tap_ops);

	close(host_tap("h0", true));
	m.conf.mtu = 1400;
	assert_in_range(fail_port(&m, check_up, check_given_back), 20, REFUSALS_MAX);
	assert_given_back();
	assert_int_equal(netlink_link_del(env.look, link_of("h0").ifindex), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tap_that_the_switch_makes),
		T(internal_port),
		T(tap_of_the_host),
	};

	return ports_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
