/* dp_priv.h - the dataplane object, shared by dataplane.c (bridges, sync, stop),
 * dp_port.c (the life of ports), dp_tell.c (what the listener is told)
 * and dp_leftovers.c. */
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
	struct event *tick, *expire_more;
	const struct dp_listener *listener;
	void *listener_arg;
	struct event *tell_ev;
	struct list news;  /* struct dp_port.news */
	bool bridges_news; /* some bridge is not told yet */
	bool keep_devices; /* stopping: devices stay for the next start */
};

/* A port finished closing: waiters of dataplane_sync() may be due. */
void dataplane_closing_finished(struct dataplane *dp);

/* Take a port out of its bridge and begin to close it; it frees itself. */
void dp_port_remove(struct dp_port *p);

/* Something may have changed that the listener wants to know. */
int dp_tell_init(struct dataplane *dp); /* 0 or -ENOMEM */
void dp_tell_fini(struct dataplane *dp);
void dp_tell_port(struct dp_port *p);
void dp_tell_port_removed(struct dp_port *p);
void dp_tell_bridge(struct dataplane *dp);
void dp_tell_bridge_removed(struct dataplane *dp, const struct bridge *b);

/* What ports report. */
extern const struct port_events dp_port_events;
