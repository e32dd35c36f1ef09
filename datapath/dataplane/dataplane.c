#include "dp_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "netlink.h"
#include "rcu.h"

LOG_MODULE(bridge);

enum {
	TICK_S = 1,
	FDB_EXPIRE_BUDGET = 20000, /* entries looked at per bridge and tick */
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

void dataplane_listen(struct dataplane *dp, void (*fn)(struct dp_port *p, void *arg), void *arg)
{
	dp->listener = fn;
	dp->listener_arg = arg;
}

struct workers *dataplane_workers(struct dataplane *dp)
{
	return dp->workers;
}

/* ---- life ---- */

static void dataplane_tick(evutil_socket_t fd, short what, void *arg)
{
	struct dataplane *dp = arg;
	uint64_t now_ms = clock_now_ms();
	struct bridge *b = NULL;

	while ((b = dataplane_bridge_next(dp, b)))
		fdb_expire(b->fdb, now_ms, FDB_EXPIRE_BUDGET);
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
	strmap_init(&dp->by_name);
	list_init(&dp->leaving);
	list_init(&dp->syncs);
	err = rcu_init(conf->base);
	if (err)
		goto free_self;
	if (conf->kernel) {
		err = netlink_create(conf->base, dataplane_link_event, dp, &dp->netlink);
		if (err)
			goto fini_rcu;
	}
	err = workers_create(conf->base, &conf->workers, &dp->workers);
	if (err)
		goto destroy_netlink;
	dp->env = (struct port_env){
		.base = conf->base, .netlink = dp->netlink, .n_lanes = workers_count(dp->workers)};
	dp->tick = event_new(conf->base, -1, EV_PERSIST, dataplane_tick, dp);
	if (!dp->tick || event_add(dp->tick, &tick)) {
		err = -ENOMEM;
		goto destroy_workers;
	}
	*out = dp;
	return 0;

destroy_workers:
	if (dp->tick)
		event_free(dp->tick);
	workers_destroy(dp->workers);
destroy_netlink:
	netlink_destroy(dp->netlink);
fini_rcu:
	rcu_fini();
free_self:
	strmap_fini(&dp->by_name);
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
	event_free(dp->tick);
	workers_destroy(dp->workers);
	rcu_fini();
	netlink_destroy(dp->netlink);
	strmap_fini(&dp->by_name);
	free(dp);
}
