/* The MAC table as its users see it: what is found, what goes, and who pays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "fdb.h"
#include "rcu.h"

enum {
	T0_MS = 1000000, /* the tests' start of time */
	SMALL = 8,
	PORT_A = 1,
	PORT_B = 2,
	PORT_C = FDB_PORT_IDS - 1,
};

static struct eth_addr mac(uint32_t n)
{
	struct eth_addr a = {{0x02}};

	wire_put_u32(a.b + 2, n);
	return a;
}

static struct fdb *new_fdb(uint32_t max_entries)
{
	struct fdb *fdb;

	assert_int_equal(fdb_create(max_entries, &fdb), 0);
	return fdb;
}

/* Learn mac(first) .. mac(first + n - 1) in VLAN 1, all of them new. */
static void learn_range(struct fdb *fdb, uint32_t first, uint32_t n, uint32_t port, uint64_t now_ms)
{
	for (uint32_t i = first; i < first + n; i++)
		assert_int_equal(fdb_learn(fdb, mac(i), 1, port, now_ms), FDB_LEARNED);
}

/* How many of these are known, on 'port'. */
static uint32_t count_range(struct fdb *fdb, uint32_t first, uint32_t n, uint32_t port)
{
	uint32_t found = 0;

	for (uint32_t i = first; i < first + n; i++)
		found += fdb_lookup(fdb, mac(i), 1) == port;
	return found;
}

static void expire_all(struct fdb *fdb, uint64_t now_ms)
{
	while (fdb_expire(fdb, now_ms, 100))
		;
}

static void learned_address_is_found_in_its_vlan_only(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	assert_int_equal(fdb_lookup(fdb, mac(1), 0), FDB_NONE);
	assert_int_equal(fdb_learn(fdb, mac(1), 0, PORT_A, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_learn(fdb, mac(1), 4095, PORT_C, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_learn(fdb, mac(1), 0, PORT_A, T0_MS), FDB_KNOWN);
	assert_int_equal(fdb_lookup(fdb, mac(1), 0), PORT_A);
	assert_int_equal(fdb_lookup(fdb, mac(1), 4095), PORT_C);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), FDB_NONE);
	assert_int_equal(fdb_lookup(fdb, mac(2), 0), FDB_NONE);
	fdb_destroy(fdb);
}

static void addresses_that_differ_in_one_bit_are_kept_apart(void **state)
{
	struct fdb *fdb = new_fdb(64);
	struct eth_addr base = {{0}};

	assert_int_equal(fdb_learn(fdb, base, 0, PORT_B, T0_MS), FDB_LEARNED);
	for (uint32_t bit = 0; bit < 48; bit++) {
		struct eth_addr a = base;

		a.b[bit / 8] ^= 1 << bit % 8;
		if (eth_addr_is_multicast(a))
			continue;
		assert_int_equal(fdb_learn(fdb, a, 0, 100 + bit, T0_MS), FDB_LEARNED);
	}
	for (uint32_t bit = 0; bit < 48; bit++) {
		struct eth_addr a = base;

		a.b[bit / 8] ^= 1 << bit % 8;
		if (!eth_addr_is_multicast(a))
			assert_int_equal(fdb_lookup(fdb, a, 0), 100 + bit);
	}
	assert_int_equal(fdb_lookup(fdb, base, 0), PORT_B);
	fdb_destroy(fdb);
}

static void address_is_on_the_port_that_sent_last(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	learn_range(fdb, 0, 1, PORT_A, T0_MS);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_B, T0_MS), FDB_MOVED);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_B);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_B, T0_MS), FDB_KNOWN);
	assert_int_equal(fdb_stats(fdb).moved, 1);
	assert_int_equal(fdb_stats(fdb).entries, 1);
	fdb_destroy(fdb);
}

static void group_address_is_never_learned(void **state)
{
	struct eth_addr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct fdb *fdb = new_fdb(SMALL);

	assert_int_equal(fdb_learn(fdb, broadcast, 1, PORT_A, T0_MS), FDB_REFUSED_GROUP);
	assert_int_equal(fdb_lookup(fdb, broadcast, 1), FDB_NONE);
	assert_int_equal(fdb_add_static(fdb, broadcast, 1, PORT_A), -EINVAL);
	assert_int_equal(fdb_stats(fdb).entries, 0);
	fdb_destroy(fdb);
}

static void entry_expires_after_the_ageing_time_since_its_last_frame(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	fdb_set_ageing(fdb, 10);
	learn_range(fdb, 0, 2, PORT_A, T0_MS);
	assert_int_equal(fdb_learn(fdb, mac(1), 1, PORT_A, T0_MS + 5000), FDB_KNOWN);

	expire_all(fdb, T0_MS + 10999);
	assert_int_equal(count_range(fdb, 0, 2, PORT_A), 2);
	expire_all(fdb, T0_MS + 11000);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), FDB_NONE);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), PORT_A);
	expire_all(fdb, T0_MS + 16000);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), FDB_NONE);
	assert_int_equal(fdb_stats(fdb).expired, 2);
	assert_int_equal(fdb_stats(fdb).entries, 0);
	fdb_destroy(fdb);
}

static void entry_just_refreshed_outlives_a_clock_that_lags(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	fdb_set_ageing(fdb, 1);
	learn_range(fdb, 0, 1, PORT_A, T0_MS);
	/* Two workers, one of which read its clock earlier. */
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS + 9000), FDB_KNOWN);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS + 8000), FDB_KNOWN);
	expire_all(fdb, T0_MS + 10999);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	expire_all(fdb, T0_MS); /* and one that is earlier than the entry */
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	fdb_destroy(fdb);
}

static void ageing_time_zero_keeps_entries_for_ever(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	fdb_set_ageing(fdb, 0);
	learn_range(fdb, 0, 1, PORT_A, T0_MS);
	expire_all(fdb, T0_MS + 1000ull * 3600 * 24 * 365);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	fdb_destroy(fdb);
}

static void expiry_within_a_budget_gets_to_every_port(void **state)
{
	enum { N_PORTS = 10, EACH = 5, BUDGET = 7 };
	struct fdb *fdb = new_fdb(N_PORTS * EACH);
	uint32_t before = N_PORTS * EACH;
	unsigned n_calls = 0;
	bool more;

	for (uint32_t i = 0; i < N_PORTS; i++)
		learn_range(fdb, i * EACH, EACH, i, T0_MS);
	do {
		more = fdb_expire(fdb, T0_MS + 1000 * 3600, BUDGET);
		assert_in_range(before - fdb_stats(fdb).entries, 0, BUDGET);
		before = fdb_stats(fdb).entries;
		n_calls++;
	} while (more);
	assert_int_equal(before, 0);
	assert_in_range(n_calls, N_PORTS * EACH / BUDGET, N_PORTS * EACH);

	/* A round ends, too, where there are more ports than budget and nothing is due. */
	for (uint32_t i = 0; i < N_PORTS; i++)
		learn_range(fdb, i, 1, i, T0_MS);
	for (n_calls = 1; fdb_expire(fdb, T0_MS, 1); n_calls++)
		assert_in_range(n_calls, 1, N_PORTS);
	assert_int_equal(fdb_stats(fdb).entries, N_PORTS);
	fdb_destroy(fdb);
}

static void static_entry_does_not_age_move_or_get_evicted(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	assert_int_equal(fdb_add_static(fdb, mac(0), 1, PORT_A), 0);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS), FDB_KNOWN);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_B, T0_MS), FDB_REFUSED_STATIC);
	assert_int_equal(fdb_stats(fdb).refused_static, 1);
	learn_range(fdb, 100, 10 * SMALL, PORT_A, T0_MS);
	expire_all(fdb, T0_MS + 1000 * 3600);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	assert_int_equal(fdb_stats(fdb).entries, 1);
	assert_int_equal(fdb_stats(fdb).static_entries, 1);
	fdb_destroy(fdb);
}

static void static_entry_takes_the_place_of_what_was_known(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	learn_range(fdb, 0, 1, PORT_A, T0_MS);
	assert_int_equal(fdb_add_static(fdb, mac(0), 1, PORT_B), 0);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_B);
	assert_int_equal(fdb_add_static(fdb, mac(0), 1, PORT_C), 0);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_C);
	assert_int_equal(fdb_stats(fdb).entries, 1);
	assert_int_equal(fdb_stats(fdb).static_entries, 1);
	assert_int_equal(fdb_del(fdb, mac(0), 1), 0);
	assert_int_equal(fdb_stats(fdb).static_entries, 0);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS), FDB_LEARNED);
	fdb_destroy(fdb);
}

static void static_add_fails_only_when_all_entries_are_static(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	learn_range(fdb, 100, SMALL, PORT_B, T0_MS);
	for (uint32_t i = 0; i < SMALL; i++)
		assert_int_equal(fdb_add_static(fdb, mac(i), 1, PORT_A), 0);
	assert_int_equal(fdb_stats(fdb).evicted, SMALL);
	assert_int_equal(fdb_add_static(fdb, mac(SMALL), 1, PORT_A), -ENOSPC);
	assert_int_equal(fdb_learn(fdb, mac(SMALL), 1, PORT_A, T0_MS), FDB_REFUSED_FULL);
	assert_int_equal(fdb_stats(fdb).refused_full, 1);
	assert_int_equal(fdb_add_static(fdb, mac(0), 1, PORT_C), 0); /* that one is there */
	assert_int_equal(count_range(fdb, 1, SMALL - 1, PORT_A), SMALL - 1);
	fdb_destroy(fdb);
}

static void numbers_out_of_range_are_refused(void **state)
{
	struct fdb *fdb;

	assert_int_equal(fdb_create(0, &fdb), -EINVAL);
	assert_int_equal(fdb_create(FDB_ENTRIES_MAX + 1, &fdb), -EINVAL);
	fdb = new_fdb(SMALL);
	assert_int_equal(fdb_add_static(fdb, mac(0), 4096, PORT_A), -EINVAL);
	assert_int_equal(fdb_add_static(fdb, mac(0), 0, FDB_PORT_IDS), -EINVAL);
	assert_int_equal(fdb_set_max_entries(fdb, 0), -EINVAL);
	assert_int_equal(fdb_set_max_entries(fdb, FDB_ENTRIES_MAX + 1), -EINVAL);
	assert_int_equal(fdb_del(fdb, mac(0), 0), -ENOENT);
	assert_int_equal(fdb_del(fdb, mac(0), 4096), -ENOENT);
	assert_int_equal(fdb_stats(fdb).entries, 0);
	fdb_destroy(fdb);
}

static void table_holds_exactly_its_maximum(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 4, 63, 1000, FDB_ENTRIES_DEFAULT};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fdb *fdb = new_fdb(sizes[i]);

		learn_range(fdb, 0, sizes[i], PORT_A, T0_MS);
		assert_int_equal(count_range(fdb, 0, sizes[i], PORT_A), sizes[i]);
		assert_int_equal(fdb_stats(fdb).evicted, 0);
		learn_range(fdb, sizes[i], 1, PORT_A, T0_MS);
		assert_int_equal(fdb_stats(fdb).evicted, 1);
		assert_int_equal(count_range(fdb, 0, sizes[i] + 1, PORT_A), sizes[i]);
		fdb_destroy(fdb);
	}
}

static void full_table_evicts_oldest_entry_of_busiest_port(void **state)
{
	struct fdb *fdb = new_fdb(6);

	learn_range(fdb, 10, 2, PORT_B, T0_MS); /* older, but fewer */
	learn_range(fdb, 0, 4, PORT_A, T0_MS + 1000);
	/* 0, 1 and 3 send again: 2 is now the port's oldest. */
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS + 3000), FDB_KNOWN);
	assert_int_equal(fdb_learn(fdb, mac(1), 1, PORT_A, T0_MS + 2000), FDB_KNOWN);
	assert_int_equal(fdb_learn(fdb, mac(3), 1, PORT_A, T0_MS + 4000), FDB_KNOWN);

	learn_range(fdb, 20, 1, PORT_C, T0_MS + 5000);
	assert_int_equal(fdb_lookup(fdb, mac(2), 1), FDB_NONE);
	learn_range(fdb, 4, 1, PORT_A, T0_MS + 5000);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), FDB_NONE);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	assert_int_equal(fdb_lookup(fdb, mac(3), 1), PORT_A);
	assert_int_equal(count_range(fdb, 10, 2, PORT_B), 2);
	assert_int_equal(fdb_stats(fdb).evicted, 2);
	fdb_destroy(fdb);
}

static void flood_of_addresses_hurts_only_the_flooder(void **state)
{
	enum { MAX = 1000, QUIET = 300 };
	struct fdb *fdb = new_fdb(MAX);

	learn_range(fdb, 0, QUIET, PORT_A, T0_MS);
	learn_range(fdb, 1000000, 100 * MAX, PORT_B, T0_MS + 1000);
	assert_int_equal(count_range(fdb, 0, QUIET, PORT_A), QUIET);

	/* A port that comes late gets as much as the flooder, also while that goes on. */
	for (uint32_t i = 0; i < 350; i++) {
		learn_range(fdb, 2000 + i, 1, PORT_C, T0_MS + 2000);
		learn_range(fdb, 2000000 + 10 * i, 10, PORT_B, T0_MS + 2000);
	}
	assert_int_equal(count_range(fdb, 0, QUIET, PORT_A), QUIET);
	assert_int_equal(count_range(fdb, 2000, 350, PORT_C), 350);
	assert_int_equal(fdb_stats(fdb).entries, MAX);
	fdb_destroy(fdb);
}

/* The one case where the victim is not the port's oldest entry. */
static void eviction_among_refreshed_entries_takes_a_bounded_look(void **state)
{
	enum { MAX = 2 * FDB_EVICT_LOOKS };
	struct fdb *fdb = new_fdb(MAX);

	learn_range(fdb, 0, MAX, PORT_A, T0_MS);
	for (uint32_t i = 0; i < MAX; i++) /* the last is now the oldest */
		assert_int_equal(
			fdb_learn(fdb, mac(i), 1, PORT_A, T0_MS + 1000 * (MAX - i)), FDB_KNOWN);
	learn_range(fdb, MAX, 1, PORT_A, T0_MS + 1000 * MAX);
	assert_int_equal(fdb_lookup(fdb, mac(FDB_EVICT_LOOKS - 1), 1), FDB_NONE);
	/* What it saw is in order now, so the next victim is exact. */
	learn_range(fdb, MAX + 1, 1, PORT_A, T0_MS + 1000 * MAX);
	learn_range(fdb, MAX + 2, 1, PORT_A, T0_MS + 1000 * MAX);
	assert_int_equal(fdb_lookup(fdb, mac(MAX - 1), 1), FDB_NONE);
	assert_int_equal(count_range(fdb, 0, MAX, PORT_A), MAX - 3);
	fdb_destroy(fdb);
}

static void port_at_its_limit_learns_nothing(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	fdb_set_port_limit(fdb, PORT_A, 2);
	learn_range(fdb, 0, 2, PORT_A, T0_MS);
	learn_range(fdb, 10, 1, PORT_B, T0_MS);
	assert_int_equal(fdb_learn(fdb, mac(2), 1, PORT_A, T0_MS), FDB_REFUSED_BY_LIMIT);
	assert_int_equal(fdb_learn(fdb, mac(10), 1, PORT_A, T0_MS), FDB_REFUSED_BY_LIMIT);
	assert_int_equal(fdb_lookup(fdb, mac(10), 1), PORT_B);
	assert_int_equal(fdb_stats(fdb).refused_by_limit, 2);
	assert_int_equal(fdb_add_static(fdb, mac(2), 1, PORT_A), 0); /* limits learning only */
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_B, T0_MS), FDB_MOVED);
	assert_int_equal(fdb_learn(fdb, mac(10), 1, PORT_A, T0_MS), FDB_MOVED);
	fdb_set_port_limit(fdb, PORT_A, 0);
	learn_range(fdb, 20, 3, PORT_A, T0_MS);
	fdb_destroy(fdb);
}

static void lower_limit_drops_oldest_entries_of_the_port(void **state)
{
	struct fdb *fdb = new_fdb(SMALL);

	for (uint32_t i = 0; i < 4; i++)
		learn_range(fdb, i, 1, PORT_A, T0_MS + 1000 * i);
	learn_range(fdb, 10, 4, PORT_B, T0_MS);
	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS + 9000), FDB_KNOWN);
	fdb_set_port_limit(fdb, PORT_A, 2);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), PORT_A);
	assert_int_equal(fdb_lookup(fdb, mac(3), 1), PORT_A);
	assert_int_equal(count_range(fdb, 0, 4, PORT_A), 2);
	assert_int_equal(count_range(fdb, 10, 4, PORT_B), 4);
	fdb_destroy(fdb);
}

static struct fdb *fdb_to_flush(void)
{
	struct fdb *fdb = new_fdb(SMALL);

	assert_int_equal(fdb_learn(fdb, mac(0), 1, PORT_A, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_learn(fdb, mac(0), 2, PORT_A, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_learn(fdb, mac(1), 1, PORT_B, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_add_static(fdb, mac(2), 1, PORT_A), 0);
	assert_int_equal(fdb_add_static(fdb, mac(2), 2, PORT_B), 0);
	return fdb;
}

static void flush_takes_what_matches_and_keeps_static_entries_unless_told(void **state)
{
	static const struct {
		int vlan;
		uint32_t port_id;
		bool with_static;
		uint32_t n_removed;
	} cases[] = {
		{FDB_ANY_VLAN, FDB_NONE, false, 3},
		{FDB_ANY_VLAN, FDB_NONE, true, 5},
		{1, FDB_NONE, false, 2},
		{2, FDB_NONE, true, 2},
		{0, FDB_NONE, true, 0},
		{FDB_ANY_VLAN, PORT_A, false, 2},
		{FDB_ANY_VLAN, PORT_A, true, 3},
		{1, PORT_B, true, 1},
		{2, PORT_B, false, 0},
		{FDB_ANY_VLAN, PORT_C, true, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fdb *fdb = fdb_to_flush();

		assert_int_equal(
			fdb_flush(fdb, cases[i].vlan, cases[i].port_id, cases[i].with_static),
			cases[i].n_removed);
		assert_int_equal(fdb_stats(fdb).entries, 5 - cases[i].n_removed);
		fdb_destroy(fdb);
	}

	struct fdb *fdb = fdb_to_flush();
	fdb_flush(fdb, 1, PORT_A, false);
	assert_int_equal(fdb_lookup(fdb, mac(0), 1), FDB_NONE);
	assert_int_equal(fdb_lookup(fdb, mac(0), 2), PORT_A);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), PORT_B);
	assert_int_equal(fdb_lookup(fdb, mac(2), 1), PORT_A);
	fdb_destroy(fdb);
}

static void removed_port_leaves_nothing_behind(void **state)
{
	struct fdb *fdb = fdb_to_flush();

	fdb_set_port_limit(fdb, PORT_A, 2);
	fdb_port_removed(fdb, PORT_A);
	assert_int_equal(fdb_stats(fdb).entries, 2);
	assert_int_equal(fdb_stats(fdb).static_entries, 1);
	assert_int_equal(fdb_lookup(fdb, mac(2), 1), FDB_NONE);
	assert_int_equal(fdb_lookup(fdb, mac(1), 1), PORT_B);
	learn_range(fdb, 100, 3, PORT_A, T0_MS);
	fdb_destroy(fdb);
}

static void table_grows_and_shrinks_and_keeps_what_fits(void **state)
{
	struct event_base *base = event_base_new();
	struct fdb *fdb = new_fdb(6);

	assert_int_equal(rcu_init(base), 0);
	assert_int_equal(fdb_add_static(fdb, mac(50), 1, PORT_C), 0);
	learn_range(fdb, 10, 2, PORT_B, T0_MS);
	learn_range(fdb, 0, 3, PORT_A, T0_MS);
	assert_int_equal(fdb_set_max_entries(fdb, 1000), 0);
	assert_int_equal(fdb_stats(fdb).entries, 6);
	learn_range(fdb, 100, 994, PORT_A, T0_MS + 1000);
	assert_int_equal(fdb_stats(fdb).evicted, 0);
	assert_int_equal(count_range(fdb, 0, 3, PORT_A), 3);
	assert_int_equal(count_range(fdb, 100, 994, PORT_A), 994);
	assert_int_equal(count_range(fdb, 10, 2, PORT_B), 2);

	assert_int_equal(fdb_set_max_entries(fdb, 5), 0);
	assert_int_equal(fdb_stats(fdb).max_entries, 5);
	assert_int_equal(fdb_stats(fdb).entries, 5);
	assert_int_equal(count_range(fdb, 0, 3, PORT_A), 0); /* the oldest went first */
	assert_int_equal(count_range(fdb, 100, 994, PORT_A), 2);
	assert_int_equal(count_range(fdb, 10, 2, PORT_B), 2);
	assert_int_equal(fdb_lookup(fdb, mac(50), 1), PORT_C);

	assert_int_equal(fdb_add_static(fdb, mac(51), 1, PORT_C), 0);
	assert_int_equal(fdb_set_max_entries(fdb, 1), -ENOSPC);
	assert_int_equal(fdb_stats(fdb).entries, 5);
	assert_int_equal(fdb_set_max_entries(fdb, 2), 0);
	assert_int_equal(fdb_lookup(fdb, mac(50), 1), PORT_C);
	assert_int_equal(fdb_lookup(fdb, mac(51), 1), PORT_C);

	rcu_fini();
	fdb_destroy(fdb);
	event_base_free(base);
}

struct seen {
	unsigned n;
	struct fdb_entry entries[SMALL];
};

static void note_entry(const struct fdb_entry *entry, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < SMALL);
	seen->entries[seen->n++] = *entry;
}

static void iteration_tells_all_of_an_entry(void **state)
{
	struct eth_addr a = {{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54}};
	struct fdb *fdb = new_fdb(SMALL);
	struct seen seen = {0};

	assert_int_equal(fdb_learn(fdb, a, 4095, PORT_C, T0_MS), FDB_LEARNED);
	assert_int_equal(fdb_add_static(fdb, mac(1), 7, PORT_A), 0);
	fdb_for_each(fdb, T0_MS + 12345, note_entry, &seen);
	assert_int_equal(seen.n, 2);

	struct fdb_entry *dynamic = &seen.entries[seen.entries[0].is_static];
	struct fdb_entry *fixed = &seen.entries[!seen.entries[0].is_static];
	assert_true(eth_addr_equal(dynamic->mac, a));
	assert_int_equal(dynamic->vlan, 4095);
	assert_int_equal(dynamic->port_id, PORT_C);
	assert_false(dynamic->is_static);
	assert_int_equal(dynamic->age_ms, 12000);
	assert_true(eth_addr_equal(fixed->mac, mac(1)));
	assert_int_equal(fixed->vlan, 7);
	assert_int_equal(fixed->port_id, PORT_A);
	assert_true(fixed->is_static);
	assert_int_equal(fixed->age_ms, 0);
	fdb_destroy(fdb);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(learned_address_is_found_in_its_vlan_only),
		cmocka_unit_test(addresses_that_differ_in_one_bit_are_kept_apart),
		cmocka_unit_test(address_is_on_the_port_that_sent_last),
		cmocka_unit_test(group_address_is_never_learned),
		cmocka_unit_test(entry_expires_after_the_ageing_time_since_its_last_frame),
		cmocka_unit_test(entry_just_refreshed_outlives_a_clock_that_lags),
		cmocka_unit_test(ageing_time_zero_keeps_entries_for_ever),
		cmocka_unit_test(expiry_within_a_budget_gets_to_every_port),
		cmocka_unit_test(static_entry_does_not_age_move_or_get_evicted),
		cmocka_unit_test(static_entry_takes_the_place_of_what_was_known),
		cmocka_unit_test(static_add_fails_only_when_all_entries_are_static),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(table_holds_exactly_its_maximum),
		cmocka_unit_test(full_table_evicts_oldest_entry_of_busiest_port),
		cmocka_unit_test(flood_of_addresses_hurts_only_the_flooder),
		cmocka_unit_test(eviction_among_refreshed_entries_takes_a_bounded_look),
		cmocka_unit_test(port_at_its_limit_learns_nothing),
		cmocka_unit_test(lower_limit_drops_oldest_entries_of_the_port),
		cmocka_unit_test(flush_takes_what_matches_and_keeps_static_entries_unless_told),
		cmocka_unit_test(removed_port_leaves_nothing_behind),
		cmocka_unit_test(table_grows_and_shrinks_and_keeps_what_fits),
		cmocka_unit_test(iteration_tells_all_of_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
