/* world.h - the whole dataplane with real workers over sim ports.
 *
 * Threads: the test is the control thread. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "dataplane.h"
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

static inline void note_sync(void *arg)
{
	((struct world *)arg)->synced = true;
}

static inline void settle(struct world *w)
{
	w->synced = false;
	dataplane_sync(w->dp, note_sync, w);
	while (!w->synced)
		event_base_loop(w->base, EVLOOP_ONCE);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline int add(struct world *w, const char *name, const struct port_ops *ops,
	const char *peer, const char *bridge)
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

static inline struct port *port(struct world *w, const char *name)
{
	return dataplane_port_lookup(w->dp, name)->port;
}

static inline void inject(struct world *w, const char *name, uint8_t dst, uint8_t src)
{
	uint8_t f[64] = {0x02, 0, 0, 0, 0, dst, 0x02, 0, 0, 0, 0, src, 0x88, 0xb5};

	while (sim_port_inject(port(w, name), f, sizeof(f), NULL) == -ENOSPC)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* Wait until the port has been sent 'n' frames; takes them. */
static inline void await(struct world *w, const char *name, unsigned n)
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
