/* rx_copy.h - a received frame that lies in memory of its own, made a packet.
 *
 * For port types whose frames must be copied anyway.  The checks are those that
 * every port type owes to the layers above (port_ops.rx).
 *
 * Threads: the worker of the lane. */
#pragma once

#include "port.h"
#include "vnet_hdr.h"

/* Copy 'len' bytes into a packet of the lane: the first PACKET_HEAD_FIRST to its
 * head, the rest to a receive buffer.  'hdr' is what the sender claims about the
 * frame, or NULL where it is as on the wire.  NULL where the frame is too short, too long
 * or has a claim that does not fit, or where the lane has no memory left: it is
 * counted at 'port'. */
struct packet *rx_copy(const struct port *port, struct lane *lane, const uint8_t *data, size_t len,
	const struct virtio_net_hdr *hdr);
