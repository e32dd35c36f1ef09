/* Ports, workers and bridges of a whole dataplane as they come, go and forward. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "world.h"

static void frames_cross_between_ports_of_different_workers(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
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
	settle(w);
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
	settle(w);
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

/* A port that never gets a frame, with a descriptor that epoll does not take. */
static struct rxq odd_queue;

static int odd_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	return 0;
}

static void odd_destroy(struct port *p)
{
}

static int odd_open(struct port *p, struct strbuf *why)
{
	odd_queue = (struct rxq){.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
	assert_true(odd_queue.fd >= 0);
	p->rxqs = &odd_queue;
	p->n_rxqs = 1;
	return 0;
}

static void odd_close(struct port *p, bool removed)
{
	close(odd_queue.fd);
}

static unsigned odd_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	return 0;
}

static struct worker_stats stats_of(struct world *w, unsigned id)
{
	struct worker_stats s;

	workers_stats(dataplane_workers(w->dp), id, &s);
	return s;
}

static void queue_that_cannot_be_waited_for_is_polled_and_told_until_it_can(void **state)
{
	static const struct port_ops odd = {.type = "odd",
		.create = odd_create,
		.destroy = odd_destroy,
		.open = odd_open,
		.close = odd_close,
		.rx = odd_rx};
	struct world *w = *state;
	uint64_t deadline = clock_now_ms() + PATIENCE_MS, polls, sleeps;
	unsigned id;
	int fd;

	assert_int_equal(add(w, "odd", &odd, NULL, "br0"), 0);
	settle(w);
	id = odd_queue.worker;
	while (!stats_of(w, id).queues_unwatched && clock_now_ms() < deadline)
		;
	assert_int_equal(stats_of(w, id).queues_unwatched, 1);
	assert_int_equal(stats_of(w, 1 - id).queues_unwatched, 0);
	polls = stats_of(w, id).polls;
	sleeps = stats_of(w, id).sleeps; /* before it had the queue */
	while (stats_of(w, id).polls < polls + 1000 && clock_now_ms() < deadline)
		;
	assert_true(stats_of(w, id).polls >= polls + 1000);
	assert_int_equal(stats_of(w, id).sleeps, sleeps);

	fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(dup2(fd, odd_queue.fd), odd_queue.fd);
	close(fd);
	clock_warp_ms(1000);
	deadline = clock_now_ms() + PATIENCE_MS;
	while (stats_of(w, id).sleeps == sleeps && clock_now_ms() < deadline)
		;
	assert_int_equal(stats_of(w, id).queues_unwatched, 0);
	assert_int_equal(stats_of(w, id).queues_busy, 0);
	dataplane_port_del(w->dp, "odd");
	settle(w);
}

static void ports_come_and_go_under_traffic(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
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
			settle(w);
		dataplane_port_del(w->dp, "c");
	}
	settle(w);
	assert_null(dataplane_port_lookup(w->dp, "c"));
}

/* Run the event loop until the port holds its device only because closing it takes long. */
static void await_releasing(struct world *w, const struct port *p)
{
	uint64_t deadline = clock_now_ms() + PATIENCE_MS;

	while (!p->releasing) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		assert_true(clock_now_ms() < deadline);
	}
}

static void port_whose_device_is_still_held_is_not_gone(void **state)
{
	struct world *w = *state;
	struct port *old;
	bool kept = true;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	old = port(w, "a");
	sim_port_hold(old, &kept);
	dataplane_port_del(w->dp, "a");
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	w->synced = false;
	dataplane_sync(w->dp, note_sync, w);
	await_releasing(w, old);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_false(w->synced);
	assert_false(kept);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_WAITING);
	sim_port_release(old);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_UP);
	while (!w->synced)
		event_base_loop(w->base, EVLOOP_ONCE);
}

/* Its device was closed to be opened again: it must not stay behind. */
static void port_removed_while_its_device_is_held_is_removed_for_good(void **state)
{
	struct world *w = *state;
	struct port *p;
	bool kept = false;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	p = port(w, "a");
	sim_port_hold(p, &kept);
	p->events->gone(p, p->events_arg);
	await_releasing(w, p);
	assert_true(kept);
	dataplane_port_del(w->dp, "a");
	w->synced = false;
	dataplane_sync(w->dp, note_sync, w);
	sim_port_release(p);
	assert_true(p->releasing);
	assert_false(kept);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_false(w->synced);
	sim_port_release(p);
	while (!w->synced)
		event_base_loop(w->base, EVLOOP_ONCE);
}

static void queue_whose_bursts_take_long_gets_smaller_ones(void **state)
{
	enum { PORTS = 1000, FRAMES = 512 };
	struct world *w = *state;
	struct port_counters sum;
	char name[8];

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	for (unsigned i = 0; i < PORTS; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		assert_int_equal(add(w, name, &port_sim_ops, NULL, "br0"), 0);
		sim_port_sink(port(w, name), true);
	}
	settle(w);
	assert_int_equal(port(w, "a")->rxqs[0].burst, BATCH_MAX);
	for (unsigned i = 0; i < FRAMES; i++)
		inject(w, "a", 0xfe, 1); /* nobody has that address: it goes to all */
	while (sim_port_rx_waiting(port(w, "a")))
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	settle(w);
	assert_in_range(port(w, "a")->rxqs[0].burst, 1, BATCH_MAX - 1);
	port_counters_sum(port(w, name), &sum);
	assert_int_equal(sum.tx_packets, FRAMES);
}

static void replaced_port_waits_for_its_predecessor_and_comes_up(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	dataplane_port_del(w->dp, "a");
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_WAITING);
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "a")->state, DP_PORT_UP);
}

static void vanished_device_waits_and_returns(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	inject(w, "b", 1, 2);
	await(w, "a", 1);
	sim_port_set_present(port(w, "b"), false);
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "b")->state, DP_PORT_WAITING);
	assert_int_equal(fdb_stats(dataplane_bridge_lookup(w->dp, "br0")->fdb).entries, 0);
	inject(w, "a", 2, 1);
	sim_port_set_present(port(w, "b"), true);
	settle(w);
	assert_int_equal(dataplane_port_lookup(w->dp, "b")->state, DP_PORT_UP);
	inject(w, "a", 2, 1);
	await(w, "b", 1);
}

static void addresses_behind_a_vanished_device_are_forgotten_under_traffic(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	sim_port_sink(port(w, "a"), true);
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned j = 0; j < 256; j++)
			inject(w, "b", 1, (uint8_t)j);
		sim_port_set_present(port(w, "b"), false);
		settle(w);
		assert_int_equal(fdb_stats(dataplane_bridge_lookup(w->dp, "br0")->fdb).entries, 0);
		sim_port_set_present(port(w, "b"), true);
		settle(w);
	}
}

static void many_addresses_age_within_seconds(void **state)
{
	enum { ENTRIES = 300000 }; /* more than is looked at at a time, by far */
	struct world *w = *state;
	struct bridge_conf bc = {.name = "br0", .mac_age_s = 10, .mac_limit = ENTRIES};
	struct fdb *fdb;
	uint64_t deadline;

	assert_int_equal(dataplane_bridge_set(w->dp, &bc), 0);
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	fdb = dataplane_bridge_lookup(w->dp, "br0")->fdb;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		uint8_t mac[ETH_ADDR_LEN] = {2};

		wire_put_u32(mac + 2, i);
		fdb_learn(fdb, eth_addr_load(mac), 0, 0, clock_now_ms());
	}
	assert_int_equal(fdb_stats(fdb).entries, ENTRIES);
	clock_warp_ms(12000);
	deadline = clock_now_ms() + 5000; /* one look a second would take 15 s */
	while (fdb_stats(fdb).entries && clock_now_ms() < deadline)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(fdb_stats(fdb).entries, 0);
}

struct told {
	char text[400];
};

static void note(struct told *t, const char *what, const char *name, int n)
{
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s %s %d; ", what, name, n);
}

static void told_port(const struct dp_port *p, void *arg)
{
	note(arg, dp_port_state_name(p->state), p->port->conf.name, dp_port_link_up(p));
}

static void told_removed(const struct dp_port *p, void *arg)
{
	note(arg, "removed", p->port->conf.name, 0);
}

static void told_link(const struct dp_port *p, void *arg)
{
	note(arg, "link", p->port->conf.name, dp_port_link_up(p));
}

static void told_mtu(const struct dp_port *p, uint32_t before, void *arg)
{
	note(arg, "mtu", p->port->conf.name, (int)p->port->mtu - (int)before);
}

static void told_bridge(const struct bridge *b, bool added, void *arg)
{
	note(arg, "bridge", b->conf.name, added);
}

static void told_drops(
	const struct dp_port *p, enum drop_reason why, uint64_t since, uint64_t count, void *arg)
{
	note(arg, drop_name(why), p->port->conf.name, (int)(since * 100 + count));
}

#define TOLD(w, t, should)                                                                         \
	do {                                                                                       \
		settle(w);                                                                         \
		event_base_loop((w)->base, EVLOOP_NONBLOCK);                                       \
		assert_string_equal((t)->text, should);                                            \
		(t)->text[0] = '\0';                                                               \
	} while (0)

static void listener_is_told_of_every_change_once(void **state)
{
	static const struct dp_listener listener = {.port = told_port,
		.port_removed = told_removed,
		.link = told_link,
		.mtu = told_mtu,
		.bridge = told_bridge};
	struct bridge_conf bc = {.name = "br1", .mac_age_s = 300, .mac_limit = 1024};
	struct world *w = *state;
	struct told t = {0};

	event_base_loop(w->base, EVLOOP_NONBLOCK); /* br0 was before */
	dataplane_listen(w->dp, &listener, &t);
	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	assert_string_equal(t.text, ""); /* never from within a call */
	TOLD(w, &t, "bridge br1 1; up a 1; ");
	sim_port_set_link(port(w, "a"), false);
	sim_port_set_link(port(w, "a"), false);
	TOLD(w, &t, "link a 0; ");
	sim_port_set_mtu(port(w, "a"), 1400);
	sim_port_set_link(port(w, "a"), true);
	TOLD(w, &t, "link a 1; mtu a -100; ");
	sim_port_set_present(port(w, "a"), false);
	TOLD(w, &t, "waiting a 0; ");
	sim_port_set_present(port(w, "a"), true);
	TOLD(w, &t, "up a 1; ");
	/* what has come and gone meanwhile, or is as it was, is no news */
	assert_int_equal(add(w, "b", &port_sim_ops, NULL, "br0"), 0);
	dataplane_port_del(w->dp, "b");
	dataplane_bridge_del(w->dp, "br1");
	assert_int_equal(dataplane_bridge_add(w->dp, &bc), 0);
	sim_port_set_link(port(w, "a"), false);
	sim_port_set_link(port(w, "a"), true);
	TOLD(w, &t, "bridge br1 0; bridge br1 1; ");
	dataplane_port_del(w->dp, "a");
	TOLD(w, &t, "removed a 0; ");
	dataplane_listen(w->dp, NULL, NULL);
}

static void drops_are_told_with_how_many_are_new(void **state)
{
	struct world *w = *state;
	struct told t = {0};

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	settle(w);
	/* from a group address; nobody to send it to otherwise */
	for (unsigned i = 0; i < 3; i++) {
		uint8_t f[64] = {0x02, 0, 0, 0, 0, 2, 0x03, 0, 0, 0, 0, 1, 0x88, 0xb5};
		struct port_counters c = {0};
		uint64_t deadline = clock_now_ms() + PATIENCE_MS;

		assert_int_equal(sim_port_inject(port(w, "a"), f, sizeof(f), NULL), 0);
		while (c.drops[DROP_RX_SRC_MULTICAST] <= i && clock_now_ms() < deadline) {
			event_base_loop(w->base, EVLOOP_NONBLOCK);
			port_counters_sum(port(w, "a"), &c);
		}
		if (i == 0)
			dataplane_tell_drops(w->dp, NULL, NULL);
	}
	dataplane_tell_drops(w->dp, told_drops, &t);
	assert_string_equal(t.text, "rx_src_multicast a 203; "); /* 2 of 3 */
	t.text[0] = '\0';
	dataplane_tell_drops(w->dp, told_drops, &t);
	assert_string_equal(t.text, "");
}

static void set_queues(struct world *w, const char *name, uint32_t queues)
{
	struct port_conf conf = {.ops = &port_sim_ops, .queues = queues};
	struct strbuf why = STRBUF_INIT;

	snprintf(conf.name, sizeof(conf.name), "%s", name);
	assert_int_equal(dataplane_port_set(w->dp, name, &conf, &trunk, &why), 0);
	strbuf_fini(&why);
}

static void last_of_several_settings_counts_also_while_closing(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, "a", &port_sim_ops, NULL, "br0"), 0);
	set_queues(w, "a", 1);
	settle(w);
	set_queues(w, "a", 2);
	set_queues(w, "a", 1); /* back to what is in force until the port has closed */
	settle(w);
	assert_int_equal(port(w, "a")->n_rxqs, 1);
	set_queues(w, "a", 3);
	dataplane_port_del(w->dp, "a"); /* and the settings that wait with it */
	settle(w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(frames_cross_between_ports_of_different_workers),
		T(sleeping_worker_wakes_for_every_single_frame),
		T(idle_worker_uses_no_processor_time),
		T(queue_that_cannot_be_waited_for_is_polled_and_told_until_it_can),
		T(ports_come_and_go_under_traffic),
		T(port_whose_device_is_still_held_is_not_gone),
		T(port_removed_while_its_device_is_held_is_removed_for_good),
		T(queue_whose_bursts_take_long_gets_smaller_ones),
		T(replaced_port_waits_for_its_predecessor_and_comes_up),
		T(vanished_device_waits_and_returns),
		T(addresses_behind_a_vanished_device_are_forgotten_under_traffic),
		T(many_addresses_age_within_seconds),
		T(listener_is_told_of_every_change_once),
		T(drops_are_told_with_how_many_are_new),
		T(last_of_several_settings_counts_also_while_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
