/* bridge.h - a bridge: its ports, its MAC table, its settings.
 *
 * A bridge port (bport) is a place in a bridge; the interface below it (port.h)
 * is a separate object that comes and goes with its device.  Workers see a bridge
 * through its view: an immutable array of slots, published by RCU whenever ports
 * or their settings change.  A bport's 'index' is its slot, dense and stable for
 * its life; it is what the MAC table stores.
 *
 * Threads: control changes; workers read views and the MAC table.
 * Ownership: a bridge owns its view, MAC table and bports; a bport borrows its
 * interface. */
#pragma once

#include "fdb.h"
#include "list.h"
#include "members.h"
#include "port.h"
#include "token_bucket.h"
#include "vlan.h"

enum {
	BRIDGE_NAME_MAX = 15, /* also the name of its internal port */
	BRIDGE_PORTS_MAX = MEMBERS_SLOTS,
	OFPORT_LOCAL = 0xfffe, /* OFPP_LOCAL's low 16 bits; the bridge's own port */
	OFPORT_MAX = 0xfeff,
};

struct storm_conf {
	struct token_rate broadcast, multicast, unknown; /* frames per second, on receive */
};

/* Settings of a bridge port; immutable once in a view.  What a flood reads of each comes
 * first. */
struct bport_conf {
	bool isolated;
	uint32_t fdb_limit; /* dynamic MAC addresses learned here, 0 = no limit of its own */
	struct vlan_conf vlan;
	struct storm_conf storm;
};

struct bport {
	struct bridge *bridge;
	struct port *port;
	uint32_t index;	 /* its slot and its id in the MAC table */
	uint16_t ofport; /* stable number that users see */
	struct token_bucket storm_broadcast, storm_multicast, storm_unknown;
	struct bport_conf conf; /* control's copy; workers use the view's */
};

struct bridge_slot {
	struct bport *bport; /* NULL: free */
	struct port *port;
	struct bport_conf conf;
} __attribute__((aligned(64)));

/* The address of the bridge's own port: it is there and nowhere else. */
struct bridge_local {
	bool known;
	struct eth_addr mac;
	uint32_t index; /* of the port's slot */
};

struct bridge_view {
	bool forward_bpdu;
	struct bridge_local local;
	const struct members *members; /* the bridge's */
	unsigned n;		       /* slots, some free */
	struct bridge_slot *slots[];   /* NULL: free; a slot is shared by successive views */
};

struct bridge_conf {
	char name[BRIDGE_NAME_MAX + 1];
	uint32_t mac_age_s; /* 0: addresses never age */
	uint32_t mac_limit; /* entries of the MAC table */
	bool forward_bpdu;  /* forward 01:80:c2:00:00:0x too */
};

struct bridge {
	struct bridge_conf conf;
	struct fdb *fdb;
	struct members *members;
	struct bridge_view *view; /* RCU */
	struct list link;
	bool told; /* dataplane's: the listener knows of it */
	/* private to bridge.c */
	bool *reserved;	     /* slots whose port is gone but may still be in a worker's hands */
	unsigned n_leaving;  /* of those */
	uint32_t first_free; /* no slot below it is free */
};

/* 0 or -ENOMEM. */
int bridge_create(const struct bridge_conf *conf, struct bridge **bridge);
/* No ports, and no worker sees it: after a grace period since the last port left. */
void bridge_destroy(struct bridge *bridge);
int bridge_set(struct bridge *bridge, const struct bridge_conf *conf);

/* Put 'port' into the bridge.  From now on frames may be sent to it; its own frames
 * enter once port->owner is set.  0; -ENOSPC at BRIDGE_PORTS_MAX. */
int bridge_port_add(struct bridge *bridge, struct port *port, uint16_t ofport,
	const struct bport_conf *conf, struct bport **bport);
int bridge_port_set(struct bport *bport, const struct bport_conf *conf);

/* Take it out of the view and out of the MAC table.  Freed, and its slot reusable,
 * after every worker has let go. */
void bridge_port_del(struct bport *bport);

/* Addresses behind a port whose link went down are forgotten; port->link_up is false
 * already, so that frames which still wait bring no new ones. */
void bridge_port_link_down(struct bport *bport);

/* 'bp' is the bridge's own port (OFPORT_LOCAL), and this its address now.  From now on it
 * is found there, in the VLANs that the port carries, and frames from it that come in
 * elsewhere in those are dropped.  0 or -ENOMEM. */
int bridge_set_local(struct bport *bp, struct eth_addr mac);

/* It as an entry of the MAC table, in which it is not; false where there is none. */
bool bridge_local_entry(const struct bridge *bridge, struct fdb_entry *entry);

struct bport *bridge_port_by_index(const struct bridge *bridge, uint32_t index);

/* Forward a burst that came in through 'in', as a learning switch does.  Consumes
 * the packets.  Worker. */
void bridge_normal(struct lane *lane, struct bport *in, struct packet **pkts, unsigned n);
