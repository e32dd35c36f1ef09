#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hash.h"

static void bytes_hash_as_siphash_1_3_of_another_implementation(void **state)
{
	/* key 00 01 .. 0f, message 00 01 .. n-1 */
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{0, 0xabac0158050fc4dc},
		{1, 0xc9f49bf37d57ca93},
		{7, 0xd3927d989bb11140},
		{8, 0x369095118d299a8e},
		{15, 0xd320d86d2a519956},
		{63, 0x9d199062b7bbb3a8},
	};
	struct hash_seed seed = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t message[64];

	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(hash_bytes(seed, message, vectors[i].len), vectors[i].hash);
}

static void every_table_draws_another_seed(void **state)
{
	struct hash_seed a = hash_seed(), b = hash_seed();

	assert_true(a.k0 != b.k0 || a.k1 != b.k1);
	assert_true(hash_u64(a, 1) != hash_u64(b, 1));
}

/* Sequential keys, as VLAN-MAC pairs are, into 256 buckets by low and by high bits:
 * with 64 expected, a fair hash stays within 32 .. 128 but for odds of 1 in 10^4. */
static void sequential_words_spread_over_low_and_high_bits(void **state)
{
	struct hash_seed seeds[] = {{0x1234567890abcdef, 0x0fedcba987654321},
		{0xa5a5a5a5a5a5a5a5, 0x0123012301230123}, {1, 0x8000000000000001}};

	for (unsigned s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
		unsigned low[256] = {0}, high[256] = {0};
		for (uint64_t v = 0; v < 256 * 64; v++) {
			uint64_t h = hash_u64(seeds[s], v << 8);
			low[h & 255]++;
			high[h >> 56]++;
		}
		for (unsigned i = 0; i < 256; i++) {
			assert_in_range(low[i], 32, 128);
			assert_in_range(high[i], 32, 128);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_hash_as_siphash_1_3_of_another_implementation),
		cmocka_unit_test(every_table_draws_another_seed),
		cmocka_unit_test(sequential_words_spread_over_low_and_high_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
