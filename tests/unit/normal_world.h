/* normal_world.h - a bridge of sim ports, on a lane of the test's own. */
#pragma once

#include "bridge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "frame.h"
#include "pipeline.h"
#include "port_sim.h"
#include "rcu.h"

enum { PORTS = 4 };

struct world {
	struct event_base *base;
	struct lane lane;
	struct bridge *bridge;
	struct port *ports[PORTS];
	struct bport *bports[PORTS];
};

static inline void ignore(struct port *port, void *arg)
{
}

static const struct port_events no_events = {.gone = ignore, .present = ignore, .changed = ignore};

static inline struct bport_conf trunk_conf(void)
{
	return (struct bport_conf){
		.vlan = {.mode = VLAN_TRUNK, .all_trunks = true, .all_cvlans = true}};
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bridge_conf bc = {.name = "br0", .mac_age_s = 300, .mac_limit = 64};
	struct bport_conf conf = trunk_conf();
	struct port_env env = {.n_lanes = 1};
	struct strbuf why = STRBUF_INIT;

	w->base = event_base_new();
	env.base = w->base;
	assert_int_equal(rcu_init(w->base), 0);
	assert_int_equal(lane_init(&w->lane, 0, pipeline_enter), 0);
	assert_int_equal(bridge_create(&bc, &w->bridge), 0);
	for (unsigned i = 0; i < PORTS; i++) {
		struct port_conf pc = {.ops = &port_sim_ops};

		snprintf(pc.name, sizeof(pc.name), "s%u", i);
		assert_int_equal(port_create(&pc, &env, &no_events, NULL, &w->ports[i], &why), 0);
		assert_int_equal(port_open(w->ports[i], &why), 0);
		assert_int_equal(bridge_port_add(w->bridge, w->ports[i], (uint16_t)(i + 1), &conf,
					 &w->bports[i]),
			0);
		rcu_set(w->ports[i]->owner, w->bports[i]);
	}
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < PORTS; i++) {
		if (w->bports[i])
			bridge_port_del(w->bports[i]);
		port_close(w->ports[i], true);
		port_destroy(w->ports[i]);
	}
	rcu_fini();
	bridge_destroy(w->bridge);
	assert_int_equal(w->lane.arena.n_free, ARENA_PACKETS);
	lane_fini(&w->lane);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* dst and src are the last bytes of local addresses; 0xff as dst is broadcast. */
static inline size_t build(uint8_t *f, uint8_t dst, uint8_t src, uint16_t vid)
{
	memset(f, 0, 64);
	memcpy(f, "\x02\0\0\0\0", 5);
	f[5] = dst;
	if (dst == 0xff)
		memset(f, 0xff, 6);
	memcpy(f + 6, "\x02\0\0\0\0", 5);
	f[11] = src;
	if (vid) {
		wire_put_u16(f + 12, ETHERTYPE_CTAG);
		wire_put_u16(f + 14, vid);
	}
	wire_put_u16(f + (vid ? 16 : 12), 0x88b5);
	return 64;
}

static inline void run(struct world *w, unsigned port)
{
	struct packet *pkts[BATCH_MAX];
	unsigned n = port_receive(&w->ports[port]->rxqs[0], &w->lane, pkts, BATCH_MAX);

	if (n)
		w->lane.enter(&w->lane, w->ports[port], pkts, n);
	lane_flush(&w->lane);
	arena_release(&w->lane.arena);
}

static inline void send_raw(struct world *w, unsigned port, const uint8_t *f, size_t len)
{
	assert_int_equal(sim_port_inject(w->ports[port], f, len, NULL), 0);
	run(w, port);
}

static inline void station_sends(
	struct world *w, unsigned port, uint8_t dst, uint8_t src, uint16_t vid)
{
	uint8_t f[64];

	send_raw(w, port, f, build(f, dst, src, vid));
}

/* A bit per port that got frames; takes them all. */
static inline unsigned got(struct world *w)
{
	unsigned set = 0;
	uint8_t buf[2048];

	for (unsigned i = 0; i < PORTS; i++) {
		while (sim_port_take(w->ports[i], buf, sizeof(buf), NULL) >= 0)
			set |= 1u << i;
	}
	return set;
}

static inline uint64_t drops(struct world *w, unsigned port, enum drop_reason reason)
{
	struct port_counters c;

	port_counters_sum(w->ports[port], &c);
	return c.drops[reason];
}

/* 'count' datagrams of 100 bytes as one frame. */
static inline void send_large(struct world *w, const uint8_t *dst, unsigned count)
{
	static struct frame frame;
	struct frame_shape s = {.payload_len = 100 * (size_t)count};
	struct rng r = {count};

	frame_build(&frame, &s, &r);
	memcpy(frame.b, dst, 6);
	memcpy(frame.b + 6, "\x02\0\0\0\0\x01", 6);
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.gso_size = htole16(100),
		.csum_start = htole16((uint16_t)frame.l4),
		.csum_offset = htole16(UDP_CSUM_OFS)};
	assert_int_equal(sim_port_inject(w->ports[0], frame.b, frame.len, &h), 0);
	run(w, 0);
}

static inline void broadcast_large(struct world *w, unsigned count)
{
	static const uint8_t broadcast[6] = "\xff\xff\xff\xff\xff\xff";

	send_large(w, broadcast, count);
}

#define normal_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
