/* netlink_private.h - what the netlink files share.  Nobody else includes it. */
#pragma once

#include <netlink/msg.h>

#include "netlink.h"

/* Send 'msg', give every message of the answer to 'each' (may be NULL), and wait
 * for the kernel's acknowledgement or the end of the dump.  Consumes 'msg'; NULL
 * is -ENOMEM.  0, or the negative errno that the kernel answered. */
typedef void (*netlink_each_fn)(struct nlmsghdr *h, void *arg);
int netlink_request(struct netlink *nl, struct nl_msg *msg, netlink_each_fn each, void *arg);

/* The same for two at once: the kernel has gone through both, the second also where the
 * first was refused, before a signal can end the caller in between.  0 and what it answered
 * to each, or -errno where that is not known. */
int netlink_request_two(
	struct netlink *nl, struct nl_msg *first, struct nl_msg *second, int answers[2]);

/* False for a message that is not about a link as such: a bridge tells about its
 * members in messages of its own family, also when one leaves it. */
bool netlink_link_decode(struct nlmsghdr *h, struct netlink_link *l);

/* A request about one link by its ifindex, or any where that is 0.  NULL without memory. */
struct nl_msg *netlink_link_message(int type, int flags, int ifindex, const char *name);
