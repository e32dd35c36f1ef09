/* dp_priv.h - the dataplane object, shared by dataplane.c (bridges, sync, stop)
 * and dp_port.c (the life of ports). */
#pragma once

#include "dataplane.h"
#include "strmap.h"

struct event;
struct netlink;

struct dataplane {
	struct event_base *base;
	struct netlink *netlink;
	struct workers *workers;
	struct port_env env;
	struct list bridges;   /* struct bridge.link */
	struct list ports;     /* struct dp_port.link, as added */
	struct strmap by_name; /* of 'ports' */
	struct list leaving;   /* removed ports that workers or the device still hold */
	unsigned n_closing;
	struct list syncs;
	struct event *tick;
	void (*listener)(struct dp_port *p, void *arg);
	void *listener_arg;
	bool keep_devices; /* stopping: devices stay for the next start */
};

/* A port finished closing: waiters of dataplane_sync() may be due. */
void dataplane_closing_finished(struct dataplane *dp);

/* Take a port out of its bridge and begin to close it; it frees itself. */
void dp_port_remove(struct dp_port *p);

/* What ports report. */
extern const struct port_events dp_port_events;
