/* tap_away.c - taps of ours in other network namespaces, where 'ip link set … netns' or
 * a container engine has moved them.
 *
 * Finding them again.  An open queue works wherever its device is, but a new process
 * must open it by name from within the namespace where it is.  So every device of ours
 * has a mark in its alias: the name of its port and a keyed hash of that, by which it is
 * known under any name in any namespace, and which a container that has one tap of ours
 * cannot make up for another.  The first port whose device is not here has all visible
 * namespaces (netns.h) searched for marks, once in the life of the process: later ones
 * know where their devices are.  Where no device is found the port gets a new one here,
 * as it does when the device vanishes under way: a namespace that nobody mounts or lives
 * in is taken to have ended, and devices end with their namespace.
 *
 * Not keeping namespaces alive.  A queue holds a reference on the namespace in which it
 * was opened, so one that was opened away would let that namespace outlive its container
 * for as long as the switch runs.  Somebody else must hold it: once a second we look
 * whether the place where we found it is still there, else whether there is another, and
 * if not, give up the device and thereby the namespace.
 *
 * Following them.  Away from home the kernel numbers the namespace for us, which does not
 * keep it alive either (netlink.h); its events are hints to look, and what they may miss
 * is seen once a second, some devices at a time. */
#include "tap.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

LOG_MODULE(tap_away);

enum {
	TICK_S = 1,
	LOOKS_PER_TICK = 64,
};

/* A device with a mark, found by the search. */
struct lost {
	char mark[TAP_MARK_MAX];
	struct netns ns;
};

static struct {
	struct list taps; /* struct tap.away.link */
	struct list pins; /* struct tap.away.pin_link */
	struct event *tick;
	struct netlink_others *others;
	struct lost *lost;
	size_t n_lost;
	bool searched;
} away = {.taps = {&away.taps, &away.taps}, .pins = {&away.pins, &away.pins}};

void tap_mark(struct hash_seed key, const char *name, char mark[TAP_MARK_MAX])
{
	snprintf(mark, TAP_MARK_MAX, TAP_MARK_PREFIX " %.*s %016" PRIx64, TAP_NAME_LEN - 1, name,
		hash_bytes(key, name, strlen(name)));
}

void tap_alias(const struct tap *t, char alias[TAP_ALIAS_MAX])
{
	snprintf(alias, TAP_ALIAS_MAX, "%s %s", t->mark, t->owner);
}

bool tap_alias_has_mark(const char *alias, const char *mark)
{
	size_t n = strlen(mark);

	return !strncmp(alias, mark, n) && (alias[n] == ' ' || !alias[n]);
}

/* ---- the search ---- */

struct search {
	struct hash_seed key;
	const struct netns *ns;
};

/* 'mark' is what it should be, where it is one at all. */
static bool mark_is_ours(struct hash_seed key, const char *alias, char mark[TAP_MARK_MAX])
{
	char name[TAP_NAME_LEN] = "";

	if (sscanf(alias, TAP_MARK_PREFIX " %15s", name) != 1)
		return false;
	tap_mark(key, name, mark);
	return tap_alias_has_mark(alias, mark);
}

static struct lost *lost_lookup(const char *mark)
{
	for (size_t i = 0; i < away.n_lost; i++)
		if (!strcmp(away.lost[i].mark, mark))
			return &away.lost[i];
	return NULL;
}

static void lost_del(struct lost *l)
{
	free(l->ns.path);
	*l = away.lost[--away.n_lost];
}

/* As many at most as there are ports of ours: whoever repeats his own mark has no more. */
static void search_link(const struct netlink_link *l, void *arg)
{
	const struct search *s = arg;
	char mark[TAP_MARK_MAX];
	struct lost *lost;

	if (strcmp(l->kind, "tun") || !mark_is_ours(s->key, l->alias, mark) || lost_lookup(mark))
		return;
	lost = realloc(away.lost, (away.n_lost + 1) * sizeof(*lost));
	if (!lost)
		return;
	away.lost = lost;
	lost += away.n_lost;
	*lost = (struct lost){.ns = {.id = s->ns->id, .path = strdup(s->ns->path)}};
	snprintf(lost->mark, sizeof(lost->mark), "%s", mark);
	if (lost->ns.path)
		away.n_lost++;
}

static int search_in(void *arg)
{
	struct netlink *nl;
	int rc = netlink_open(&nl);

	if (rc)
		return rc;
	rc = netlink_link_each(nl, search_link, arg);
	netlink_destroy(nl);
	return rc;
}

static void search_all(struct hash_seed key)
{
	struct netns *list = NULL;
	size_t n = 0;
	int rc;

	if (away.searched)
		return;
	away.searched = true;
	rc = netns_list(&list, &n);
	if (rc)
		log_warn("network namespaces cannot be listed: %s", strerror(-rc));
	for (size_t i = 0; i < n; i++) {
		struct search s = {.key = key, .ns = &list[i]};
		int fd = netns_open(&list[i]);

		if (fd < 0) /* it has ended */
			continue;
		rc = netns_run(fd, search_in, &s);
		if (rc)
			log_warn("network namespace %s cannot be searched for taps: %s",
				list[i].path, strerror(-rc));
		close(fd);
	}
	netns_list_free(list, n);
}

/* ---- watching ---- */

/* Where somebody else holds the namespace; NULL.  The caller frees it. */
static char *holder_of(struct netns_id id, const struct netns *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (netns_id_equal(list[i].id, id))
			return strdup(list[i].path);
	return NULL;
}

static bool pin_is_held(const struct netns *pinned)
{
	struct netns_id id;

	return !netns_of_path(pinned->path, &id) && netns_id_equal(id, pinned->id);
}

static void pin_lost(struct tap *t)
{
	struct port *p = t->port;
	struct netlink_link l;

	tap_see(t, &l);
	t->away.lost = t->away.now && netns_id_equal(t->away.id, t->away.pinned.id);
	log_info("port %s: network namespace net:[%" PRIu64 "] has ended", p->conf.name,
		t->away.pinned.id.ino);
	p->events->gone(p, p->events_arg);
}

static void look_at_pins(void)
{
	struct netns *list = NULL;
	struct list *it, *tmp;
	bool listed = false;
	size_t n = 0;

	list_for_each_safe (it, tmp, &away.pins) {
		struct tap *t = container_of(it, struct tap, away.pin_link);
		struct netns *pinned = &t->away.pinned;
		char *path;

		if (pin_is_held(pinned))
			continue;
		if (!listed && netns_list(&list, &n))
			return; /* nothing is known: later */
		listed = true;
		path = holder_of(pinned->id, list, n);
		if (path) {
			free(pinned->path);
			pinned->path = path;
		} else {
			pin_lost(t);
		}
	}
	netns_list_free(list, n);
}

static void look_at_taps(void)
{
	unsigned n = 0;
	struct list *it;

	list_for_each (it, &away.taps)
		n++;
	for (unsigned i = 0; i < n && i < LOOKS_PER_TICK && !list_empty(&away.taps); i++) {
		struct tap *t = container_of(away.taps.next, struct tap, away.link);

		list_del(&t->away.link);
		list_add_tail(&away.taps, &t->away.link);
		if (t->port->opened)
			tap_follow(t);
		else
			t->port->events->present(t->port, t->port->events_arg);
	}
}

static void away_tick(evutil_socket_t fd, short what, void *arg)
{
	look_at_pins();
	look_at_taps();
}

static void away_event(int nsid, void *arg)
{
	struct list *it, *tmp;

	list_for_each_safe (it, tmp, &away.taps) {
		struct tap *t = container_of(it, struct tap, away.link);

		if (t->port->opened && (nsid < 0 || nsid == t->away.nsid))
			tap_follow(t);
	}
}

/* Neither can keep a port from working: without, changes are seen later or not at all. */
static void watch(struct event_base *base)
{
	struct timeval every = {.tv_sec = TICK_S};
	int rc;

	if (away.tick)
		return;
	away.tick = event_new(base, -1, EV_PERSIST, away_tick, NULL);
	if (!away.tick || event_add(away.tick, &every))
		log_warn("no memory to watch taps in other network namespaces");
	rc = netlink_others_create(base, away_event, NULL, &away.others);
	if (rc)
		log_warn("no events from other network namespaces: %s", strerror(-rc));
}

/* Not from within what they call. */
static void unwatch(void)
{
	if (!list_empty(&away.taps) || !list_empty(&away.pins))
		return;
	if (away.tick)
		event_free(away.tick);
	netlink_others_destroy(away.others);
	away.tick = NULL;
	away.others = NULL;
}

static void list_in(struct tap *t)
{
	if (list_empty(&t->away.link))
		list_add_tail(&away.taps, &t->away.link);
	watch(t->base);
}

static void list_out(struct tap *t)
{
	list_del(&t->away.link);
	list_init(&t->away.link);
	t->away.nsid = -1;
}

/* ---- where it is ---- */

static void is_away(struct tap *t, struct netns_id id)
{
	if (!t->away.now || !netns_id_equal(id, t->away.id))
		log_info("port %s: its interface is in network namespace net:[%" PRIu64 "]",
			t->port->conf.name, id.ino);
	t->away.now = true;
	t->away.id = id;
	list_in(t);
}

static void is_home(struct tap *t)
{
	if (!t->away.now)
		return;
	log_info("port %s: its interface is back in our network namespace", t->port->conf.name);
	t->away.now = false;
	list_out(t);
}

int tap_see(struct tap *t, struct netlink_link *l)
{
	char name[TAP_NAME_LEN];
	struct netns_id id;
	int fd, rc;

	if (!tap_dev_name(&t->dev, name))
		return -ENODEV;
	fd = tap_dev_netns(&t->dev);
	if (fd < 0)
		return fd == -EBADFD ? -ENODEV : fd;
	rc = netns_of_fd(fd, &id);
	if (!rc && netns_id_equal(id, t->home)) {
		is_home(t);
		rc = netlink_link_get(t->nl, name, l);
	} else if (!rc) {
		is_away(t, id);
		t->away.nsid = netlink_nsid(t->nl, fd);
		rc = t->away.nsid < 0 ? t->away.nsid
				      : netlink_link_get_nsid(t->nl, t->away.nsid, name, l);
		l->ifindex = 0;
	}
	close(fd);
	return rc == -ENODEV ? -EAGAIN : rc; /* renamed or moved in between */
}

/* ---- opening ---- */

struct opening {
	struct tap *t;
	struct netlink_link *l; /* its kind is "" until it is found */
	struct strbuf *why;
};

static void opening_link(const struct netlink_link *l, void *arg)
{
	struct opening *o = arg;

	if (!strcmp(l->kind, "tun") && l->tun.tap && tap_alias_has_mark(l->alias, o->t->mark))
		*o->l = *l;
}

static int opening_in(void *arg)
{
	struct opening *o = arg;
	struct netlink *nl;
	int rc = netlink_open(&nl);

	if (!rc) {
		rc = netlink_link_each(nl, opening_link, o);
		netlink_destroy(nl);
	}
	if (rc)
		strbuf_printf(o->why, "cannot look for it: %s", strerror(-rc));
	else
		rc = o->l->kind[0] ? tap_open_existing(o->t, o->l, o->why) : -ENOENT;
	return rc;
}

/* The namespace to open in and who else holds it, or -errno. */
static int place_to_open(struct tap *t, struct netns *ns)
{
	struct netns *list = NULL;
	struct lost *lost;
	size_t n = 0;
	int fd = t->away.reopen_fd;

	if (fd >= 0) {
		t->away.reopen_fd = -1;
		if (!netns_of_fd(fd, &ns->id) && !netns_list(&list, &n))
			ns->path = holder_of(ns->id, list, n);
		netns_list_free(list, n);
		return fd;
	}
	search_all(t->key);
	lost = lost_lookup(t->mark);
	if (!lost)
		return -ENOENT;
	fd = netns_open(&lost->ns);
	if (fd >= 0) {
		*ns = (struct netns){.id = lost->ns.id, .path = strdup(lost->ns.path)};
		return fd;
	}
	lost_del(lost);
	return -ENOENT;
}

/* It is found, and if it was open, too. */
static void opened_in(struct tap *t, struct netns *ns, const struct netlink_link *l)
{
	struct lost *lost = lost_lookup(t->mark);

	if (lost)
		lost_del(lost);
	log_info("port %s: found its interface %s in %s", t->port->conf.name, l->name,
		ns->path ? ns->path : "the network namespace where it was");
	if (netns_id_equal(ns->id, t->home))
		return;
	is_away(t, ns->id);
	if (!ns->path) /* nothing to watch: it is kept as long as the port is open */
		return;
	t->away.pinned = *ns;
	ns->path = NULL;
	list_add_tail(&away.pins, &t->away.pin_link);
}

void tap_away_init(struct tap *t)
{
	list_out(t);
}

void tap_away_retry(struct tap *t)
{
	list_in(t);
}

int tap_away_open(struct tap *t, struct netlink_link *l, struct strbuf *why)
{
	struct opening o = {.t = t, .l = l, .why = why};
	struct netns ns = {0};
	int fd = place_to_open(t, &ns), rc;

	if (fd < 0)
		return fd;
	*l = (struct netlink_link){0};
	rc = netns_run(fd, opening_in, &o);
	close(fd);
	if (!rc) {
		opened_in(t, &ns, l);
		if (tap_see(t, l)) /* writes to one that is down fail, and are counted so */
			l->flags |= IFF_UP | IFF_LOWER_UP;
	} else if (rc != -ENOENT) {
		strbuf_printf(why, "%s in %s", why->len ? "" : strerror(-rc),
			ns.path ? ns.path : "another network namespace");
		tap_away_retry(t);
	}
	free(ns.path);
	return rc;
}

void tap_away_close(struct tap *t, bool keep)
{
	struct tap_away *a = &t->away;

	if (keep && a->now && !a->lost)
		a->reopen_fd = tap_dev_netns(&t->dev);
	list_del(&a->pin_link);
	list_init(&a->pin_link);
	free(a->pinned.path);
	a->pinned = (struct netns){0};
	a->now = a->lost = false;
	list_out(t);
}

void tap_away_fini(struct tap *t)
{
	tap_away_close(t, false);
	if (t->away.reopen_fd >= 0)
		close(t->away.reopen_fd);
	unwatch();
}

/* ---- changing ---- */

struct inside {
	struct tap *t;
	int (*fn)(struct netlink *nl, const struct netlink_link *l, void *arg);
	void *arg;
};

static int inside_in(void *arg)
{
	const struct inside *i = arg;
	char name[TAP_NAME_LEN];
	struct netlink_link l;
	struct netlink *nl;
	int rc = netlink_open(&nl);

	if (rc)
		return rc;
	rc = tap_dev_name(&i->t->dev, name) ? netlink_link_get(nl, name, &l) : -ENODEV;
	if (!rc)
		rc = i->fn(nl, &l, i->arg);
	netlink_destroy(nl);
	return rc;
}

int tap_away_inside(struct tap *t,
	int (*fn)(struct netlink *nl, const struct netlink_link *l, void *arg), void *arg)
{
	struct inside i = {.t = t, .fn = fn, .arg = arg};
	int fd = tap_dev_netns(&t->dev), rc;

	if (fd < 0)
		return fd;
	rc = netns_run(fd, inside_in, &i);
	close(fd);
	return rc;
}
