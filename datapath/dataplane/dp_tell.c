/* What the listener is told, and when.
 *
 * A change is noted and told from the event loop, once the work at hand is done.  So what
 * was added and taken back within one request, because something else of it was refused,
 * is not told at all, and a listener may look at everything.  What has been told of a port
 * is kept beside it; the difference is the news.  The end of what was told of is told at
 * once, while it can still be named. */
#include "dp_priv.h"

#include <errno.h>

#include <event2/event.h>

static void tell_bridges(struct dataplane *dp)
{
	struct bridge *b = NULL;

	dp->bridges_news = false;
	while ((b = dataplane_bridge_next(dp, b))) {
		if (b->told)
			continue;
		b->told = true;
		if (dp->listener)
			dp->listener->bridge(b, true, dp->listener_arg);
	}
}

static void tell_port(struct dp_port *p)
{
	const struct dp_listener *l = p->dp->listener;
	bool link_up = dp_port_link_up(p);
	uint32_t mtu = p->port->mtu;
	void *arg = p->dp->listener_arg;

	if (l && p->changes != p->told.changes) {
		l->port(p, arg);
	} else if (l) {
		if (link_up != p->told.link_up)
			l->link(p, arg);
		if (mtu != p->told.mtu)
			l->mtu(p, p->told.mtu, arg);
	}
	p->told.changes = p->changes;
	p->told.link_up = link_up;
	p->told.mtu = mtu;
}

static void tell_all(evutil_socket_t fd, short what, void *arg)
{
	struct dataplane *dp = arg;

	if (dp->bridges_news)
		tell_bridges(dp);
	for (struct list *l = list_pop(&dp->news); l; l = list_pop(&dp->news))
		tell_port(container_of(l, struct dp_port, news));
}

int dp_tell_init(struct dataplane *dp)
{
	list_init(&dp->news);
	dp->tell_ev = event_new(dp->base, -1, 0, tell_all, dp);
	return dp->tell_ev ? 0 : -ENOMEM;
}

void dp_tell_fini(struct dataplane *dp)
{
	if (dp->tell_ev)
		event_free(dp->tell_ev);
}

void dp_tell_port(struct dp_port *p)
{
	if (p->removed || !list_empty(&p->news))
		return;
	list_add_tail(&p->dp->news, &p->news);
	event_active(p->dp->tell_ev, EV_TIMEOUT, 0);
}

void dp_tell_port_removed(struct dp_port *p)
{
	list_del(&p->news);
	if (p->told.changes && p->dp->listener)
		p->dp->listener->port_removed(p, p->dp->listener_arg);
}

void dp_tell_bridge(struct dataplane *dp)
{
	dp->bridges_news = true;
	event_active(dp->tell_ev, EV_TIMEOUT, 0);
}

void dp_tell_bridge_removed(struct dataplane *dp, const struct bridge *b)
{
	if (b->told && dp->listener)
		dp->listener->bridge(b, false, dp->listener_arg);
}

void dataplane_tell_drops(struct dataplane *dp,
	void (*fn)(const struct dp_port *p, enum drop_reason why, uint64_t since, uint64_t count,
		void *arg),
	void *arg)
{
	struct dp_port *p = NULL;

	while ((p = dataplane_port_next(dp, p))) {
		struct port_counters c;

		port_counters_sum(p->port, &c);
		for (unsigned i = 0; i < DROP_N; i++) {
			uint64_t since = c.drops[i] - p->told.drops[i];

			if (since && fn)
				fn(p, i, since, c.drops[i], arg);
			p->told.drops[i] = c.drops[i];
		}
	}
}

void dataplane_listen(struct dataplane *dp, const struct dp_listener *listener, void *arg)
{
	dp->listener = listener;
	dp->listener_arg = arg;
}
