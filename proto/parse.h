/* parse.h - the headers at the front of a frame, in one pass.
 *
 * parse() reads only the head of a frame, at most PARSE_LEN_MAX bytes of it, but
 * knows the length of the whole: so it can tell a header that the frame cuts off
 * from one that merely lies deeper than the head.  It never fails; it records
 * what it found, and where and why it stopped.
 *
 *	Ethernet II and LLC/SNAP; any number of 802.1Q and 802.1ad tags
 *	802.1ah I-TAG          its I-SID; what is inside the tag is not looked at
 *	MPLS label stack       the top entry and the depth; likewise (OpenFlow 1.3.5
 *	                       section 7.2.3.8: no fields behind a label)
 *	ARP and RARP for IPv4 over Ethernet
 *	IPv4, IPv6 with extension headers; jumbograms (RFC 2675) are not supported
 *	TCP, UDP, SCTP, ICMP, ICMPv6, neighbour solicitation and advertisement
 *
 * A layer is all or nothing: one that is malformed or cut off leaves none of its
 * fields.  Fields of absent layers are 0.  So a flow key is copied from the
 * struct field by field or in runs, without a look at 'has'.  Fields are in
 * network order, exactly as on the wire, unless said otherwise.
 *
 * Checksums and what an L4 length field says are not verified.
 *
 * Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { PARSE_LEN_MAX = 640 }; /* of a head; a longer one is read no further */

/* Why parsing stopped. */
enum parse_stop {
	PARSE_COMPLETE,	 /* all headers were read; what follows is payload */
	PARSE_UNKNOWN,	 /* ... as far as the first protocol that is not listed above */
	PARSE_TRUNCATED, /* the frame, or the IP packet by its length field, ends within a header */
	PARSE_MALFORMED, /* a header contradicts itself */
	PARSE_DEEPER,	 /* the header goes on in the frame, but behind the head */
	PARSE_STOP_N
};

/* Where it stopped: the header that was not read whole, or the last one. */
enum parse_layer {
	PARSE_AT_ETH,
	PARSE_AT_VLAN,
	PARSE_AT_PBB,
	PARSE_AT_MPLS,
	PARSE_AT_ARP,
	PARSE_AT_IPV4,
	PARSE_AT_IPV6,
	PARSE_AT_IPV6_EXT,
	PARSE_AT_L4,
	PARSE_AT_ND,
	PARSE_LAYER_N
};

/* Layers that are there. */
enum {
	PARSED_SNAP = 1 << 0,
	PARSED_PBB = 1 << 1,
	PARSED_MPLS = 1 << 2,
	PARSED_ARP = 1 << 3,
	PARSED_IPV4 = 1 << 4,
	PARSED_IPV6 = 1 << 5,
	PARSED_TCP = 1 << 6,
	PARSED_UDP = 1 << 7,
	PARSED_SCTP = 1 << 8,
	PARSED_ICMP = 1 << 9,
	PARSED_ICMPV6 = 1 << 10,
	PARSED_ND = 1 << 11,
};

/* Bit 0: a fragment; bit 1: not the first one.  An IPv6 fragment header around a
 * whole packet (RFC 6946) is no fragment. */
enum parse_frag {
	PARSE_FRAG_NONE = 0,
	PARSE_FRAG_FIRST = 1,
	PARSE_FRAG_LATER = 3,
};

/* OFPXMT_OFB_IPV6_EXTHDR (OpenFlow 1.3.5, enum ofp_ipv6exthdr_flags). */
enum {
	IPV6_EXT_NO_NEXT = 1 << 0,
	IPV6_EXT_ESP = 1 << 1,
	IPV6_EXT_AUTH = 1 << 2,
	IPV6_EXT_DEST = 1 << 3,
	IPV6_EXT_FRAG = 1 << 4,
	IPV6_EXT_ROUTER = 1 << 5,
	IPV6_EXT_HOP = 1 << 6,
	IPV6_EXT_UNREP = 1 << 7, /* repeated, other than destination options once */
	IPV6_EXT_UNSEQ = 1 << 8, /* not in the order of RFC 8200 section 4.1 */
};

/* The EtherType given to 802.3 frames without one (as in Open vSwitch). */
enum { ETHERTYPE_NONE = 0x05ff };

/* In 'tci', the bit of the drop eligible indicator says instead that there is a tag
 * (OFPVID_PRESENT, OpenFlow 1.3.5 section 7.2.3.7). */
enum { PARSED_VLAN_PRESENT = 0x1000 };

struct parsed_vlan {
	be16_t tpid;
	be16_t tci;
};

struct parsed_addr {
	uint8_t v6[16];
};

struct parsed {
	/* for the machine: host order */
	uint16_t has; /* PARSED_* */
	uint8_t stop; /* enum parse_stop */
	uint8_t stop_layer;
	uint16_t stop_ofs; /* of that header, or of what follows the last one */
	uint16_t type_ofs; /* of the EtherType behind the tags */
	uint16_t l3_ofs;   /* where the EtherType promises ARP, IP, MPLS, PBB; else 0 */
	uint16_t l4_ofs;   /* where IP promises L4; 0: no IP, or a later fragment */
	uint16_t
		payload_ofs; /* behind the last header; PBB: of the inner addresses; 0: not known */
	uint8_t n_vlans;     /* tags read, all of them */
	uint8_t n_mpls;	     /* labels read, up to the bottom of the stack */

	/* for the key */
	struct eth_addr eth_dst;
	struct eth_addr eth_src;
	be16_t eth_type;  /* behind all VLAN tags */
	uint8_t frag;	  /* enum parse_frag */
	uint8_t ip_proto; /* IPv6: of the header behind the last extension header read */
	struct parsed_vlan vlan[2];
	be32_t mpls_lse; /* top entry: label, traffic class, bottom of stack, TTL */
	be32_t pbb_tci;	 /* I-TAG: priority, flags, and the I-SID in the low 24 bits */
	uint8_t ip_tos;	 /* IPv4 DSCP and ECN; IPv6 traffic class */
	uint8_t ip_ttl;
	be16_t ipv6_ext;   /* IPV6_EXT_* */
	be32_t ipv6_label; /* low 20 bits */
	union {
		struct {
			be32_t ip4_src; /* ARP: sender protocol address */
			be32_t ip4_dst; /* ARP: target protocol address */
		};
		struct {
			struct parsed_addr src, dst; /* IPv6; else 0 but for the above */
		};
	};
	be16_t l4_src;	  /* port; ICMP and ICMPv6: type */
	be16_t l4_dst;	  /* port; ICMP and ICMPv6: code */
	be16_t tcp_flags; /* low 12 bits */
	be16_t arp_op;
	uint8_t nd_target[16];
	struct eth_addr sll; /* ND: source link-layer address; ARP: sender's */
	struct eth_addr tll; /* ND: target link-layer address; ARP: target's */
} __attribute__((aligned(64)));

/* Parse the first 'head_len' bytes of a frame of 'frame_len' bytes (at least
 * head_len; what head_len exceeds it by is ignored).  'out' is written whole. */
void parse(const uint8_t *head, size_t head_len, size_t frame_len, struct parsed *out);

/* The same of what follows an EtherType, 'type', as where a tunnel carries IP without
 * Ethernet: 'head' starts with that header, and offsets count from there. */
void parse_from_l3(
	const uint8_t *head, size_t head_len, size_t len, uint16_t type, struct parsed *out);
