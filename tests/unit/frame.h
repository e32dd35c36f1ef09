/* frame.h - frames for tests, built the obvious way: Ethernet, tags, IPv4 with
 * options or IPv6 with extension headers, TCP with options or UDP, payload.
 * Lengths are right; checksums are complete unless made partial. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "ip.h"
#include "rng.h"
#include "wire.h"

/* What to build. */
struct frame_shape {
	unsigned n_tags;
	bool ipv6;
	bool tcp;
	unsigned ip_options;  /* IPv4, bytes, a multiple of 4 up to 40 */
	unsigned n_ext;	      /* IPv6 */
	unsigned tcp_options; /* bytes, a multiple of 4 up to 40 */
	size_t payload_len;
};

struct frame {
	struct frame_shape shape;
	size_t l3, l4, payload, len;
	uint8_t b[PACKET_LEN_MAX];
};

/* The Internet checksum of RFC 1071 as its text has it: word by word, carries added
 * back at once. */
static inline uint16_t naive_csum(uint32_t sum, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		sum += (uint32_t)(b[i] << 8 | (i + 1 < len ? b[i + 1] : 0));
		sum = (sum & 0xffff) + (sum >> 16);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint32_t frame_pseudo(const struct frame *f, size_t l4_len)
{
	const uint8_t *addr = f->b + f->l3 + (f->shape.ipv6 ? 8 : 12);
	uint32_t sum = (uint32_t)l4_len + (f->shape.tcp ? IP_PROTO_TCP : IP_PROTO_UDP);

	for (size_t i = 0; i < (f->shape.ipv6 ? 32 : 8); i += 2)
		sum += wire_u16(addr + i);
	return sum;
}

static inline size_t frame_csum_ofs(const struct frame *f)
{
	return f->l4 + (f->shape.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS);
}

/* Set lengths and checksums for what is there. */
static inline void frame_finish(struct frame *f)
{
	uint8_t *csum = f->b + frame_csum_ofs(f);

	if (f->shape.ipv6) {
		wire_put_u16(f->b + f->l3 + 4, (uint16_t)(f->len - f->l3 - IPV6_HEADER_LEN));
	} else {
		wire_put_u16(f->b + f->l3 + 2, (uint16_t)(f->len - f->l3));
		wire_put_u16(f->b + f->l3 + 10, 0);
		wire_put_u16(f->b + f->l3 + 10, naive_csum(0, f->b + f->l3, f->l4 - f->l3));
	}
	if (!f->shape.tcp)
		wire_put_u16(f->b + f->l4 + 4, (uint16_t)(f->len - f->l4));
	wire_put_u16(csum, 0);
	uint16_t v = naive_csum(frame_pseudo(f, f->len - f->l4), f->b + f->l4, f->len - f->l4);
	wire_put_u16(csum, v || f->shape.tcp ? v : 0xffff);
}

/* Leave the pseudo-header's sum in place of the checksum. */
static inline void frame_make_partial(struct frame *f)
{
	uint8_t *csum = f->b + frame_csum_ofs(f);

	wire_put_u16(csum, (uint16_t)~naive_csum(frame_pseudo(f, f->len - f->l4), NULL, 0));
}

static inline void frame_build(struct frame *f, const struct frame_shape *s, struct rng *r)
{
	static const uint8_t ext[] = {
		IP_PROTO_HOPOPTS, IP_PROTO_DSTOPTS, IP_PROTO_ROUTING, IP_PROTO_FRAGMENT};
	uint8_t proto = s->tcp ? IP_PROTO_TCP : IP_PROTO_UDP;
	uint8_t *p = f->b;

	f->shape = *s;
	rng_fill(r, p, 12);
	p += 12;
	for (unsigned i = 0; i < s->n_tags; i++, p += ETH_VLAN_LEN) {
		wire_put_u16(p, rng_below(r, 2) ? ETHERTYPE_CTAG : ETHERTYPE_STAG);
		rng_fill(r, p + 2, 2);
	}
	wire_put_u16(p, s->ipv6 ? ETHERTYPE_IPV6_ : ETHERTYPE_IPV4);
	p += 2;
	f->l3 = (size_t)(p - f->b);
	if (s->ipv6) {
		rng_fill(r, p, IPV6_HEADER_LEN);
		p[0] = (uint8_t)(0x60 | (p[0] & 15));
		uint8_t *next = p + 6;
		p += IPV6_HEADER_LEN;
		for (unsigned i = 0; i < s->n_ext; i++) {
			*next = ext[rng_below(r, 4)];
			size_t len = *next == IP_PROTO_FRAGMENT ? 8 : 8 * (1 + rng_below(r, 3));
			rng_fill(r, p, len);
			p[1] = (uint8_t)(len / 8 - 1);
			if (*next == IP_PROTO_FRAGMENT) {
				p[1] = (uint8_t)rng_u64(r); /* reserved: no length */
				wire_put_u16(p + 2, 0);	    /* the whole packet */
			}
			next = p;
			p += len;
		}
		*next = proto;
	} else {
		rng_fill(r, p, IPV4_HEADER_MIN + s->ip_options);
		p[0] = (uint8_t)(0x40 | (5 + s->ip_options / 4));
		wire_put_u16(p + 6, rng_below(r, 2) ? IPV4_DF : 0);
		p[9] = proto;
		p += IPV4_HEADER_MIN + s->ip_options;
	}
	f->l4 = (size_t)(p - f->b);
	if (s->tcp) {
		rng_fill(r, p, TCP_HEADER_MIN + s->tcp_options);
		p[12] = (uint8_t)((5 + s->tcp_options / 4) << 4 | (p[12] & 15));
		p += TCP_HEADER_MIN + s->tcp_options;
	} else {
		rng_fill(r, p, UDP_HEADER_LEN);
		p += UDP_HEADER_LEN;
	}
	f->payload = (size_t)(p - f->b);
	f->len = f->payload + s->payload_len;
	assert(f->len <= sizeof(f->b));
	rng_fill(r, p, s->payload_len);
	frame_finish(f);
}

/* Any headers; payload of up to 'payload_max' bytes, as far as IP's length allows. */
static inline struct frame_shape frame_shape_random(struct rng *r, size_t payload_max)
{
	struct frame_shape s = {.n_tags = rng_below(r, 2) ? rng_below(r, 4) : 0,
		.ipv6 = rng_below(r, 2),
		.tcp = rng_below(r, 2),
		.ip_options = 4 * (rng_below(r, 2) ? rng_below(r, 11) : 0),
		.n_ext = rng_below(r, 2) ? rng_below(r, 5) : 0,
		.tcp_options = 4 * (rng_below(r, 2) ? rng_below(r, 11) : 0),
		.payload_len = rng_below(r, (unsigned)payload_max + 1)};

	return s;
}

/* The tail of a packet made by frame_packet(): each piece malloc'ed to its exact
 * length, so that the address sanitizer sees a step beside it. */
struct frame_tail {
	unsigned n;
	void *mem[PACKET_TAIL_MAX];
};

static inline void frame_tail_free(struct frame_tail *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->mem[i]);
	t->n = 0;
}

/* 'len' bytes as a packet: 'head_len' of them in its head, the rest in a tail of
 * random pieces, some of them empty. */
static inline struct packet *frame_packet(struct arena *a, const uint8_t *b, size_t len,
	size_t head_len, struct frame_tail *t, struct rng *r)
{
	struct packet *p = arena_alloc(a);

	t->n = 0;
	if (!p)
		return NULL;
	if (head_len > len)
		head_len = len;
	memcpy(p->data, b, head_len);
	p->len = (uint32_t)len;
	p->head_len = (uint16_t)head_len;
	for (size_t ofs = head_len; ofs < len;) {
		bool last = t->n == PACKET_TAIL_MAX - 1 || !rng_below(r, 8);
		size_t n = last ? len - ofs : rng_below(r, (unsigned)(len - ofs) / 2 + 2);
		if (n > len - ofs)
			n = len - ofs;
		uint8_t *mem = malloc(n ? n : 1);
		if (!mem)
			abort();
		memcpy(mem, b + ofs, n);
		t->mem[t->n++] = mem;
		p->tail[p->tail_n++] = (struct iovec){.iov_base = mem, .iov_len = n};
		ofs += n;
	}
	return p;
}
