#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "checksum.h"
#include "frame.h"
#include "offload.h"

static struct arena arena;
static struct frame frame; /* too large for the stack */

static int group_setup(void **state)
{
	return arena_init(&arena);
}

static int group_teardown(void **state)
{
	arena_fini(&arena); /* asserts that nothing leaked */
	return 0;
}

/* 'frame', partial, as a packet that asks for segmentation. */
static struct packet *gso_packet(
	size_t head_len, uint16_t gso_size, struct frame_tail *tail, struct rng *r)
{
	frame_make_partial(&frame);
	struct packet *p = frame_packet(&arena, frame.b, frame.len, head_len, tail, r);

	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = (uint16_t)frame.l4;
	p->csum_offset = frame.shape.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS;
	p->gso = frame.shape.tcp ? (frame.shape.ipv6 ? PACKET_GSO_TCP6 : PACKET_GSO_TCP4)
				 : PACKET_GSO_UDP;
	p->gso_size = gso_size;
	p->gso_hdr_len = (uint16_t)frame.payload;
	p->hops = 3;
	p->pcp = 5;
	return p;
}

/* What came out, compared with what a simple mind would have sent. */
struct sink {
	const struct frame *whole;
	size_t gso_size;
	unsigned n;
	unsigned expected;
	size_t head_max; /* of the original: no segment's head is longer */
	unsigned n_held; /* emitted, not yet flushed */
	struct packet *held[ARENA_PACKETS];
};

/* Segment 'i' the obvious way: its bytes in one array, everything computed anew. */
static void twin_segment(const struct sink *sink, unsigned i, struct frame *f)
{
	const struct frame *w = sink->whole;
	size_t ofs = i * sink->gso_size, left = w->len - w->payload - ofs;
	size_t len = left < sink->gso_size ? left : sink->gso_size;

	f->shape = w->shape;
	f->l3 = w->l3;
	f->l4 = w->l4;
	f->payload = w->payload;
	f->len = w->payload + len;
	memcpy(f->b, w->b, w->payload);
	memcpy(f->b + w->payload, w->b + w->payload + ofs, len);
	if (!w->shape.ipv6)
		wire_put_u16(f->b + f->l3 + 4, (uint16_t)(wire_u16(w->b + w->l3 + 4) + i));
	if (w->shape.tcp) {
		wire_put_u32(f->b + f->l4 + 4, wire_u32(w->b + w->l4 + 4) + (uint32_t)ofs);
		if (i > 0)
			f->b[f->l4 + 13] &= 0x7f;
		if (i + 1 < sink->expected)
			f->b[f->l4 + 13] &= 0xf6;
	}
	frame_finish(f);
}

static void sink_check(struct sink *sink, const struct packet *s, unsigned i)
{
	static struct frame twin;
	static uint8_t bytes[PACKET_LEN_MAX];

	twin_segment(sink, i, &twin);
	assert_int_equal(s->len, twin.len);
	assert_true(packet_read(s, 0, s->len, bytes));
	assert_memory_equal(bytes, twin.b, twin.len);
	assert_int_equal(s->csum, PACKET_CSUM_VALID);
	assert_int_equal(s->gso, PACKET_GSO_NONE);
	assert_int_equal(s->hops, 3);
	assert_int_equal(s->pcp, 5);
	/* the invariants of packet.h */
	size_t sum = s->head_len;
	for (int t = 0; t < s->tail_n; t++)
		sum += s->tail[t].iov_len;
	assert_int_equal(sum, s->len);
	if (s->tail_n)
		assert_true(s->head_len >= PACKET_HEAD_FIRST);
	assert_true(s->head_len <= sink->head_max);
}

static void sink_flush(void *arg)
{
	struct sink *sink = arg;

	for (unsigned i = 0; i < sink->n_held; i++) {
		sink_check(sink, sink->held[i], sink->n - sink->n_held + i);
		arena_free(&arena, sink->held[i]);
	}
	sink->n_held = 0;
}

/* Holds what it is given, as a port does: it is looked at after later segments were
 * made, and after the original was freed. */
static void sink_emit(struct packet *s, void *arg)
{
	struct sink *sink = arg;

	sink->held[sink->n_held++] = s;
	sink->n++;
}

static size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void check_segmentation(size_t head_len, uint16_t gso_size, struct rng *r)
{
	static struct sink sink;
	struct frame_tail tail;
	size_t payload = frame.len - frame.payload;
	struct packet *p = gso_packet(head_len, gso_size, &tail, r);

	sink = (struct sink){.whole = &frame,
		.gso_size = gso_size,
		.expected = payload ? (unsigned)((payload + gso_size - 1) / gso_size) : 1,
		.head_max = max_size(max_size(p->head_len, PACKET_HEAD_FIRST), frame.payload)};
	int rc = offload_segment(&arena, p, sink_emit, sink_flush, &sink);
	assert_int_equal(rc, sink.expected);
	assert_int_equal(sink.n, sink.expected);
	memset(p->buf, 0xee, sizeof(p->buf)); /* freed: nobody may refer to its head */
	sink_flush(&sink);
	assert_int_equal(arena.n_free, ARENA_PACKETS);
	frame_tail_free(&tail);
}

static void segments_match_those_of_a_naive_twin(void **state)
{
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 1500; round++) {
		struct frame_shape s = frame_shape_random(&r, rng_below(&r, 8) ? 6000 : 65000);
		uint16_t gso_size = (uint16_t)(1 + rng_below(&r, rng_below(&r, 4) ? 2000 : 200));

		if (s.payload_len + 300 > 65535)
			s.payload_len = 65235;
		if (s.payload_len / gso_size > PACKET_SEGMENTS_MAX)
			gso_size = 1448;
		frame_build(&frame, &s, &r);
		size_t head = rng_below(&r, 3) ? PACKET_HEAD_FIRST : 256 + rng_below(&r, 257);
		check_segmentation(head, gso_size, &r);
	}
}

static void a_segment_whose_udp_checksum_is_0_says_0xffff(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.payload_len = 3000};

	for (int round = 0; round < 20; round++) {
		frame_build(&frame, &s, &r);
		/* choose the second segment's first word so that its sum is 0xffff */
		static struct frame twin;
		struct sink sink = {.whole = &frame, .gso_size = 1000, .expected = 3};
		wire_put_u16(frame.b + frame.payload + 1000, 0);
		twin_segment(&sink, 1, &twin);
		memcpy(frame.b + frame.payload + 1000, twin.b + frame_csum_ofs(&twin), 2);
		twin_segment(&sink, 1, &twin);
		assert_int_equal(wire_u16(twin.b + frame_csum_ofs(&twin)), 0xffff);
		check_segmentation(PACKET_HEAD_FIRST, 1000, &r);
	}
}

static void more_segments_than_descriptors_are_sent_in_flushes(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .payload_len = 64000};

	frame_build(&frame, &s, &r);
	check_segmentation(PACKET_HEAD_FIRST, 53, &r); /* 1208 */
}

static void packets_that_were_rewritten_are_cut_as_they_are_now(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .n_tags = 1, .payload_len = 5000};
	static struct sink sink;
	struct frame_tail tail;

	/* a tag popped, then two pushed: what is sent is as if it had come with two */
	frame_build(&frame, &s, &r);
	struct packet *p = gso_packet(PACKET_HEAD_FIRST, 1000, &tail, &r);
	packet_remove(p, 12, 4);
	assert_true(packet_insert(p, 12, 8));
	memcpy(p->data + 12, "\x88\xa8\x00\x05\x81\x00\x00\x07", 8);
	memmove(frame.b + 20, frame.b + 16, frame.len - 16);
	memcpy(frame.b + 12, "\x88\xa8\x00\x05\x81\x00\x00\x07", 8);
	frame.l3 += 4;
	frame.l4 += 4;
	frame.payload += 4;
	frame.len += 4;
	sink = (struct sink){
		.whole = &frame, .gso_size = 1000, .expected = 5, .head_max = p->head_len};
	assert_int_equal(offload_segment(&arena, p, sink_emit, sink_flush, &sink), 5);
	sink_flush(&sink);
	frame_tail_free(&tail);
}

static void free_at_once(struct packet *s, void *arg)
{
	arena_free(&arena, s);
	++*(unsigned *)arg;
}

static void packets_that_cannot_be_cut_are_refused_and_freed(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .payload_len = 5000};
	struct frame_tail tail;

	for (int flaw = 0; flaw < 11; flaw++) {
		unsigned n = 0;
		frame_build(&frame, &s, &r);
		struct packet *p = gso_packet(PACKET_HEAD_FIRST, 1000, &tail, &r);
		switch (flaw) {
		case 0: /* a label was pushed */
			assert_true(packet_insert(p, 14, 4));
			memcpy(p->data + 12, "\x88\x47\x00\x01\x41\x40", 6);
			break;
		case 1: /* no partial checksum */
			p->csum = PACKET_CSUM_UNKNOWN;
			break;
		case 2: /* another protocol */
			p->gso = PACKET_GSO_TCP6;
			break;
		case 3:
			p->gso = PACKET_GSO_UDP;
			break;
		case 4: /* a checksum elsewhere */
			p->csum_start += 2;
			break;
		case 5:
			p->csum_offset = UDP_CSUM_OFS;
			break;
		case 6:
			p->gso_size = 0;
			break;
		case 7: /* fragments */
			wire_put_u16(p->data + 20, 0x2000);
			break;
		case 8: /* longer than IP says */
			wire_put_u16(p->data + 16, 4000);
			break;
		case 9: /* a header that is shorter than possible */
			p->data[14 + 20 + 12] = 0x40;
			break;
		case 10: /* in 802.3, whose length field no segment would fit */
			assert_true(packet_insert(p, 14, 8));
			memcpy(p->data + 12, "\x05\x00\xaa\xaa\x03\x00\x00\x00\x08\x00", 10);
			break;
		}
		assert_int_equal(offload_segment(&arena, p, free_at_once, NULL, &n), -EINVAL);
		assert_int_equal(n, 0);
		assert_int_equal(arena.n_free, ARENA_PACKETS);
		frame_tail_free(&tail);
	}
}

static void keep(struct packet *s, void *arg)
{
	struct packet **list = arg;

	s->next_free = *list;
	*list = s;
}

static void an_arena_that_stays_dry_ends_in_enobufs(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .payload_len = 60000};
	struct packet *kept = NULL;
	struct frame_tail tail;
	unsigned n = 0;

	frame_build(&frame, &s, &r);
	struct packet *p = gso_packet(PACKET_HEAD_FIRST, 50, &tail, &r);
	assert_int_equal(offload_segment(&arena, p, keep, NULL, &kept), -ENOBUFS);
	for (struct packet *next; kept; kept = next, n++) {
		next = kept->next_free;
		arena_free(&arena, kept);
	}
	assert_int_equal(n, ARENA_PACKETS - 1);
	assert_int_equal(arena.n_free, ARENA_PACKETS);
	frame_tail_free(&tail);
}

static void a_finished_checksum_is_the_one_of_the_plain_frame(void **state)
{
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 3000; round++) {
		struct frame_shape s = frame_shape_random(&r, 4000);
		struct frame_tail tail;
		static uint8_t expected[PACKET_LEN_MAX], bytes[PACKET_LEN_MAX];

		frame_build(&frame, &s, &r);
		if (round % 3 == 0) { /* make the checksum come out as 0: UDP must say 0xffff */
			uint8_t *csum = frame.b + frame_csum_ofs(&frame);
			uint8_t *word = frame.b + frame.l4 + (s.tcp ? 18 : 0);
			wire_put_u16(csum, 0);
			wire_put_u16(word, 0);
			wire_put_u16(word, naive_csum(frame_pseudo(&frame, frame.len - frame.l4),
						   frame.b + frame.l4, frame.len - frame.l4));
			frame_finish(&frame);
			assert_int_equal(wire_u16(csum), s.tcp ? 0 : 0xffff);
		}
		memcpy(expected, frame.b, frame.len);
		frame_make_partial(&frame);
		struct packet *p =
			frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);
		p->csum = PACKET_CSUM_PARTIAL;
		p->csum_start = (uint16_t)frame.l4;
		p->csum_offset = s.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS;
		assert_int_equal(offload_finish_csum(p), 0);
		assert_int_equal(p->csum, PACKET_CSUM_VALID);
		assert_true(packet_read(p, 0, p->len, bytes));
		assert_memory_equal(bytes, expected, frame.len);
		frame_tail_free(&tail);
		arena_free(&arena, p);
	}
}

static void a_checksum_that_lies_outside_the_head_is_refused(void **state)
{
	struct packet *p = arena_alloc(&arena);

	memset(p->data, 0, 60);
	p->len = p->head_len = 60;
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = 42;
	p->csum_offset = 17; /* 59 and 60: one byte too far */
	assert_int_equal(offload_finish_csum(p), -EINVAL);
	p->csum_offset = 16;
	assert_int_equal(offload_finish_csum(p), 0);
	arena_free(&arena, p);
}

static void a_frame_without_a_partial_checksum_is_left_alone(void **state)
{
	struct packet *p = arena_alloc(&arena);

	memset(p->data, 0x5a, 60);
	p->len = p->head_len = 60;
	assert_int_equal(offload_finish_csum(p), 0);
	assert_int_equal(p->csum, PACKET_CSUM_UNKNOWN);
	for (int i = 0; i < 60; i++)
		assert_int_equal(p->data[i], 0x5a);
	arena_free(&arena, p);
}

/* Bit by bit, as RFC 9260 appendix A has it. */
static uint32_t naive_crc32c(const uint8_t *b, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= b[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void an_unfinished_sctp_checksum_becomes_its_crc(void **state)
{
	static struct packet p;
	uint8_t f[400];
	struct iovec tail = {.iov_base = f + 300, .iov_len = 100};
	uint32_t crc;

	for (size_t i = 0; i < sizeof(f); i++)
		f[i] = (uint8_t)(i * 7);
	memcpy(f, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0", 14);
	memcpy(f + 14, "\x45\0\x01\x82\0\0\0\0\x40\x84\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
	packet_reset(&p);
	memcpy(p.data, f, 300);
	p.len = sizeof(f);
	p.head_len = 300;
	p.tail[0] = tail;
	p.tail_n = 1;
	p.csum = PACKET_CSUM_PARTIAL;
	p.csum_start = 34;
	p.csum_offset = 8;
	assert_int_equal(offload_finish_csum(&p), 0);
	assert_int_equal(p.csum, PACKET_CSUM_VALID);
	memset(f + 42, 0, 4);
	crc = htole32(naive_crc32c(f + 34, sizeof(f) - 34));
	assert_memory_equal(p.data + 42, &crc, 4);
	assert_int_equal(naive_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_match_those_of_a_naive_twin),
		cmocka_unit_test(a_segment_whose_udp_checksum_is_0_says_0xffff),
		cmocka_unit_test(more_segments_than_descriptors_are_sent_in_flushes),
		cmocka_unit_test(packets_that_were_rewritten_are_cut_as_they_are_now),
		cmocka_unit_test(packets_that_cannot_be_cut_are_refused_and_freed),
		cmocka_unit_test(an_arena_that_stays_dry_ends_in_enobufs),
		cmocka_unit_test(a_finished_checksum_is_the_one_of_the_plain_frame),
		cmocka_unit_test(an_unfinished_sctp_checksum_becomes_its_crc),
		cmocka_unit_test(a_checksum_that_lies_outside_the_head_is_refused),
		cmocka_unit_test(a_frame_without_a_partial_checksum_is_left_alone),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
