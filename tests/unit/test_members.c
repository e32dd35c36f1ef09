#include "members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

enum { SLOTS = 130 }; /* more than two words */

/* All that a walk yields, as a set; it must be in order and end. */
static void walk(const struct members *m, uint16_t vid, uint32_t n_slots, bool seen[SLOTS])
{
	struct members_walk w = members_walk(m, vid, n_slots);
	int64_t last = -1;

	memset(seen, 0, SLOTS * sizeof(*seen));
	for (uint32_t i; (i = members_next(&w)) != MEMBERS_END; last = i) {
		assert_in_range(i, (uintmax_t)(last + 1), n_slots - 1);
		seen[i] = true;
	}
}

static void empty_bridge_has_no_members(void **state)
{
	struct members *m;
	bool seen[SLOTS], none[SLOTS] = {false};

	assert_int_equal(members_create(&m), 0);
	walk(m, 0, 1, seen);
	assert_memory_equal(seen, none, sizeof(seen));
	walk(m, 4094, SLOTS, seen);
	assert_memory_equal(seen, none, sizeof(seen));
	members_destroy(m);
	members_destroy(NULL);
}

static struct vlan_conf random_conf(struct rng *r)
{
	struct vlan_conf c = {.mode = (enum vlan_mode)rng_below(r, VLAN_MODE_N),
		.tag = (uint16_t)(1 + rng_below(r, 20)),
		.all_trunks = rng_below(r, 3) == 0};

	for (unsigned n = rng_below(r, 6); n; n--)
		vlan_set_add(c.trunks, (uint16_t)rng_below(r, 20));
	return c;
}

/* Between adding and trimming it may be in more sets than it should be, but in none too few. */
static void walks_find_whoever_carries_the_vlan_and_nobody_else_afterwards(void **state)
{
	struct rng r = rng_init(__func__);
	struct vlan_conf conf[SLOTS];
	bool used[SLOTS] = {false}, seen[SLOTS];
	struct members *m;

	assert_int_equal(members_create(&m), 0);
	for (int round = 0; round < 3000; round++) {
		uint32_t slot = rng_below(&r, SLOTS);
		uint16_t vid = (uint16_t)rng_below(&r, 22);
		struct vlan_conf old = conf[slot], new = random_conf(&r);
		bool was = used[slot];

		used[slot] = rng_below(&r, 4);
		if (used[slot]) {
			conf[slot] = new;
			assert_int_equal(members_add(m, slot, &new), 0);
			walk(m, vid, SLOTS, seen);
			assert_true(seen[slot] || (!vlan_carries(&new, vid) &&
							  !(was && vlan_carries(&old, vid))));
		}
		members_trim(m, slot, used[slot] ? &new : NULL);
		walk(m, vid, SLOTS, seen);
		for (uint32_t i = 0; i < SLOTS; i++)
			assert_int_equal(seen[i], used[i] && vlan_carries(&conf[i], vid));
	}
	members_destroy(m);
}

/* Ports that came after the view which a worker looks at. */
static void walk_ends_with_the_slots_asked_for(void **state)
{
	struct vlan_conf all = {.all_trunks = true};
	struct members *m;
	bool seen[SLOTS];

	assert_int_equal(members_create(&m), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(members_add(m, i, &all), 0);
	for (uint32_t n = 1; n <= SLOTS; n++) {
		walk(m, 7, n, seen);
		for (uint32_t i = 0; i < SLOTS; i++)
			assert_int_equal(seen[i], i < n);
	}
	members_destroy(m);
}

static void last_slot_and_last_vlan_have_their_place(void **state)
{
	struct vlan_conf access = {.mode = VLAN_ACCESS, .tag = VLAN_VID_MAX};
	struct members *m;
	struct members_walk w;

	assert_int_equal(members_create(&m), 0);
	assert_int_equal(members_add(m, MEMBERS_SLOTS - 1, &access), 0);
	w = members_walk(m, VLAN_VID_MAX, MEMBERS_SLOTS);
	assert_int_equal(members_next(&w), MEMBERS_SLOTS - 1);
	assert_int_equal(members_next(&w), MEMBERS_END);
	members_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_bridge_has_no_members),
		cmocka_unit_test(walks_find_whoever_carries_the_vlan_and_nobody_else_afterwards),
		cmocka_unit_test(walk_ends_with_the_slots_asked_for),
		cmocka_unit_test(last_slot_and_last_vlan_have_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
