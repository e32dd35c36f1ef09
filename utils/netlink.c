/* netlink.c - how it works.
 *
 * Two sockets: 'req' carries requests, which are answered before the next are sent;
 * 'events' is a member of the link group and is read by the event loop.
 *
 * The kernel drops events when 'events' is full and says so once (ENOBUFS).  To
 * find out what was missed we keep the list of links that we know to exist,
 * ordered by ifindex; a fresh dump is compared with it.  What the dump lacks was
 * deleted, everything else is reported as if it had just changed. */
#include "netlink.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "netlink_private.h"

LOG_MODULE(netlink);

enum {
	EVENTS_PER_ROUND = 64,
	EVENT_BYTES = 64 * 1024,	     /* of one datagram; links with many VFs are large */
	EVENT_QUEUE_BYTES = 4 * 1024 * 1024, /* some thousand events */
	REQUESTS_MAX = 2,		     /* at once */
	DUMP_TRIES = 5,			     /* of a dump that the kernel reports as inconsistent */
};

struct link_list {
	struct netlink_link *v;
	unsigned n, cap;
	bool incomplete; /* out of memory while it was collected */
};

struct netlink {
	struct nl_sock *req;
	struct nl_sock *events;
	struct event *event;
	netlink_link_fn fn;
	void *arg;
	struct link_list known; /* ascending ifindex */
};

/* ---- links known to exist ---- */

/* Where 'ifindex' is in the list, or belongs. */
static unsigned link_list_find(const struct link_list *list, int ifindex)
{
	unsigned lo = 0, hi = list->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (list->v[mid].ifindex < ifindex)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool link_list_has(const struct link_list *list, int ifindex)
{
	unsigned at = link_list_find(list, ifindex);

	return at < list->n && list->v[at].ifindex == ifindex;
}

static bool link_list_grow(struct link_list *list)
{
	unsigned cap = list->cap ? 2 * list->cap : 16;
	struct netlink_link *v = realloc(list->v, cap * sizeof(*v));

	if (!v)
		return false;
	list->v = v;
	list->cap = cap;
	return true;
}

/* False where there is no memory for it. */
static bool link_list_put(struct link_list *list, const struct netlink_link *l)
{
	unsigned at = link_list_find(list, l->ifindex);

	if (!(at < list->n && list->v[at].ifindex == l->ifindex)) {
		if (list->n == list->cap && !link_list_grow(list))
			return false;
		memmove(list->v + at + 1, list->v + at, (list->n - at) * sizeof(*list->v));
		list->n++;
	}
	list->v[at] = *l;
	return true;
}

static void link_list_remove(struct link_list *list, int ifindex)
{
	unsigned at = link_list_find(list, ifindex);

	if (at < list->n && list->v[at].ifindex == ifindex) {
		list->n--;
		memmove(list->v + at, list->v + at + 1, (list->n - at) * sizeof(*list->v));
	}
}

/* ---- decoding ---- */

static void attr_string(struct nlattr *attr, char *dst, size_t size)
{
	if (attr)
		nla_strlcpy(dst, attr, size);
}

static void tun_decode(struct nlattr *data, struct netlink_tun *tun)
{
	struct nlattr *tb[IFLA_TUN_MAX + 1];

	if (!data || nla_parse_nested(tb, IFLA_TUN_MAX, data, NULL))
		return;
	if (tb[IFLA_TUN_TYPE])
		tun->tap = nla_get_u8(tb[IFLA_TUN_TYPE]) == IFF_TAP;
	if (tb[IFLA_TUN_MULTI_QUEUE])
		tun->multi_queue = nla_get_u8(tb[IFLA_TUN_MULTI_QUEUE]);
	if (tb[IFLA_TUN_NUM_QUEUES])
		tun->queues = nla_get_u32(tb[IFLA_TUN_NUM_QUEUES]);
	if (tb[IFLA_TUN_NUM_DISABLED_QUEUES])
		tun->queues += nla_get_u32(tb[IFLA_TUN_NUM_DISABLED_QUEUES]);
}

static void info_decode(struct nlattr *attr, struct netlink_link *l)
{
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!attr || nla_parse_nested(info, IFLA_INFO_MAX, attr, NULL))
		return;
	attr_string(info[IFLA_INFO_KIND], l->kind, sizeof(l->kind));
	if (!strcmp(l->kind, "tun"))
		tun_decode(info[IFLA_INFO_DATA], &l->tun);
}

static uint64_t tx_dropped(struct nlattr *attr)
{
	struct rtnl_link_stats64 stats = {0};

	if (attr)
		nla_memcpy(&stats, attr, sizeof(stats));
	return stats.tx_dropped;
}

bool netlink_link_decode(struct nlmsghdr *h, struct netlink_link *l)
{
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = nlmsg_data(h);

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return false;
	if (nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || ifi->ifi_family != AF_UNSPEC)
		return false;
	*l = (struct netlink_link){
		.ifindex = ifi->ifi_index, .type = ifi->ifi_type, .flags = ifi->ifi_flags};
	attr_string(tb[IFLA_IFNAME], l->name, sizeof(l->name));
	attr_string(tb[IFLA_IFALIAS], l->alias, sizeof(l->alias));
	if (tb[IFLA_MTU])
		l->mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_CARRIER])
		l->carrier = nla_get_u8(tb[IFLA_CARRIER]);
	if (tb[IFLA_MASTER])
		l->master = (int)nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_NUM_TX_QUEUES])
		l->tx_queues = nla_get_u32(tb[IFLA_NUM_TX_QUEUES]);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(l->mac))
		memcpy(l->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(l->mac));
	l->tx_dropped = tx_dropped(tb[IFLA_STATS64]);
	info_decode(tb[IFLA_LINKINFO], l);
	return true;
}

/* ---- requests ---- */

struct exchange {
	netlink_each_fn each;
	void *arg;
	uint32_t seq;
	bool done;
	int rc;
};

/* Whatever answers another request, which failed on the way, is left out. */
static int exchange_in_sequence(struct nl_msg *msg, void *arg)
{
	const struct exchange *x = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == x->seq ? NL_OK : NL_SKIP;
}

static int exchange_message(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	if (x->each)
		x->each(nlmsg_hdr(msg), x->arg);
	return NL_OK;
}

static int exchange_finished(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	x->done = true;
	return NL_STOP;
}

static int exchange_interrupted(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	x->rc = -EINTR;
	return NL_OK;
}

static int exchange_failed(struct sockaddr_nl *who, struct nlmsgerr *err, void *arg)
{
	struct exchange *x = arg;

	x->rc = err->error;
	x->done = true;
	return NL_STOP;
}

/* An answer was not read to its end: no other dump could begin before it is. */
static void exchange_drain(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}

static struct nl_cb *exchange_callbacks(struct exchange *x)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return NULL;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, exchange_message, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, exchange_finished, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, exchange_finished, x);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, exchange_interrupted, x);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, exchange_in_sequence, x);
	nl_cb_err(cb, NL_CB_CUSTOM, exchange_failed, x);
	return cb;
}

/* Send 'n' messages at once, numbered one after the other.  What libnl answers. */
static int exchange_send(struct netlink *nl, struct nl_msg *const *msgs, unsigned n)
{
	struct iovec iov[REQUESTS_MAX];

	for (unsigned i = 0; i < n; i++) {
		nl_complete_msg(nl->req, msgs[i]);
		iov[i] = (struct iovec){nlmsg_hdr(msgs[i]), nlmsg_hdr(msgs[i])->nlmsg_len};
	}
	return nl_send_iovec(nl->req, msgs[0], iov, n);
}

/* Answers are errors of the kernel's; what is returned is one of the way there or back,
 * after which nothing is known. */
static int exchange_all(struct netlink *nl, struct nl_msg *const *msgs, unsigned n,
	struct exchange *x, int *answers)
{
	struct nl_cb *cb = exchange_callbacks(x);
	int rc;

	if (!cb)
		return -ENOMEM;
	rc = exchange_send(nl, msgs, n);
	for (unsigned i = 0; rc >= 0 && i < n; i++) {
		x->seq = nlmsg_hdr(msgs[i])->nlmsg_seq;
		x->done = false;
		x->rc = 0;
		while (rc >= 0 && !x->done)
			rc = nl_recvmsgs(nl->req, cb);
		if (x->rc)
			rc = 0;
		answers[i] = x->rc;
	}
	nl_cb_put(cb);
	if (rc >= 0)
		return 0;
	exchange_drain(nl_socket_get_fd(nl->req));
	log_error("netlink: %s", nl_geterror(rc));
	return rc == -NLE_NOMEM ? -ENOMEM : -EIO;
}

int netlink_request(struct netlink *nl, struct nl_msg *msg, netlink_each_fn each, void *arg)
{
	struct exchange x = {.each = each, .arg = arg};
	int answer = 0;
	int rc = msg ? exchange_all(nl, &msg, 1, &x, &answer) : -ENOMEM;

	nlmsg_free(msg);
	return rc ? rc : answer;
}

int netlink_request_two(
	struct netlink *nl, struct nl_msg *first, struct nl_msg *second, int answers[2])
{
	struct nl_msg *const msgs[] = {first, second};
	struct exchange x = {0};
	int rc = first && second ? exchange_all(nl, msgs, 2, &x, answers) : -ENOMEM;

	nlmsg_free(first);
	nlmsg_free(second);
	return rc;
}

struct nl_msg *netlink_link_message(int type, int flags, int ifindex, const char *name)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
		(name && nla_put_string(msg, IFLA_IFNAME, name) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static void collect_link(struct nlmsghdr *h, void *arg)
{
	struct link_list *list = arg;
	struct netlink_link l;

	if (netlink_link_decode(h, &l) && !link_list_put(list, &l))
		list->incomplete = true;
}

/* Every link there is; the caller frees list->v. */
static int dump_links(struct netlink *nl, struct link_list *list)
{
	int rc = 0;

	for (int i = 0; i < DUMP_TRIES; i++) {
		list->n = 0;
		rc = netlink_request(nl, netlink_link_message(RTM_GETLINK, NLM_F_DUMP, 0, NULL),
			collect_link, list);
		if (rc != -EINTR)
			break;
	}
	return rc ? rc : list->incomplete ? -ENOMEM : 0;
}

int netlink_link_get(struct netlink *nl, const char *name, struct netlink_link *l)
{
	struct link_list found = {0};
	int rc = netlink_request(
		nl, netlink_link_message(RTM_GETLINK, 0, 0, name), collect_link, &found);

	if (!rc && found.incomplete)
		rc = -ENOMEM;
	if (!rc && !found.n)
		rc = -ENODEV;
	if (!rc)
		*l = found.v[0];
	free(found.v);
	return rc;
}

int netlink_link_each(
	struct netlink *nl, void (*fn)(const struct netlink_link *l, void *arg), void *arg)
{
	struct link_list list = {0};
	int rc = dump_links(nl, &list);

	for (unsigned i = 0; !rc && i < list.n; i++)
		fn(&list.v[i], arg);
	free(list.v);
	return rc;
}

int netlink_link_set_up(struct netlink *nl, int ifindex, bool up)
{
	struct nl_msg *msg = netlink_link_message(RTM_NEWLINK, 0, ifindex, NULL);

	if (msg) {
		struct ifinfomsg *ifi = nlmsg_data(nlmsg_hdr(msg));

		ifi->ifi_change = IFF_UP;
		ifi->ifi_flags = up ? IFF_UP : 0;
	}
	return netlink_request(nl, msg, NULL, NULL);
}

static int link_set(struct netlink *nl, int ifindex, int attr, const void *data, unsigned len_bytes)
{
	struct nl_msg *msg = netlink_link_message(RTM_NEWLINK, 0, ifindex, NULL);

	if (msg && nla_put(msg, attr, (int)len_bytes, data) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return netlink_request(nl, msg, NULL, NULL);
}

int netlink_link_set_mtu(struct netlink *nl, int ifindex, uint32_t mtu)
{
	return link_set(nl, ifindex, IFLA_MTU, &mtu, sizeof(mtu));
}

int netlink_link_set_mac(struct netlink *nl, int ifindex, const uint8_t mac[6])
{
	return link_set(nl, ifindex, IFLA_ADDRESS, mac, 6);
}

int netlink_link_set_alias(struct netlink *nl, int ifindex, const char *alias)
{
	return link_set(nl, ifindex, IFLA_IFALIAS, alias, strlen(alias) + 1);
}

int netlink_link_del(struct netlink *nl, int ifindex)
{
	return netlink_request(nl, netlink_link_message(RTM_DELLINK, 0, ifindex, NULL), NULL, NULL);
}

/* ---- events ---- */

static void resync(struct netlink *nl)
{
	struct link_list now = {0}, before = nl->known;
	int rc = dump_links(nl, &now);

	if (rc) {
		log_error("netlink: cannot list links: %s", strerror(-rc));
		free(now.v);
		return;
	}
	/* The callbacks may ask for links; let them see the new list. */
	nl->known = now;
	for (unsigned i = 0; i < before.n; i++) {
		if (!link_list_has(&now, before.v[i].ifindex))
			nl->fn(&before.v[i], true, nl->arg);
	}
	for (unsigned i = 0; i < now.n; i++)
		nl->fn(&now.v[i], false, nl->arg);
	free(before.v);
}

static void link_event(struct netlink *nl, struct nlmsghdr *h)
{
	bool deleted = h->nlmsg_type == RTM_DELLINK;
	struct netlink_link l;

	if (!netlink_link_decode(h, &l))
		return;
	if (deleted)
		link_list_remove(&nl->known, l.ifindex);
	else if (!link_list_put(&nl->known, &l))
		abort(); /* it could vanish unnoticed later */
	nl->fn(&l, deleted, nl->arg);
}

static void events_readable(evutil_socket_t fd, short what, void *arg)
{
	static union {
		struct nlmsghdr h;
		char bytes[EVENT_BYTES];
	} buf; /* too large for a stack; only the control thread comes here */
	struct netlink *nl = arg;

	/* What is left waits for the next round of the event loop: others want it too. */
	for (unsigned i = 0; i < EVENTS_PER_ROUND; i++) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = &buf, .iov_len = sizeof(buf)};
		struct msghdr m = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1};
		ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0 || (m.msg_flags & MSG_TRUNC)) {
			log_warn_rl("netlink: events lost, listing all links");
			resync(nl);
			if (n < 0 && errno != ENOBUFS)
				return;
			continue;
		}
		if (from.nl_pid) /* not the kernel */
			continue;
		for (struct nlmsghdr *h = &buf.h; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			link_event(nl, h);
	}
}

static int open_socket(struct nl_sock **sock)
{
	int rc;

	*sock = nl_socket_alloc();
	if (!*sock)
		return -ENOMEM;
	rc = nl_connect(*sock, NETLINK_ROUTE);
	return rc < 0 ? -EPROTONOSUPPORT : 0;
}

int netlink_open(struct netlink **netlink)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int rc;

	if (!nl)
		return -ENOMEM;
	rc = open_socket(&nl->req);
	if (rc) {
		netlink_destroy(nl);
		return rc;
	}
	*netlink = nl;
	return 0;
}

int netlink_create(struct event_base *base, netlink_link_fn fn, void *arg, struct netlink **netlink)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int bytes = EVENT_QUEUE_BYTES, rc;

	if (!nl)
		return -ENOMEM;
	nl->fn = fn;
	nl->arg = arg;
	rc = open_socket(&nl->req);
	if (!rc)
		rc = open_socket(&nl->events);
	if (rc)
		goto fail;
	setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (nl_socket_add_membership(nl->events, RTNLGRP_LINK) < 0) {
		rc = -EPERM;
		goto fail;
	}
	rc = dump_links(nl, &nl->known);
	if (rc)
		goto fail;
	rc = -ENOMEM;
	nl->event = event_new(
		base, nl_socket_get_fd(nl->events), EV_READ | EV_PERSIST, events_readable, nl);
	if (!nl->event || event_add(nl->event, NULL))
		goto fail;
	*netlink = nl;
	return 0;
fail:
	netlink_destroy(nl);
	return rc;
}

void netlink_destroy(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->event)
		event_free(nl->event);
	nl_socket_free(nl->events);
	nl_socket_free(nl->req);
	free(nl->known.v);
	free(nl);
}
