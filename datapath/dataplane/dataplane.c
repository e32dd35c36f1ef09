#include "dp_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "clock.h"
#include "closer.h"
#include "log.h"
#include "netlink.h"
#include "rcu.h"

LOG_MODULE(bridge);

enum {
	TICK_S = 1,
	FDB_EXPIRE_BUDGET = 20000,   /* entries looked at per bridge at a time */
	FDB_EXPIRE_PAUSE_US = 10000, /* before more of them; others want the thread, too */
};

struct sync {
	struct list link;
	void (*done)(void *arg);
	void *arg;
};

/* ---- bridges ---- */

struct bridge *dataplane_bridge_lookup(const struct dataplane *dp, const char *name)
{
	struct list *it;

	list_for_each (it, &dp->bridges) {
		struct bridge *b = container_of(it, struct bridge, link);

		if (!strcmp(b->conf.name, name))
			return b;
	}
	return NULL;
}

int dataplane_bridge_add(struct dataplane *dp, const struct bridge_conf *conf)
{
	struct bridge *b;
	int err;

	if (dataplane_bridge_lookup(dp, conf->name))
		return -EEXIST;
	err = bridge_create(conf, &b);
	if (err)
		return err;
	list_add_tail(&dp->bridges, &b->link);
	log_info("bridge %s: added", conf->name);
	dp_tell_bridge(dp);
	return 0;
}

int dataplane_bridge_set(struct dataplane *dp, const struct bridge_conf *conf)
{
	struct bridge *b = dataplane_bridge_lookup(dp, conf->name);

	return b ? bridge_set(b, conf) : -ENOENT;
}

static void bridge_free(void *arg)
{
	bridge_destroy(arg);
}

void dataplane_bridge_del(struct dataplane *dp, const char *name)
{
	struct bridge *b = dataplane_bridge_lookup(dp, name);

	if (!b)
		return;
	log_info("bridge %s: removed", name);
	dp_tell_bridge_removed(dp, b);
	list_del(&b->link);
	rcu_defer(bridge_free, b); /* after its last port's slot, which was deferred before */
}

struct bridge *dataplane_bridge_next(const struct dataplane *dp, const struct bridge *b)
{
	struct list *next = b ? b->link.next : dp->bridges.next;

	return next == &dp->bridges ? NULL : container_of(next, struct bridge, link);
}

/* ---- ports ---- */

struct dp_port *dataplane_port_lookup(const struct dataplane *dp, const char *name)
{
	return strmap_get(&dp->by_name, name);
}

struct dp_port *dataplane_port_next(const struct dataplane *dp, const struct dp_port *p)
{
	struct list *next = p ? p->link.next : dp->ports.next;

	return next == &dp->ports ? NULL : container_of(next, struct dp_port, link);
}

static void dataplane_link_event(const struct netlink_link *l, bool deleted, void *arg)
{
	(void)arg;
	port_link_event(l, deleted);
}

/* ---- sync ---- */

static void sync_done(void *arg)
{
	struct sync *s = arg;

	s->done(s->arg);
	free(s);
}

void dataplane_closing_finished(struct dataplane *dp)
{
	if (dp->n_closing)
		return;
	for (struct list *l = list_pop(&dp->syncs); l; l = list_pop(&dp->syncs))
		rcu_defer(sync_done, container_of(l, struct sync, link));
}

void dataplane_sync(struct dataplane *dp, void (*done)(void *arg), void *arg)
{
	struct sync *s = malloc(sizeof(*s));

	if (!s)
		abort();
	*s = (struct sync){.done = done, .arg = arg};
	list_add_tail(&dp->syncs, &s->link);
	dataplane_closing_finished(dp);
}

void dataplane_set_mark_key(struct dataplane *dp, struct hash_seed key)
{
	dp->env.mark_key = key;
}

struct workers *dataplane_workers(struct dataplane *dp)
{
	return dp->workers;
}

/* ---- life ---- */

/* Every second, and in between as long as there is more to do. */
static void dataplane_expire(evutil_socket_t fd, short what, void *arg)
{
	struct timeval pause = {.tv_usec = FDB_EXPIRE_PAUSE_US};
	struct dataplane *dp = arg;
	uint64_t now_ms = clock_now_ms();
	struct bridge *b = NULL;
	bool more = false;

	while ((b = dataplane_bridge_next(dp, b)))
		more |= fdb_expire(b->fdb, now_ms, FDB_EXPIRE_BUDGET);
	if (more)
		event_add(dp->expire_more, &pause);
}

static void dataplane_tick(evutil_socket_t fd, short what, void *arg)
{
	struct dataplane *dp = arg;
	struct list *it, *tmp;

	dataplane_expire(fd, what, arg);
	list_for_each_safe (it, tmp, &dp->ports) {
		struct port *port = container_of(it, struct dp_port, link)->port;

		if (port->opened && port->ops->tick)
			port->ops->tick(port);
	}
}

int dataplane_create(const struct dataplane_conf *conf, struct dataplane **out)
{
	struct timeval tick = {.tv_sec = TICK_S};
	struct dataplane *dp = calloc(1, sizeof(*dp));
	int err;

	if (!dp)
		return -ENOMEM;
	dp->base = conf->base;
	list_init(&dp->bridges);
	list_init(&dp->ports);
	list_init(&dp->leaving);
	list_init(&dp->syncs);
	err = strmap_init(&dp->by_name);
	if (err)
		goto free_self;
	err = rcu_init(conf->base);
	if (err)
		goto fini_map;
	err = closer_init(conf->base);
	if (err)
		goto fini_rcu;
	if (conf->kernel) {
		err = netlink_create(conf->base, dataplane_link_event, dp, &dp->netlink);
		if (err)
			goto fini_closer;
	}
	err = workers_create(conf->base, &conf->workers, &dp->workers);
	if (err)
		goto destroy_netlink;
	dp->env = (struct port_env){.base = conf->base,
		.netlink = dp->netlink,
		.n_lanes = workers_count(dp->workers),
		.owner = conf->owner};
	err = dp_tell_init(dp);
	if (err)
		goto destroy_workers;
	dp->tick = event_new(conf->base, -1, EV_PERSIST, dataplane_tick, dp);
	dp->expire_more = event_new(conf->base, -1, 0, dataplane_expire, dp);
	if (!dp->tick || !dp->expire_more || event_add(dp->tick, &tick)) {
		err = -ENOMEM;
		goto free_events;
	}
	*out = dp;
	return 0;

free_events:
	if (dp->expire_more)
		event_free(dp->expire_more);
	if (dp->tick)
		event_free(dp->tick);
	dp_tell_fini(dp);
destroy_workers:
	workers_destroy(dp->workers);
destroy_netlink:
	netlink_destroy(dp->netlink);
fini_closer:
	closer_fini();
fini_rcu:
	rcu_fini();
fini_map:
	strmap_fini(&dp->by_name);
free_self:
	free(dp);
	return err;
}

void dataplane_stop(struct dataplane *dp, bool keep_devices, void (*done)(void *arg), void *arg)
{
	struct dp_port *p;
	struct bridge *b;

	dp->keep_devices = keep_devices;
	while ((p = dataplane_port_next(dp, NULL)))
		dp_port_remove(p);
	while ((b = dataplane_bridge_next(dp, NULL)))
		dataplane_bridge_del(dp, b->conf.name);
	dataplane_sync(dp, done, arg);
}

void dataplane_destroy(struct dataplane *dp)
{
	if (!dp)
		return;
	event_free(dp->expire_more);
	event_free(dp->tick);
	dp_tell_fini(dp);
	workers_destroy(dp->workers);
	rcu_fini();
	closer_fini();
	netlink_destroy(dp->netlink);
	strmap_fini(&dp->by_name);
	free(dp);
}
