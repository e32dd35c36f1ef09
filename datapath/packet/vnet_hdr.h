/* vnet_hdr.h - the virtio-net header that taps, packet sockets and guests put
 * before a frame, to and from a packet's offload state (virtio 1.2 section
 * 5.1.6; <linux/virtio_net.h>).  Little-endian on every kind of port we use.
 *
 * What the header claims comes from a guest or the kernel and is believed only
 * after vnet_hdr_apply() has checked it against the frame's own headers:
 * csum_start and csum_offset lie within the frame and within the head; a GSO
 * type fits the EtherType and protocol; gso_size is not 0; the header length is
 * computed from the headers themselves, never taken from the field.
 *
 * csum_start may lie within a tunnel (gso_headers.h): so the kernel describes what its
 * tunnel devices send.  It does not take such a GSO frame in return (the one it would
 * take says more than this header can), so that these are to be cut before.
 *
 * Threads: any; no state. */
#pragma once

#include <linux/virtio_net.h>

#include "packet.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* USO; in kernel headers since 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum { VNET_HDR_LEN = sizeof(struct virtio_net_hdr) };

/* Set the offload state of 'p', whose head and length are complete.  Flags that
 * are not known are ignored (virtio 1.2 section 5.1.6.2.2), types refused; so is
 * a GSO frame without NEEDS_CSUM.  How many segments are too many port_receive() says.
 * May pull the head.  0, or -EINVAL where the claim does not fit: drop as
 * rx_bad_offload. */
int vnet_hdr_apply(const struct virtio_net_hdr *h, struct packet *p);

/* Describe the offload state of 'p'. */
void vnet_hdr_fill(struct virtio_net_hdr *h, const struct packet *p);
