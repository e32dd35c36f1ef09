/* The whole dataplane with real workers over sim ports: the test is the control
 * thread and the devices. */
#include "dataplane.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "pipeline.h"
#include "port_sim.h"

enum { WORKERS = 2, PATIENCE_MS = 20000 };

struct world {
	struct event_base *base;
	struct dataplane *dp;
	bool synced;
};

static const struct bport_conf trunk = {
	.vlan = {.mode = VLAN_TRUNK, .all_trunks = true, .all_cvlans = true}};

static void note_sync(void *arg)
{
	((struct world *)arg)->synced = true;
}

static void sync(struct world *w)
{
	w->synced = false;
	dataplane_sync(w->dp, note_sync, w);
	while (!w->synced)
		event_base_loop(w->base, EVLOOP_ONCE);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct dataplane_conf conf = {
		.workers = {.n = WORKERS, .spin_ns = 1000, .enter = pipeline_enter}};
	struct bridge_conf bc = {.name = "br0", .mac_age_s = 300, .mac_limit = 1024};

	conf.base = w->base = event_base_new();
	assert_int_equal(dataplane_create(&conf, &w->dp), 0);
	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->synced = false;
	dataplane_stop(w->dp, false, note_sync, w);
	while (!w->synced)
		event_base_loop(w->base, EVLOOP_ONCE);
	dataplane_destroy(w->dp);
	event_base_free(w->base);
	free(w);
	return 0;
}

static int add(struct world *w, const char *name, const struct port_ops *ops, const char *peer,
	const char *bridge)
{
	static uint16_t ofport;
	struct strbuf why = STRBUF_INIT;
	struct port_conf pc = {.ops = ops, .peer = (char *)peer};
	int err;

	snprintf(pc.name, sizeof(pc.name), "%s", name);
	err = dataplane_port_add(w->dp, bridge, ++ofport, &pc, &trunk, &why);
	strbuf_fini(&why);
	return err;
}

static struct port *port(struct world *w, const char *name)
{
	return dataplane_port_lookup(w->dp, name)->port;
}

static void inject(struct world *w, const char *name, uint8_t dst, uint8_t src)
{
	uint8_t f[64] = {0x02, 0, 0, 0, 0, dst, 0x02, 0, 0, 0, 0, src, 0x88, 0xb5};

	while (sim_port_inject(port(w, name), f, sizeof(f), NULL) == -ENOSPC)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* Wait until the port has been sent 'n' frames; takes them. */
static void await(struct world *w, const char *name, unsigned n)
{
	uint64_t deadline = clock_now_ms() + PATIENCE_MS;
	uint8_t buf[64];

	while (n) {
		if (sim_port_take(port(w, name), buf, sizeof(buf), NULL) >= 0)
			n--;
		else
			event_base_loop(w->base, EVLOOP_NONBLOCK);
		assert_true(clock_now_ms() < deadline);
	}
}

static void frames_cross_between_ports_of_different_workers(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	assert_int_not_equal(port(w, "a")->rxqs[0].worker, port(w, "b")->rxqs[0].worker);
	for (unsigned i = 0; i < 500; i++) {
		inject(w, "a", 2, 1);
		inject(w, "b", 1, 2);
	}
	await(w, "a", 500);
	await(w, "b", 500);
}

static void sleeping_worker_wakes_for_every_single_frame(void **state)
{
	struct world *w = *state;
	struct worker_stats s;
	uint64_t sleeps = 0;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	for (unsigned i = 0; i < 2000; i++) {
		inject(w, "a", 2, 1);
		await(w, "b", 1);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		workers_stats(dataplane_workers(w->dp), i, &s);
		sleeps += s.sleeps;
	}
	assert_true(sleeps > 0);
}

static void idle_worker_uses_no_processor_time(void **state)
{
	struct world *w = *state;
	struct worker_stats before, after;
	struct timeval half_second = {.tv_usec = 500000};

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	inject(w, "a", 2, 1);
	event_base_loopexit(w->base, &half_second);
	event_base_dispatch(w->base);
	workers_stats(dataplane_workers(w->dp), 0, &before);
	event_base_loopexit(w->base, &half_second);
	event_base_dispatch(w->base);
	workers_stats(dataplane_workers(w->dp), 0, &after);
	assert_int_equal(after.sleeps, before.sleeps);
	assert_int_equal(after.polls, before.polls);
}

static void ports_come_and_go_under_traffic(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	sim_port_sink(port(w, "b"), true);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned j = 0; j < 8; j++)
			inject(w, "a", 0xfe, (uint8_t)i);
		assert_int_equal(add(w, "c", &port_sim_ops, NULL, "br0"), 0);
		for (unsigned j = 0; j < 8; j++)
			inject(w, "a", 0xfe, (uint8_t)i);
		dataplane_port_del(w->dp, "c"); /* and at once again, while it closes */
		assert_int_equal(add(w, "c", &port_sim_ops, NULL, "br0"), 0);
		if (i % 3 == 0)
			sync(w);
		dataplane_port_del(w->dp, "c");
	}
	sync(w);
	assert_null(dataplane_port_lookup(w->dp, "c"));
}

static void replaced_port_waits_for_its_predecessor_and_comes_up(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	dataplane_port_del(w->dp, "a");
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_WAITING);
	sync(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_UP);
}

static void vanished_device_waits_and_returns(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	sync(w);
	inject(w, "b", 1, 2);
	await(w, "a", 1);
	sim_port_set_present(port(w, "b"), false);
	sync(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "b")->state, DP_PORT_WAITING);
	assert_int_equal(fdb_stats(dataplane_bridge_lookup(w->dp, "br0")->fdb).entries, 0);
	inject(w, "a", 2, 1);
	sim_port_set_present(port(w, "b"), true);
	sync(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "b")->state, DP_PORT_UP);
	inject(w, "a", 2, 1);
	await(w, "b", 1);
}

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
	sync(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_UP);
	assert_int_equal(dataplane_port_lookup(w->dp, "p1")->state, DP_PORT_UP);
	inject(w, "a", 2, 1);
	await(w, "b", 1);
	inject(w, "b", 1, 2);
	await(w, "a", 1);
	dataplane_port_del(w->dp, "p1");
	sync(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "p0")->state, DP_PORT_WAITING);
}

#define dataplane_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		dataplane_test(frames_cross_between_ports_of_different_workers),
		dataplane_test(sleeping_worker_wakes_for_every_single_frame),
		dataplane_test(idle_worker_uses_no_processor_time),
		dataplane_test(ports_come_and_go_under_traffic),
		dataplane_test(replaced_port_waits_for_its_predecessor_and_comes_up),
		dataplane_test(vanished_device_waits_and_returns),
		dataplane_test(patch_pair_joins_two_bridges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
