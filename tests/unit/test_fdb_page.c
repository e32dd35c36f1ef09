/* Pages of a MAC table that is not left alone between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "fdb_page.h"
#include "rcu.h"

enum { STAYS = 20000, PAGE = 777, PORT = 5 };

static struct eth_addr mac_of(uint32_t n)
{
	struct eth_addr mac = {{2}};

	wire_put_u32(mac.b + 2, n * 2654435761u); /* each n its own, in no order */
	return mac;
}

static uint32_t number_of(struct eth_addr mac)
{
	return wire_u32(mac.b + 2) * 244002641u; /* the inverse */
}

static void learn(struct fdb *fdb, uint32_t n, uint16_t vlan, uint32_t port)
{
	assert_int_equal(fdb_learn(fdb, mac_of(n), vlan, port, 1000), FDB_LEARNED);
}

static struct fdb_page page_of(size_t max)
{
	struct fdb_page p = {.vlan = FDB_ANY_VLAN, .port = FDB_NONE, .max = max};

	p.entries = calloc(max, sizeof(*p.entries));
	return p;
}

/* The next page; false where there was none after the last. */
static bool turn(const struct fdb *fdb, struct fdb_page *p)
{
	uint64_t from = p->from;

	if (p->n && !p->more)
		return false;
	if (p->n)
		from = fdb_page_key(p->entries[p->n - 1].mac, p->entries[p->n - 1].vlan) + 1;
	p->from = from;
	fdb_page_read(fdb, 1000, p);
	for (size_t i = 0; i < p->n; i++) {
		uint64_t key = fdb_page_key(p->entries[i].mac, p->entries[i].vlan);

		assert_true(i ? key > from : key >= from);
		from = key;
	}
	return p->n;
}

static void address_that_stays_is_told_once_whatever_else_happens(void **state)
{
	unsigned *told = calloc(STAYS, sizeof(*told));
	struct fdb_page p = page_of(PAGE);
	struct fdb *fdb;
	uint32_t passing = STAYS;

	assert_int_equal(fdb_create(4 * STAYS, &fdb), 0);
	for (uint32_t n = 0; n < STAYS; n++)
		learn(fdb, n, n % 3, PORT);
	for (unsigned round = 0; turn(fdb, &p); round++) {
		assert_true(p.n == PAGE || !p.more);
		for (size_t i = 0; i < p.n; i++)
			if (p.entries[i].port_id == PORT)
				told[number_of(p.entries[i].mac)]++;
		for (unsigned i = 0; i < 100; i++) /* others come and go, low and high */
			learn(fdb, passing++, (uint16_t)(i % 5), PORT + 1);
		if (round % 3 == 0)
			fdb_flush(fdb, FDB_ANY_VLAN, PORT + 1, false);
		if (round % 4 == 0) /* everything gets another place */
			assert_int_equal(fdb_set_max_entries(fdb, (round % 8 ? 4 : 5) * STAYS), 0);
	}
	for (uint32_t n = 0; n < STAYS; n++)
		if (told[n] != 1)
			fail_msg("address %u was told %u times", n, told[n]);
	free(told);
	free(p.entries);
	fdb_destroy(fdb);
}

static void page_has_the_wanted_port_and_vlan_only(void **state)
{
	struct fdb_page p = page_of(10);
	struct fdb *fdb;
	unsigned n = 0;

	assert_int_equal(fdb_create(1000, &fdb), 0);
	for (uint32_t i = 0; i < 600; i++)
		learn(fdb, i, i % 2, i % 3);
	p.vlan = 1;
	p.port = 2;
	while (turn(fdb, &p)) {
		for (size_t i = 0; i < p.n; i++) {
			assert_int_equal(p.entries[i].vlan, 1);
			assert_int_equal(p.entries[i].port_id, 2);
		}
		n += p.n;
	}
	assert_int_equal(n, 100);
	free(p.entries);
	fdb_destroy(fdb);
}

static void last_page_says_so(void **state)
{
	struct fdb_page p = page_of(10);
	struct fdb *fdb;

	assert_int_equal(fdb_create(1000, &fdb), 0);
	assert_false(turn(fdb, &p));
	assert_false(p.more);
	for (uint32_t i = 0; i < 20; i++)
		learn(fdb, i, 0, 1);
	assert_true(turn(fdb, &p));
	assert_true(p.more);
	assert_true(turn(fdb, &p));
	assert_int_equal(p.n, 10);
	assert_false(p.more);
	free(p.entries);
	fdb_destroy(fdb);
}

static int start(void **state)
{
	*state = event_base_new();
	return rcu_init(*state);
}

static int stop(void **state)
{
	rcu_fini();
	event_base_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_that_stays_is_told_once_whatever_else_happens),
		cmocka_unit_test(page_has_the_wanted_port_and_vlan_only),
		cmocka_unit_test(last_page_says_so),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
