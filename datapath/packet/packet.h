/* packet.h - a packet in flight: a descriptor with a private head and a
 * borrowed tail.
 *
 *	headroom | head: first bytes of the frame, private | tail: borrowed pieces
 *
 * The head is linear, starts as up to PACKET_HEAD_FIRST bytes and may be pulled
 * up to PACKET_HEAD_MAX; headers are parsed and rewritten there only.  The tail
 * is the rest of the frame, wherever it lies: a buffer of the arena today, the
 * sending guest's memory later.  It is read, never written, and valid until the
 * burst is released.  Invariant: while there is a tail, the head holds at least
 * min(frame length, PACKET_HEAD_FIRST) bytes as received; pushes and pops of
 * headers shift that by what they add and take away.
 *
 * Memory comes from the arena of the worker that handles the burst; there is no
 * reference count.  Whoever receives a packet consumes it: sends it on, or
 * counts it as dropped, and frees it.
 *
 * The struct is open because the fast path inlines it.
 *
 * Threads: one worker at a time owns an arena and all of its packets. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

enum {
	PACKET_HEADROOM = 128,
	PACKET_HEAD_FIRST = 256,
	PACKET_HEAD_MAX = 512,
	PACKET_TAIL_MAX = 20,	      /* pieces; a longer chain is copied together first */
	PACKET_LEN_MAX = 65536 + 256, /* bytes of the largest frame: 64 KB of TSO and headers */
	PACKET_SEGMENTS_MAX = 768,    /* a GSO frame that would give more is not let in: 64 KB in
					 segments of 88, the least that Linux' TCP_MAXSEG takes;
					 UDP_SEGMENT gives 128 at most */
	BATCH_MAX = 32,
};

/* How much of the L4 checksum is in place (virtio 1.2 section 5.1.6). */
enum packet_csum {
	PACKET_CSUM_UNKNOWN, /* as on the wire; nobody checked */
	PACKET_CSUM_VALID,   /* as on the wire, and known to be right */
	PACKET_CSUM_PARTIAL, /* pseudo-header summed; the rest from csum_start is to do */
};

enum packet_gso {
	PACKET_GSO_NONE,
	PACKET_GSO_TCP4,
	PACKET_GSO_TCP6,
	PACKET_GSO_UDP, /* USO, RFC 768 datagrams cut at gso_size; IPv4 or IPv6 */
};

/* Invariants: len is head_len plus the lengths of the tail; with PARTIAL, the
 * checksum field lies within the head; with gso, the headers do.  A csum_offset of
 * SCTP_CSUM_OFS says that it is SCTP's CRC: no other protocol has its checksum there. */
struct packet {
	uint8_t *data;	   /* first byte of the frame, within buf */
	uint32_t len;	   /* of the whole frame */
	uint16_t head_len; /* bytes at data */
	uint8_t tail_n;

	uint8_t csum;	      /* enum packet_csum */
	uint8_t gso;	      /* enum packet_gso */
	bool gso_ecn;	      /* TCP segments carry CWR on the first one only */
	bool gso_tunnel;      /* what is segmented is within a tunnel (gso_headers.h) */
	uint16_t csum_start;  /* from data; PARTIAL only */
	uint16_t csum_offset; /* from csum_start */
	uint16_t gso_size;    /* payload bytes per segment; with gso only */
	uint16_t gso_hdr_len; /* headers up to the payload; with gso only, as checked */

	uint8_t hops; /* patch ports crossed */
	uint8_t pcp;  /* 802.1Q priority */
	struct packet *next_free;

	struct iovec tail[PACKET_TAIL_MAX];
	uint8_t buf[PACKET_HEADROOM + PACKET_HEAD_MAX] __attribute__((aligned(64)));
};

static inline size_t packet_headroom(const struct packet *p)
{
	return (size_t)(p->data - p->buf);
}

/* An empty packet whose head starts after the full headroom. */
static inline void packet_reset(struct packet *p)
{
	p->data = p->buf + PACKET_HEADROOM;
	p->len = 0;
	p->head_len = 0;
	p->tail_n = 0;
	p->csum = PACKET_CSUM_UNKNOWN;
	p->gso = PACKET_GSO_NONE;
	p->gso_ecn = false;
	p->gso_tunnel = false;
	p->csum_start = 0;
	p->csum_offset = 0;
	p->gso_size = 0;
	p->gso_hdr_len = 0;
	p->hops = 0;
	p->pcp = 0;
}

/* How many frames it is on the wire, once it is cut. */
static inline uint32_t packet_frames(const struct packet *p)
{
	if (!p->gso || p->len <= (uint32_t)p->gso_hdr_len + p->gso_size)
		return 1;
	return (p->len - p->gso_hdr_len + p->gso_size - 1) / p->gso_size;
}

/* Make the first 'len' bytes linear.  False where the frame is shorter than
 * that or 'len' exceeds PACKET_HEAD_MAX (or the room left in the buffer). */
bool packet_pull(struct packet *p, size_t len);

/* Insert 'len' uninitialised bytes at 'ofs' (at most head_len), moving what is
 * before them down; csum_start and gso_hdr_len follow where they lie at 'ofs' or
 * behind.  False where the headroom is used up. */
bool packet_insert(struct packet *p, size_t ofs, size_t len);

/* Remove 'len' bytes at 'ofs'; ofs + len is at most head_len.  csum_start and
 * gso_hdr_len follow; an offload whose own bytes are removed is asked for no more. */
void packet_remove(struct packet *p, size_t ofs, size_t len);

/* Copy 'len' bytes from 'ofs' of the frame to 'dst'; false where out of range. */
bool packet_read(const struct packet *p, size_t ofs, size_t len, void *dst);

/* Describe the bytes [ofs, ofs + len) of the frame as pieces of memory.
 * 'iov' has room for 'max'.  Number of pieces, or -ERANGE. */
int packet_slices(const struct packet *p, size_t ofs, size_t len, struct iovec *iov, int max);
