#include "watch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "clock.h"
#include "dataplane.h"
#include "list.h"
#include "must.h"
#include "switch_limits.h"

struct watcher {
	struct list link;
	struct watch *watch;
	struct watch_filter *filter;
	watcher_send_fn send;
	void *arg;
	uint64_t missed; /* and not told of yet */
};

struct watch {
	struct dataplane *dp;
	struct list watchers;
	struct event *drops_tick; /* pending while somebody wants drops */
	uint64_t drops_ms;	  /* when they were looked at */
	uint64_t revision;	  /* of the configuration */
	struct watch_stats stats;
};

/* ---- lines ---- */

static json_t *event_new_json(const char *kind)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	const int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	return must(json_pack("{s:s, s:f}", "event", kind, "time", (double)ms / 1e3));
}

/* The line of an event, which is consumed; the caller frees it. */
static char *event_line(json_t *params)
{
	json_t *json = must(json_pack(
		"{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", "event", "params", params));
	char *text = must(json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(13)));
	size_t len = strlen(text);

	json_decref(json);
	text = must(realloc(text, len + 2));
	memcpy(text + len, "\n", 2);
	return text;
}

/* Put "port" (as 'name') and "bridge" into the event, and 'more', which is consumed. */
static json_t *about_port(enum event_kind kind, const struct dp_port *p, json_t *more)
{
	json_t *o = event_new_json(event_kinds[kind]);

	must_do(json_object_set_new(o, "name", must(json_string(p->port->conf.name))));
	must_do(json_object_set_new(o, "bridge", must(json_string(p->bport->bridge->conf.name))));
	must_do(json_object_update_new(o, must(more)));
	return o;
}

static json_t *port_event(const struct dp_port *p, bool removed)
{
	json_t *why = json_string(removed ? "" : p->why); /* may be cut within a character */

	return about_port(EVENT_PORT, p,
		json_pack("{s:s, s:o, s:b, s:I}", "state",
			removed ? "removed" : dp_port_state_name(p->state), "why",
			why ? why : json_string("refused"), "link", !removed && dp_port_link_up(p),
			"mtu", (json_int_t)p->port->mtu));
}

static json_t *bridge_event(const struct bridge *b, bool present)
{
	json_t *o = event_new_json(event_kinds[EVENT_BRIDGE]);

	must_do(json_object_update_new(
		o, must(json_pack("{s:s, s:b}", "name", b->conf.name, "present", present))));
	return o;
}

/* 'tx' NULL: no change, just the revision. */
static json_t *config_event(const struct config_tx *tx, uint64_t revision)
{
	json_t *o = event_new_json(event_kinds[EVENT_CONFIG]);
	json_t *changes = tx ? config_tx_describe(tx) : must(json_array());
	size_t n = json_array_size(changes);

	must_do(json_object_set_new(o, "revision", must(json_integer((json_int_t)revision))));
	must_do(json_object_set_new(o, "changes", changes));
	if (n <= LIMITS_EVENT_CHANGES)
		return o;
	while (json_array_size(changes) > LIMITS_EVENT_CHANGES)
		json_array_remove(changes, json_array_size(changes) - 1);
	must_do(json_object_set_new(
		o, "more", must(json_integer((json_int_t)(n - LIMITS_EVENT_CHANGES)))));
	return o;
}

/* ---- delivery ---- */

static bool tell_missed(struct watcher *x)
{
	json_t *o = event_new_json("missed");

	must_do(json_object_set_new(o, "count", must(json_integer((json_int_t)x->missed))));
	char *line = event_line(o);
	bool sent = x->send(x->arg, line, strlen(line));
	free(line);
	if (sent)
		x->missed = 0;
	return sent;
}

static void give(struct watcher *x, const char *line)
{
	if ((x->missed && !tell_missed(x)) || !x->send(x->arg, line, strlen(line))) {
		x->missed++;
		x->watch->stats.missed++;
	}
}

/* Of the state of the moment. */
static void give_now(struct watcher *x, json_t *event)
{
	must_do(json_object_set_new(event, "now", json_true()));
	char *line = event_line(event);

	give(x, line);
	free(line);
}

static bool wanted(const struct watch *w, const struct event_about *about)
{
	struct list *it;

	list_for_each (it, &w->watchers)
		if (watch_filter_passes(container_of(it, struct watcher, link)->filter, about))
			return true;
	return false;
}

static void tell(struct watch *w, const struct event_about *about, json_t *event)
{
	char *line = event_line(event);
	struct list *it;

	list_for_each (it, &w->watchers) {
		struct watcher *x = container_of(it, struct watcher, link);

		if (watch_filter_passes(x->filter, about))
			give(x, line);
	}
	free(line);
}

static struct event_about port_about(enum event_kind kind, const struct dp_port *p)
{
	return (struct event_about){
		.kind = kind, .port = p->port->conf.name, .bridge = p->bport->bridge->conf.name};
}

/* ---- what the dataplane tells ---- */

static void on_port(const struct dp_port *p, void *arg)
{
	struct event_about about = port_about(EVENT_PORT, p);

	if (wanted(arg, &about))
		tell(arg, &about, port_event(p, false));
}

static void on_port_removed(const struct dp_port *p, void *arg)
{
	struct event_about about = port_about(EVENT_PORT, p);

	if (wanted(arg, &about))
		tell(arg, &about, port_event(p, true));
}

static void on_link(const struct dp_port *p, void *arg)
{
	struct event_about about = port_about(EVENT_LINK, p);

	if (wanted(arg, &about))
		tell(arg, &about,
			about_port(EVENT_LINK, p, json_pack("{s:b}", "link", dp_port_link_up(p))));
}

static void on_mtu(const struct dp_port *p, uint32_t before, void *arg)
{
	struct event_about about = port_about(EVENT_MTU, p);

	if (wanted(arg, &about))
		tell(arg, &about,
			about_port(EVENT_MTU, p,
				json_pack("{s:I, s:I}", "mtu", (json_int_t)p->port->mtu, "before",
					(json_int_t)before)));
}

static void on_bridge(const struct bridge *b, bool added, void *arg)
{
	struct event_about about = {.kind = EVENT_BRIDGE, .bridge = b->conf.name};

	if (wanted(arg, &about))
		tell(arg, &about, bridge_event(b, added));
}

static const struct dp_listener listener = {
	.port = on_port,
	.port_removed = on_port_removed,
	.link = on_link,
	.mtu = on_mtu,
	.bridge = on_bridge,
};

void watch_config(struct watch *w, const struct config_tx *tx, uint64_t revision)
{
	struct list *it;
	char *line = NULL;

	w->revision = revision;
	list_for_each (it, &w->watchers) {
		struct watcher *x = container_of(it, struct watcher, link);

		if (!watch_filter_passes_change(x->filter, tx))
			continue;
		if (!line)
			line = event_line(config_event(tx, revision));
		give(x, line);
	}
	free(line);
}

/* ---- drops ---- */

struct drops_look {
	struct watch *watch;
	double seconds;
};

static void on_drops(
	const struct dp_port *p, enum drop_reason why, uint64_t since, uint64_t count, void *arg)
{
	const struct drops_look *look = arg;
	struct event_about about = port_about(EVENT_DROPS, p);

	if (wanted(look->watch, &about))
		tell(look->watch, &about,
			about_port(EVENT_DROPS, p,
				json_pack("{s:s, s:s, s:I, s:I, s:f}", "reason", drop_name(why),
					"about", drop_sentence(why), "new", (json_int_t)since,
					"count", (json_int_t)count, "seconds", look->seconds)));
}

static void drops_tick(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	uint64_t now_ms = clock_now_ms();
	struct drops_look look = {.watch = w, .seconds = (double)(now_ms - w->drops_ms) / 1e3};

	w->drops_ms = now_ms;
	dataplane_tell_drops(w->dp, on_drops, &look);
}

/* Begin to look at drops, or end it, as the watchers want. */
static void drops_follow(struct watch *w)
{
	struct timeval second = {.tv_sec = 1};
	bool pending = event_pending(w->drops_tick, EV_TIMEOUT, NULL), want = false;
	struct list *it;

	list_for_each (it, &w->watchers)
		want |= watch_filter_kind(
			container_of(it, struct watcher, link)->filter, EVENT_DROPS);
	if (!want && pending)
		event_del(w->drops_tick);
	if (!want || pending)
		return;
	dataplane_tell_drops(w->dp, NULL, NULL); /* what was before is no news */
	w->drops_ms = clock_now_ms();
	must_do(event_add(w->drops_tick, &second));
}

/* ---- watchers ---- */

/* The state of the moment. */
static void tell_now(struct watcher *x)
{
	struct watch *w = x->watch;
	const struct dp_port *p = NULL;
	const struct bridge *b = NULL;

	while ((b = dataplane_bridge_next(w->dp, b))) {
		struct event_about about = {.kind = EVENT_BRIDGE, .bridge = b->conf.name};

		if (watch_filter_passes(x->filter, &about))
			give_now(x, bridge_event(b, true));
	}
	while ((p = dataplane_port_next(w->dp, p))) {
		struct event_about about = port_about(EVENT_PORT, p);

		if (watch_filter_passes(x->filter, &about))
			give_now(x, port_event(p, false));
	}
	if (watch_filter_kind(x->filter, EVENT_CONFIG))
		give_now(x, config_event(NULL, w->revision));
}

void watcher_create(struct watch *w, struct watch_filter *f, watcher_send_fn send, void *arg,
	struct watcher **out)
{
	struct watcher *x = must(calloc(1, sizeof(*x)));

	*x = (struct watcher){.watch = w, .filter = f, .send = send, .arg = arg};
	list_add_tail(&w->watchers, &x->link);
	w->stats.watchers++;
	drops_follow(w);
	if (watch_filter_now(f))
		tell_now(x);
	*out = x;
}

void watcher_destroy(struct watcher *x)
{
	if (!x)
		return;
	list_del(&x->link);
	x->watch->stats.watchers--;
	drops_follow(x->watch);
	watch_filter_destroy(x->filter);
	free(x);
}

void watcher_ready(struct watcher *x)
{
	if (x->missed)
		tell_missed(x);
}

/* ---- life ---- */

int watch_create(
	struct event_base *base, struct dataplane *dp, uint64_t revision, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->dp = dp;
	w->revision = revision;
	list_init(&w->watchers);
	w->drops_tick = event_new(base, -1, EV_PERSIST, drops_tick, w);
	if (!w->drops_tick) {
		free(w);
		return -ENOMEM;
	}
	dataplane_listen(dp, &listener, w);
	*out = w;
	return 0;
}

void watch_destroy(struct watch *w)
{
	if (!w)
		return;
	assert(list_empty(&w->watchers));
	dataplane_listen(w->dp, NULL, NULL);
	event_free(w->drops_tick);
	free(w);
}

struct watch_stats watch_stats(const struct watch *w)
{
	return w->stats;
}
