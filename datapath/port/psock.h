/* psock.h - a packet socket on one interface: bursts of frames in and out, with
 * their offload state (packet(7), PACKET_VNET_HDR).
 *
 * Received are all frames that come in through the interface, also those for other
 * addresses, but not those that this host sends.  Several sockets of one group
 * share them by flow.
 *
 * Threads: open and close control; rx the worker that owns the queue; tx any. */
#pragma once

#include "port.h"
#include "pring.h"

struct psock {
	int fd;
	int ifindex;
	/* the receiving worker's */
	struct pring ring; /* without memory: recvmmsg() gets all frames */
	unsigned batch;	   /* frames asked for with the next call, then */
	bool astray;	   /* frames may wait in the socket that no slot tells of */
	bool was_full;	   /* since the drops were read, frames came faster than asked for */
	uint64_t drops_ms; /* when they were read */

	unsigned seen_head; /* control's: of the ring, when it last looked */

	uint64_t tx_full_until_ms; /* any worker's, relaxed: no waiting for room until then */
};

/* The sockets of one interface: all 0 but 'shared' before the first is opened, which
 * makes the group that the others join. */
struct psock_group {
	bool shared; /* there will be more than one socket */
	int id;	     /* of the group; 0: not made yet */
};

/* With a receive ring where there is memory for one, and 'ring' says so.  0 or -errno. */
int psock_open(struct psock *s, int ifindex, struct psock_group *group, bool ring);
void psock_close(struct psock *s);

/* The device went down, or was down when the socket was opened: the kernel says so once
 * and is heard.  Until then the socket polls as readable. */
void psock_take_error(struct psock *s);

/* Called now and then: has the ring stalled since the last call (pring.h)?  Adds to *lost
 * the frames that the kernel has dropped since.  Control. */
bool psock_stalled(struct psock *s, uint64_t *lost);

/* As port_ops.rx and port_ops.tx. */
unsigned psock_rx(struct psock *s, const struct port *port, struct lane *lane, struct packet **pkts,
	unsigned max);
void psock_tx(struct psock *s, const struct port *port, struct lane *lane, struct packet **pkts,
	unsigned n);
