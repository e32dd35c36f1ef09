/* The hash table below the MAC table: keys that share buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fdb_table.h"

enum {
	N = 3000,
};

static uint64_t key_of(uint32_t n)
{
	struct eth_addr a = {{0x02}};

	wire_put_u32(a.b + 2, n);
	return fdb_table_key(a, n % 4096);
}

static uint64_t count_spilled(const struct fdb_table *t)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < t->n_buckets; i++)
		n += t->buckets[i].spilled;
	return n;
}

static void removal_finds_all_others_and_leaves_no_detours(void **state)
{
	struct fdb_slot found;
	struct fdb_table t;

	assert_int_equal(fdb_table_init(&t, N), 0);
	for (uint32_t i = 0; i < N; i++)
		fdb_table_insert(&t, key_of(i) | (i % 3 ? 0 : FDB_KEY_STATIC), i, i);
	assert_int_not_equal(count_spilled(&t), 0); /* or this would show nothing */
	for (uint32_t i = 0; i < N; i++) {
		for (uint32_t j = i; j < N; j += 37) {
			assert_true(fdb_table_find(&t, key_of(j), &found));
			assert_int_equal(found.port, j);
			assert_int_equal(found.second, j);
			assert_int_equal(found.key, key_of(j) | (j % 3 ? 0 : FDB_KEY_STATIC));
		}
		assert_true(fdb_table_find(&t, key_of(i), &found));
		fdb_table_remove(&t, found.slot);
		assert_false(fdb_table_find(&t, key_of(i), &found));
	}
	assert_int_equal(count_spilled(&t), 0);
	fdb_table_fini(&t);
}

static void refresh_never_turns_time_back(void **state)
{
	struct fdb_slot found;
	struct fdb_table t;
	uint32_t slot;

	assert_int_equal(fdb_table_init(&t, 1), 0);
	slot = fdb_table_insert(&t, key_of(1), 7, 100);
	fdb_table_refresh(&t, slot, 99);
	assert_true(fdb_table_read(&t, slot, &found));
	assert_int_equal(found.second, 100);
	fdb_table_refresh(&t, slot, 101);
	assert_true(fdb_table_read(&t, slot, &found));
	assert_int_equal(found.second, 101);
	assert_int_equal(found.port, 7);
	fdb_table_fini(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(removal_finds_all_others_and_leaves_no_detours),
		cmocka_unit_test(refresh_never_turns_time_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
