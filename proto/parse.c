/* How it works.  A cursor walks the head once, front to back.  Each function
 * reads one header and names the next by a call at its end; the one that cannot go on
 * calls stop() or stop_short().
 *
 * Two ends bound a read.  'end' is where the frame ends, later where the IP
 * packet ends by its own length field: a header beyond it is truncated.  'avail'
 * is the lesser of that and the head: a header beyond 'avail' but before 'end' is
 * there, only deeper than what may be read.
 *
 * Work is bounded by PARSE_LEN_MAX: each tag, label, extension header and option
 * takes at least 4 bytes of it.
 *
 * 'out' is cleared first, as a whole: two cache lines, cheaper than to clear the
 * fields of absent layers one by one. */
#include "parse.h"

#include <stdbool.h>

#include "ip.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
	LLC_SNAP_LEN = 8,	/* IEEE 802.2 LLC and SNAP */
	PBB_ITAG_LEN = 16,	/* IEEE 802.1ah: TCI, C-DA, C-SA */
	ETHERTYPE_MIN = 0x0600, /* below: a length (IEEE 802.3 3.2.6) */
	MPLS_LSE_LEN = 4,
	MPLS_BOS = 0x100,
	ND_LEN = 24, /* RFC 4861 sections 4.3, 4.4: up to the options */
	ND_OPT_SLL = 1,
	ND_OPT_TLL = 2,
};

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* 16 bytes, so that it is passed in registers: through memory, a load that spans two
 * fresh stores costs more than the header it is for. */
struct cursor {
	const uint8_t *head;
	uint32_t avail;
	uint32_t end;
};

static inline void stop(struct parsed *out, enum parse_stop why, enum parse_layer layer, size_t ofs)
{
	out->stop = (uint8_t)why;
	out->stop_layer = (uint8_t)layer;
	out->stop_ofs = (uint16_t)ofs;
}

/* Two halves, because one memset() of this size becomes 'rep stos' with gcc, which
 * takes longer than the rest of the parser. */
static inline void clear(struct parsed *out)
{
	_Static_assert(sizeof(*out) == 128, "two cache lines");
	memset(out, 0, 64);
	memset((uint8_t *)out + 64, 0, 64);
}

/* The header at 'ofs' needs 'len' bytes, and they are not all in reach. */
static void stop_short(
	struct cursor c, struct parsed *out, enum parse_layer layer, size_t ofs, size_t len)
{
	stop(out, ofs + len > c.end ? PARSE_TRUNCATED : PARSE_DEEPER, layer, ofs);
}

static inline bool in_reach(struct cursor c, size_t ofs, size_t len)
{
	return likely(ofs + len <= c.avail);
}

/* All headers were read; the payload starts at 'ofs', which may lie behind the head. */
static inline void complete(struct parsed *out, enum parse_layer layer, size_t ofs)
{
	out->payload_ofs = (uint16_t)ofs;
	stop(out, PARSE_COMPLETE, layer, ofs);
}

/* The IP packet ends at 'end'; what follows is padding of the frame. */
static inline struct cursor narrow(struct cursor c, size_t end)
{
	c.end = (uint32_t)end;
	if (c.avail > c.end)
		c.avail = c.end;
	return c;
}

static void parse_tcp(struct cursor c, struct parsed *out, size_t ofs)
{
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, TCP_HEADER_MIN))
		return stop_short(c, out, PARSE_AT_L4, ofs, TCP_HEADER_MIN);

	size_t len = (size_t)(h[12] >> 4) * 4;
	if (unlikely(len < TCP_HEADER_MIN))
		return stop(out, PARSE_MALFORMED, PARSE_AT_L4, ofs);
	if (unlikely(ofs + len > c.end))
		return stop(out, PARSE_TRUNCATED, PARSE_AT_L4, ofs);
	memcpy(&out->l4_src, h, 2);
	memcpy(&out->l4_dst, h + 2, 2);
	memcpy(&out->tcp_flags, h + 12, 2);
	out->tcp_flags &= htobe16(0x0fff);
	out->has |= PARSED_TCP;
	complete(out, PARSE_AT_L4, ofs + len);
}

/* UDP and SCTP: 'len' bytes that start with two ports. */
static inline void parse_ports(
	struct cursor c, struct parsed *out, size_t ofs, size_t len, unsigned layer)
{
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, len))
		return stop_short(c, out, PARSE_AT_L4, ofs, len);
	memcpy(&out->l4_src, h, 2);
	memcpy(&out->l4_dst, h + 2, 2);
	out->has |= (uint16_t)layer;
	complete(out, PARSE_AT_L4, ofs + len);
}

/* ICMP and ICMPv6: 'len' bytes that start with type and code. */
static inline bool parse_icmp(
	struct cursor c, struct parsed *out, size_t ofs, size_t len, unsigned layer)
{
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, len)) {
		stop_short(c, out, PARSE_AT_L4, ofs, len);
		return false;
	}
	out->l4_src = htobe16(h[0]);
	out->l4_dst = htobe16(h[1]);
	out->has |= (uint16_t)layer;
	complete(out, PARSE_AT_L4, ofs + len);
	return true;
}

/* RFC 4861 section 4.6: type, length in units of 8 bytes (0 is an error), value.
 * A second option of a kind that is read is an error too: receivers differ in
 * which of the two they believe. */
static void parse_nd(struct cursor c, struct parsed *out, size_t ofs)
{
	const uint8_t *lladdr[ND_OPT_TLL + 1] = {NULL};
	size_t opt = ofs + ND_LEN;

	out->payload_ofs = 0;
	if (!in_reach(c, ofs, ND_LEN))
		return stop_short(c, out, PARSE_AT_ND, ofs, ND_LEN);
	while (opt < c.end) {
		if (!in_reach(c, opt, 8))
			return stop_short(c, out, PARSE_AT_ND, opt, 8);
		const uint8_t *h = c.head + opt;
		size_t len = (size_t)h[1] * 8;
		if (!len)
			return stop(out, PARSE_MALFORMED, PARSE_AT_ND, opt);
		if (opt + len > c.end)
			return stop(out, PARSE_TRUNCATED, PARSE_AT_ND, opt);
		if (h[0] == ND_OPT_SLL || h[0] == ND_OPT_TLL) {
			if (len != 8 || lladdr[h[0]])
				return stop(out, PARSE_MALFORMED, PARSE_AT_ND, opt);
			lladdr[h[0]] = h + 2;
		}
		opt += len;
	}
	memcpy(out->nd_target, c.head + ofs + 8, 16);
	if (lladdr[ND_OPT_SLL])
		out->sll = eth_addr_load(lladdr[ND_OPT_SLL]);
	if (lladdr[ND_OPT_TLL])
		out->tll = eth_addr_load(lladdr[ND_OPT_TLL]);
	out->has |= PARSED_ND;
	complete(out, PARSE_AT_ND, opt);
}

static void parse_icmpv6(struct cursor c, struct parsed *out, size_t ofs)
{
	if (!parse_icmp(c, out, ofs, ICMPV6_HEADER_LEN, PARSED_ICMPV6))
		return;
	uint8_t type = c.head[ofs], code = c.head[ofs + 1];
	if ((type == ICMPV6_ND_SOLICIT || type == ICMPV6_ND_ADVERT) && code == 0)
		parse_nd(c, out, ofs);
}

/* What IP carries; in a later fragment it is the middle of something. */
static inline void parse_l4(struct cursor c, struct parsed *out, size_t ofs, bool ipv6)
{
	if (unlikely(out->frag == PARSE_FRAG_LATER))
		return complete(out, ipv6 ? PARSE_AT_IPV6 : PARSE_AT_IPV4, ofs);
	out->l4_ofs = (uint16_t)ofs;
	switch (out->ip_proto) {
	case IP_PROTO_TCP:
		return parse_tcp(c, out, ofs);
	case IP_PROTO_UDP:
		return parse_ports(c, out, ofs, UDP_HEADER_LEN, PARSED_UDP);
	case IP_PROTO_SCTP:
		return parse_ports(c, out, ofs, SCTP_HEADER_LEN, PARSED_SCTP);
	case IP_PROTO_ICMP:
		if (!ipv6) {
			parse_icmp(c, out, ofs, ICMP_HEADER_LEN, PARSED_ICMP);
			return;
		}
		break;
	case IP_PROTO_ICMPV6:
		if (ipv6)
			return parse_icmpv6(c, out, ofs);
		break;
	case IP_PROTO_NO_NEXT:
		if (ipv6)
			return complete(out, PARSE_AT_IPV6, ofs);
		break;
	}
	out->payload_ofs = (uint16_t)ofs;
	stop(out, PARSE_UNKNOWN, PARSE_AT_L4, ofs);
}

/* RFC 791 section 3.1. */
static inline void parse_ipv4(struct cursor c, struct parsed *out, size_t ofs)
{
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, IPV4_HEADER_MIN))
		return stop_short(c, out, PARSE_AT_IPV4, ofs, IPV4_HEADER_MIN);

	size_t header_len = (size_t)(h[0] & 15) * 4;
	size_t total_len = wire_u16(h + 2);
	uint16_t frag = wire_u16(h + 6);
	if (unlikely(h[0] >> 4 != 4 || header_len < IPV4_HEADER_MIN || total_len < header_len))
		return stop(out, PARSE_MALFORMED, PARSE_AT_IPV4, ofs);
	if (unlikely(ofs + total_len > c.end))
		return stop(out, PARSE_TRUNCATED, PARSE_AT_IPV4, ofs);
	c = narrow(c, ofs + total_len);
	out->has |= PARSED_IPV4;
	out->ip_tos = h[1];
	out->ip_ttl = h[8];
	out->ip_proto = h[9];
	memcpy(&out->ip4_src, h + 12, 4);
	memcpy(&out->ip4_dst, h + 16, 4);
	if (unlikely(frag & (IPV4_MF | IPV4_FRAG_OFS_MASK)))
		out->frag = frag & IPV4_FRAG_OFS_MASK ? PARSE_FRAG_LATER : PARSE_FRAG_FIRST;
	parse_l4(c, out, ofs + header_len, false);
}

/* Extension headers in the order of RFC 8200 section 4.1.  Destination options
 * come twice in it: right before a routing header, and last. */
struct ext_order {
	unsigned rank; /* of the last header */
	unsigned n_dest;
	uint16_t seen; /* IPV6_EXT_* */
};

enum { RANK_HOP = 1, RANK_DEST_ROUTED, RANK_ROUTER, RANK_FRAG, RANK_AUTH, RANK_ESP, RANK_DEST };

static void ext_order_note(struct ext_order *o, uint8_t type, uint8_t next)
{
	unsigned rank = 0;
	uint16_t bit = 0;

	switch (type) {
	case IP_PROTO_HOPOPTS:
		rank = RANK_HOP;
		bit = IPV6_EXT_HOP;
		break;
	case IP_PROTO_DSTOPTS:
		rank = next == IP_PROTO_ROUTING ? RANK_DEST_ROUTED : RANK_DEST;
		bit = IPV6_EXT_DEST;
		break;
	case IP_PROTO_ROUTING:
		rank = RANK_ROUTER;
		bit = IPV6_EXT_ROUTER;
		break;
	case IP_PROTO_FRAGMENT:
		rank = RANK_FRAG;
		bit = IPV6_EXT_FRAG;
		break;
	case IP_PROTO_AH:
		rank = RANK_AUTH;
		bit = IPV6_EXT_AUTH;
		break;
	case IP_PROTO_ESP:
		rank = RANK_ESP;
		bit = IPV6_EXT_ESP;
		break;
	}
	if (bit == IPV6_EXT_DEST ? ++o->n_dest > 2 : o->seen & bit)
		o->seen |= IPV6_EXT_UNREP;
	if (rank < o->rank || (bit == IPV6_EXT_HOP && o->rank))
		o->seen |= IPV6_EXT_UNSEQ;
	if (bit != IPV6_EXT_HOP || !o->rank) /* hop-by-hop counts as the first header only */
		o->seen |= bit;
	o->rank = rank;
}

static bool is_ext(uint8_t proto)
{
	return proto == IP_PROTO_HOPOPTS || proto == IP_PROTO_DSTOPTS ||
	       proto == IP_PROTO_ROUTING || proto == IP_PROTO_FRAGMENT || proto == IP_PROTO_AH;
}

/* RFC 8200 section 4; the authentication header: RFC 4302 section 2.2. */
static void parse_ipv6_ext(struct cursor c, struct parsed *out, size_t ofs)
{
	struct ext_order order = {0};

	while (is_ext(out->ip_proto) && out->frag != PARSE_FRAG_LATER) {
		if (!in_reach(c, ofs, 8)) {
			out->ipv6_ext = htobe16(order.seen);
			return stop_short(c, out, PARSE_AT_IPV6_EXT, ofs, 8);
		}
		const uint8_t *h = c.head + ofs;
		uint8_t type = out->ip_proto;
		size_t len = type == IP_PROTO_AH ? ((size_t)h[1] + 2) * 4 : ((size_t)h[1] + 1) * 8;
		if (type == IP_PROTO_FRAGMENT) {
			uint16_t frag = wire_u16(h + 2); /* offset in units of 8, reserved, more */
			len = 8;
			if (frag & 0xfff8)
				out->frag = PARSE_FRAG_LATER;
			else if (frag & 1)
				out->frag = PARSE_FRAG_FIRST;
		}
		if (ofs + len > c.end) {
			out->ipv6_ext = htobe16(order.seen);
			return stop(out, PARSE_TRUNCATED, PARSE_AT_IPV6_EXT, ofs);
		}
		ext_order_note(&order, type, h[0]);
		out->ip_proto = h[0];
		ofs += len;
	}
	if (out->ip_proto == IP_PROTO_ESP && out->frag != PARSE_FRAG_LATER)
		ext_order_note(&order, IP_PROTO_ESP, 0);
	if (out->ip_proto == IP_PROTO_NO_NEXT && out->frag != PARSE_FRAG_LATER)
		order.seen |= IPV6_EXT_NO_NEXT;
	out->ipv6_ext = htobe16(order.seen);
	parse_l4(c, out, ofs, true);
}

/* RFC 8200 section 3. */
static inline void parse_ipv6(struct cursor c, struct parsed *out, size_t ofs)
{
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, IPV6_HEADER_LEN))
		return stop_short(c, out, PARSE_AT_IPV6, ofs, IPV6_HEADER_LEN);

	uint32_t word = wire_u32(h);
	size_t end = ofs + IPV6_HEADER_LEN + wire_u16(h + 4);
	if (unlikely(word >> 28 != 6))
		return stop(out, PARSE_MALFORMED, PARSE_AT_IPV6, ofs);
	if (unlikely(end > c.end))
		return stop(out, PARSE_TRUNCATED, PARSE_AT_IPV6, ofs);
	c = narrow(c, end);
	out->has |= PARSED_IPV6;
	out->ip_tos = (uint8_t)(word >> 20);
	out->ipv6_label = htobe32(word & 0xfffff);
	out->ip_proto = h[6];
	out->ip_ttl = h[7];
	memcpy(out->src.v6, h + 8, 16);
	memcpy(out->dst.v6, h + 24, 16);
	if (likely(out->ip_proto == IP_PROTO_TCP || out->ip_proto == IP_PROTO_UDP))
		return parse_l4(c, out, ofs + IPV6_HEADER_LEN, true);
	parse_ipv6_ext(c, out, ofs + IPV6_HEADER_LEN);
}

/* RFC 826 and RFC 903, for Ethernet and IPv4; other kinds are an unknown protocol. */
static void parse_arp(struct cursor c, struct parsed *out, size_t ofs)
{
	static const uint8_t kind[] = {0, 1, 0x08, 0x00, 6, 4};
	const uint8_t *h = c.head + ofs;

	if (!in_reach(c, ofs, sizeof(kind)))
		return stop_short(c, out, PARSE_AT_ARP, ofs, sizeof(kind));
	if (memcmp(h, kind, sizeof(kind)))
		return stop(out, PARSE_UNKNOWN, PARSE_AT_ARP, ofs);
	if (!in_reach(c, ofs, ARP_ETH_IPV4_LEN))
		return stop_short(c, out, PARSE_AT_ARP, ofs, ARP_ETH_IPV4_LEN);
	memcpy(&out->arp_op, h + 6, 2);
	out->sll = eth_addr_load(h + 8);
	memcpy(&out->ip4_src, h + 14, 4);
	out->tll = eth_addr_load(h + 18);
	memcpy(&out->ip4_dst, h + 24, 4);
	out->has |= PARSED_ARP;
	complete(out, PARSE_AT_ARP, ofs + ARP_ETH_IPV4_LEN);
}

/* RFC 3032 section 2.1. */
static void parse_mpls(struct cursor c, struct parsed *out, size_t ofs)
{
	for (size_t lse = ofs;; lse += MPLS_LSE_LEN) {
		if (!in_reach(c, lse, MPLS_LSE_LEN))
			return stop_short(c, out, PARSE_AT_MPLS, lse, MPLS_LSE_LEN);
		if (lse == ofs) {
			memcpy(&out->mpls_lse, c.head + lse, MPLS_LSE_LEN);
			out->has |= PARSED_MPLS;
		}
		out->n_mpls++;
		if (wire_u32(c.head + lse) & MPLS_BOS)
			return complete(out, PARSE_AT_MPLS, lse + MPLS_LSE_LEN);
	}
}

static void parse_pbb(struct cursor c, struct parsed *out, size_t ofs)
{
	if (!in_reach(c, ofs, PBB_ITAG_LEN))
		return stop_short(c, out, PARSE_AT_PBB, ofs, PBB_ITAG_LEN);
	memcpy(&out->pbb_tci, c.head + ofs, 4);
	out->has |= PARSED_PBB;
	complete(out, PARSE_AT_PBB, ofs + 4);
}

/* The EtherType at out->type_ofs, behind all tags, is 'type'.  One copy for each caller:
 * a call here costs the common one more than some of the headers do. */
static inline __attribute__((always_inline)) void parse_l3(
	struct cursor c, struct parsed *out, uint16_t type)
{
	size_t ofs = out->l3_ofs;

	out->eth_type = htobe16(type);
	switch (type) {
	case ETHERTYPE_IPV4:
		return parse_ipv4(c, out, ofs);
	case ETHERTYPE_IPV6_:
		return parse_ipv6(c, out, ofs);
	case ETHERTYPE_ARP_:
	case ETHERTYPE_RARP:
		return parse_arp(c, out, ofs);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MCAST:
		return parse_mpls(c, out, ofs);
	case ETHERTYPE_PBB:
		return parse_pbb(c, out, ofs);
	}
	out->l3_ofs = 0;
	out->payload_ofs = (uint16_t)ofs;
	stop(out, PARSE_UNKNOWN, PARSE_AT_ETH, ofs);
}

/* An 802.3 length where the EtherType would be: the type may be in a SNAP header
 * of OUI 0 (RFC 1042), and is returned.  Anything else behind LLC is unknown: 0. */
static uint16_t parse_llc(struct cursor c, struct parsed *out, size_t ofs)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 3, 0, 0, 0};
	const uint8_t *h = c.head + ofs;

	out->eth_type = htobe16(ETHERTYPE_NONE);
	if (ofs + LLC_SNAP_LEN <= c.end && !in_reach(c, ofs, LLC_SNAP_LEN)) {
		stop_short(c, out, PARSE_AT_ETH, ofs, LLC_SNAP_LEN);
		return 0;
	}
	if (in_reach(c, ofs, LLC_SNAP_LEN) && !memcmp(h, snap, sizeof(snap)) &&
		wire_u16(h + 6) >= ETHERTYPE_MIN) {
		out->has |= PARSED_SNAP;
		out->type_ofs = (uint16_t)(ofs + 6);
		return wire_u16(h + 6);
	}
	out->payload_ofs = (uint16_t)ofs;
	stop(out, PARSE_UNKNOWN, PARSE_AT_ETH, ofs);
	return 0;
}

static inline bool is_vlan(uint16_t type)
{
	return type == ETHERTYPE_CTAG || type == ETHERTYPE_STAG;
}

/* IEEE 802.1Q section 9.  'ofs' is that of the first TPID; returns that of the
 * EtherType behind the last tag, or 0 where a tag is not in reach. */
static size_t parse_vlans(struct cursor c, struct parsed *out, size_t ofs)
{

	do {
		if (!in_reach(c, ofs, 2 + ETH_VLAN_LEN)) {
			memcpy(&out->eth_type, c.head + ofs, 2);
			out->type_ofs = (uint16_t)ofs;
			stop_short(c, out, PARSE_AT_VLAN, ofs, 2 + ETH_VLAN_LEN);
			return 0;
		}
		if (out->n_vlans < 2) {
			struct parsed_vlan *v = &out->vlan[out->n_vlans];

			memcpy(v, c.head + ofs, ETH_VLAN_LEN);
			v->tci |= htobe16(PARSED_VLAN_PRESENT);
		}
		out->n_vlans++;
		ofs += ETH_VLAN_LEN;
	} while (is_vlan(wire_u16(c.head + ofs)));
	return ofs;
}

static inline struct cursor cursor_make(const uint8_t *head, size_t head_len, size_t len)
{
	return (struct cursor){.head = head,
		.avail = (uint32_t)min_size(min_size(head_len, PARSE_LEN_MAX), len),
		.end = (uint32_t)min_size(len, UINT32_MAX)};
}

void parse(const uint8_t *head, size_t head_len, size_t frame_len, struct parsed *out)
{
	struct cursor c = cursor_make(head, head_len, frame_len);
	size_t ofs = 2 * ETH_ADDR_LEN;

	clear(out);
	if (!in_reach(c, 0, ETH_HEADER_LEN))
		return stop_short(c, out, PARSE_AT_ETH, 0, ETH_HEADER_LEN);
	memcpy(&out->eth_dst, head, ETH_ADDR_LEN);
	memcpy(&out->eth_src, head + ETH_ADDR_LEN, ETH_ADDR_LEN);

	uint16_t type = wire_u16(head + ofs);
	if (is_vlan(type)) {
		ofs = parse_vlans(c, out, ofs);
		if (!ofs)
			return;
		type = wire_u16(head + ofs);
	}
	out->type_ofs = (uint16_t)ofs;
	if (unlikely(type < ETHERTYPE_MIN)) {
		type = parse_llc(c, out, ofs + 2);
		if (!type)
			return;
	}
	out->l3_ofs = out->type_ofs + 2;
	parse_l3(c, out, type);
}

__attribute__((cold)) void parse_from_l3(
	const uint8_t *head, size_t head_len, size_t len, uint16_t type, struct parsed *out)
{
	clear(out);
	parse_l3(cursor_make(head, head_len, len), out, type);
}
