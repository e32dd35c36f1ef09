/* ip.h - numbers of IPv4, IPv6 and what they carry, in host order.
 *
 * Pure; any thread. */
#pragma once

/* Protocols and extension headers (IANA protocol numbers). */
enum {
	IP_PROTO_HOPOPTS = 0,
	IP_PROTO_ICMP = 1,
	IP_PROTO_IPV4 = 4, /* within IP: RFC 2003 */
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_IPV6 = 41, /* within IP: RFC 4213, RFC 2473 */
	IP_PROTO_ROUTING = 43,
	IP_PROTO_FRAGMENT = 44,
	IP_PROTO_GRE = 47,
	IP_PROTO_ESP = 50,
	IP_PROTO_AH = 51,
	IP_PROTO_ICMPV6 = 58,
	IP_PROTO_NO_NEXT = 59,
	IP_PROTO_DSTOPTS = 60,
	IP_PROTO_SCTP = 132,
};

/* Types of ICMPv6 messages (RFC 4861). */
enum {
	ICMPV6_ND_SOLICIT = 135,
	ICMPV6_ND_ADVERT = 136,
};

/* Bytes of headers without options. */
enum {
	IPV4_HEADER_MIN = 20,
	IPV6_HEADER_LEN = 40,
	TCP_HEADER_MIN = 20,
	TCP_HEADER_MAX = 60,
	UDP_HEADER_LEN = 8,
	SCTP_HEADER_LEN = 12,
	ICMP_HEADER_LEN = 8,
	ICMPV6_HEADER_LEN = 4,
	ARP_ETH_IPV4_LEN = 28,
};

/* IPv4 flags and fragment offset, one 16-bit word (RFC 791 section 3.1). */
enum {
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_FRAG_OFS_MASK = 0x1fff,
};

/* Byte 13 of the TCP header (RFC 9293 section 3.1, RFC 3168). */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

/* Where the checksum lies within the L4 header. */
enum {
	TCP_CSUM_OFS = 16,
	UDP_CSUM_OFS = 6,
	SCTP_CSUM_OFS = 8,
	GRE_CSUM_OFS = 4, /* where its flags say that there is one */
};
