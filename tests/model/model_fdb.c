/* The MAC table against a twin: an array without order that is searched from one
 * end to the other.  Where the header leaves a choice (which of several ports
 * that hold equally many loses an entry, which of several of the same second, in
 * what order entries expire within a budget), the twin looks what the table did,
 * checks that it was allowed, and follows. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>

#include "fdb.h"
#include "hash.h"
#include "rcu.h"

enum {
	ROUNDS = 60,
	OPS = 10000,
	N_PORTS = 7,
	TWIN_MAX = 1200,
};

struct twin_entry {
	uint32_t mac; /* its number */
	uint16_t vlan;
	uint32_t port;
	bool is_static;
	uint64_t second;
};

struct twin {
	struct fdb *fdb;
	struct twin_entry entries[TWIN_MAX];
	uint32_t n;
	uint32_t limit[N_PORTS];
	uint64_t now_ms;
	uint32_t ageing_s;
	uint32_t n_macs; /* addresses are below this */
	struct fdb_stats stats;
};

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

static uint16_t rnd_vlan(void)
{
	static const uint16_t vlans[] = {0, 1, 4095};

	return vlans[rnd(3)];
}

static struct twin_entry *twin_find(struct twin *t, uint32_t mac, uint16_t vlan)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->entries[i].mac == mac && t->entries[i].vlan == vlan)
			return &t->entries[i];
	return NULL;
}

static void twin_remove(struct twin *t, struct twin_entry *e)
{
	*e = t->entries[--t->n];
}

static void twin_add(struct twin *t, uint32_t mac, uint16_t vlan, uint32_t port, bool is_static)
{
	t->entries[t->n++] = (struct twin_entry){mac, vlan, port, is_static, t->now_ms / 1000};
}

static uint32_t twin_count(const struct twin *t, uint32_t port)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += !t->entries[i].is_static && t->entries[i].port == port;
	return n;
}

static uint32_t twin_static(const struct twin *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += t->entries[i].is_static;
	return n;
}

static bool is_gone(struct twin *t, const struct twin_entry *e)
{
	return fdb_lookup(t->fdb, mac_of(e->mac), e->vlan) == FDB_NONE;
}

/* An entry of 'port' that the table dropped, and was right to drop; or NULL. */
static struct twin_entry *rightful_victim(struct twin *t, uint32_t port)
{
	struct twin_entry *gone = NULL;
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < t->n; i++) {
		struct twin_entry *e = &t->entries[i];

		if (e->is_static || e->port != port)
			continue;
		if (e->second < oldest)
			oldest = e->second;
		if (is_gone(t, e) && (!gone || e->second < gone->second))
			gone = e;
	}
	if (gone && gone->second != oldest && twin_count(t, port) <= FDB_EVICT_LOOKS)
		return NULL;
	return gone;
}

/* The table has evicted one for lack of room; 'preferred' is hit first among equals. */
static void twin_evict(struct twin *t, uint32_t preferred)
{
	struct twin_entry *victim = NULL;
	uint32_t max = 0;

	for (uint32_t port = 0; port < N_PORTS; port++)
		if (twin_count(t, port) > max)
			max = twin_count(t, port);
	assert_int_not_equal(max, 0);
	if (preferred != FDB_NONE && twin_count(t, preferred) == max)
		victim = rightful_victim(t, preferred);
	else
		for (uint32_t port = 0; port < N_PORTS && !victim; port++)
			if (twin_count(t, port) == max)
				victim = rightful_victim(t, port);
	assert_non_null(victim);
	twin_remove(t, victim);
	t->stats.evicted++;
}

static enum fdb_learned twin_learn(struct twin *t, uint32_t mac, uint16_t vlan, uint32_t port)
{
	struct twin_entry *e = twin_find(t, mac, vlan);

	if (e && e->port == port) {
		e->second = t->now_ms / 1000;
		return FDB_KNOWN;
	}
	if (e && e->is_static) {
		t->stats.refused_static++;
		return FDB_REFUSED_STATIC;
	}
	if (t->limit[port] && twin_count(t, port) >= t->limit[port]) {
		t->stats.refused_by_limit++;
		return FDB_REFUSED_BY_LIMIT;
	}
	if (e) {
		e->port = port;
		e->second = t->now_ms / 1000;
		t->stats.moved++;
		return FDB_MOVED;
	}
	if (t->n == t->stats.max_entries) {
		if (twin_static(t) == t->n) {
			t->stats.refused_full++;
			return FDB_REFUSED_FULL;
		}
		twin_evict(t, port);
	}
	twin_add(t, mac, vlan, port, false);
	t->stats.learned++;
	return FDB_LEARNED;
}

static void op_learn(struct twin *t)
{
	uint32_t mac = rnd(t->n_macs), port = rnd(N_PORTS);
	uint16_t vlan = rnd_vlan();

	if (t->n && rnd(2)) { /* one that is known, where it is known */
		const struct twin_entry *e = &t->entries[rnd(t->n)];

		mac = e->mac;
		vlan = e->vlan;
		port = e->port;
	}
	enum fdb_learned got = fdb_learn(t->fdb, mac_of(mac), vlan, port, t->now_ms);
	assert_int_equal(got, twin_learn(t, mac, vlan, port));
}

static void op_lookup(struct twin *t)
{
	uint32_t mac = rnd(t->n_macs);
	uint16_t vlan = rnd_vlan();
	const struct twin_entry *e = twin_find(t, mac, vlan);

	assert_int_equal(fdb_lookup(t->fdb, mac_of(mac), vlan), e ? e->port : FDB_NONE);
}

static void op_add_static(struct twin *t)
{
	uint32_t mac = rnd(t->n_macs), port = rnd(N_PORTS);
	uint16_t vlan = rnd_vlan();
	struct twin_entry *e = twin_find(t, mac, vlan);
	int err = fdb_add_static(t->fdb, mac_of(mac), vlan, port);

	if (e) {
		e->port = port;
		e->is_static = true;
		assert_int_equal(err, 0);
		return;
	}
	if (t->n == t->stats.max_entries) {
		if (twin_static(t) == t->n) {
			assert_int_equal(err, -ENOSPC);
			return;
		}
		twin_evict(t, port);
	}
	twin_add(t, mac, vlan, port, true);
	assert_int_equal(err, 0);
}

static void op_del(struct twin *t)
{
	uint32_t mac = rnd(t->n_macs);
	uint16_t vlan = rnd_vlan();

	if (t->n && rnd(2)) {
		const struct twin_entry *e = &t->entries[rnd(t->n)];

		mac = e->mac;
		vlan = e->vlan;
	}
	struct twin_entry *e = twin_find(t, mac, vlan);
	assert_int_equal(fdb_del(t->fdb, mac_of(mac), vlan), e ? 0 : -ENOENT);
	if (e)
		twin_remove(t, e);
}

static uint32_t twin_flush(struct twin *t, int vlan, uint32_t port, bool with_static)
{
	uint32_t n = 0;

	for (uint32_t i = t->n; i-- > 0;) {
		struct twin_entry *e = &t->entries[i];

		if ((vlan != FDB_ANY_VLAN && vlan != e->vlan) ||
			(port != FDB_NONE && port != e->port) || (e->is_static && !with_static))
			continue;
		twin_remove(t, e);
		n++;
	}
	return n;
}

static void op_flush(struct twin *t)
{
	int vlan = rnd(3) ? rnd_vlan() : FDB_ANY_VLAN;
	uint32_t port = rnd(3) ? rnd(N_PORTS) : FDB_NONE;
	bool with_static = !rnd(4);

	assert_int_equal(
		fdb_flush(t->fdb, vlan, port, with_static), twin_flush(t, vlan, port, with_static));
}

static void op_port_removed(struct twin *t)
{
	uint32_t port = rnd(N_PORTS);

	fdb_port_removed(t->fdb, port);
	twin_flush(t, FDB_ANY_VLAN, port, true);
	t->limit[port] = 0;
}

static void op_expire(struct twin *t)
{
	uint32_t budget = 1 + rnd(20);
	uint64_t now_s = t->now_ms / 1000;
	bool to_the_end = rnd(2);
	uint32_t n = 0;

	/* The call may end a round that an earlier one began, hence the second. */
	if (to_the_end)
		for (int round = 0; round < 2; round++)
			while (fdb_expire(t->fdb, t->now_ms, budget))
				;
	else
		fdb_expire(t->fdb, t->now_ms, budget);
	for (uint32_t i = t->n; i-- > 0 && t->ageing_s;) {
		struct twin_entry *e = &t->entries[i];
		bool overdue = !e->is_static && now_s - e->second > t->ageing_s;

		if (overdue && (to_the_end || is_gone(t, e))) {
			twin_remove(t, e);
			n++;
		}
	}
	t->stats.expired += n;
	if (!to_the_end)
		assert_in_range(n, 0, budget);
}

static void op_set_port_limit(struct twin *t)
{
	uint32_t port = rnd(N_PORTS);
	uint32_t limit = rnd(3) ? 0 : 1 + rnd(t->stats.max_entries);

	t->limit[port] = limit;
	fdb_set_port_limit(t->fdb, port, limit);
	while (limit && twin_count(t, port) > limit) {
		struct twin_entry *victim = rightful_victim(t, port);

		assert_non_null(victim);
		twin_remove(t, victim);
		t->stats.evicted++;
	}
}

static void op_set_max_entries(struct twin *t, struct event_base *base)
{
	uint32_t max = 1 + rnd(rnd(8) ? FDB_EVICT_LOOKS : TWIN_MAX);
	int err = fdb_set_max_entries(t->fdb, max);

	event_base_loop(base, EVLOOP_NONBLOCK);
	if (max < twin_static(t)) {
		assert_int_equal(err, -ENOSPC);
		return;
	}
	assert_int_equal(err, 0);
	t->stats.max_entries = max;
	t->n_macs = max;
	while (t->n > max)
		twin_evict(t, FDB_NONE);
}

static void check_entry(const struct fdb_entry *entry, void *arg)
{
	struct twin *t = arg;
	const struct twin_entry *e = twin_find(t, wire_u32(entry->mac.b + 1), entry->vlan);

	assert_non_null(e);
	assert_true(eth_addr_equal(entry->mac, mac_of(e->mac)));
	assert_int_equal(entry->port_id, e->port);
	assert_int_equal(entry->is_static, e->is_static);
	assert_int_equal(entry->age_ms, e->is_static ? 0 : (t->now_ms / 1000 - e->second) * 1000);
	t->stats.entries++;
}

static void check_all(struct twin *t)
{
	t->stats.entries = 0;
	fdb_for_each(t->fdb, t->now_ms, check_entry, t);
	assert_int_equal(t->stats.entries, t->n);

	struct fdb_stats stats = fdb_stats(t->fdb);
	assert_int_equal(stats.max_entries, t->stats.max_entries);
	assert_int_equal(stats.entries, t->n);
	assert_int_equal(stats.static_entries, twin_static(t));
	assert_int_equal(stats.learned, t->stats.learned);
	assert_int_equal(stats.moved, t->stats.moved);
	assert_int_equal(stats.expired, t->stats.expired);
	assert_int_equal(stats.evicted, t->stats.evicted);
	assert_int_equal(stats.refused_by_limit, t->stats.refused_by_limit);
	assert_int_equal(stats.refused_static, t->stats.refused_static);
	assert_int_equal(stats.refused_full, t->stats.refused_full);
}

static void random_op(struct twin *t, struct event_base *base)
{
	uint32_t dice = rnd(1000);

	if (rnd(4) == 0)
		t->now_ms += rnd(3000);
	if (dice < 700)
		op_learn(t);
	else if (dice < 900)
		op_lookup(t);
	else if (dice < 920)
		op_add_static(t);
	else if (dice < 950)
		op_del(t);
	else if (dice < 985)
		op_expire(t);
	else if (dice < 990)
		op_set_port_limit(t);
	else if (dice < 993)
		op_flush(t);
	else if (dice < 995)
		op_port_removed(t);
	else if (dice < 997)
		op_set_max_entries(t, base);
	else if (dice < 998)
		fdb_set_ageing(t->fdb, t->ageing_s = rnd(4) * 10);
	else
		t->now_ms += rnd(100000);
}

static void table_agrees_with_its_twin(void **state)
{
	struct event_base *base = *state;

	for (int round = 0; round < ROUNDS; round++) {
		struct twin *t = calloc(1, sizeof(*t));
		uint32_t max = 1 + rnd(round % 10 ? FDB_EVICT_LOOKS : TWIN_MAX);

		assert_non_null(t);
		assert_int_equal(fdb_create(max, &t->fdb), 0);
		t->stats.max_entries = max;
		t->n_macs = max; /* times three VLANs */
		t->now_ms = 1000000;
		t->ageing_s = FDB_AGEING_S_DEFAULT;
		for (int op = 0; op < OPS; op++) {
			random_op(t, base);
			if (op % 16 == 0)
				check_all(t);
		}
		check_all(t);
		fdb_destroy(t->fdb);
		free(t);
	}
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
		cmocka_unit_test(table_agrees_with_its_twin),
	};
	const char *seed = getenv("VSWITCH_SEED");

	rng_state = seed ? strtoull(seed, NULL, 0) : hash_seed().k0;
	rng_state |= !rng_state;
	printf("VSWITCH_SEED=%" PRIu64 "\n", rng_state);
	fflush(stdout);
	return cmocka_run_group_tests(tests, setup, teardown);
}
