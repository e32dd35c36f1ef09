/* Several threads on one MAC table: every answer must be one that some order of
 * events can explain. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <event2/event.h>

#include "fdb.h"
#include "fdb_table.h"
#include "hash.h"
#include "rcu.h"

static uint64_t rng_state;

static uint32_t rnd(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state * 0x2545f4914f6cdd1du >> 32) % below;
}

static struct eth_addr mac_of(uint32_t n)
{
	struct eth_addr a = {{0x52}};

	wire_put_u32(a.b + 1, n);
	return a;
}

/* Address n is only ever learned from port 2n or 2n + 1 (modulo the
 * number of ports), and the low ones are static, on a port of their own. */
enum {
	N_THREADS = 2,
	THREAD_OPS = 500000,
	DISTURBANCES = 2000,
	THREAD_MAX = 256,
	THREAD_MACS = 1000,
	THREAD_STATIC = 20,
	STATIC_PORT = 1000,
};

struct shared {
	struct fdb *fdb;
	pthread_barrier_t start;
	uint64_t now_ms;
	unsigned n_running;
	unsigned n_impossible;
};

static bool is_possible(uint32_t mac, uint32_t port)
{
	if (mac < THREAD_STATIC)
		return port == STATIC_PORT;
	return port == FDB_NONE || port == mac * 2 % 64 || port == mac * 2 % 64 + 1;
}

static void *worker_main(void *arg)
{
	struct shared *shared = arg;
	uint64_t rng = (uintptr_t)&rng * 0x9e3779b97f4a7c15u | 1;
	unsigned n_impossible = 0;

	pthread_barrier_wait(&shared->start);
	rcu_reader_register();
	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;

		uint32_t mac = (rng >> 32) % THREAD_MACS;
		uint16_t vlan = rng >> 20 & 1;
		uint32_t port = mac * 2 % 64 + (rng >> 24 & 1);
		uint64_t now_ms = __atomic_add_fetch(&shared->now_ms, 10, __ATOMIC_RELAXED);

		if (rng >> 21 & 1) {
			n_impossible +=
				!is_possible(mac, fdb_lookup(shared->fdb, mac_of(mac), vlan));
		} else {
			enum fdb_learned result =
				fdb_learn(shared->fdb, mac_of(mac), vlan, port, now_ms);
			n_impossible += (result == FDB_REFUSED_STATIC) != (mac < THREAD_STATIC);
		}
		if (i % 32 == 0)
			rcu_quiescent();
	}
	rcu_reader_unregister();
	__atomic_fetch_add(&shared->n_impossible, n_impossible, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&shared->n_running, 1, __ATOMIC_RELEASE);
	return NULL;
}

struct tally {
	uint32_t n;
	uint32_t n_impossible;
};

static void tally_entry(const struct fdb_entry *entry, void *arg)
{
	struct tally *tally = arg;

	tally->n++;
	tally->n_impossible += !is_possible(wire_u32(entry->mac.b + 1), entry->port_id);
}

/* What control does meanwhile; returns how many entries it removed by hand. */
static uint64_t disturb(struct fdb *fdb, uint64_t now_ms, struct event_base *base)
{
	struct tally tally = {0};
	uint64_t n = 0;

	switch (rnd(6)) {
	case 0:
		fdb_expire(fdb, now_ms, 50);
		break;
	case 1:
		n = fdb_flush(fdb, rnd(2), FDB_NONE, false);
		break;
	case 2:
		n = fdb_flush(fdb, FDB_ANY_VLAN, rnd(64), false);
		break;
	case 3:
		assert_int_equal(fdb_set_max_entries(fdb, THREAD_MAX / 2 + rnd(THREAD_MAX)), 0);
		break;
	case 4:
		fdb_set_port_limit(fdb, rnd(64), rnd(10));
		break;
	default:
		fdb_for_each(fdb, now_ms, tally_entry, &tally);
		assert_int_equal(tally.n_impossible, 0);
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	return n;
}

static void threads_never_see_an_impossible_port(void **state)
{
	struct event_base *base = *state;
	struct shared shared = {.n_running = N_THREADS, .now_ms = 1000000};
	pthread_t threads[N_THREADS];
	uint64_t n_flushed = 0;
	struct tally tally = {0};

	pthread_barrier_init(&shared.start, NULL, N_THREADS + 1);
	assert_int_equal(fdb_create(THREAD_MAX, &shared.fdb), 0);
	fdb_set_ageing(shared.fdb, 5);
	for (uint32_t i = 0; i < THREAD_STATIC; i++)
		for (uint16_t vlan = 0; vlan < 2; vlan++)
			assert_int_equal(
				fdb_add_static(shared.fdb, mac_of(i), vlan, STATIC_PORT), 0);
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &shared), 0);
	pthread_barrier_wait(&shared.start);
	for (int i = 0; i < DISTURBANCES || __atomic_load_n(&shared.n_running, __ATOMIC_ACQUIRE);
		i++)
		n_flushed += disturb(
			shared.fdb, __atomic_load_n(&shared.now_ms, __ATOMIC_RELAXED), base);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.n_impossible, 0);

	struct fdb_stats stats = fdb_stats(shared.fdb);
	fdb_for_each(shared.fdb, 0, tally_entry, &tally);
	assert_int_equal(tally.n_impossible, 0);
	assert_int_equal(tally.n, stats.entries);
	assert_in_range(stats.entries, 0, stats.max_entries);
	assert_int_equal(stats.static_entries, 2 * THREAD_STATIC);
	assert_int_equal(stats.entries - stats.static_entries,
		stats.learned - stats.evicted - stats.expired - n_flushed);
	assert_true(stats.evicted && stats.moved && stats.refused_static);
	fdb_destroy(shared.fdb);
	pthread_barrier_destroy(&shared.start);
}

/* Two keys take turns in one slot, while threads look them up.  A reader would have
 * to be put to sleep between two loads to see one with the port of the other, hence
 * more readers than there are likely to be processors. */
enum {
	SLOT_READERS = 6,
	SLOT_TURNS = 4000000,
};

struct slot_game {
	struct fdb_table table;
	uint64_t keys[2];
	bool over;
	unsigned n_wrong;
};

static void *slot_reader_main(void *arg)
{
	struct slot_game *game = arg;
	struct fdb_slot found;
	unsigned n_wrong = 0;

	for (uint32_t i = 0; !__atomic_load_n(&game->over, __ATOMIC_RELAXED); i++)
		if (fdb_table_find(&game->table, game->keys[i & 1], &found))
			n_wrong += found.port != (i & 1);
	__atomic_fetch_add(&game->n_wrong, n_wrong, __ATOMIC_RELAXED);
	return NULL;
}

static void slot_given_away_is_not_seen_half_way(void **state)
{
	struct slot_game game = {0};
	pthread_t threads[SLOT_READERS];

	assert_int_equal(fdb_table_init(&game.table, 1), 0);
	game.keys[0] = fdb_table_key(mac_of(0), 0);
	for (uint32_t n = 1; !game.keys[1]; n++) {
		uint64_t key = fdb_table_key(mac_of(n), 0);

		if (fdb_table_home(&game.table, key) == fdb_table_home(&game.table, game.keys[0]))
			game.keys[1] = key;
	}
	for (int i = 0; i < SLOT_READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, slot_reader_main, &game), 0);
	for (uint32_t i = 0; i < SLOT_TURNS; i++)
		fdb_table_remove(
			&game.table, fdb_table_insert(&game.table, game.keys[i & 1], i & 1, 0));
	__atomic_store_n(&game.over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < SLOT_READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(game.n_wrong, 0);
	fdb_table_fini(&game.table);
}

static int setup(void **state)
{
	struct event_base *base = event_base_new();

	*state = base;
	return base ? rcu_init(base) : -1;
}

static int teardown(void **state)
{
	rcu_fini();
	event_base_free(*state);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_never_see_an_impossible_port),
		cmocka_unit_test(slot_given_away_is_not_seen_half_way),
	};
	const char *seed = getenv("VSWITCH_SEED");

	rng_state = seed ? strtoull(seed, NULL, 0) : hash_seed().k0;
	rng_state |= !rng_state;
	printf("VSWITCH_SEED=%" PRIu64 "\n", rng_state);
	fflush(stdout);
	return cmocka_run_group_tests(tests, setup, teardown);
}
