/* Checksums follow edits: HC' = ~(~HC + ~m + m') (RFC 1624, equation 3), over whole words
 * of the header that is summed.
 *
 * Bytes that begin or end within a word are widened to it: the sum does not depend on what
 * else the word holds, as long as that is the same before and after. */
#include "edit_priv.h"

#include "checksum.h"
#include "crc32c.h"
#include "ip.h"

/* The L4 checksum of the packet. */
struct l4_sum {
	size_t field; /* its offset */
	bool there;   /* L4 has one that we know */
	bool sctp;
	bool udp;
	bool pseudo; /* it covers the pseudo-header */
	bool partial;
};

static bool l4_sum_find(const struct edit *e, struct l4_sum *sum)
{
	static const struct {
		uint16_t has;
		uint8_t ofs;
		bool pseudo;
	} kinds[] = {
		{PARSED_TCP, TCP_CSUM_OFS, true},
		{PARSED_UDP, UDP_CSUM_OFS, true},
		{PARSED_ICMP, 2, false},
		{PARSED_ICMPV6, 2, true},
		{PARSED_SCTP, SCTP_CSUM_OFS, false},
	};
	const struct parsed *h = e->h;

	*sum = (struct l4_sum){0};
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(h->has & kinds[i].has))
			continue;
		sum->there = true;
		sum->field = (size_t)h->l4_ofs + kinds[i].ofs;
		sum->sctp = kinds[i].has == PARSED_SCTP;
		sum->udp = kinds[i].has == PARSED_UDP;
		sum->pseudo = kinds[i].pseudo;
		sum->partial = e->p->csum == PACKET_CSUM_PARTIAL && e->p->csum_start == h->l4_ofs;
		return sum->field + (sum->sctp ? 4 : 2) <= e->p->head_len;
	}
	return true;
}

static void replace(uint8_t *field, uint64_t before, uint64_t after)
{
	be16_t hc;

	memcpy(&hc, field, sizeof(hc));
	hc = csum_fold((uint16_t)~hc + (uint64_t)csum_fold(before) + after);
	memcpy(field, &hc, sizeof(hc));
}

static void l4_replace(const struct edit *e, const struct l4_sum *sum, unsigned cover,
	uint64_t before, uint64_t after)
{
	uint8_t *field = e->p->data + sum->field;
	be16_t old;

	memcpy(&old, field, sizeof(old));
	if (sum->partial) { /* holds the sum of the pseudo-header, not complemented */
		be16_t v = (be16_t)~csum_fold(old + (uint64_t)csum_fold(before) + after);

		if (cover & COVER_PSEUDO)
			memcpy(field, &v, sizeof(v));
		return;
	}
	if (sum->udp && !old)
		return;
	replace(field, before, after);
	memcpy(&old, field, sizeof(old));
	if (sum->udp && !old)
		memset(field, 0xff, sizeof(old));
}

/* SCTP's CRC as it is and as it should be. */
static bool sctp_is_right(const struct edit *e)
{
	const struct packet *p = e->p;
	size_t field = (size_t)e->h->l4_ofs + SCTP_CSUM_OFS;
	static const uint8_t zero[4];
	uint32_t crc = crc32c_add(CRC32C_INIT, p->data + e->h->l4_ofs, SCTP_CSUM_OFS);

	crc = crc32c_add(crc, zero, sizeof(zero));
	crc = crc32c_add(crc, p->data + field + 4, p->head_len - field - 4);
	for (unsigned i = 0; i < p->tail_n; i++)
		crc = crc32c_add(crc, p->tail[i].iov_base, p->tail[i].iov_len);
	crc = htole32(crc32c_finish(crc));
	return !memcmp(&crc, p->data + field, sizeof(crc));
}

/* Is to be computed anew when the packet leaves, unless it is wrong already.  A fragment's
 * covers bytes that are not here. */
static bool sctp_begin(const struct edit *e)
{
	struct packet *p = e->p;

	if (e->h->frag)
		return false;
	if (p->csum == PACKET_CSUM_PARTIAL || (p->csum == PACKET_CSUM_UNKNOWN && !sctp_is_right(e)))
		return true;
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = e->h->l4_ofs;
	p->csum_offset = SCTP_CSUM_OFS;
	return true;
}

/* The words that hold the 'n' bytes at 'ofs' of what begins at 'base'. */
static uint64_t words_sum(const uint8_t *data, size_t base, size_t ofs, size_t n)
{
	size_t from = ofs - ((ofs - base) & 1), to = ofs + n + ((ofs + n - base) & 1);

	return csum_add(0, data + from, to - from);
}

bool edit_write(struct edit *e, size_t ofs, const void *bytes, size_t n, unsigned cover)
{
	struct packet *p = e->p;
	size_t base = cover & COVER_L4 ? e->h->l4_ofs : e->h->l3_ofs;
	struct l4_sum sum = {0};

	if (ofs + n > p->head_len)
		return false;
	if (!memcmp(p->data + ofs, bytes, n))
		return true;
	if ((cover & (COVER_PSEUDO | COVER_L4)) && !l4_sum_find(e, &sum))
		return false;
	if (sum.sctp && (cover & COVER_L4) && !sctp_begin(e))
		return false;
	/* the last word may lack its second byte: at the end of L4 only, where 0 stands for it */
	bool odd_end = ofs + n + ((ofs + n - base) & 1) > p->head_len;
	if (cover && odd_end)
		return false;
	uint64_t before = cover ? words_sum(p->data, base, ofs, n) : 0;
	memcpy(p->data + ofs, bytes, n);
	uint64_t after = cover ? words_sum(p->data, base, ofs, n) : 0;

	if (cover & COVER_IPV4)
		replace(p->data + e->h->l3_ofs + 10, before, after);
	if (sum.there && !sum.sctp && (sum.pseudo || (cover & COVER_L4)))
		l4_replace(e, &sum, cover, before, after);
	e->stale = true;
	return true;
}
