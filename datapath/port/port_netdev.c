/* port_netdev.c - an existing kernel interface: a NIC, a veth, the tap that a
 * hypervisor opened.
 *
 * Frames go through packet sockets (psock.h), one per queue.  While the port is
 * open, the interface is the switch's alone: filters at its ingress and egress keep
 * the host's stack from hearing and from talking, it is promiscuous as long as the
 * sockets are open, and up.  Frames that the device has merged without saying so (LRO)
 * could not be sent on, so it is kept from that.  What it was like before is kept in the
 * kernel with the filters, so that it is given back unchanged even by the successor of
 * a switch that was killed.  Addresses and routes stay as they are; they are useless
 * meanwhile.  Another switch that runs keeps what it has.
 *
 * Link events are only a hint to look: by the time one is handled, the interface may
 * have changed again or be another one of the same name. */
#include "port.h"

#include <errno.h>
#include <jansson.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "daemon.h"
#include "ethtool.h"
#include "kio.h"
#include "log.h"
#include "netlink.h"
#include "psock.h"

LOG_MODULE(netdev);

struct netdev {
	struct netlink *nl;
	const char *owner; /* as in port_env */
	struct netlink_before before;
	uint32_t port_mtu;   /* what the port may send, without tags */
	uint32_t device_mtu; /* what the device had, when last seen */
	struct psock socks[PORT_QUEUES_MAX];
	struct rxq rxqs[PORT_QUEUES_MAX];
	unsigned n_socks;
	bool no_ring; /* the device gives frames that a ring cannot take */
	/* Of a device that went before its MTU could be given back: it may come again. */
	uint32_t left_mtu, left_given; /* what it had, and has; 0: none */
	struct eth_addr left_mac;
	struct netlink_link refused; /* as it was when it could not be opened */
	struct event *retry;	     /* while another switch has it */
};

static void netdev_retry(evutil_socket_t fd, short what, void *arg)
{
	struct port *p = arg;

	if (!p->opened)
		p->events->present(p, p->events_arg);
}

static int netdev_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	struct netdev *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->retry = event_new(env->base, -1, 0, netdev_retry, p);
	if (!d->retry) {
		free(d);
		return -ENOMEM;
	}
	d->nl = env->netlink;
	d->owner = env->owner ? env->owner : "";
	p->priv = d;
	return 0;
}

static void netdev_destroy(struct port *p)
{
	struct netdev *d = p->priv;

	event_free(d->retry);
	free(d);
}

static uint32_t netdev_tx_caps(const struct port_conf *conf)
{
	return conf->offloads_off ? 0 : kio_tx_caps();
}

/* ---- MTU ----
 *
 * A packet socket does not send a frame that is longer than the device's MTU allows, but
 * for one tag of 802.1Q's; a trunk sends two tags, and 802.1ad's, around frames of full
 * size.  So while the port has it, the device has an MTU that is larger by the tags, where
 * its driver lets it.  The port's is without them. */

enum { TAGS_LEN = 2 * ETH_VLAN_LEN };

/* The filter says what the device has from us before it has it, and as long: whoever
 * follows us must not take ours for its own. */
static int netdev_give_mtu(struct netdev *d, int ifindex, uint32_t mtu)
{
	uint32_t give = mtu != d->before.mtu ? mtu : 0;
	int rc = 0;

	if (give && give != d->before.mtu_given) {
		d->before.mtu_given = give;
		rc = netlink_barrier_note(d->nl, ifindex, &d->before);
	}
	if (!rc)
		rc = netlink_link_set_mtu(d->nl, ifindex, mtu);
	if (rc)
		return rc;
	d->device_mtu = mtu;
	if (!give && d->before.mtu_given) {
		d->before.mtu_given = 0;
		netlink_barrier_note(d->nl, ifindex, &d->before);
	}
	return 0;
}

/* Give the port an MTU, and the device one with as much room for tags as it takes. */
static int netdev_set_mtu(struct netdev *d, int ifindex, uint32_t mtu, struct strbuf *why)
{
	uint32_t given = d->before.mtu_given;
	int room = TAGS_LEN, rc;

	do
		rc = netdev_give_mtu(d, ifindex, mtu + (uint32_t)room);
	while (rc && (room -= ETH_VLAN_LEN) >= 0);
	if (rc) {
		d->before.mtu_given = given;
		netlink_barrier_note(d->nl, ifindex, &d->before);
		strbuf_printf(why, "cannot set MTU %u: %s", mtu, strerror(-rc));
		return rc;
	}
	d->port_mtu = mtu;
	return 0;
}

/* 'l' is what the device is like: make its MTU the port's.  Where somebody has changed it,
 * the port follows and makes room anew.  Who takes nothing but the room away shall have it
 * so, or we might fight for ever. */
static void netdev_follow_mtu(struct port *p, struct netlink_link *l)
{
	struct netdev *d = p->priv;
	struct strbuf why = STRBUF_INIT;

	if (l->mtu != d->device_mtu) {
		bool room_only = l->mtu == d->port_mtu;

		d->port_mtu = d->device_mtu = l->mtu;
		if (!p->conf.mtu) /* what it is to have in the end, too */
			d->before.mtu = l->mtu;
		d->before.mtu_given = l->mtu != d->before.mtu ? l->mtu : 0;
		if (room_only || netdev_set_mtu(d, l->ifindex, l->mtu, &why))
			netlink_barrier_note(d->nl, l->ifindex, &d->before);
	}
	l->mtu = d->port_mtu;
	strbuf_fini(&why);
}

/* ---- opening ---- */

static void netdev_close_sockets(struct netdev *d)
{
	while (d->n_socks)
		psock_close(&d->socks[--d->n_socks]);
}

/* A socket that may send in spite of the filter. */
static int netdev_open_socket(struct psock *s, int ifindex, struct psock_group *group, bool ring)
{
	uint32_t mark = NETLINK_EGRESS_MARK;
	int rc = psock_open(s, ifindex, group, ring);

	if (!rc && setsockopt(s->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))) {
		rc = -errno;
		psock_close(s);
	}
	return rc;
}

static int netdev_open_sockets(struct port *p, int ifindex, struct strbuf *why)
{
	struct netdev *d = p->priv;
	unsigned n = p->conf.queues ? p->conf.queues : 1;
	struct psock_group group = {.shared = n > 1};

	for (d->n_socks = 0; d->n_socks < n; d->n_socks++) {
		int rc = netdev_open_socket(&d->socks[d->n_socks], ifindex, &group, !d->no_ring);

		if (rc) {
			strbuf_printf(why, "cannot open a packet socket: %s", strerror(-rc));
			netdev_close_sockets(d);
			return rc;
		}
		d->rxqs[d->n_socks] =
			(struct rxq){.fd = d->socks[d->n_socks].fd, .priv = &d->socks[d->n_socks]};
	}
	return 0;
}

/* Undo what is before the sockets.  Errors mean that the interface is gone. */
static void netdev_give_back(struct netdev *d, int ifindex)
{
	d->left_given = 0;
	if (d->before.mtu_given && netlink_link_set_mtu(d->nl, ifindex, d->before.mtu)) {
		d->left_mtu = d->before.mtu;
		d->left_given = d->before.mtu_given;
	}
	if (d->before.lro)
		ethtool_set_flag(ifindex, ETH_FLAG_LRO, true);
	if (!d->before.up)
		netlink_link_set_up(d->nl, ifindex, false);
	netlink_barrier_del(d->nl, ifindex, &d->before);
}

static void netdev_stop_lro(const struct netlink_link *l)
{
	int rc = ethtool_flag(l->ifindex, ETH_FLAG_LRO)
			 ? ethtool_set_flag(l->ifindex, ETH_FLAG_LRO, false)
			 : 0;

	if (rc)
		log_warn("port %s: cannot switch large receive offload off, what it merges is "
			 "lost: %s",
			l->name, strerror(-rc));
}

/* Can it be ours?  Two that forward what comes in would both forward it. */
static int netdev_usable(
	struct netlink *nl, const char *owner, const struct netlink_link *l, struct strbuf *why)
{
	struct netlink_before found;
	pid_t holder = 0;
	int rc = kio_link_check(l, why);

	if (rc || netlink_barrier_find(nl, l->ifindex, &found) || !strcmp(found.owner, owner) ||
		!daemon_claimed(found.owner, &holder))
		return rc;
	strbuf_printf(why, "interface %s belongs to another vswitchd (pid %d, --rundir %s)",
		l->name, (int)holder, found.owner);
	return -EUSERS;
}

static int netdev_check(const struct port_conf *conf, const struct port_env *env,
	const struct port *now, struct strbuf *why)
{
	struct netlink_link l;

	return netlink_link_get(env->netlink, conf->name, &l)
		       ? 0
		       : netdev_usable(env->netlink, env->owner ? env->owner : "", &l, why);
}

static int netdev_take(struct port *p, const struct netlink_link *l, struct strbuf *why)
{
	struct netdev *d = p->priv;
	uint32_t mtu = p->conf.mtu;
	bool again = d->left_given == l->mtu && !memcmp(d->left_mac.b, l->mac, sizeof(l->mac));
	int rc;

	d->before = (struct netlink_before){.up = l->flags & IFF_UP,
		.mtu = again ? d->left_mtu : l->mtu,
		.mtu_given = again ? l->mtu : (mtu ? mtu : l->mtu) + TAGS_LEN, /* in a moment */
		.lro = ethtool_flag(l->ifindex, ETH_FLAG_LRO)};
	snprintf(d->before.owner, sizeof(d->before.owner), "%s", d->owner);
	rc = netlink_barrier_add(d->nl, l->ifindex, &d->before);
	if (rc) {
		strbuf_printf(
			why, "cannot keep the host's stack from %s: %s", l->name, strerror(-rc));
		return rc;
	}
	if (d->before.may_send)
		log_warn("port %s: what the host sends there cannot be stopped, because of its "
			 "ingress qdisc",
			l->name);
	netdev_stop_lro(l);
	/* Not what it was, nor what a killed predecessor gave it: somebody has changed it. */
	if (d->before.mtu != l->mtu && d->before.mtu_given != l->mtu) {
		d->before.mtu = l->mtu;
		d->before.mtu_given = 0;
	}
	rc = netdev_set_mtu(d, l->ifindex, mtu ? mtu : d->before.mtu, why);
	if (rc)
		goto give_back;
	rc = netdev_open_sockets(p, l->ifindex, why);
	if (rc)
		goto give_back;
	rc = netlink_link_set_up(d->nl, l->ifindex, true);
	if (rc) {
		strbuf_printf(why, "cannot set %s up: %s", l->name, strerror(-rc));
		goto close_sockets;
	}
	return 0;

close_sockets:
	netdev_close_sockets(d);
give_back:
	netdev_give_back(d, l->ifindex);
	return rc;
}

static int netdev_open(struct port *p, struct strbuf *why)
{
	struct netdev *d = p->priv;
	struct netlink_link l, now;
	int rc = netlink_link_get(d->nl, p->conf.name, &l);

	event_del(d->retry);
	if (rc) {
		strbuf_printf(why, "no interface named %s", p->conf.name);
		return rc;
	}
	rc = netdev_usable(d->nl, d->owner, &l, why);
	if (rc == -EUSERS) /* nobody tells when that one lets go, or ends */
		event_add(d->retry, &(struct timeval){.tv_sec = 1});
	if (!rc)
		rc = netdev_take(p, &l, why);
	d->refused = rc ? l : (struct netlink_link){0};
	if (rc)
		return rc;
	/* What taking it changed.  Where it has vanished meanwhile, or another one has its
	 * name now, an event will tell. */
	if (!netlink_link_get(d->nl, p->conf.name, &now) && now.ifindex == l.ifindex)
		l = now;
	else
		l.mtu = d->device_mtu;
	netdev_follow_mtu(p, &l);
	kio_link_follow(p, &l);
	p->tx_caps = netdev_tx_caps(&p->conf);
	p->rxqs = d->rxqs;
	p->n_rxqs = d->n_socks;
	return 0;
}

static void netdev_close(struct port *p, bool removed)
{
	struct netdev *d = p->priv;

	netdev_close_sockets(d);
	netdev_give_back(d, p->ifindex);
	d->left_mac = p->mac;
	p->ifindex = 0;
}

static int netdev_reconfigure(struct port *p, const struct port_conf *conf, struct strbuf *why)
{
	struct netdev *d = p->priv;
	uint32_t mtu = conf->mtu ? conf->mtu : d->before.mtu;

	if ((conf->queues ? conf->queues : 1) != d->n_socks)
		return -EOPNOTSUPP;
	if (conf->mtu != p->conf.mtu) {
		int rc = netdev_set_mtu(d, p->ifindex, mtu, why);

		if (rc)
			return rc;
		__atomic_store_n(&p->mtu, mtu, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&p->tx_caps, netdev_tx_caps(conf), __ATOMIC_RELAXED);
	return 0;
}

/* ---- events ---- */

/* What stalls a ring comes again, so there will be none from now on. */
static void netdev_tick(struct port *p)
{
	struct netdev *d = p->priv;
	bool stalled = false;

	for (unsigned i = 0; i < d->n_socks; i++)
		stalled |= psock_stalled(&d->socks[i], &p->overruns);
	if (!stalled || d->no_ring)
		return;
	log_warn("port %s: receives without a ring from now on: there are frames with offloads "
		 "that it cannot take",
		p->conf.name);
	d->no_ring = true;
	p->events->reopen(p, "its receive ring has stalled", p->events_arg);
}

static bool netdev_refused_before(const struct netdev *d, const struct netlink_link *l)
{
	return d->refused.ifindex == l->ifindex && d->refused.flags == l->flags &&
	       d->refused.mtu == l->mtu && d->refused.master == l->master;
}

static void netdev_link_event(struct port *p, const struct netlink_link *event, bool deleted)
{
	struct netdev *d = p->priv;
	struct netlink_link l;
	int rc = netlink_link_get(d->nl, p->conf.name, &l);

	if (!p->opened) {
		if (!rc && !netdev_refused_before(d, &l))
			p->events->present(p, p->events_arg);
		return;
	}
	if (rc || l.ifindex != p->ifindex || l.master) {
		p->events->gone(p, p->events_arg);
		return;
	}
	netdev_follow_mtu(p, &l);
	if (kio_link_follow(p, &l))
		p->events->changed(p, p->events_arg);
}

/* ---- frames ---- */

static unsigned netdev_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	if (q->error)
		psock_take_error(q->priv);
	q->error = false;
	return psock_rx(q->priv, q->port, lane, pkts, max);
}

static void netdev_tx(struct port *p, struct lane *lane, struct packet **pkts, unsigned n)
{
	struct netdev *d = p->priv;

	psock_tx(&d->socks[lane->id % d->n_socks], p, lane, pkts, n);
}

static void netdev_info(const struct port *p, struct json_t *out)
{
	if (p->opened)
		json_object_set_new(out, "ifindex", json_integer(p->ifindex));
}

const struct port_ops port_netdev_ops = {
	.type = "netdev",
	.about = "an existing kernel interface: NIC, veth, or the tap of a hypervisor",
	.kernel_interface = true,
	.create = netdev_create,
	.destroy = netdev_destroy,
	.open = netdev_open,
	.check = netdev_check,
	.close = netdev_close,
	.reconfigure = netdev_reconfigure,
	.link_event = netdev_link_event,
	.tick = netdev_tick,
	.rx = netdev_rx,
	.tx = netdev_tx,
	.info = netdev_info,
};
