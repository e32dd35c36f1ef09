/* Patch ports in a whole dataplane: what they join, and what that costs. */
#include <stdio.h>

#include "world.h"

static void patch_pair_joins_two_bridges(void **state)
{
	struct world *w = *state;
	struct bridge_conf bc = {.name = "br1", .mac_age_s = 300, .mac_limit = 1024};

	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br1"), 0);
	assert_int_equal(add(w, "p0", &port_patch_ops, "p1", "br0"), 0);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_UP);
	assert_int_equal(dataplane_port_lookup(w->dp, "p1")->state, DP_PORT_UP);
	inject(w, "a", 2, 1);
	await(w, "b", 1);
	inject(w, "b", 1, 2);
	await(w, "a", 1);
	dataplane_port_del(w->dp, "p1");
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
}

/* A bridge on either side of the patch p0-p1, with a port each. */
static void add_patched(struct world *w)
{
	struct bridge_conf bc = {.name = "br1", .mac_age_s = 300, .mac_limit = 1024};

	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br1"), 0);
	assert_int_equal(add(w, "p0", &port_patch_ops, "p1", "br0"), 0);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	settle(w);
}

static void assert_patched(struct world *w)
{
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_UP);
	assert_int_equal(dataplane_port_lookup(w->dp, "p1")->state, DP_PORT_UP);
	inject(w, "a", 2, 1);
	await(w, "b", 1);
	inject(w, "b", 1, 2);
	await(w, "a", 1);
}

static void patch_pair_replaced_at_once_joins_its_new_ends(void **state)
{
	struct world *w = *state;

	add_patched(w);
	dataplane_port_del(w->dp, "p0");
	dataplane_port_del(w->dp, "p1");
	assert_int_equal(add(w, "p0", &port_patch_ops, "p1", "br0"), 0);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	settle(w);
	assert_patched(w);
}

static void patch_port_does_not_join_one_that_is_leaving(void **state)
{
	struct world *w = *state;
	struct bridge_conf bc = {.name = "br1", .mac_age_s = 300, .mac_limit = 1024};

	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br1"), 0);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	dataplane_port_del(w->dp, "p1");
	assert_int_equal(add(w, "p0", &port_patch_ops, "p1", "br0"), 0);
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
	inject(w, "a", 2, 1);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	settle(w);
	assert_patched(w);
}

static void patch_port_whose_peer_waits_for_its_predecessor_waits_too(void **state)
{
	struct world *w = *state;

	add_patched(w);
	dataplane_port_del(w->dp, "p0");
	dataplane_port_del(w->dp, "p1");
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	assert_int_equal(add(w, "p0", &port_patch_ops, "p1", "br0"), 0);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
	dataplane_port_del(w->dp, "p1"); /* before it ever opened */
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
	inject(w, "a", 2, 1);
	assert_int_equal(add(w, "p1", &port_patch_ops, "p0", "br1"), 0);
	settle(w);
	assert_patched(w);
}

static void patch_ports_go_under_traffic(void **state)
{
	struct world *w = *state;

	add_patched(w);
	sim_port_sink(port(w, "b"), true);
	for (unsigned i = 0; i < 300; i++) {
		const char *name = i % 2 ? "p0" : "p1", *peer = i % 2 ? "p1" : "p0";

		for (unsigned j = 0; j < BATCH_MAX; j++)
			inject(w, "a", 0xfe, (uint8_t)j);
		dataplane_port_del(w->dp, name);
		assert_int_equal(add(w, name, &port_patch_ops, peer, i % 2 ? "br0" : "br1"), 0);
		for (unsigned j = 0; j < BATCH_MAX; j++)
			inject(w, "a", 0xfe, (uint8_t)j);
		settle(w);
		assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_UP);
		assert_int_equal(dataplane_port_lookup(w->dp, "p1")->state, DP_PORT_UP);
	}
}

static void parallel_patches_do_not_multiply_a_frame_without_end(void **state)
{
	enum { PATCHES = 8 }; /* 8 * 7^7 copies */
	struct world *w = *state;
	uint64_t loops = 0, crossed = 0;
	unsigned ends = 0;

	add_patched(w);
	for (unsigned i = 0; i < PATCHES; i++) {
		char p[8], q[8];

		snprintf(p, sizeof(p), "x%u", i);
		snprintf(q, sizeof(q), "y%u", i);
		assert_int_equal(add(w, p, &port_patch_ops, q, "br0"), 0);
		assert_int_equal(add(w, q, &port_patch_ops, p, "br1"), 0);
	}
	sim_port_sink(port(w, "b"), true);
	sim_port_sink(port(w, "a"), true);
	settle(w);
	inject(w, "a", 0xfe, 1);
	while (sim_port_rx_waiting(port(w, "a")))
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	settle(w);
	for (struct dp_port *p = NULL; (p = dataplane_port_next(w->dp, p));) {
		struct port_counters sum;

		port_counters_sum(p->port, &sum);
		loops += sum.drops[DROP_RX_PATCH_LOOP];
		if (p->port->ops == &port_patch_ops) {
			crossed += sum.rx_packets;
			ends++;
		}
	}
	assert_int_equal(crossed, ends); /* one frame */
	assert_true(loops > 0);
}

/* Bridges in a star, each joined to br0: what is flooded crosses every patch. */
static void full_burst_reaches_every_bridge_of_a_tree(void **state)
{
	enum { BRIDGES = 100 };
	struct world *w = *state;
	struct port_counters sum;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	for (unsigned i = 0; i < BRIDGES; i++) {
		struct bridge_conf bc = {.mac_age_s = 300, .mac_limit = 16};
		char p[8], q[8];

		snprintf(bc.name, sizeof(bc.name), "leaf%u", i);
		snprintf(p, sizeof(p), "p%u", i);
		snprintf(q, sizeof(q), "q%u", i);
		assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
		assert_int_equal(add(w, p, &port_patch_ops, q, "br0"), 0);
		assert_int_equal(add(w, q, &port_patch_ops, p, bc.name), 0);
		assert_int_equal(add(w, bc.name, &port_sim_ops, NULL, bc.name), 0);
		sim_port_sink(port(w, bc.name), true);
	}
	settle(w);
	for (unsigned i = 0; i < BATCH_MAX; i++)
		inject(w, "a", 0xfe, 1);
	while (sim_port_rx_waiting(port(w, "a")))
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	settle(w);
	for (unsigned i = 0; i < BRIDGES; i++) {
		char leaf[8];

		snprintf(leaf, sizeof(leaf), "leaf%u", i);
		port_counters_sum(port(w, leaf), &sum);
		assert_int_equal(sum.tx_packets, BATCH_MAX);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(patch_pair_joins_two_bridges),
		T(patch_pair_replaced_at_once_joins_its_new_ends),
		T(patch_port_does_not_join_one_that_is_leaving),
		T(patch_port_whose_peer_waits_for_its_predecessor_waits_too),
		T(patch_ports_go_under_traffic),
		T(parallel_patches_do_not_multiply_a_frame_without_end),
		T(full_burst_reaches_every_bridge_of_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
