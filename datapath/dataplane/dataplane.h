/* dataplane.h - the whole switch as one object: what the reconciler drives and what
 * the commands that look at it read.
 *
 * Changes are made at once on the control thread and met by every worker a little
 * later; dataplane_sync() tells when.  A port whose device is absent waits and comes
 * up by itself.  A port that is replaced under the same name opens its device only
 * after the old one has let go of it.
 *
 * Threads: control thread only. */
#pragma once

#include "bridge.h"
#include "port.h"
#include "worker.h"

struct event_base;
struct dataplane;

struct dataplane_conf {
	struct event_base *base;
	struct workers_conf workers;
	bool kernel; /* false: no netlink; kernel ports are refused (unit tests) */
	/* Which switch of this network namespace it is: its run directory, borrowed.  NULL:
	 * it does not know again what it leaves behind. */
	const char *owner;
};

enum dp_port_state {
	DP_PORT_UP,	 /* attached and polled */
	DP_PORT_WAITING, /* its device is absent (or still held by its predecessor) */
	DP_PORT_FAILED,	 /* 'why' says what went wrong; tried again when the device changes */
};

/* What a listener was told of a port last. */
struct dp_told {
	uint64_t changes; /* 0: nothing yet */
	bool link_up;
	uint32_t mtu;
	uint64_t drops[DROP_N];
};

/* One port of the switch, with the interface and the bridge port. */
struct dp_port {
	struct list link; /* in switch order: as added */
	struct port *port;
	struct bport *bport;
	uint16_t ofport;
	enum dp_port_state state;
	char why[160]; /* "" while up */
	uint64_t since_ms;
	/* private to dataplane.c below */
	struct dataplane *dp;
	bool closing;		  /* queues are being taken back */
	bool reopen;		  /* open again once closed */
	bool removed;		  /* gone for the user; freed once closed */
	bool for_good;		  /* the device is not to be left behind */
	struct port_conf *reconf; /* new settings, to be taken on when closed */
	uint64_t changes;	  /* of 'state' and 'why' */
	struct dp_told told;
	struct list news; /* something is to be told */
};

/* False while it is not attached, too. */
static inline bool dp_port_link_up(const struct dp_port *p)
{
	return p->state == DP_PORT_UP && p->port->link_up;
}

/* Who is told of changes, from the event loop, some time after they happened but in
 * order.  What has come and gone before it was told of is not told; while a port goes
 * through several states at once only the last is. */
struct dp_listener {
	/* It is new, or has another state or another reason for it. */
	void (*port)(const struct dp_port *p, void *arg);
	void (*port_removed)(const struct dp_port *p, void *arg);
	/* Since port(): its link, its MTU. */
	void (*link)(const struct dp_port *p, void *arg);
	void (*mtu)(const struct dp_port *p, uint32_t before, void *arg);
	void (*bridge)(const struct bridge *b, bool added, void *arg);
};

/* "up", "waiting", "failed". */
const char *dp_port_state_name(enum dp_port_state state);

int dataplane_create(const struct dataplane_conf *conf, struct dataplane **dp);

/* Remove everything, then call done(arg); dataplane_destroy() after that. */
void dataplane_stop(struct dataplane *dp, bool keep_devices, void (*done)(void *arg), void *arg);
void dataplane_destroy(struct dataplane *dp);

/* Bridges.  -EEXIST, -ENOMEM.  A bridge's internal port is a port like others; the
 * reconciler adds it with ofport OFPORT_LOCAL. */
int dataplane_bridge_add(struct dataplane *dp, const struct bridge_conf *conf);
int dataplane_bridge_set(struct dataplane *dp, const struct bridge_conf *conf);
void dataplane_bridge_del(struct dataplane *dp, const char *name); /* its ports are gone already */
struct bridge *dataplane_bridge_lookup(const struct dataplane *dp, const char *name);

/* Ports.  Add: 0 (up or waiting; see state) or -errno with 'why' for a configuration
 * that cannot work.  Set: changes in place where the type can, else closes and opens
 * again; a port that is up is not closed for what would fail then, so far as that can be
 * told. */
int dataplane_port_add(struct dataplane *dp, const char *bridge, uint16_t ofport,
	const struct port_conf *conf, const struct bport_conf *bconf, struct strbuf *why);
int dataplane_port_set(struct dataplane *dp, const char *name, const struct port_conf *conf,
	const struct bport_conf *bconf, struct strbuf *why);
/* Before a port of that name is replaced by one of another type, bridge or number: -errno
 * with 'why' where the new one would fail. */
int dataplane_port_check(
	const struct dataplane *dp, const struct port_conf *conf, struct strbuf *why);
void dataplane_port_del(struct dataplane *dp, const char *name);
struct dp_port *dataplane_port_lookup(const struct dataplane *dp, const char *name);

/* Walk: returns the first for NULL, NULL after the last. */
struct bridge *dataplane_bridge_next(const struct dataplane *dp, const struct bridge *b);
struct dp_port *dataplane_port_next(const struct dataplane *dp, const struct dp_port *p);

/* done(arg) once all changes made so far are met by every worker and no closing port
 * holds its device. */
void dataplane_sync(struct dataplane *dp, void (*done)(void *arg), void *arg);

/* One listener, borrowed; NULL ends it. */
void dataplane_listen(struct dataplane *dp, const struct dp_listener *listener, void *arg);

/* The secret by which devices of ours are known again; before the first port is added,
 * and the same as in earlier runs. */
void dataplane_set_mark_key(struct dataplane *dp, struct hash_seed key);

/* Give back interfaces and delete taps that an earlier run of this switch left behind, once
 * the configuration is in force; not those whose port known() knows, up or not. */
void dataplane_clear_leftovers(
	struct dataplane *dp, bool (*known)(const char *port, void *arg), void *arg);

/* Call fn() for each reason for which a port dropped packets since the last call: 'since'
 * of them, 'count' in all.  NULL only takes note of what there is. */
void dataplane_tell_drops(struct dataplane *dp,
	void (*fn)(const struct dp_port *p, enum drop_reason why, uint64_t since, uint64_t count,
		void *arg),
	void *arg);

struct workers *dataplane_workers(struct dataplane *dp);
