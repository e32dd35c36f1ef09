/* watch.h - clients that watch for events: which ones each wants, and that it gets them.
 *
 * An event is one line (proto/management.md), made once and given to every watcher whose
 * filter passes it.  Where a client has no room for it, because it does not read, the
 * event is counted instead, and the client is told how many it missed as soon as it has
 * room again, in their place.  So what a watcher can hold is what its connection holds,
 * and its filter: LIMITS_WATCH_NAMES names.
 *
 * Drops are looked at once a second, and only while somebody wants them.
 *
 * Threads: control. */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "config.h"
#include "events.h"
#include "refusal.h"

struct dataplane;
struct event_base;
struct watch;
struct watch_filter;
struct watcher;

/* It is the dataplane's listener until watch_destroy().  0 or -ENOMEM. */
int watch_create(
	struct event_base *base, struct dataplane *dp, uint64_t revision, struct watch **watch);
void watch_destroy(struct watch *w); /* no watchers are left */

/* The configuration changed: durable, and met by every worker. */
void watch_config(struct watch *w, const struct config_tx *tx, uint64_t revision);

struct watch_stats {
	unsigned watchers;
	uint64_t missed; /* events that a watcher had no room for, of all that there were */
};

struct watch_stats watch_stats(const struct watch *w);

/* ---- watchers ---- */

/* Take a whole line with its '\n'.  False: there is no room for it; watcher_ready()
 * follows when there is. */
typedef bool (*watcher_send_fn)(void *arg, const char *line, size_t len);

/* Takes the filter. */
void watcher_create(struct watch *w, struct watch_filter *f, watcher_send_fn send, void *arg,
	struct watcher **watcher);
void watcher_destroy(struct watcher *x);
void watcher_ready(struct watcher *x);

/* ---- filters: watch_filter.c ---- */

/* What an event is about. */
struct event_about {
	enum event_kind kind;
	const char *port;   /* NULL: of no port */
	const char *bridge; /* NULL: of none */
};

/* From the parameters of 'watch'. */
int watch_filter_create(const json_t *params, struct watch_filter **f, struct refusal *r);
void watch_filter_destroy(struct watch_filter *f);

bool watch_filter_kind(const struct watch_filter *f, enum event_kind kind);
bool watch_filter_passes(const struct watch_filter *f, const struct event_about *about);

/* Does the change touch what the filter names? */
bool watch_filter_passes_change(const struct watch_filter *f, const struct config_tx *tx);

/* The state of the moment is wanted first. */
bool watch_filter_now(const struct watch_filter *f);
