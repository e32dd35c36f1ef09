/* offload.h - doing in software what a port cannot take: checksums and
 * segmentation.
 *
 * TSO for IPv4 and IPv6 (RFC 9293; ECN as in RFC 3168: CWR on the first segment
 * only, FIN and PSH on the last only; the IPv4 id rises by one a segment) and
 * USO (each segment a UDP datagram of its own).  VLAN tags (any number that the
 * parser knows) and IPv4 options and IPv6 extension headers before L4 are
 * carried along, and so are the tunnels of gso_headers.h: each segment is in one of
 * its own, with right lengths and checksums and, in IPv4, an id of its own.  A UDP
 * checksum of 0, which is none, stays 0.  Segments share the bytes of the packet that
 * they are cut from.
 *
 * Threads: the worker that owns the packet and the arena. */
#pragma once

#include "arena.h"

/* Put the L4 checksum in place (for SCTP its CRC32c, RFC 9260); afterwards csum is
 * PACKET_CSUM_VALID.  For UDP a computed 0 is sent as 0xffff.  That of an outer UDP or GRE
 * header is right before and after: who makes a tunnel takes the inner one for done.  0,
 * or -EINVAL where csum_start lies outside. */
int offload_finish_csum(struct packet *p);

/* Cut 'p', which asks for it, into packets of at most gso_size payload bytes with
 * complete checksums, and give each to 'emit', which consumes it.  Consumes 'p',
 * whatever the result.  Number of segments; -EINVAL where the headers do not allow
 * it; -ENOBUFS where the arena ran dry ('flush' is called first, to let the caller
 * send what it holds and free it; may be NULL), after the segments that there
 * was room for.
 *
 * What lies in the head of 'p' is copied into the heads of the segments; they
 * refer only to what its tail refers to.  So they outlive 'p', up to the end of
 * the burst.
 *
 * The pseudo-header's part of each checksum is taken from that of 'p' and adjusted
 * to the segment's length, not built from the addresses, which with a routing
 * header are not the right ones (RFC 8200 section 8.1). */
typedef void (*offload_emit_fn)(struct packet *segment, void *arg);
typedef void (*offload_flush_fn)(void *arg);
int offload_segment(
	struct arena *a, struct packet *p, offload_emit_fn emit, offload_flush_fn flush, void *arg);
