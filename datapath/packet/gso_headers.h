/* gso_headers.h - where the headers of a frame lie whose checksum is unfinished or that
 * asks for segmentation: the L4 header at csum_start, and those of the tunnels that it
 * is in.
 *
 * Tunnels: VXLAN (RFC 7348, with its GPE and group policy forms), Geneve (RFC 8926), IP
 * in UDP (RFC 7510's idea, as in FOU), GRE (RFC 2784 and 2890, without sequence numbers),
 * IP in IP (RFC 2003, 2473, 4213), up to GSO_TUNNELS_MAX of them within each other, over
 * and with IPv4 and IPv6, with VLAN tags where there is an Ethernet header.  What a
 * UDP packet carries is told from its port and its bytes; whatever is read there must
 * lead to csum_start exactly.
 *
 * Threads: the worker that owns the packet. */
#pragma once

#include "packet.h"

enum { GSO_TUNNELS_MAX = 3 };

/* The outer headers of a tunnel. */
struct gso_outer {
	uint16_t l3_ofs;
	uint16_t l4_ofs; /* UDP, GRE, or the IP header that is carried */
	bool ipv6;
	uint8_t proto; /* IP_PROTO_*: what l4_ofs is */
	bool csum;     /* UDP, GRE: with a checksum */
};

struct gso_headers {
	uint16_t l3_ofs;
	uint16_t l4_ofs;
	uint16_t len; /* of all headers, up to the payload */
	bool ipv6;
	bool tcp;
	uint8_t n_outer;
	struct gso_outer outer[GSO_TUNNELS_MAX]; /* outermost first */
};

/* Read the headers of 'p', whose csum_start is set, as those of a packet of type 'gso';
 * pulls them into the head where they lie deeper.  0; -EINVAL where those at csum_start
 * are of another type, a fragment's, do not fit the frame's length exactly, or lie in
 * what is none of the tunnels above. */
int gso_headers_read(struct packet *p, enum packet_gso gso, struct gso_headers *h);

/* Is the header at csum_start that of SCTP?  May pull the head. */
bool gso_headers_sctp(struct packet *p);
