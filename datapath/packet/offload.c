/* How segmentation works.
 *
 * Segment i carries payload bytes [i * gso_size, (i + 1) * gso_size).  It gets a
 * copy of all headers, in a head of its own, and of as many payload bytes behind
 * them as packet.h's invariant asks for (PACKET_HEAD_FIRST bytes of head), and at
 * least those that lie in the head of the original.  The rest are slices of the
 * original's tail.  A segment's head is never longer than the original's or than
 * PACKET_HEAD_FIRST, and it has at most as many pieces of tail, so neither can
 * overflow.
 *
 * The original keeps a partial checksum: the sum of the pseudo-header lies in the
 * checksum field.  A segment differs from it in the length only (RFC 1624), so
 * its own is that sum with the lengths exchanged, plus the sum of its bytes.
 *
 * The checksum of an outer header covers the inner packet, and that, from its L4 header on,
 * sums up to the complement of its pseudo-header by the definition of its checksum.  So the
 * payload is not read a second time, whatever the sender has put into the inner field. */
#include "offload.h"

#include <errno.h>

#include "checksum.h"
#include "crc32c.h"
#include "gso_headers.h"
#include "ip.h"
#include "wire.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The sum of everything from 'ofs' to the end of the frame. */
static uint64_t packet_sum(const struct packet *p, size_t ofs)
{
	uint64_t sum = csum_add(0, p->data + ofs, p->head_len - ofs);
	size_t at = p->head_len - ofs;

	for (int i = 0; i < p->tail_n; i++) {
		sum = csum_add_at(sum, at, p->tail[i].iov_base, p->tail[i].iov_len);
		at += p->tail[i].iov_len;
	}
	return sum;
}

static int sctp_finish_csum(struct packet *p)
{
	size_t field = (size_t)p->csum_start + SCTP_CSUM_OFS;
	uint32_t crc = CRC32C_INIT;

	if (field + sizeof(uint32_t) > p->head_len)
		return -EINVAL;
	memset(p->data + field, 0, sizeof(uint32_t));
	crc = crc32c_add(crc, p->data + p->csum_start, p->head_len - p->csum_start);
	for (unsigned i = 0; i < p->tail_n; i++)
		crc = crc32c_add(crc, p->tail[i].iov_base, p->tail[i].iov_len);
	crc = htole32(crc32c_finish(crc));
	memcpy(p->data + field, &crc, sizeof(crc));
	p->csum = PACKET_CSUM_VALID;
	return 0;
}

int offload_finish_csum(struct packet *p)
{
	size_t field = (size_t)p->csum_start + p->csum_offset;

	if (p->csum != PACKET_CSUM_PARTIAL)
		return 0;
	if (p->csum_offset == SCTP_CSUM_OFS)
		return sctp_finish_csum(p);
	if (field + sizeof(be16_t) > p->head_len)
		return -EINVAL;
	be16_t csum = csum_fold(packet_sum(p, p->csum_start));
	if (!csum && p->csum_offset == UDP_CSUM_OFS)
		csum = 0xffff; /* RFC 768: 0 would say that there is none */
	memcpy(p->data + field, &csum, sizeof(csum));
	p->csum = PACKET_CSUM_VALID;
	return 0;
}

/* What the segments of one packet have in common. */
struct cut {
	const struct packet *p;
	struct gso_headers h;
	uint64_t pseudo_sum; /* without a length */
	unsigned n;	     /* segments */
};

/* A segment of the payload bytes [ofs, ofs + len), with the headers as they are in
 * the original.  NULL where the arena is empty. */
static struct packet *cut_take(const struct cut *cut, struct arena *a, size_t ofs, size_t len)
{
	const struct packet *p = cut->p;
	struct packet *s = arena_alloc(a);

	if (!s)
		return NULL;
	s->data = s->buf + min_size(packet_headroom(p), PACKET_HEADROOM);
	s->len = (uint32_t)(cut->h.len + len);
	s->hops = p->hops;
	s->pcp = p->pcp;
	memcpy(s->data, p->data, cut->h.len);

	size_t from = cut->h.len + ofs; /* in the original */
	size_t in_head = from < p->head_len ? p->head_len - from : 0;
	size_t copy =
		max_size(in_head, PACKET_HEAD_FIRST - min_size(cut->h.len, PACKET_HEAD_FIRST));
	copy = min_size(copy, len);
	packet_read(p, from, copy, s->data + cut->h.len);
	s->head_len = (uint16_t)(cut->h.len + copy);
	s->tail_n = (uint8_t)packet_slices(p, from + copy, len - copy, s->tail, PACKET_TAIL_MAX);
	return s;
}

/* Length, id and checksum of the IP header of segment 'i' that ends at 'end'. */
static void cut_ip(struct packet *s, size_t ofs, size_t end, bool ipv6, unsigned i)
{
	uint8_t *ip = s->data + ofs;

	if (ipv6) {
		wire_put_u16(ip + 4, (uint16_t)(s->len - ofs - IPV6_HEADER_LEN));
		return;
	}
	wire_put_u16(ip + 2, (uint16_t)(s->len - ofs));
	wire_put_u16(ip + 4, (uint16_t)(wire_u16(ip + 4) + i));
	wire_put_u16(ip + 10, 0);
	be16_t csum = csum_fold(csum_add(0, ip, end - ofs));
	memcpy(ip + 10, &csum, sizeof(csum));
}

/* The L4 header of segment 'i', whose payload starts at 'ofs'.  Returns the sum of that
 * header and all behind it, checksum included. */
static uint64_t cut_l4(const struct cut *cut, struct packet *s, unsigned i, size_t ofs)
{
	uint8_t *l4 = s->data + cut->h.l4_ofs;
	uint16_t l4_len = (uint16_t)(s->len - cut->h.l4_ofs);
	uint8_t *field = l4 + (cut->h.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS);

	if (cut->h.tcp) {
		wire_put_u32(l4 + 4, wire_u32(l4 + 4) + (uint32_t)ofs);
		if (i > 0)
			l4[13] &= (uint8_t)~TCP_CWR;
		if (i + 1 < cut->n)
			l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	} else {
		wire_put_u16(l4 + 4, l4_len);
	}
	wire_put_u16(field, 0);
	uint64_t pseudo = cut->pseudo_sum + htobe16(l4_len);
	be16_t csum = csum_fold(pseudo + packet_sum(s, cut->h.l4_ofs));
	if (!csum && !cut->h.tcp)
		csum = 0xffff;
	memcpy(field, &csum, sizeof(csum));
	return csum_fold(pseudo);
}

/* Put a checksum into 'field', which is 0, of the sum of what it covers. */
static void outer_csum(uint8_t *field, uint64_t sum, bool udp)
{
	be16_t csum = csum_fold(sum);

	if (!csum && udp)
		csum = 0xffff;
	memcpy(field, &csum, sizeof(csum));
}

/* The outer headers 'o' of segment 'i', in which all behind them is done.  'l4_sum' is
 * what cut_l4() returned. */
static void cut_outer(const struct cut *cut, struct packet *s, unsigned i,
	const struct gso_outer *o, uint64_t l4_sum)
{
	uint8_t *l4 = s->data + o->l4_ofs;
	const uint8_t *ip = s->data + o->l3_ofs;
	uint16_t len = (uint16_t)(s->len - o->l4_ofs);
	uint8_t *field = NULL;
	uint64_t pseudo = 0;

	if (o->proto == IP_PROTO_UDP) {
		wire_put_u16(l4 + 4, len);
		field = l4 + UDP_CSUM_OFS;
		pseudo = o->ipv6 ? csum_pseudo6(ip + 8, ip + 24, IP_PROTO_UDP, len)
				 : csum_pseudo4(ip + 12, ip + 16, IP_PROTO_UDP, len);
	} else if (o->proto == IP_PROTO_GRE) {
		field = l4 + GRE_CSUM_OFS;
	}
	if (field && o->csum) {
		wire_put_u16(field, 0);
		outer_csum(field, csum_add(pseudo + l4_sum, l4, (size_t)cut->h.l4_ofs - o->l4_ofs),
			o->proto == IP_PROTO_UDP);
	}
	cut_ip(s, o->l3_ofs, o->l4_ofs, o->ipv6, i);
}

/* Make the headers those of segment 'i', whose payload starts at 'ofs': from the
 * innermost to the outermost, since an outer checksum covers what is within. */
static void cut_finish(const struct cut *cut, struct packet *s, unsigned i, size_t ofs)
{
	uint64_t l4_sum = cut_l4(cut, s, i, ofs);

	cut_ip(s, cut->h.l3_ofs, cut->h.l4_ofs, cut->h.ipv6, i);
	for (unsigned k = cut->h.n_outer; k > 0; k--)
		cut_outer(cut, s, i, &cut->h.outer[k - 1], l4_sum);
	s->csum = PACKET_CSUM_VALID;
}

/* Fill 'cut' from 'p' as it is now: a pipeline may have changed its headers since
 * its offload state was checked. */
static int cut_prepare(struct cut *cut, struct packet *p)
{
	be16_t partial;

	if (p->csum != PACKET_CSUM_PARTIAL || !p->gso_size || gso_headers_read(p, p->gso, &cut->h))
		return -EINVAL;
	size_t csum_ofs = cut->h.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS;
	if (p->csum_offset != csum_ofs)
		return -EINVAL;
	memcpy(&partial, p->data + cut->h.l4_ofs + csum_ofs, sizeof(partial));

	uint16_t l4_len = (uint16_t)(p->len - cut->h.l4_ofs);
	cut->pseudo_sum = (uint64_t)partial + (uint16_t)~htobe16(l4_len);
	cut->p = p;
	cut->n = (p->len - cut->h.len + p->gso_size - 1) / p->gso_size;
	if (!cut->n)
		cut->n = 1; /* no payload: the headers alone */
	return 0;
}

int offload_segment(
	struct arena *a, struct packet *p, offload_emit_fn emit, offload_flush_fn flush, void *arg)
{
	struct cut cut;
	int rc = cut_prepare(&cut, p);

	for (unsigned i = 0; !rc && i < cut.n; i++) {
		size_t ofs = (size_t)i * p->gso_size;
		size_t len = min_size(p->gso_size, p->len - cut.h.len - ofs);
		struct packet *s = cut_take(&cut, a, ofs, len);

		if (!s && flush) {
			flush(arg);
			s = cut_take(&cut, a, ofs, len);
		}
		if (!s) {
			rc = -ENOBUFS;
			break;
		}
		cut_finish(&cut, s, i, ofs);
		emit(s, arg);
	}
	arena_free(a, p);
	return rc ? rc : (int)cut.n;
}
