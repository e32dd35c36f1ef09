/* The learning switch over sim ports. */
#include "normal_world.h"

static void unknown_destination_floods_and_known_one_does_not(void **state)
{
	struct world *w = *state;

	station_sends(w, 0, 2, 1, 0);
	assert_int_equal(got(w), 0xe);
	station_sends(w, 2, 1, 2, 0);
	assert_int_equal(got(w), 0x1);
	station_sends(w, 0, 2, 1, 0);
	assert_int_equal(got(w), 0x4);
}

static void broadcast_never_returns_to_its_port(void **state)
{
	struct world *w = *state;

	station_sends(w, 1, 0xff, 1, 0);
	assert_int_equal(got(w), 0xd);
}

static void frame_to_an_address_behind_its_own_port_is_dropped(void **state)
{
	struct world *w = *state;

	station_sends(w, 0, 9, 1, 0);
	station_sends(w, 0, 9, 2, 0);
	got(w);
	station_sends(w, 0, 1, 2, 0);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_RX_REFLECTION), 1);
}

static void same_address_in_two_vlans_is_two_stations(void **state)
{
	struct world *w = *state;

	station_sends(w, 0, 9, 1, 10);
	station_sends(w, 1, 9, 1, 20);
	got(w);
	station_sends(w, 3, 1, 3, 10);
	assert_int_equal(got(w), 0x1);
	station_sends(w, 3, 1, 3, 20);
	assert_int_equal(got(w), 0x2);
}

static void flood_stays_within_the_vlan(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();

	c.vlan.mode = VLAN_ACCESS;
	c.vlan.tag = 10;
	assert_int_equal(bridge_port_set(w->bports[1], &c), 0);
	c.vlan.tag = 20;
	assert_int_equal(bridge_port_set(w->bports[2], &c), 0);
	station_sends(w, 0, 0xff, 1, 10);
	assert_int_equal(got(w), 0xa);
}

static void learned_address_in_a_vlan_that_its_port_left_is_a_named_drop(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();

	c.vlan.mode = VLAN_ACCESS;
	c.vlan.tag = 20;
	assert_int_equal(bridge_port_set(w->bports[2], &c), 0);
	assert_int_equal(fdb_add_static(w->bridge->fdb, eth_addr_load("\x02\0\0\0\0\x07"), 10,
				 w->bports[2]->index),
		0);
	station_sends(w, 0, 7, 1, 10);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 2, DROP_TX_VLAN_NOT_MEMBER), 1);
}

static void isolated_ports_reach_others_but_not_each_other(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();

	c.isolated = true;
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	assert_int_equal(bridge_port_set(w->bports[1], &c), 0);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0xc);
	station_sends(w, 1, 1, 2, 0);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_TX_ISOLATED), 1);
	station_sends(w, 2, 1, 3, 0);
	assert_int_equal(got(w), 0x1);
}

/* Why a frame goes nowhere: nobody of its VLAN is there, or only such as may not have it. */
static void frame_for_isolated_ports_only_is_dropped_by_that_name(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();

	c.isolated = true;
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	assert_int_equal(bridge_port_set(w->bports[1], &c), 0);
	sim_port_set_link(w->ports[2], false);
	sim_port_set_link(w->ports[3], false);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(drops(w, 0, DROP_RX_ALL_ISOLATED), 1);
	sim_port_set_link(w->ports[1], false);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(drops(w, 0, DROP_RX_ALL_ISOLATED), 1);
	assert_int_equal(drops(w, 0, DROP_RX_NO_DESTINATION), 1);
	assert_int_equal(got(w), 0);
}

static void reserved_groups_stay_unless_the_bridge_forwards_them(void **state)
{
	struct world *w = *state;
	struct bridge_conf bc = w->bridge->conf;
	uint8_t f[64];

	build(f, 0, 1, 0);
	memcpy(f, "\x01\x80\xc2\0\0\x0e", 6);
	send_raw(w, 0, f, 64);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_RX_RESERVED_GROUP), 1);
	f[5] = 0x10; /* just outside */
	send_raw(w, 0, f, 64);
	assert_int_equal(got(w), 0xe);
	bc.forward_bpdu = true;
	assert_int_equal(bridge_set(w->bridge, &bc), 0);
	f[5] = 0x0e;
	send_raw(w, 0, f, 64);
	assert_int_equal(got(w), 0xe);
}

static void group_address_as_source_is_dropped_and_not_learned(void **state)
{
	struct world *w = *state;
	uint8_t f[64];

	build(f, 2, 1, 0);
	f[6] = 0x03;
	send_raw(w, 0, f, 64);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_RX_SRC_MULTICAST), 1);
	assert_int_equal(fdb_stats(w->bridge->fdb).entries, 0);
}

static void source_of_zeros_is_dropped_and_not_learned(void **state)
{
	struct world *w = *state;
	uint8_t f[64];

	build(f, 2, 1, 0);
	memset(f + 6, 0, 6);
	send_raw(w, 0, f, 64);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_RX_SRC_ZERO), 1);
	assert_int_equal(fdb_stats(w->bridge->fdb).entries, 0);
}

static void storm_limits_count_segments(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();
	uint64_t start = 1000000000;

	c.storm.broadcast = token_rate_make(100, 50);
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	w->lane.now_ns = start;
	broadcast_large(w, 30);
	assert_int_equal(got(w), 0xe);
	broadcast_large(w, 30); /* of which 20 would still pass */
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 0, DROP_RX_STORM_BROADCAST), 1);
	broadcast_large(w, 20);
	assert_int_equal(got(w), 0xe);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0);

	/* one of more than ever passes at once, after the time for 50, costs that for 200 */
	w->lane.now_ns += 500000000;
	broadcast_large(w, 200);
	assert_int_equal(got(w), 0xe);
	w->lane.now_ns += 1509000000;
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0);
	w->lane.now_ns += 1000000;
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0xe);
}

static void new_storm_limit_holds_at_once(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();
	struct token_rate slow = token_rate_make(1, 1);
	uint64_t deadline = clock_now_ms() + 5000;

	w->lane.now_ns = 1000000000;
	c.storm.broadcast = slow;
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	broadcast_large(w, 500);
	assert_int_equal(got(w), 0xe);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0);
	c.isolated = true; /* says nothing of limits */
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0);
	c.storm.broadcast = token_rate_make(1000000, 100000);
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0xe);

	/* what a worker in mid-burst has still charged by the old one */
	w->lane.now_ns += 1000000000;
	assert_true(token_bucket_take(&w->bports[0]->storm_broadcast, &slow, 500, w->lane.now_ns));
	unsigned passed = 0;
	while (!passed && clock_now_ms() < deadline) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		station_sends(w, 0, 0xff, 1, 0);
		passed = got(w);
	}
	assert_int_equal(passed, 0xe);
}

static void storm_limits_count_each_kind_by_itself(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();
	unsigned passed = 0;

	w->lane.now_ns = 1000000000;
	c.storm.broadcast = token_rate_make(10, 10);
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	for (unsigned i = 0; i < 50; i++) {
		station_sends(w, 0, 0xff, 1, 0);
		passed += got(w) == 0xe;
	}
	assert_int_equal(passed, 10);
	assert_int_equal(drops(w, 0, DROP_RX_STORM_BROADCAST), 40);
	station_sends(w, 0, 9, 1, 0); /* unknown unicast has no limit */
	assert_int_equal(got(w), 0xe);
	w->lane.now_ns += 1000000000;
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0xe);
}

static void link_down_forgets_addresses_and_stops_floods(void **state)
{
	struct world *w = *state;

	station_sends(w, 1, 9, 1, 0);
	got(w);
	sim_port_set_link(w->ports[1], false);
	bridge_port_link_down(w->bports[1]);
	station_sends(w, 0, 1, 2, 0);
	assert_int_equal(got(w), 0xc);
}

static void backlog_of_a_port_without_link_brings_no_addresses(void **state)
{
	struct world *w = *state;

	sim_port_set_link(w->ports[1], false);
	bridge_port_link_down(w->bports[1]);
	station_sends(w, 1, 0xff, 1, 0);
	assert_int_equal(got(w), 0xd);
	assert_int_equal(fdb_stats(w->bridge->fdb).entries, 0);
	sim_port_set_link(w->ports[1], true);
	station_sends(w, 1, 0xff, 1, 0);
	assert_int_equal(fdb_stats(w->bridge->fdb).entries, 1);
}

/* What a worker in mid-burst still learns after the change. */
static void address_learned_by_the_vlan_before_goes(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();
	uint64_t deadline = clock_now_ms() + 5000;

	c.vlan.mode = VLAN_ACCESS;
	c.vlan.tag = 10;
	assert_int_equal(bridge_port_set(w->bports[1], &c), 0);
	fdb_learn(w->bridge->fdb, eth_addr_load("\x02\0\0\0\0\x01"), 0, w->bports[1]->index, 0);
	while (fdb_stats(w->bridge->fdb).entries && clock_now_ms() < deadline)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	station_sends(w, 0, 1, 2, 0);
	assert_int_equal(got(w), 0xc);
}

static void moved_station_is_found_at_its_new_port(void **state)
{
	struct world *w = *state;

	station_sends(w, 0, 9, 1, 0);
	station_sends(w, 1, 9, 1, 0);
	got(w);
	station_sends(w, 2, 1, 2, 0);
	assert_int_equal(got(w), 0x2);
	assert_int_equal(fdb_stats(w->bridge->fdb).moved, 1);
}

static void removed_port_gets_nothing_and_its_slot_is_reused_clean(void **state)
{
	struct world *w = *state;
	struct bport_conf conf = trunk_conf();
	uint32_t index = w->bports[1]->index;

	station_sends(w, 1, 9, 1, 0);
	got(w);
	rcu_set(w->ports[1]->owner, NULL);
	bridge_port_del(w->bports[1]);
	station_sends(w, 0, 1, 2, 0);
	assert_int_equal(got(w), 0xc);
	station_sends(w, 1, 0xff, 1, 0);
	assert_int_equal(got(w), 0);
	assert_int_equal(drops(w, 1, DROP_RX_NO_BRIDGE), 1);
	while (w->bridge->n_leaving)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(bridge_port_add(w->bridge, w->ports[1], 2, &conf, &w->bports[1]), 0);
	assert_int_equal(w->bports[1]->index, index);
	rcu_set(w->ports[1]->owner, w->bports[1]);
	station_sends(w, 0, 1, 2, 0);
	assert_int_equal(got(w), 0xe);
}

static void burst_keeps_its_order_and_leaks_nothing(void **state)
{
	struct world *w = *state;
	uint8_t f[64], buf[64];

	station_sends(w, 1, 9, 2, 0);
	got(w);
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		build(f, i % 2 ? 2 : 0xff, 1, 0);
		f[20] = (uint8_t)i;
		assert_int_equal(sim_port_inject(w->ports[0], f, 64, NULL), 0);
	}
	run(w, 0);
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		assert_int_equal(sim_port_take(w->ports[1], buf, sizeof(buf), NULL), 64);
		assert_int_equal(buf[20], i);
	}
	assert_int_equal(w->lane.arena.n_free, ARENA_PACKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		normal_test(unknown_destination_floods_and_known_one_does_not),
		normal_test(broadcast_never_returns_to_its_port),
		normal_test(frame_to_an_address_behind_its_own_port_is_dropped),
		normal_test(same_address_in_two_vlans_is_two_stations),
		normal_test(flood_stays_within_the_vlan),
		normal_test(learned_address_in_a_vlan_that_its_port_left_is_a_named_drop),
		normal_test(isolated_ports_reach_others_but_not_each_other),
		normal_test(frame_for_isolated_ports_only_is_dropped_by_that_name),
		normal_test(reserved_groups_stay_unless_the_bridge_forwards_them),
		normal_test(group_address_as_source_is_dropped_and_not_learned),
		normal_test(source_of_zeros_is_dropped_and_not_learned),
		normal_test(storm_limits_count_segments),
		normal_test(new_storm_limit_holds_at_once),
		normal_test(storm_limits_count_each_kind_by_itself),
		normal_test(link_down_forgets_addresses_and_stops_floods),
		normal_test(backlog_of_a_port_without_link_brings_no_addresses),
		normal_test(address_learned_by_the_vlan_before_goes),
		normal_test(moved_station_is_found_at_its_new_port),
		normal_test(removed_port_gets_nothing_and_its_slot_is_reused_clean),
		normal_test(burst_keeps_its_order_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
