/* port_tap.c - tap devices: the switch holds the character device, a program, a
 * container or the host's stack uses the interface (types tap and internal).
 *
 * The interface is made where it is absent.  It is persistent, so that it outlives
 * a restart of the switch, and its alias says that it is ours: only then it is
 * deleted when the port is removed.  An interface made by somebody else, or whose
 * alias somebody has changed, is left behind.  'internal' differs from 'tap' in that
 * the host's administrator sets it up.
 *
 * Frames go through the device one by one, with a virtio-net header before each:
 * the kernel has no call for more at once.
 *
 * The interface may be moved to another network namespace while we hold it.  It is
 * absent from ours then, but works; whoever has it sets its MTU, and tells ours with
 * mtu=.  It is gone only when the character device says so: the worker that finds
 * that out tells the control thread through an eventfd. */
#include "port.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kio.h"
#include "log.h"
#include "netlink.h"

LOG_MODULE(tap);

#ifndef TUN_F_USO4 /* in kernel headers since 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static const char ours_alias[] = "vswitch tap";

enum {
	/* The kernel drops where its ring is full, which is some hundred frames long:
	 * it may have dropped some if so many came without a pause. */
	OVERRUN_RUN = 256,
	OVERRUN_EVERY_MS = 1000,
};

struct tap_queue {
	int fd;
	unsigned run;	 /* frames since the queue was last empty */
	uint64_t run_ms; /* when the drops were last looked at */
};

struct tap {
	struct netlink *nl;
	struct port *port;
	bool ours;
	bool was_up;	     /* of one that is not ours */
	uint32_t before_mtu; /* likewise; 0: not changed */
	bool moved;	     /* to another network namespace */
	int gone_fd;	     /* eventfd: a worker saw the device go */
	struct event *gone_ev;
	struct tap_queue queues[PORT_QUEUES_MAX];
	struct rxq rxqs[PORT_QUEUES_MAX];
	unsigned n_queues;
	uint64_t overruns;	     /* of the device, as counted so far; atomic */
	struct netlink_link refused; /* as it was when it could not be opened; 0: absent */
};

static void tap_gone(evutil_socket_t fd, short what, void *arg);

static int tap_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	struct tap *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->nl = env->netlink;
	t->port = p;
	t->refused.ifindex = -1;
	t->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->gone_fd < 0) {
		rc = -errno;
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

	event_free(t->gone_ev);
	close(t->gone_fd);
	free(t);
}

/* ---- opening ---- */

/* Tell the kernel what it need not finish before it hands a frame over; what the
 * port can send follows from what it took. */
static uint32_t tap_set_offloads(const struct tap *t, bool off)
{
	static const struct {
		unsigned flags;
		uint32_t caps;
	} tries[] = {
		{TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
			PORT_TX_ALL},
		{TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, PORT_TX_ALL & ~PORT_TX_USO},
		{TUN_F_CSUM, PORT_TX_CSUM},
		{0, 0},
	};
	enum { N = sizeof(tries) / sizeof(tries[0]) };

	for (unsigned i = off ? N - 1 : 0; i < N; i++) {
		if (!ioctl(t->queues[0].fd, TUNSETOFFLOAD, (unsigned long)tries[i].flags))
			return tries[i].caps;
	}
	return 0;
}

static void tap_close_queues(struct tap *t)
{
	while (t->n_queues)
		close(t->queues[--t->n_queues].fd);
}

static int tap_open_queue(const char *name, short flags, int *queue)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), hdr_len = VNET_HDR_LEN, rc;
	struct ifreq ifr = {.ifr_flags = flags};

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETVNETHDRSZ, &hdr_len)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*queue = fd;
	return 0;
}

static int tap_open_queues(struct tap *t, bool exists, struct strbuf *why)
{
	const struct port_conf *conf = &t->port->conf;
	unsigned n = conf->queues ? conf->queues : 1;
	short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	int rc = 0;

	if (n > 1)
		flags |= IFF_MULTI_QUEUE;
	for (t->n_queues = 0; t->n_queues < n; t->n_queues++) {
		struct tap_queue *q = &t->queues[t->n_queues];

		*q = (struct tap_queue){.fd = -1};
		rc = tap_open_queue(conf->name, flags, &q->fd);
		/* An existing one may be made for several queues and take one, too. */
		if (rc == -EINVAL && exists && n == 1)
			rc = tap_open_queue(conf->name, (short)(flags | IFF_MULTI_QUEUE), &q->fd);
		if (rc)
			break;
		t->rxqs[t->n_queues] = (struct rxq){.fd = q->fd, .priv = q};
	}
	if (!rc)
		return 0;
	if (rc == -EBUSY)
		strbuf_printf(why, "another program holds tap %s", conf->name);
	else if (rc == -EINVAL && exists && n > 1)
		strbuf_printf(why, "tap %s was not made for several queues", conf->name);
	else
		strbuf_printf(why, "cannot open tap %s: %s", conf->name, strerror(-rc));
	tap_close_queues(t);
	return rc;
}

/* Delete the device with the last queue, or keep it without one. */
static void tap_persist(const struct tap *t, bool persist)
{
	ioctl(t->queues[0].fd, TUNSETPERSIST, (unsigned long)persist);
}

/* Bring MTU and address of the device 'l' to what the user wants. */
static int tap_configure(struct tap *t, const struct port_conf *conf, const struct netlink_link *l,
	struct strbuf *why)
{
	int rc = 0;

	if (conf->mtu && conf->mtu != l->mtu) {
		rc = netlink_link_set_mtu(t->nl, l->ifindex, conf->mtu);
		if (rc) {
			strbuf_printf(why, "cannot set MTU %u: %s", conf->mtu, strerror(-rc));
			return rc;
		}
		if (!t->ours && !t->before_mtu)
			t->before_mtu = l->mtu;
	}
	if (t->ours && conf->has_mac && memcmp(l->mac, conf->mac.b, sizeof(l->mac))) {
		rc = netlink_link_set_mac(t->nl, l->ifindex, conf->mac.b);
		if (rc)
			strbuf_printf(why, "cannot set address " ETH_ADDR_FMT ": %s",
				ETH_ADDR_ARGS(conf->mac), strerror(-rc));
	}
	return rc;
}

/* The queues are open: make the device what it should be. */
static int tap_take(struct tap *t, bool exists, struct strbuf *why)
{
	struct port *p = t->port;
	struct netlink_link l;
	int rc = netlink_link_get(t->nl, p->conf.name, &l);

	if (!rc && !exists) {
		tap_persist(t, true);
		rc = netlink_link_set_alias(t->nl, l.ifindex, ours_alias);
	}
	if (rc) {
		strbuf_printf(why, "cannot set up tap %s: %s", p->conf.name, strerror(-rc));
		return rc;
	}
	t->ours = !exists || !strcmp(l.alias, ours_alias);
	t->was_up = l.flags & IFF_UP;
	t->before_mtu = 0;
	t->moved = false;
	rc = tap_configure(t, &p->conf, &l, why);
	if (!rc && p->ops == &port_tap_ops) {
		rc = netlink_link_set_up(t->nl, l.ifindex, true);
		if (rc)
			strbuf_printf(why, "cannot set %s up: %s", l.name, strerror(-rc));
	}
	if (rc)
		return rc;
	netlink_link_get(t->nl, p->conf.name, &l);
	kio_link_follow(p, &l);
	return 0;
}

static uint64_t tap_read_overruns(const char *name);

static int tap_open(struct port *p, struct strbuf *why)
{
	struct tap *t = p->priv;
	struct netlink_link l = {0};
	int rc = netlink_link_get(t->nl, p->conf.name, &l);
	bool exists = !rc;

	if (rc && rc != -ENODEV)
		return rc;
	rc = 0;
	if (exists && (strcmp(l.kind, "tun") || l.type != ARPHRD_ETHER)) {
		strbuf_printf(why, "interface %s exists and is not a tap", l.name);
		rc = -EEXIST;
	}
	if (!rc)
		rc = tap_open_queues(t, exists, why);
	if (rc)
		goto refuse;
	rc = tap_take(t, exists, why);
	if (rc)
		goto undo;
	p->tx_caps = tap_set_offloads(t, p->conf.offloads_off);
	t->overruns = tap_read_overruns(p->conf.name);
	t->refused.ifindex = -1;
	p->rxqs = t->rxqs;
	p->n_rxqs = t->n_queues;
	return 0;
undo:
	if (!exists)
		tap_persist(t, false);
	tap_close_queues(t);
refuse:
	t->refused = l;
	return rc;
}

static void tap_close(struct port *p, bool removed)
{
	struct tap *t = p->priv;

	if (t->ours && removed)
		tap_persist(t, false);
	tap_close_queues(t);
	if (!t->ours && !t->moved) { /* errors: it has vanished */
		if (t->before_mtu)
			netlink_link_set_mtu(t->nl, p->ifindex, t->before_mtu);
		if (!t->was_up)
			netlink_link_set_up(t->nl, p->ifindex, false);
	}
	p->ifindex = 0;
}

/* The device is out of our reach: closing it to open it again would make another one
 * here.  The MTU is what the switch sends at most. */
static int tap_reconfigure_moved(struct tap *t, const struct port_conf *conf, struct strbuf *why)
{
	struct port *p = t->port;

	if ((conf->queues ? conf->queues : 1) != t->n_queues) {
		strbuf_printf(why, "port %s: queues: its interface is in another network namespace",
			conf->name);
		return -EBUSY;
	}
	__atomic_store_n(&p->mtu, conf->mtu ? conf->mtu : PORT_MTU_DEFAULT, __ATOMIC_RELAXED);
	__atomic_store_n(&p->tx_caps, tap_set_offloads(t, conf->offloads_off), __ATOMIC_RELAXED);
	return 0;
}

static int tap_reconfigure(struct port *p, const struct port_conf *conf, struct strbuf *why)
{
	struct tap *t = p->priv;
	struct netlink_link l;
	int rc;

	if (t->moved)
		return tap_reconfigure_moved(t, conf, why);
	if ((conf->queues ? conf->queues : 1) != t->n_queues || (p->conf.mtu && !conf->mtu) ||
		netlink_link_get(t->nl, p->conf.name, &l))
		return -EOPNOTSUPP;
	rc = tap_configure(t, conf, &l, why);
	if (rc)
		return rc;
	__atomic_store_n(&p->tx_caps, tap_set_offloads(t, conf->offloads_off), __ATOMIC_RELAXED);
	if (!netlink_link_get(t->nl, p->conf.name, &l))
		kio_link_follow(p, &l);
	return 0;
}

/* ---- events ---- */

/* Whether our end still has a device at the other, wherever that is. */
static bool tap_alive(const struct tap *t)
{
	struct ifreq ifr;

	return !ioctl(t->queues[0].fd, TUNGETIFF, &ifr);
}

static void tap_moved(struct tap *t)
{
	struct port *p = t->port;

	if (t->moved)
		return;
	log_info("port %s: the interface left our network namespace", p->conf.name);
	t->moved = true;
	/* Writes to an interface that is down fail, and are counted so. */
	__atomic_store_n(&p->link_up, true, __ATOMIC_RELAXED);
	p->events->changed(p, p->events_arg);
}

static void tap_gone(evutil_socket_t fd, short what, void *arg)
{
	struct tap *t = arg;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 || !t->port->opened || tap_alive(t))
		return;
	t->port->events->gone(t->port, t->port->events_arg);
}

static void tap_link_event(struct port *p, const struct netlink_link *event, bool deleted)
{
	struct tap *t = p->priv;
	struct netlink_link l;
	const struct netlink_link *r = &t->refused;

	if (netlink_link_get(t->nl, p->conf.name, &l))
		l = (struct netlink_link){0};
	if (!p->opened) {
		if (r->ifindex != l.ifindex || r->flags != l.flags || r->mtu != l.mtu)
			p->events->present(p, p->events_arg);
		return;
	}
	if (!tap_alive(t)) {
		p->events->gone(p, p->events_arg);
	} else if (l.ifindex != p->ifindex) {
		tap_moved(t);
	} else {
		t->moved = false;
		if (kio_link_follow(p, &l))
			p->events->changed(p, p->events_arg);
	}
}

/* ---- frames ---- */

/* On a worker: the read failed because there is no device any more. */
static void tap_tell_gone(const struct tap *t)
{
	uint64_t one = 1;
	ssize_t n = write(t->gone_fd, &one, sizeof(one));

	(void)n; /* fails only when it has been told 2^64 times */
}

/* What the kernel dropped because the switch did not read; 0 where it cannot be read. */
static uint64_t tap_read_overruns(const char *name)
{
	char path[64 + PORT_NAME_MAX], text[24] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_dropped", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtoull(text, NULL, 10);
}

static void tap_count_overruns(struct tap *t, struct tap_queue *q, struct lane *lane)
{
	uint64_t now = tap_read_overruns(t->port->conf.name);
	uint64_t seen = __atomic_load_n(&t->overruns, __ATOMIC_RELAXED);

	q->run = 0;
	q->run_ms = lane->now_ms;
	/* The device counts for all queues; each drop is counted at one of them. */
	while (now > seen) {
		if (__atomic_compare_exchange_n(
			    &t->overruns, &seen, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			port_drop(t->port, lane, DROP_RX_OVERRUN, (unsigned)(now - seen));
			return;
		}
	}
}

static bool tap_accept(const struct port *port, struct lane *lane, struct packet *p,
	const struct virtio_net_hdr *h, uint8_t *rest, size_t len)
{
	if (!kio_rx_len(port, lane, p, rest, len))
		return false;
	if (!vnet_hdr_apply(h, p))
		return true;
	port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
	return false;
}

static unsigned tap_rx(struct rxq *rxq, struct lane *lane, struct packet **pkts, unsigned max)
{
	struct tap_queue *q = rxq->priv;
	struct arena *arena = &lane->arena;
	uint8_t *rest = NULL;
	unsigned kept = 0;
	ssize_t len = 0;

	for (size_t bytes = 0; kept < max && bytes < KIO_BURST_BYTES; bytes += (size_t)len) {
		struct packet *p = arena_alloc(arena);
		struct iovec iov[KIO_RX_IOV];
		struct virtio_net_hdr h;

		if (!rest)
			rest = arena_buffer(arena);
		if (!p || !rest) {
			if (p)
				arena_free(arena, p);
			break;
		}
		kio_rx_iov(p, rest, &h, iov);
		len = readv(q->fd, iov, KIO_RX_IOV);
		if (len > 0)
			q->run++;
		if (len > 0 && tap_accept(rxq->port, lane, p, &h, rest, (size_t)len)) {
			pkts[kept++] = p;
			if (p->tail_n)
				rest = NULL;
		} else {
			arena_free(arena, p);
			if (len < 0 && errno == EBADFD)
				tap_tell_gone(rxq->port->priv);
			if (len <= 0)
				break;
		}
	}
	if (q->run >= OVERRUN_RUN && (len <= 0 || lane->now_ms - q->run_ms >= OVERRUN_EVERY_MS))
		tap_count_overruns(rxq->port->priv, q, lane);
	if (len <= 0)
		q->run = 0;
	return kept;
}

static enum drop_reason tx_reason(int err)
{
	switch (err) {
	case EIO:    /* the interface is down */
	case EBADFD: /* it is gone */
		return DROP_TX_PORT_DOWN;
	case EAGAIN:
	case ENOBUFS:
		return DROP_TX_FULL;
	case EMSGSIZE:
		return DROP_TX_TOO_LONG;
	default:
		return DROP_TX_ERROR;
	}
}

static void tap_tx(struct port *port, struct lane *lane, struct packet **pkts, unsigned n)
{
	const struct tap *t = port->priv;
	int fd = t->queues[lane->id % t->n_queues].fd;

	for (unsigned i = 0; i < n; i++) {
		struct iovec iov[KIO_TX_IOV];
		struct virtio_net_hdr h;
		int n_iov = (int)kio_tx_iov(pkts[i], &h, iov);
		ssize_t rc;

		do
			rc = writev(fd, iov, n_iov);
		while (rc < 0 && errno == EINTR);
		if (rc < 0)
			port_drop(port, lane, tx_reason(errno), 1);
		else
			port_sent(port, lane, pkts[i]);
		arena_free(&lane->arena, pkts[i]);
	}
}

static void tap_info(const struct port *p, struct json_t *out)
{
	const struct tap *t = p->priv;

	if (!p->opened)
		return;
	json_object_set_new(out, "ifindex", json_integer(p->ifindex));
	json_object_set_new(out, "created", json_boolean(t->ours));
	json_object_set_new(out, "other-netns", json_boolean(t->moved));
}

#define TAP_OPS                                                                                    \
	.kernel_interface = true, .create = tap_create, .destroy = tap_destroy, .open = tap_open,  \
	.close = tap_close, .reconfigure = tap_reconfigure, .link_event = tap_link_event,          \
	.rx = tap_rx, .tx = tap_tx, .info = tap_info

const struct port_ops port_tap_ops = {
	.type = "tap",
	.about = "a tap device, made by the switch or existing",
	TAP_OPS,
};

const struct port_ops port_internal_ops = {
	.type = "internal",
	.about = "an interface of the host itself",
	TAP_OPS,
};
