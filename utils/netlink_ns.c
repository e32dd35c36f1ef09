/* netlink_ns.c - links of other network namespaces, seen from here without keeping
 * those namespaces alive: a socket within one would.
 *
 * The kernel answers RTM_GETLINK for a namespace that has a number here
 * (IFLA_TARGET_NETNSID), and tells a socket with NETLINK_LISTEN_ALL_NSID about the
 * links of all that have one.  The latter is no more than a hint to look: a container
 * can make events faster than anybody can read them, so they are read up to some tens
 * of times a second, and what did not fit the socket is not missed. */
#include "netlink.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "netlink_private.h"
#include "token_bucket.h"

enum {
	OTHERS_QUEUE_BYTES = 128 * 1024, /* some tens of events */
	OTHERS_EVENT_BYTES = 16 * 1024,
	OTHERS_PER_ROUND = 256,
	OTHERS_RATE = 20,  /* rounds per second, in the long run */
	OTHERS_BURST = 40, /* and before that matters */
	OTHERS_PAUSE_MS = 100,
};

/* ---- asking ---- */

static struct nl_msg *nsid_message(int type, int fd)
{
	struct rtgenmsg rtm = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0 ||
		nla_put_u32(msg, NETNSA_FD, (uint32_t)fd) < 0 ||
		(type == RTM_NEWNSID && nla_put_s32(msg, NETNSA_NSID, -1) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static void collect_nsid(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[NETNSA_MAX + 1];
	int *nsid = arg;

	if (h->nlmsg_type == RTM_NEWNSID &&
		nlmsg_parse(h, sizeof(struct rtgenmsg), tb, NETNSA_MAX, NULL) >= 0 &&
		tb[NETNSA_NSID])
		*nsid = nla_get_s32(tb[NETNSA_NSID]);
}

int netlink_nsid(struct netlink *nl, int fd)
{
	int nsid = NETNSA_NSID_NOT_ASSIGNED;
	int rc = netlink_request(nl, nsid_message(RTM_GETNSID, fd), collect_nsid, &nsid);

	if (rc || nsid >= 0)
		return rc ? rc : nsid;
	rc = netlink_request(nl, nsid_message(RTM_NEWNSID, fd), NULL, NULL);
	if (!rc || rc == -EEXIST)
		rc = netlink_request(nl, nsid_message(RTM_GETNSID, fd), collect_nsid, &nsid);
	if (rc)
		return rc;
	return nsid >= 0 ? nsid : -ENOENT;
}

struct found_link {
	struct netlink_link *l;
	bool found;
};

static void collect_found(struct nlmsghdr *h, void *arg)
{
	struct found_link *f = arg;

	f->found |= netlink_link_decode(h, f->l);
}

int netlink_link_get_nsid(struct netlink *nl, int nsid, const char *name, struct netlink_link *l)
{
	struct nl_msg *msg = netlink_link_message(RTM_GETLINK, 0, 0, name);
	struct found_link f = {.l = l};
	int rc;

	if (msg && nla_put_s32(msg, IFLA_TARGET_NETNSID, nsid) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	rc = netlink_request(nl, msg, collect_found, &f);
	return rc || f.found ? rc : -ENODEV;
}

/* ---- listening ---- */

struct netlink_others {
	netlink_others_fn fn;
	void *arg;
	int fd;
	struct event *readable, *pause;
	struct token_rate rate; /* of rounds */
	struct token_bucket rounds;
};

/* The number of the namespace that the datagram came from; -1: our own. */
static int sender_nsid(struct msghdr *m)
{
	int nsid = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
	return nsid;
}

/* Read what waits and tell of it; one after the other of the same namespace once. */
static void others_drain(struct netlink_others *o)
{
	int last = -1;

	for (unsigned i = 0; i < OTHERS_PER_ROUND; i++) {
		char bytes[OTHERS_EVENT_BYTES], control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
		struct msghdr m = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(o->fd, &m, MSG_DONTWAIT);
		int nsid;

		if (n < 0 && errno == ENOBUFS) {
			o->fn(-1, o->arg);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return;
		nsid = n < 0 ? -1 : sender_nsid(&m);
		if (nsid >= 0 && nsid != last)
			o->fn(nsid, o->arg);
		last = nsid;
	}
}

static void others_readable(evutil_socket_t fd, short what, void *arg)
{
	struct timeval pause = {.tv_usec = OTHERS_PAUSE_MS * 1000};
	struct netlink_others *o = arg;

	if (token_bucket_take(&o->rounds, &o->rate, 1, clock_now_ns())) {
		others_drain(o);
		return;
	}
	event_del(o->readable);
	event_add(o->pause, &pause);
}

static void others_resume(evutil_socket_t fd, short what, void *arg)
{
	struct netlink_others *o = arg;

	event_add(o->readable, NULL);
}

static int others_listen(struct netlink_others *o)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int on = 1, bytes = OTHERS_QUEUE_BYTES;

	o->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (o->fd < 0 || setsockopt(o->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) ||
		setsockopt(o->fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) ||
		bind(o->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return 0;
}

int netlink_others_create(
	struct event_base *base, netlink_others_fn fn, void *arg, struct netlink_others **others)
{
	struct netlink_others *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	o->fn = fn;
	o->arg = arg;
	o->rate = token_rate_make(OTHERS_RATE, OTHERS_BURST);
	rc = others_listen(o);
	if (rc)
		goto fail;
	rc = -ENOMEM;
	o->readable = event_new(base, o->fd, EV_READ | EV_PERSIST, others_readable, o);
	o->pause = event_new(base, -1, 0, others_resume, o);
	if (!o->readable || !o->pause || event_add(o->readable, NULL))
		goto fail;
	*others = o;
	return 0;
fail:
	netlink_others_destroy(o);
	return rc;
}

void netlink_others_destroy(struct netlink_others *o)
{
	if (!o)
		return;
	if (o->readable)
		event_free(o->readable);
	if (o->pause)
		event_free(o->pause);
	if (o->fd >= 0)
		close(o->fd);
	free(o);
}
