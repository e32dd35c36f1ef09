/* netlink.h - the kernel's links and qdiscs; the only user of libnl.
 *
 * Requests are synchronous (they cost microseconds and are rare) and answer with
 * the kernel's own errno.  Events arrive through the event loop.  Everything
 * concerns the network namespace in which netlink_create() was called.
 *
 * Threads: control thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct netlink;

struct netlink_link {
	int ifindex;
	char name[16];
	char kind[16];	/* "veth", "tun", "" for a NIC */
	char alias[64]; /* 'ip link set … alias'; a longer one is cut */
	uint16_t type;	/* ARPHRD_ETHER, ARPHRD_LOOPBACK, … */
	uint32_t mtu;
	uint32_t flags; /* IFF_UP, IFF_LOWER_UP, … */
	int master;	/* ifindex of its bridge or bond, or 0 */
	uint8_t mac[6];
	uint32_t tx_queues;
};

typedef void (*netlink_link_fn)(const struct netlink_link *l, bool deleted, void *arg);

/* Open sockets in the caller's network namespace and report every link event to
 * 'fn' from 'base'.  After a lost event (socket overrun) every link is reported
 * again, and those that went away meanwhile as deleted.  0 or -errno. */
int netlink_create(
	struct event_base *base, netlink_link_fn fn, void *arg, struct netlink **netlink);
void netlink_destroy(struct netlink *nl);

/* 0, or -ENODEV. */
int netlink_link_get(struct netlink *nl, const char *name, struct netlink_link *l);

int netlink_link_set_up(struct netlink *nl, int ifindex, bool up);
int netlink_link_set_mtu(struct netlink *nl, int ifindex, uint32_t mtu);
int netlink_link_set_mac(struct netlink *nl, int ifindex, const uint8_t mac[6]);
int netlink_link_set_alias(struct netlink *nl, int ifindex, const char *alias);
int netlink_link_del(struct netlink *nl, int ifindex);

/* What a link was like before it was taken from the host. */
struct netlink_before {
	bool up;
	uint32_t mtu;
	bool had_qdisc; /* filled by netlink_ingress_block() */
};

/* Stop everything that arrives on 'ifindex' from reaching the host's stack (packet
 * sockets still see it): a clsact qdisc with a filter that drops all.
 *
 * 'before' goes into the filter's name and so outlives the process: where the
 * filter of an earlier run is still there, it is kept and 'before' is filled from
 * it.  -EBUSY where somebody else's filter of the same number is there. */
int netlink_ingress_block(struct netlink *nl, int ifindex, struct netlink_before *before);

/* Undo it: the filter, and the qdisc where it was made for the filter and nobody
 * else has put filters on it since.  'up' and 'mtu' are the caller's to restore. */
int netlink_ingress_unblock(struct netlink *nl, int ifindex, const struct netlink_before *before);
