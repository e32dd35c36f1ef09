/* On a tap in a network namespace of this process: its VLAN insertion can be switched. */
#include "ethtool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static int tap, ifindex;

static int setup(void **state)
{
	struct ifreq ifr = {.ifr_name = "t0", .ifr_flags = IFF_TAP | IFF_NO_PI};

	tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &ifr))
		return -1;
	ifindex = (int)if_nametoindex("t0");
	return 0;
}

static int teardown(void **state)
{
	return close(tap);
}

static void flag_is_switched_off_and_on_again(void **state)
{
	assert_true(ethtool_flag(ifindex, ETH_FLAG_TXVLAN));
	assert_int_equal(ethtool_set_flag(ifindex, ETH_FLAG_TXVLAN, false), 0);
	assert_false(ethtool_flag(ifindex, ETH_FLAG_TXVLAN));
	assert_int_equal(ethtool_set_flag(ifindex, ETH_FLAG_TXVLAN, true), 0);
	assert_true(ethtool_flag(ifindex, ETH_FLAG_TXVLAN));
}

static void flag_that_the_device_has_not_cannot_be_switched_on(void **state)
{
	assert_false(ethtool_flag(ifindex, ETH_FLAG_LRO));
	assert_int_equal(ethtool_set_flag(ifindex, ETH_FLAG_LRO, false), 0);
	assert_in_range(-ethtool_set_flag(ifindex, ETH_FLAG_LRO, true), 1, 200);
	assert_false(ethtool_flag(ifindex, ETH_FLAG_LRO));
	assert_true(ethtool_flag(ifindex, ETH_FLAG_TXVLAN)); /* others stay as they are */
}

static void interface_that_is_gone_has_no_flags(void **state)
{
	assert_false(ethtool_flag(ifindex + 1000, ETH_FLAG_TXVLAN));
	assert_int_equal(ethtool_set_flag(ifindex + 1000, ETH_FLAG_TXVLAN, true), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flag_is_switched_off_and_on_again),
		cmocka_unit_test(flag_that_the_device_has_not_cannot_be_switched_on),
		cmocka_unit_test(interface_that_is_gone_has_no_flags),
	};

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		perror("no network namespace");
		return 1;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
