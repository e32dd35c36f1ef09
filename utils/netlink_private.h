/* netlink_private.h - what the netlink files share.  Nobody else includes it. */
#pragma once

#include <netlink/msg.h>

#include "netlink.h"

/* Send 'msg', give every message of the answer to 'each' (may be NULL), and wait
 * for the kernel's acknowledgement or the end of the dump.  Consumes 'msg'; NULL
 * is -ENOMEM.  0, or the negative errno that the kernel answered. */
typedef void (*netlink_each_fn)(struct nlmsghdr *h, void *arg);
int netlink_request(struct netlink *nl, struct nl_msg *msg, netlink_each_fn each, void *arg);
