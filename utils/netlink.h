/* netlink.h - the kernel's links and qdiscs; the only user of libnl.
 *
 * Requests are synchronous (they cost microseconds and are rare) and answer with
 * the kernel's own errno.  Events arrive through the event loop.  Everything
 * concerns the network namespace in which netlink_create() was called, if nothing
 * else is said.
 *
 * Threads: one at a time; the control thread where there are events. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct netlink;

/* A tun or tap device. */
struct netlink_tun {
	bool tap; /* layer 2 */
	bool multi_queue;
	uint32_t queues; /* that programs hold; 0 too where the kernel does not tell */
};

struct netlink_link {
	int ifindex;
	char name[16];
	char kind[16];	 /* "veth", "tun", "" for a NIC */
	char alias[192]; /* 'ip link set … alias'; a longer one is cut */
	uint16_t type;	 /* ARPHRD_ETHER, ARPHRD_LOOPBACK, … */
	uint32_t mtu;
	uint32_t flags; /* IFF_UP, IFF_LOWER_UP, … */
	bool carrier;	/* a tap has one while a program holds it */
	int master;	/* ifindex of its bridge or bond, or 0 */
	uint8_t mac[6];
	uint32_t tx_queues;
	uint64_t tx_dropped;	/* frames that it did not take from its host */
	struct netlink_tun tun; /* of kind "tun" */
};

typedef void (*netlink_link_fn)(const struct netlink_link *l, bool deleted, void *arg);

/* Open sockets in the caller's network namespace and report every link event to
 * 'fn' from 'base'.  After a lost event (socket overrun) every link is reported
 * again, and those that went away meanwhile as deleted.  0 or -errno. */
int netlink_create(
	struct event_base *base, netlink_link_fn fn, void *arg, struct netlink **netlink);
void netlink_destroy(struct netlink *nl);

/* For requests only. */
int netlink_open(struct netlink **netlink);

/* 0, or -ENODEV. */
int netlink_link_get(struct netlink *nl, const char *name, struct netlink_link *l);

/* Call fn() for every link, in order of ifindex.  0 or -errno. */
int netlink_link_each(
	struct netlink *nl, void (*fn)(const struct netlink_link *l, void *arg), void *arg);

int netlink_link_set_up(struct netlink *nl, int ifindex, bool up);
int netlink_link_set_mtu(struct netlink *nl, int ifindex, uint32_t mtu);
int netlink_link_set_mac(struct netlink *nl, int ifindex, const uint8_t mac[6]);
int netlink_link_set_alias(struct netlink *nl, int ifindex, const char *alias);
int netlink_link_del(struct netlink *nl, int ifindex);

/* ---- other network namespaces: netlink_ns.c ----
 *
 * The kernel numbers those that a namespace has to do with (network_namespaces(7) calls
 * the number nsid).  A number is good until its namespace ends, and does not keep it. */

/* The number of the namespace that 'fd' is of; it is given one where it has none.  At
 * least 0; -errno. */
int netlink_nsid(struct netlink *nl, int fd);

/* The link of that name in a numbered namespace. */
int netlink_link_get_nsid(struct netlink *nl, int nsid, const char *name, struct netlink_link *l);

/* Call fn(nsid) from 'base' when links of a numbered namespace have changed, or with -1
 * when they may have in any.  Whoever owns one can change them as fast as he likes: calls
 * then come seldom, and what happens in between is told with the last. */
struct netlink_others;
typedef void (*netlink_others_fn)(int nsid, void *arg);
int netlink_others_create(
	struct event_base *base, netlink_others_fn fn, void *arg, struct netlink_others **others);
void netlink_others_destroy(struct netlink_others *others);

/* What a link was like before it was taken from the host, and by whom. */
struct netlink_before {
	bool up;
	uint32_t mtu;
	uint32_t mtu_given; /* the MTU that it has from us; 0: its own */
	bool lro;	    /* large receive offload was on */
	/* filled by netlink_barrier_add() */
	bool had_qdisc;
	bool may_send;	 /* the host can, still: its ingress qdisc leaves no place for a filter */
	char owner[108]; /* which switch: its run directory */
};

enum { NETLINK_EGRESS_MARK = 0x76737764 };

/* A barrier between an interface and its host.
 *
 * Stop everything that arrives on 'ifindex' from reaching the host's stack (packet
 * sockets still see it), and everything from going out that does not come from a socket
 * with NETLINK_EGRESS_MARK (SO_MARK; nobody further on sees the mark): a clsact qdisc
 * with a filter each way.
 *
 * 'before' goes into the filter's name and so outlives the process: where the filter of
 * an earlier run is still there, whoever's, it is taken over and 'before', but for its
 * owner, filled from it.  -EBUSY where a filter of the same number is there that is no
 * switch's. */
int netlink_barrier_add(struct netlink *nl, int ifindex, struct netlink_before *before);

/* What its name says, whoever's it is; -ENOENT where there is none. */
int netlink_barrier_find(struct netlink *nl, int ifindex, struct netlink_before *before);

/* Write 'before' anew; the barrier is there. */
int netlink_barrier_note(struct netlink *nl, int ifindex, const struct netlink_before *before);

/* Undo it: the filters, and the qdisc where it was made for them and nobody else has put
 * filters on it since.  'up', 'mtu' and 'lro' are the caller's to restore.  Nothing is
 * done where it has got another owner. */
int netlink_barrier_del(struct netlink *nl, int ifindex, const struct netlink_before *before);

/* Call fn() for every link that has one.  0 or -errno. */
int netlink_barrier_each(struct netlink *nl,
	void (*fn)(int ifindex, const struct netlink_before *before, void *arg), void *arg);
