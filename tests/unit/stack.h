/* stack.h - frames of headers in any number, tunnels among them, built and finished the
 * obvious way: a list of layers, every length and checksum computed from the bytes, from
 * the innermost layer outwards (RFC 791, 768, 9293, 8200, 7348, 8926, 2784). */
#pragma once

#include "frame.h"
#include "vnet_hdr.h"

enum layer_kind {
	LAYER_ETH,
	LAYER_TAG,
	LAYER_IP4,
	LAYER_IP6, /* with its extension headers */
	LAYER_UDP,
	LAYER_TCP,
	LAYER_VXLAN,
	LAYER_GPE,
	LAYER_GENEVE,
	LAYER_GRE,
};

enum { STACK_LAYERS_MAX = 32, STACK_HEADERS_MAX = 1024 };

struct layer {
	enum layer_kind kind;
	size_t ofs;
	bool csum; /* UDP, GRE: it has one */
};

struct stack {
	struct layer layers[STACK_LAYERS_MAX];
	unsigned n;
	unsigned n_tunnels;
	size_t payload; /* where it starts */
	size_t len;
	uint8_t b[STACK_HEADERS_MAX + 65536];
};

static inline struct layer *stack_last(struct stack *s)
{
	return &s->layers[s->n - 1];
}

/* The IP header that layer 'k' is in. */
static inline const struct layer *stack_ip_of(const struct stack *s, unsigned k)
{
	do
		k--;
	while (s->layers[k].kind != LAYER_IP4 && s->layers[k].kind != LAYER_IP6);
	return &s->layers[k];
}

/* The sum of the pseudo-header of layer 'k', whose length is 'len'. */
static inline uint32_t stack_pseudo(const struct stack *s, unsigned k, size_t len)
{
	const struct layer *ip = stack_ip_of(s, k);
	bool ipv6 = ip->kind == LAYER_IP6;
	const uint8_t *addr = s->b + ip->ofs + (ipv6 ? 8 : 12);
	uint32_t sum =
		(uint32_t)len + (s->layers[k].kind == LAYER_TCP ? IP_PROTO_TCP : IP_PROTO_UDP);

	for (size_t i = 0; i < (ipv6 ? 32 : 8); i += 2)
		sum += wire_u16(addr + i);
	return sum;
}

static inline size_t stack_l4_csum_ofs(const struct layer *l)
{
	return l->ofs + (l->kind == LAYER_TCP ? TCP_CSUM_OFS : UDP_CSUM_OFS);
}

static inline void stack_finish_layer(struct stack *s, unsigned k)
{
	const struct layer *l = &s->layers[k];
	uint8_t *h = s->b + l->ofs;
	size_t len = s->len - l->ofs;
	uint16_t csum;

	switch (l->kind) {
	case LAYER_IP4:
		wire_put_u16(h + 2, (uint16_t)len);
		wire_put_u16(h + 10, 0);
		wire_put_u16(h + 10, naive_csum(0, h, (size_t)(h[0] & 15) * 4));
		break;
	case LAYER_IP6:
		wire_put_u16(h + 4, (uint16_t)(len - IPV6_HEADER_LEN));
		break;
	case LAYER_UDP:
		wire_put_u16(h + 4, (uint16_t)len);
		wire_put_u16(h + 6, 0);
		csum = naive_csum(stack_pseudo(s, k, len), h, len);
		if (l->csum)
			wire_put_u16(h + 6, csum ? csum : 0xffff);
		break;
	case LAYER_TCP:
		wire_put_u16(h + 16, 0);
		wire_put_u16(h + 16, naive_csum(stack_pseudo(s, k, len), h, len));
		break;
	case LAYER_GRE:
		if (l->csum) {
			wire_put_u16(h + 4, 0);
			wire_put_u16(h + 4, naive_csum(0, h, len));
		}
		break;
	default:
		break;
	}
}

/* Set lengths and checksums for what is there. */
static inline void stack_finish(struct stack *s)
{
	for (unsigned k = s->n; k > 0; k--)
		stack_finish_layer(s, k - 1);
}

/* Leave the pseudo-header's sum in place of the innermost checksum.  'gso': and in place of
 * the outer ones what nobody should rely on. */
static inline void stack_make_partial(struct stack *s, bool gso, struct rng *r)
{
	struct layer *l4 = stack_last(s);
	uint32_t pseudo = stack_pseudo(s, s->n - 1, s->len - l4->ofs);

	wire_put_u16(s->b + stack_l4_csum_ofs(l4), (uint16_t)~naive_csum(pseudo, NULL, 0));
	for (unsigned k = 0; gso && k + 1 < s->n; k++) {
		const struct layer *l = &s->layers[k];

		if (l->csum)
			wire_put_u16(s->b + l->ofs + (l->kind == LAYER_GRE ? 4 : UDP_CSUM_OFS),
				(uint16_t)(1 + rng_below(r, 65535)));
		if (l->kind == LAYER_IP4)
			wire_put_u16(s->b + l->ofs + 10, (uint16_t)rng_u64(r));
	}
}

/* ---- building ---- */

/* A layer of random bytes; what tells what follows is set by stack_link(). */
static inline uint8_t *stack_push(struct stack *s, enum layer_kind kind, size_t len, struct rng *r)
{
	uint8_t *h = s->b + s->payload;

	assert(s->n < STACK_LAYERS_MAX && s->payload + len <= STACK_HEADERS_MAX);
	s->layers[s->n++] = (struct layer){.kind = kind, .ofs = s->payload};
	s->payload += len;
	rng_fill(r, h, len);
	return h;
}

static inline uint16_t stack_ethertype(enum layer_kind next, struct rng *r)
{
	switch (next) {
	case LAYER_IP4:
		return ETHERTYPE_IPV4;
	case LAYER_IP6:
		return ETHERTYPE_IPV6_;
	case LAYER_TAG:
		return rng_below(r, 2) ? ETHERTYPE_CTAG : ETHERTYPE_STAG;
	default:
		return ETHERTYPE_TEB;
	}
}

static inline uint8_t stack_ip_proto(enum layer_kind next)
{
	switch (next) {
	case LAYER_IP4:
		return IP_PROTO_IPV4;
	case LAYER_IP6:
		return IP_PROTO_IPV6;
	case LAYER_UDP:
		return IP_PROTO_UDP;
	case LAYER_TCP:
		return IP_PROTO_TCP;
	default:
		return IP_PROTO_GRE;
	}
}

/* The last header of an IPv6 layer's chain names what follows: in byte 0 of an extension
 * header, in byte 6 of the first. */
static inline void stack_link_ip6(uint8_t *h, size_t len, uint8_t proto)
{
	if (len == IPV6_HEADER_LEN) {
		h[6] = proto;
	} else {
		h[6] = IP_PROTO_DSTOPTS;
		h[IPV6_HEADER_LEN] = proto;
	}
}

static inline void stack_link(struct stack *s, unsigned k, struct rng *r)
{
	const struct layer *l = &s->layers[k];
	enum layer_kind next = l[1].kind;
	uint8_t *h = s->b + l->ofs;
	uint16_t port;

	switch (l->kind) {
	case LAYER_ETH:
		wire_put_u16(h + 12, stack_ethertype(next, r));
		break;
	case LAYER_TAG:
	case LAYER_GRE:
	case LAYER_GENEVE:
		wire_put_u16(h + 2, stack_ethertype(next, r));
		break;
	case LAYER_GPE:
		h[3] = next == LAYER_IP4 ? 1 : next == LAYER_IP6 ? 2 : 3;
		break;
	case LAYER_IP4:
		h[9] = stack_ip_proto(next);
		break;
	case LAYER_IP6:
		stack_link_ip6(h, l[1].ofs - l->ofs, stack_ip_proto(next));
		break;
	case LAYER_UDP: /* Geneve has a port of its own; with few options it is known without */
		port = rng_below(r, 2) ? 4789 : 8472;
		if (next == LAYER_GENEVE && ((h[8] & 0x3f) >= 8 || rng_below(r, 2)))
			port = 6081;
		wire_put_u16(h + 2, port);
		break;
	default:
		break;
	}
}

static inline void stack_push_eth(struct stack *s, unsigned n_tags, struct rng *r)
{
	stack_push(s, LAYER_ETH, ETH_HEADER_LEN, r);
	while (n_tags--)
		stack_push(s, LAYER_TAG, ETH_VLAN_LEN, r);
}

/* 'extra': with IPv4 options, or an IPv6 extension header. */
static inline void stack_push_ip(struct stack *s, bool ipv6, bool extra, struct rng *r)
{
	uint8_t *h;

	if (ipv6) {
		h = stack_push(s, LAYER_IP6, IPV6_HEADER_LEN + (extra ? 8 : 0), r);
		h[0] = (uint8_t)(0x60 | (h[0] & 15));
		if (extra)
			h[IPV6_HEADER_LEN + 1] = 0;
		return;
	}
	size_t options = extra ? 4 * (1 + rng_below(r, 5)) : 0;
	h = stack_push(s, LAYER_IP4, IPV4_HEADER_MIN + options, r);
	h[0] = (uint8_t)(0x40 | (5 + options / 4));
	wire_put_u16(h + 6, rng_below(r, 2) ? IPV4_DF : 0);
}

/* GRE with or without checksum and key. */
static inline void stack_push_gre(struct stack *s, bool csum, bool key, struct rng *r)
{
	uint8_t *h = stack_push(s, LAYER_GRE, 4 + (csum ? 4 : 0) + (key ? 4 : 0), r);

	wire_put_u16(h, (csum ? 0x8000 : 0) | (key ? 0x2000 : 0));
	stack_last(s)->csum = csum;
}

/* UDP, and what marks its payload as that of a tunnel of 'kind' (LAYER_UDP: nothing, IP
 * follows at once). */
static inline void stack_push_udp_tunnel(
	struct stack *s, enum layer_kind kind, bool csum, struct rng *r)
{
	unsigned options = rng_below(r, 2) ? rng_below(r, 13) : 0;
	uint8_t *h;

	stack_push(s, LAYER_UDP, UDP_HEADER_LEN, r);
	stack_last(s)->csum = csum;
	switch (kind) {
	case LAYER_GENEVE:
		h = stack_push(s, kind, 8 + 4 * (size_t)options, r);
		h[0] = (uint8_t)options;
		h[1] &= 0x40; /* critical options */
		break;
	case LAYER_GPE:
		h = stack_push(s, kind, 8, r);
		h[0] = 0x0c;
		h[1] = h[2] = 0;
		break;
	case LAYER_VXLAN:
		h = stack_push(s, kind, 8, r);
		h[0] = rng_below(r, 4) ? 0x08 : 0x88; /* with a group policy */
		h[1] &= (uint8_t)~0x20;
		break;
	default:
		break;
	}
}

/* TCP or UDP, and the payload. */
static inline void stack_end(struct stack *s, bool tcp, size_t payload_len, struct rng *r)
{
	size_t options = tcp && rng_below(r, 2) ? 4 * (size_t)rng_below(r, 11) : 0;
	uint8_t *h = tcp ? stack_push(s, LAYER_TCP, TCP_HEADER_MIN + options, r)
			 : stack_push(s, LAYER_UDP, UDP_HEADER_LEN, r);

	stack_last(s)->csum = true;
	if (tcp)
		h[12] = (uint8_t)((5 + options / 4) << 4 | (h[12] & 15));
	for (unsigned k = 0; k + 1 < s->n; k++)
		stack_link(s, k, r);
	s->len = s->payload + payload_len;
	rng_fill(r, s->b + s->payload, payload_len);
	stack_finish(s);
}

/* A tunnel of any kind, up to and with the IP header in it. */
static inline void stack_push_tunnel(struct stack *s, struct rng *r)
{
	static const enum layer_kind kinds[] = {LAYER_VXLAN, LAYER_GENEVE, LAYER_GPE, LAYER_UDP};
	enum layer_kind kind = kinds[rng_below(r, 4)];
	bool plain = stack_last(s)->kind == LAYER_IP4 ||
		     s->payload - stack_last(s)->ofs == IPV6_HEADER_LEN;
	bool eth = rng_below(r, 2);

	switch (rng_below(r, 4)) {
	case 0:
		eth = false;
		break; /* IP in IP */
	case 1:
		stack_push_gre(s, rng_below(r, 2), rng_below(r, 2), r);
		break;
	default:
		stack_push_udp_tunnel(s, kind, plain && rng_below(r, 2), r);
		eth = kind == LAYER_VXLAN || (kind != LAYER_UDP && eth);
	}
	if (eth)
		stack_push_eth(s, rng_below(r, 3), r);
	stack_push_ip(s, rng_below(r, 2), !rng_below(r, 4), r);
	s->n_tunnels++;
}

/* Any headers, with 'n_tunnels' tunnels within each other. */
static inline void stack_random(
	struct stack *s, unsigned n_tunnels, bool tcp, size_t payload_len, struct rng *r)
{
	s->n = s->n_tunnels = 0;
	s->payload = s->len = 0;
	stack_push_eth(s, rng_below(r, 3), r);
	stack_push_ip(s, rng_below(r, 2), !rng_below(r, 4), r);
	while (n_tunnels--)
		stack_push_tunnel(s, r);
	stack_end(s, tcp, payload_len, r);
}

/* VXLAN over UDP with or without a checksum: what the tests of one thing use. */
static inline void stack_vxlan(
	struct stack *s, bool csum, bool tcp, size_t payload_len, struct rng *r)
{
	s->n = s->n_tunnels = 0;
	s->payload = s->len = 0;
	stack_push_eth(s, 0, r);
	stack_push_ip(s, false, false, r);
	stack_push_udp_tunnel(s, LAYER_VXLAN, csum, r);
	s->n_tunnels++;
	stack_push_eth(s, 0, r);
	stack_push_ip(s, false, false, r);
	stack_end(s, tcp, payload_len, r);
}

/* ---- what an honest sender says about it ---- */

static inline bool stack_is_ipv6(const struct stack *s)
{
	return stack_ip_of(s, s->n - 1)->kind == LAYER_IP6;
}

static inline struct virtio_net_hdr stack_claim(const struct stack *s, uint16_t gso_size)
{
	const struct layer *l4 = &s->layers[s->n - 1];
	bool tcp = l4->kind == LAYER_TCP;
	uint8_t type = !tcp		  ? VIRTIO_NET_HDR_GSO_UDP_L4
		       : stack_is_ipv6(s) ? VIRTIO_NET_HDR_GSO_TCPV6
					  : VIRTIO_NET_HDR_GSO_TCPV4;

	return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_size ? type : VIRTIO_NET_HDR_GSO_NONE,
		.gso_size = htole16(gso_size),
		.csum_start = htole16((uint16_t)l4->ofs),
		.csum_offset = htole16((uint16_t)(stack_l4_csum_ofs(l4) - l4->ofs))};
}

/* Segment 'i' of 'whole' the obvious way: its bytes in one array, all computed anew. */
static inline void stack_segment(
	const struct stack *whole, unsigned i, size_t gso_size, struct stack *seg)
{
	size_t ofs = whole->payload + i * gso_size, left = whole->len - ofs;
	size_t len = left < gso_size ? left : gso_size;

	memcpy(seg, whole, offsetof(struct stack, b));
	memcpy(seg->b, whole->b, whole->payload);
	memcpy(seg->b + whole->payload, whole->b + ofs, len);
	seg->len = whole->payload + len;
	for (unsigned k = 0; k < seg->n; k++) {
		uint8_t *h = seg->b + seg->layers[k].ofs;

		if (seg->layers[k].kind == LAYER_IP4)
			wire_put_u16(h + 4, (uint16_t)(wire_u16(h + 4) + i));
		if (seg->layers[k].kind != LAYER_TCP)
			continue;
		wire_put_u32(h + 4, wire_u32(h + 4) + (uint32_t)(i * gso_size));
		if (i > 0)
			h[13] &= (uint8_t)~TCP_CWR;
		if (len < left)
			h[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	}
	stack_finish(seg);
}
