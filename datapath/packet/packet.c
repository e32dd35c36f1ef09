#include "packet.h"

#include <errno.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool packet_pull(struct packet *p, size_t len)
{
	if (len <= p->head_len)
		return true;
	if (len > p->len || len > PACKET_HEAD_MAX || len > sizeof(p->buf) - packet_headroom(p))
		return false;

	unsigned gone = 0;
	while (p->head_len < len) {
		struct iovec *piece = &p->tail[gone];
		size_t n = min_size(piece->iov_len, len - p->head_len);

		assert(gone < p->tail_n);
		memcpy(p->data + p->head_len, piece->iov_base, n);
		p->head_len += (uint16_t)n;
		piece->iov_base = (uint8_t *)piece->iov_base + n;
		piece->iov_len -= n;
		if (!piece->iov_len)
			gone++;
	}
	if (gone) {
		p->tail_n -= (uint8_t)gone;
		memmove(p->tail, p->tail + gone, sizeof(p->tail[0]) * p->tail_n);
	}
	return true;
}

bool packet_insert(struct packet *p, size_t ofs, size_t len)
{
	assert(ofs <= p->head_len);
	if (len > packet_headroom(p))
		return false;
	memmove(p->data - len, p->data, ofs);
	p->data -= len;
	p->len += (uint32_t)len;
	p->head_len += (uint16_t)len;
	if (p->csum == PACKET_CSUM_PARTIAL && p->csum_start >= ofs)
		p->csum_start += (uint16_t)len;
	if (p->gso && p->gso_hdr_len >= ofs)
		p->gso_hdr_len += (uint16_t)len;
	return true;
}

/* The offloads after 'len' bytes at 'ofs' are gone.  What loses bytes between its
 * start and its end was meant for headers that are no longer there. */
static void packet_offload_remove(struct packet *p, size_t ofs, size_t len)
{
	size_t field_end = (size_t)p->csum_start + p->csum_offset + sizeof(uint16_t);

	if (p->csum == PACKET_CSUM_PARTIAL && ofs < field_end) {
		if (p->csum_start >= ofs + len) {
			p->csum_start -= (uint16_t)len;
		} else {
			p->csum = PACKET_CSUM_UNKNOWN;
			p->gso = PACKET_GSO_NONE;
		}
	}
	if (p->gso && ofs < p->gso_hdr_len) {
		if (p->gso_hdr_len >= ofs + len)
			p->gso_hdr_len -= (uint16_t)len;
		else
			p->gso = PACKET_GSO_NONE;
	}
}

void packet_remove(struct packet *p, size_t ofs, size_t len)
{
	assert(ofs + len <= p->head_len);
	if (!len)
		return;
	memmove(p->data + len, p->data, ofs);
	p->data += len;
	p->len -= (uint32_t)len;
	p->head_len -= (uint16_t)len;
	packet_offload_remove(p, ofs, len);
}

int packet_slices(const struct packet *p, size_t ofs, size_t len, struct iovec *iov, int max)
{
	int n = 0;

	if (ofs > p->len || len > p->len - ofs)
		return -ERANGE;
	for (int i = -1; i < p->tail_n && len; i++) {
		uint8_t *base = i < 0 ? p->data : p->tail[i].iov_base;
		size_t size = i < 0 ? p->head_len : p->tail[i].iov_len;

		if (ofs >= size) {
			ofs -= size;
			continue;
		}
		if (n == max)
			return -ERANGE;
		iov[n].iov_base = base + ofs;
		iov[n].iov_len = min_size(size - ofs, len);
		len -= iov[n++].iov_len;
		ofs = 0;
	}
	return n;
}

bool packet_read(const struct packet *p, size_t ofs, size_t len, void *dst)
{
	struct iovec iov[PACKET_TAIL_MAX + 1];
	int n = packet_slices(p, ofs, len, iov, PACKET_TAIL_MAX + 1);
	uint8_t *to = dst;

	if (n < 0)
		return false;
	for (int i = 0; i < n; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	return true;
}
