#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "wire.h"

static void addresses_are_read_in_either_case(void **state)
{
	struct eth_addr a;

	assert_int_equal(eth_addr_parse("52:54:00:aB:Cd:0f", &a), 0);
	assert_int_equal(eth_addr_u64(a), 0x525400abcd0f);
}

static void addresses_with_any_flaw_are_refused(void **state)
{
	static const char *const bad[] = {"", "52:54:00:ab:cd", "52:54:00:ab:cd:0",
		"52:54:00:ab:cd:0f:", "52:54:00:ab:cd:0g", "52-54-00-ab-cd-0f", " 2:54:00:ab:cd:0f",
		"52:54:00:ab:cd:0f ", "525:4:00:ab:cd:0f", "52::54:00:ab:cd:f", "+2:54:00:ab:cd:0f",
		"0x:54:00:ab:cd:0f", ":::::::::::::::::"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct eth_addr a = {{1, 2, 3, 4, 5, 6}};
		if (eth_addr_parse(bad[i], &a) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(eth_addr_u64(a), 0x010203040506);
	}
}

static void integers_keep_network_order_at_odd_places(void **state)
{
	uint8_t b[8] = {0};

	wire_put_u16(b + 1, 0x1234);
	wire_put_u32(b + 3, 0x56789abc);
	assert_memory_equal(b, "\x00\x12\x34\x56\x78\x9a\xbc\x00", 8);
	assert_int_equal(wire_u16(b + 1), 0x1234);
	assert_int_equal(wire_u32(b + 3), 0x56789abc);
}

static struct eth_addr addr(const char *text)
{
	struct eth_addr a;

	assert_int_equal(eth_addr_parse(text, &a), 0);
	return a;
}

static void group_addresses_are_told_apart(void **state)
{
	assert_false(eth_addr_is_multicast(addr("52:54:00:00:00:01")));
	assert_true(eth_addr_is_multicast(addr("01:00:5e:00:00:01")));
	assert_false(eth_addr_is_broadcast(addr("ff:ff:ff:ff:ff:fe")));
	assert_true(eth_addr_is_broadcast(addr("ff:ff:ff:ff:ff:ff")));
	assert_true(eth_addr_is_reserved_group(addr("01:80:c2:00:00:00")));
	assert_true(eth_addr_is_reserved_group(addr("01:80:c2:00:00:0f")));
	assert_false(eth_addr_is_reserved_group(addr("01:80:c2:00:00:10")));
	assert_false(eth_addr_is_reserved_group(addr("00:80:c2:00:00:00")));
}

static void addresses_are_equal_in_all_six_bytes_only(void **state)
{
	struct eth_addr a = addr("52:54:00:00:00:01");

	assert_true(eth_addr_equal(a, eth_addr_load(a.b)));
	for (int i = 0; i < ETH_ADDR_LEN; i++) {
		struct eth_addr b = a;
		b.b[i] ^= 0x80;
		assert_false(eth_addr_equal(a, b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_in_either_case),
		cmocka_unit_test(addresses_with_any_flaw_are_refused),
		cmocka_unit_test(integers_keep_network_order_at_odd_places),
		cmocka_unit_test(group_addresses_are_told_apart),
		cmocka_unit_test(addresses_are_equal_in_all_six_bytes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
