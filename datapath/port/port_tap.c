/* port_tap.c - tap devices: the switch holds the character device, a program, a
 * container or the host's stack uses the interface (types tap and internal).
 *
 * The interface is made where it is absent.  It is persistent, so that it outlives
 * a restart of the switch, and its alias says that it is ours: only then it is
 * deleted when the port is removed.  An interface made by somebody else, or whose
 * alias somebody has changed, is left behind.  'internal' differs from 'tap' in that
 * the host's administrator sets it up.
 *
 * The interface may be renamed, and moved to another network namespace (tap_away.c).
 * There it is somebody else's to set up, too: it is taken as it is, and changed only
 * where a key of the port is changed.
 *
 * It is gone when the character device says so: the worker that finds that out tells
 * the control thread through an eventfd. */
#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kio.h"
#include "log.h"
#include "tap.h"

LOG_MODULE(tap);

static int tap_open(struct port *p, struct strbuf *why);
static void tap_gone(evutil_socket_t fd, short what, void *arg);
static void tap_release_work(void *arg);
static void tap_released(void *arg);

static int tap_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	struct tap *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->port = p;
	t->base = env->base;
	t->nl = env->netlink;
	t->key = env->mark_key;
	t->owner = env->owner ? env->owner : "";
	tap_mark(t->key, p->conf.name, t->mark);
	t->refused.ifindex = -1;
	t->away.reopen_fd = t->away.nsid = -1;
	list_init(&t->away.link);
	list_init(&t->away.pin_link);
	t->release = (struct closer_job){.work = tap_release_work, .done = tap_released, .arg = t};
	rc = netns_self(&t->home);
	if (!rc) {
		t->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = t->gone_fd < 0 ? -errno : 0;
	}
	if (rc) {
		strbuf_printf(why, "port %s: %s", p->conf.name, strerror(-rc));
		goto free_tap;
	}
	t->gone_ev = event_new(env->base, t->gone_fd, EV_READ | EV_PERSIST, tap_gone, t);
	if (!t->gone_ev || event_add(t->gone_ev, NULL)) {
		rc = -ENOMEM;
		goto close_gone;
	}
	p->priv = t;
	return 0;

close_gone:
	if (t->gone_ev)
		event_free(t->gone_ev);
	close(t->gone_fd);
free_tap:
	free(t);
	return rc;
}

static void tap_destroy(struct port *p)
{
	struct tap *t = p->priv;

	tap_away_fini(t);
	event_free(t->gone_ev);
	close(t->gone_fd);
	free(t);
}

static unsigned queues_of(const struct port_conf *conf)
{
	return conf->queues ? conf->queues : 1;
}

/* ---- opening ---- */

/* Open the queues of a device that is there, or of a new one of that name. */
static int tap_open_queues(struct tap *t, const char *name, bool multi_queue, struct strbuf *why)
{
	int rc = tap_dev_open(&t->dev, name, queues_of(&t->port->conf), multi_queue);

	if (rc == -EBUSY)
		strbuf_printf(why, "another program holds tap %s", name);
	else if (rc == -E2BIG)
		strbuf_printf(why, "tap %s has no queue left", name);
	else if (rc)
		strbuf_printf(why, "cannot open tap %s: %s", name, strerror(-rc));
	return rc;
}

static int tap_check_queues(const struct netlink_link *l, unsigned n, struct strbuf *why)
{
	if (n == 1 || l->tun.multi_queue)
		return 0;
	strbuf_printf(why, "queues: tap %s was made for one queue, not %u", l->name, n);
	return -EINVAL;
}

/* Is it a tap that nobody holds, with so many queues? */
static int tap_usable(
	const struct netlink_link *l, bool we_hold_it, unsigned n_queues, struct strbuf *why)
{
	if (strcmp(l->kind, "tun") || !l->tun.tap || l->type != ARPHRD_ETHER) {
		strbuf_printf(why, "interface %s exists and is not a tap", l->name);
		return -EEXIST;
	}
	/* The kernel would let us have another queue, and some of the other's frames. */
	if (l->tun.queues && !we_hold_it) {
		strbuf_printf(why, "another program holds tap %s", l->name);
		return -EBUSY;
	}
	return tap_check_queues(l, n_queues, why);
}

int tap_open_existing(struct tap *t, const struct netlink_link *l, struct strbuf *why)
{
	int rc = tap_usable(l, false, queues_of(&t->port->conf), why);

	return rc ? rc : tap_open_queues(t, l->name, l->tun.multi_queue, why);
}

static int tap_check(const struct port_conf *conf, const struct port_env *env,
	const struct port *now, struct strbuf *why)
{
	bool we_hold_it = now && now->opened && now->ops->open == tap_open;
	struct netlink_link l;

	/* One of ours goes with its port, or has been asked already (tap_reconfigure). */
	if (we_hold_it && ((const struct tap *)now->priv)->ours)
		return 0;
	return netlink_link_get(env->netlink, conf->name, &l)
		       ? 0
		       : tap_usable(&l, we_hold_it, queues_of(conf), why);
}

struct settings {
	const struct port_conf *conf;
	bool set_mtu, set_mac;
	const char *what; /* could not be set */
};

/* Bring MTU and address of the device 'l' to what the user wants. */
static int tap_configure(struct netlink *nl, const struct netlink_link *l, void *arg)
{
	struct settings *s = arg;
	int rc = 0;

	if (s->set_mtu && s->conf->mtu != l->mtu) {
		s->what = "mtu";
		rc = netlink_link_set_mtu(nl, l->ifindex, s->conf->mtu);
	}
	if (!rc && s->set_mac && memcmp(l->mac, s->conf->mac.b, sizeof(l->mac))) {
		s->what = "mac";
		rc = netlink_link_set_mac(nl, l->ifindex, s->conf->mac.b);
	}
	return rc;
}

static int tap_configure_home(struct tap *t, const struct port_conf *conf,
	const struct netlink_link *l, struct strbuf *why)
{
	struct settings s = {
		.conf = conf, .set_mtu = conf->mtu, .set_mac = t->ours && conf->has_mac};
	int rc;

	if (!t->ours && s.set_mtu && conf->mtu != l->mtu && !t->before_mtu)
		t->before_mtu = l->mtu;
	rc = tap_configure(t->nl, l, &s);
	if (rc)
		strbuf_printf(why, "cannot set %s of tap %s: %s", s.what, l->name, strerror(-rc));
	return rc;
}

/* One that is not ours is left as it was.  Errors mean that it has vanished. */
static void tap_give_back(const struct tap *t, int ifindex)
{
	if (t->before_mtu)
		netlink_link_set_mtu(t->nl, ifindex, t->before_mtu);
	if (!t->was_up)
		netlink_link_set_up(t->nl, ifindex, false);
}

static int tap_set_up(struct tap *t, const struct netlink_link *l, struct strbuf *why)
{
	struct port *p = t->port;
	char alias[TAP_ALIAS_MAX];
	int rc = 0;

	tap_alias(t, alias);
	if (t->ours && strcmp(l->alias, alias))
		rc = netlink_link_set_alias(t->nl, l->ifindex, alias);
	if (rc)
		strbuf_printf(why, "cannot set up tap %s: %s", l->name, strerror(-rc));
	if (!rc)
		rc = tap_configure_home(t, &p->conf, l, why);
	if (!rc && p->ops == &port_tap_ops) {
		rc = netlink_link_set_up(t->nl, l->ifindex, true);
		if (rc)
			strbuf_printf(why, "cannot set %s up: %s", l->name, strerror(-rc));
	}
	return rc;
}

/* The queues are open: make the device what it should be, and 'l' what it is then. */
static int tap_take(struct tap *t, bool made, struct netlink_link *l, struct strbuf *why)
{
	struct netlink_link now;
	int rc;

	t->ours = made || !strncmp(l->alias, TAP_MARK_PREFIX, strlen(TAP_MARK_PREFIX));
	t->was_up = l->flags & IFF_UP;
	t->before_mtu = 0;
	rc = tap_set_up(t, l, why);
	if (rc)
		return rc;
	rc = netlink_link_get(t->nl, l->name, &now);
	if (rc)
		strbuf_printf(why, "cannot set up tap %s: %s", l->name, strerror(-rc));
	else
		*l = now;
	return rc;
}

static int tap_open_home(struct tap *t, struct netlink_link *l, struct strbuf *why)
{
	int rc = tap_open_existing(t, l, why);

	if (rc)
		return rc;
	rc = tap_take(t, false, l, why);
	if (!rc)
		return 0;
	if (!t->ours)
		tap_give_back(t, l->ifindex);
	tap_dev_release(&t->dev, t->ours ? TAP_KEEP : TAP_GIVE_BACK);
	return rc;
}

static int tap_make(struct tap *t, struct netlink_link *l, struct strbuf *why)
{
	const char *name = t->port->conf.name;
	int rc = tap_open_queues(t, name, queues_of(&t->port->conf) > 1, why);

	if (rc)
		return rc;
	rc = netlink_link_get(t->nl, name, l);
	if (rc)
		strbuf_printf(why, "cannot set up tap %s: %s", name, strerror(-rc));
	else
		rc = tap_take(t, true, l, why);
	if (rc)
		tap_dev_release(&t->dev, TAP_DELETE);
	else
		tap_dev_persist(&t->dev);
	return rc;
}

/* Wherever it is: 'l' is what it is like then, or what it was that could not be opened in
 * our own network namespace. */
static int tap_open_somewhere(struct tap *t, struct netlink_link *l, struct strbuf *why)
{
	int rc = t->away.reopen_fd >= 0 ? tap_away_open(t, l, why) : -ENOENT;

	if (rc != -ENOENT)
		return rc;
	rc = netlink_link_get(t->nl, t->port->conf.name, l);
	if (!rc)
		return tap_open_home(t, l, why);
	if (rc == -ENODEV)
		rc = tap_away_open(t, l, why);
	if (rc != -ENOENT) {
		t->ours = true;
		return rc;
	}
	return tap_make(t, l, why);
}

static int tap_open(struct port *p, struct strbuf *why)
{
	struct tap *t = p->priv;
	struct netlink_link l = {0};
	int rc;

	tap_away_init(t);
	rc = tap_open_somewhere(t, &l, why);
	if (rc == -EBUSY)
		tap_away_retry(t);
	t->refused = l;
	if (rc)
		return rc;
	t->refused.ifindex = -1;
	kio_link_follow(p, &l);
	p->tx_caps = tap_dev_offloads(&t->dev, p->conf.offloads_off);
	t->dropped = l.tx_dropped;
	for (unsigned i = 0; i < t->dev.n; i++)
		t->rxqs[i] = (struct rxq){.fd = t->dev.fds[i], .priv = t};
	p->rxqs = t->rxqs;
	p->n_rxqs = t->dev.n;
	return 0;
}

/* ---- closing ---- */

static void tap_count(struct port *p);

static void tap_release_work(void *arg)
{
	struct tap *t = arg;

	tap_dev_release(&t->dev, t->how);
}

static void tap_released(void *arg)
{
	struct tap *t = arg;
	struct port *p = t->port;

	p->releasing = false;
	p->events->released(p, p->events_arg);
}

static void tap_close(struct port *p, bool removed)
{
	struct tap *t = p->priv;

	if (!removed || !t->ours) /* with the port go its figures */
		tap_count(p);
	if (!t->ours && !t->away.now)
		tap_give_back(t, p->ifindex);
	t->how = !t->ours ? TAP_GIVE_BACK : removed || t->away.lost ? TAP_DELETE : TAP_KEEP;
	tap_away_close(t, t->how == TAP_KEEP);
	p->ifindex = 0;
	p->releasing = true;
	closer_run(&t->release);
}

/* ---- changing ---- */

static int tap_reconfigure_away(struct tap *t, const struct port_conf *conf, struct strbuf *why)
{
	const struct port_conf *old = &t->port->conf;
	struct settings s = {.conf = conf,
		.what = "settings",
		.set_mtu = conf->mtu && conf->mtu != old->mtu,
		.set_mac = conf->has_mac && !eth_addr_equal(conf->mac, old->mac)};
	int rc = s.set_mtu || s.set_mac ? tap_away_inside(t, tap_configure, &s) : 0;

	if (rc)
		strbuf_printf(why, "cannot set %s in network namespace net:[%llu]: %s", s.what,
			(unsigned long long)t->away.id.ino, strerror(-rc));
	return rc;
}

/* Another number of queues takes opening them again. */
static int tap_reconfigure_queues(
	const struct tap *t, const struct netlink_link *l, unsigned n, struct strbuf *why)
{
	int rc = tap_check_queues(l, n, why);

	if (!rc && t->away.now && !t->ours) {
		strbuf_printf(why, "queues: tap %s is not ours and in another network namespace",
			l->name);
		return -EBUSY;
	}
	return rc ? rc : -EOPNOTSUPP;
}

static int tap_reconfigure(struct port *p, const struct port_conf *conf, struct strbuf *why)
{
	struct tap *t = p->priv;
	struct netlink_link l;
	int rc = tap_see(t, &l);

	if (rc)
		return -EOPNOTSUPP;
	if (queues_of(conf) != t->dev.n)
		return tap_reconfigure_queues(t, &l, queues_of(conf), why);
	if (t->away.now)
		rc = tap_reconfigure_away(t, conf, why);
	else if (p->conf.mtu && !conf->mtu)
		return -EOPNOTSUPP;
	else
		rc = tap_configure_home(t, conf, &l, why);
	if (rc)
		return rc;
	__atomic_store_n(
		&p->tx_caps, tap_dev_offloads(&t->dev, conf->offloads_off), __ATOMIC_RELAXED);
	if (!tap_see(t, &l))
		kio_link_follow(p, &l);
	return 0;
}

/* ---- events ---- */

void tap_follow(struct tap *t)
{
	struct port *p = t->port;
	struct netlink_link l;
	int rc = tap_see(t, &l);

	if (rc == -ENODEV) {
		p->events->gone(p, p->events_arg);
	} else if (!rc) {
		if (kio_link_follow(p, &l))
			p->events->changed(p, p->events_arg);
	} else if (t->away.now && !p->link_up) {
		/* Not to be seen: writes to one that is down fail, and are counted so. */
		__atomic_store_n(&p->link_up, true, __ATOMIC_RELAXED);
		p->events->changed(p, p->events_arg);
	}
}

static void tap_gone(evutil_socket_t fd, short what, void *arg)
{
	char name[TAP_NAME_LEN];
	struct tap *t = arg;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 || !t->port->opened || tap_dev_name(&t->dev, name))
		return;
	t->port->events->gone(t->port, t->port->events_arg);
}

static void tap_link_event(struct port *p, const struct netlink_link *event, bool deleted)
{
	struct tap *t = p->priv;
	const struct netlink_link *r = &t->refused;
	struct netlink_link l;

	if (p->opened) {
		tap_follow(t);
		return;
	}
	if (netlink_link_get(t->nl, p->conf.name, &l))
		l = (struct netlink_link){0};
	if (r->ifindex != l.ifindex || r->flags != l.flags || r->mtu != l.mtu)
		p->events->present(p, p->events_arg);
}

/* ---- figures ---- */

static void tap_count(struct port *p)
{
	struct tap *t = p->priv;
	struct netlink_link l;

	if (tap_see(t, &l))
		return;
	if (l.tx_dropped > t->dropped)
		p->overruns += l.tx_dropped - t->dropped;
	t->dropped = l.tx_dropped;
}

static void tap_info(const struct port *p, struct json_t *out)
{
	const struct tap *t = p->priv;
	char name[TAP_NAME_LEN];

	if (!p->opened)
		return;
	json_object_set_new(out, "ifindex", json_integer(p->ifindex));
	json_object_set_new(out, "created", json_boolean(t->ours));
	json_object_set_new(out, "other-netns", json_boolean(t->away.now));
	if (t->away.now)
		json_object_set_new(out, "netns", json_integer((json_int_t)t->away.id.ino));
	if (tap_dev_name(&t->dev, name) && strcmp(name, p->conf.name))
		json_object_set_new(out, "interface", json_string(name));
}

const struct port_ops port_tap_ops = {
	.type = "tap",
	.about = "a tap device, made by the switch or existing",
	.kernel_interface = true,
	.create = tap_create,
	.destroy = tap_destroy,
	.open = tap_open,
	.check = tap_check,
	.close = tap_close,
	.reconfigure = tap_reconfigure,
	.link_event = tap_link_event,
	.rx = tap_rx,
	.tx = tap_tx,
	.count = tap_count,
	.info = tap_info,
};

const struct port_ops port_internal_ops = {
	.type = "internal",
	.about = "an interface of the host itself",
	.kernel_interface = true,
	.create = tap_create,
	.destroy = tap_destroy,
	.open = tap_open,
	.check = tap_check,
	.close = tap_close,
	.reconfigure = tap_reconfigure,
	.link_event = tap_link_event,
	.rx = tap_rx,
	.tx = tap_tx,
	.count = tap_count,
	.info = tap_info,
};
