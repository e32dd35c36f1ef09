#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checksum.h"
#include "frame.h"

static void checksum_of_the_example_in_rfc_1071_is_its_text_s(void **state)
{
	static const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	assert_int_equal(be16toh(csum_fold(csum_add(0, b, sizeof(b)))), 0xffff & ~0xddf2);
}

static void vector_and_scalar_forms_agree_with_a_naive_sum(void **state)
{
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 3000; round++) {
		size_t len = rng_below(&r, rng_below(&r, 20) ? 600 : 66000);
		size_t align = rng_below(&r, 33);
		/* the sum starts inside and ends at the end of the allocation */
		uint8_t *mem = malloc(align + len + 1);
		uint8_t *b = mem + 1 + align;

		assert_non_null(mem);
		rng_fill(&r, b, len);
		uint16_t expected = naive_csum(0, b, len);
		assert_int_equal(be16toh(csum_fold(csum_add(0, b, len))), expected);
		assert_int_equal(be16toh(csum_fold(csum_add_scalar(0, b, len))), expected);
		free(mem);
	}
}

static void no_carry_is_lost_in_64_kb_of_ones(void **state)
{
	static uint8_t b[65536];
	uint64_t sum = 0;

	memset(b, 0xff, sizeof(b));
	for (int i = 0; i < 64; i++)
		sum = csum_add(sum, b, sizeof(b));
	assert_int_equal(csum_fold(sum), 0);
	assert_int_equal(csum_fold(csum_add_scalar(sum, b, 2)), 0);
	b[0] = 0xfe; /* 0x0100 less */
	assert_int_equal(be16toh(csum_fold(csum_add(sum, b, sizeof(b)))), 0x0100);
}

static void pieces_of_any_length_sum_up_to_the_whole(void **state)
{
	struct rng r = rng_init(__func__);
	uint8_t b[3000];

	for (int round = 0; round < 2000; round++) {
		size_t len = rng_below(&r, sizeof(b) + 1);
		uint64_t sum = 0;

		rng_fill(&r, b, len);
		for (size_t ofs = 0, n; ofs < len; ofs += n) {
			n = 1 + rng_below(&r, (unsigned)(len - ofs));
			sum = csum_add_at(sum, ofs, b + ofs, n);
		}
		assert_int_equal(be16toh(csum_fold(sum)), naive_csum(0, b, len));
	}
}

static void pseudo_headers_verify_datagrams_built_elsewhere(void **state)
{
	/* scapy: IP(src='10.1.2.3', dst='192.0.2.77')/UDP(sport=4660, dport=53)/b'abcde',
	 * and the same over IPv6 2001:db8::1 > 2001:db8:ffff::2; from the UDP header on */
	static const uint8_t udp4[] = {
		0x12, 0x34, 0x00, 0x35, 0x00, 0x0d, 0xf5, 0x52, 0x61, 0x62, 0x63, 0x64, 0x65};
	static const uint8_t udp6[] = {
		0x12, 0x34, 0x00, 0x35, 0x00, 0x0d, 0x68, 0x2f, 0x61, 0x62, 0x63, 0x64, 0x65};
	static const uint8_t src4[] = {10, 1, 2, 3}, dst4[] = {192, 0, 2, 77};
	static const uint8_t src6[] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const uint8_t dst6[] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 2};

	uint64_t sum = csum_pseudo4(src4, dst4, IP_PROTO_UDP, sizeof(udp4));
	assert_int_equal(csum_fold(csum_add(sum, udp4, sizeof(udp4))), 0);
	sum = csum_pseudo6(src6, dst6, IP_PROTO_UDP, sizeof(udp6));
	assert_int_equal(csum_fold(csum_add(sum, udp6, sizeof(udp6))), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_of_the_example_in_rfc_1071_is_its_text_s),
		cmocka_unit_test(vector_and_scalar_forms_agree_with_a_naive_sum),
		cmocka_unit_test(no_carry_is_lost_in_64_kb_of_ones),
		cmocka_unit_test(pieces_of_any_length_sum_up_to_the_whole),
		cmocka_unit_test(pseudo_headers_verify_datagrams_built_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
