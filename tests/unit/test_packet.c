#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame.h"

static int arena_setup(void **state)
{
	struct arena *a = malloc(sizeof(*a));

	*state = a;
	return a ? arena_init(a) : -1;
}

static int arena_teardown(void **state)
{
	struct arena *a = *state;

	arena_fini(a); /* asserts that nothing leaked */
	free(a);
	return 0;
}

static void an_unused_arena_takes_no_memory(void **state)
{
	struct arena *a = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = sizeof(struct packet) * ARENA_PACKETS;
	unsigned char resident[sizeof(struct packet) * ARENA_PACKETS / 4096 + 1];
	unsigned n = 0;

	arena_free(a, arena_alloc(a));
	assert_int_equal(mincore(a->packets, len, resident), 0);
	for (size_t i = 0; i < (len + page - 1) / page; i++)
		n += resident[i] & 1;
	assert_in_range(n, 1, 2);
}

static void the_arena_gives_every_descriptor_once_and_then_none(void **state)
{
	static struct packet *taken[ARENA_PACKETS];
	struct arena *a = *state;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < ARENA_PACKETS; i++) {
			taken[i] = arena_alloc(a);
			assert_non_null(taken[i]);
			taken[i]->pcp = 1; /* reset to 0 when it is given again */
			taken[i]->len = (uint32_t)i;
		}
		assert_null(arena_alloc(a));
		for (int i = 0; i < ARENA_PACKETS; i++)
			assert_int_equal(taken[i]->len, i);
		assert_null(arena_clone(a, taken[0]));
		for (int i = 0; i < ARENA_PACKETS; i++)
			arena_free(a, taken[i]);
		struct packet *p = arena_alloc(a);
		assert_int_equal(p->pcp, 0);
		assert_int_equal(p->len, 0);
		arena_free(a, p);
	}
}

static void receive_buffers_come_back_with_the_end_of_the_burst(void **state)
{
	struct arena *a = *state;
	uint8_t *first = arena_buffer(a);

	for (int i = 1; i < ARENA_BUFFERS; i++)
		memset(arena_buffer(a), i, ARENA_BUFFER_LEN);
	assert_null(arena_buffer(a));
	arena_release(a);
	assert_ptr_equal(arena_buffer(a), first);
	arena_release(a);
}

/* Is 'p' exactly the bytes of 'b'? */
static void assert_packet(const struct packet *p, const uint8_t *b, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	size_t sum = p->head_len;

	assert_non_null(copy);
	for (int i = 0; i < p->tail_n; i++)
		sum += p->tail[i].iov_len;
	assert_int_equal(p->len, len);
	assert_int_equal(sum, len);
	assert_true(packet_read(p, 0, len, copy));
	assert_memory_equal(copy, b, len);
	free(copy);
}

static void a_pull_makes_bytes_linear_across_pieces(void **state)
{
	struct rng r = rng_init(__func__);
	struct arena *a = *state;
	struct frame_tail tail;
	uint8_t b[2000];

	rng_fill(&r, b, sizeof(b));
	for (int round = 0; round < 2000; round++) {
		size_t len = 1 + rng_below(&r, sizeof(b)), want = rng_below(&r, 600);
		struct packet *p = frame_packet(a, b, len, rng_below(&r, 300), &tail, &r);
		size_t before = p->head_len;

		if (packet_pull(p, want)) {
			assert_true(want <= len && want <= PACKET_HEAD_MAX);
			assert_int_equal(p->head_len, want > before ? want : before);
			assert_memory_equal(p->data, b, p->head_len);
		} else {
			assert_true(want > len || want > PACKET_HEAD_MAX);
			assert_int_equal(p->head_len, before);
		}
		assert_packet(p, b, len);
		frame_tail_free(&tail);
		arena_free(a, p);
	}
}

static void a_pull_stops_where_the_buffer_ends(void **state)
{
	struct arena *a = *state;
	struct packet *p = arena_alloc(a);
	static uint8_t rest[1000];

	p->len = 256 + sizeof(rest);
	p->head_len = 256;
	p->tail[p->tail_n++] = (struct iovec){.iov_base = rest, .iov_len = sizeof(rest)};
	packet_remove(p, 0, 100); /* the head now starts 228 bytes into the buffer */
	assert_true(packet_pull(p, PACKET_HEAD_MAX - 100));
	assert_false(packet_pull(p, PACKET_HEAD_MAX - 99));
	arena_free(a, p);
}

static void inserts_and_removes_match_a_plain_array(void **state)
{
	struct rng r = rng_init(__func__);
	struct arena *a = *state;
	struct frame_tail tail;
	uint8_t b[3000];

	for (int round = 0; round < 300; round++) {
		size_t len = 300 + rng_below(&r, 1500), room = PACKET_HEADROOM;
		rng_fill(&r, b, len);
		struct packet *p = frame_packet(a, b, len, PACKET_HEAD_FIRST, &tail, &r);

		for (int step = 0; step < 60; step++) {
			size_t ofs = rng_below(&r, p->head_len < 60 ? p->head_len + 1u : 60);
			size_t n = rng_below(&r, 40);
			if (rng_below(&r, 2)) {
				bool ok = packet_insert(p, ofs, n);
				assert_int_equal(ok, n <= room);
				if (!ok)
					continue;
				rng_fill(&r, p->data + ofs, n);
				memmove(b + ofs + n, b + ofs, len - ofs);
				memcpy(b + ofs, p->data + ofs, n);
				len += n;
				room -= n;
			} else if (ofs + n <= p->head_len) {
				packet_remove(p, ofs, n);
				memmove(b + ofs, b + ofs + n, len - ofs - n);
				len -= n;
				room += n;
			}
			assert_packet(p, b, len);
		}
		frame_tail_free(&tail);
		arena_free(a, p);
	}
}

static struct packet *tso_packet(struct arena *a)
{
	struct packet *p = arena_alloc(a);

	memset(p->data, 0, 200);
	p->len = p->head_len = 200;
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 16;
	p->gso = PACKET_GSO_TCP4;
	p->gso_size = 100;
	p->gso_hdr_len = 54;
	return p;
}

static void offloads_move_with_the_headers_that_they_are_for(void **state)
{
	struct arena *a = *state;
	struct packet *p = tso_packet(a);

	assert_true(packet_insert(p, 12, 4));
	assert_int_equal(p->csum_start, 38);
	assert_int_equal(p->gso_hdr_len, 58);
	packet_remove(p, 12, 4);
	assert_int_equal(p->csum_start, 34);
	assert_int_equal(p->gso_hdr_len, 54);
	assert_true(packet_insert(p, 34, 8)); /* right before L4 */
	assert_int_equal(p->csum_start, 42);
	packet_remove(p, 34, 8);
	assert_true(packet_insert(p, 100, 8)); /* within the payload */
	assert_int_equal(p->csum_start, 34);
	assert_int_equal(p->gso_hdr_len, 54);
	packet_remove(p, 100, 8);
	assert_true(packet_insert(p, 54, 4)); /* before the payload: one more TCP option */
	assert_int_equal(p->csum_start, 34);
	assert_int_equal(p->gso_hdr_len, 58);
	packet_remove(p, 52, 4); /* right behind the checksum */
	assert_int_equal(p->csum_start, 34);
	assert_int_equal(p->gso_hdr_len, 54);
	assert_int_equal(p->csum, PACKET_CSUM_PARTIAL);
	assert_int_equal(p->gso, PACKET_GSO_TCP4);
	arena_free(a, p);
}

static void an_offload_whose_header_is_removed_is_asked_for_no_more(void **state)
{
	static const struct {
		size_t ofs, len;
	} cuts[] = {{30, 10}, {34, 4}, {0, 54}, {0, 52}, {48, 4}};
	struct arena *a = *state;

	for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct packet *p = tso_packet(a);
		packet_remove(p, cuts[i].ofs, cuts[i].len);
		assert_int_equal(p->csum, PACKET_CSUM_UNKNOWN);
		assert_int_equal(p->gso, PACKET_GSO_NONE);
		arena_free(a, p);
	}
}

static void slices_describe_any_range_and_nothing_else(void **state)
{
	struct rng r = rng_init(__func__);
	struct arena *a = *state;
	struct frame_tail tail;
	uint8_t b[1500];

	rng_fill(&r, b, sizeof(b));
	for (int round = 0; round < 3000; round++) {
		size_t len = rng_below(&r, sizeof(b) + 1), sum = 0;
		struct packet *p = frame_packet(a, b, len, rng_below(&r, 300), &tail, &r);
		size_t ofs = rng_below(&r, (unsigned)len + 20),
		       n = rng_below(&r, (unsigned)len + 20);
		struct iovec iov[PACKET_TAIL_MAX + 1];
		int pieces = packet_slices(p, ofs, n, iov, PACKET_TAIL_MAX + 1);

		if (ofs + n > len) {
			assert_int_equal(pieces, -ERANGE);
			assert_false(packet_read(p, ofs, n, NULL));
			pieces = 0;
			n = 0;
		}
		for (int i = 0; i < pieces; i++) {
			assert_true(iov[i].iov_len > 0);
			assert_memory_equal(iov[i].iov_base, b + ofs + sum, iov[i].iov_len);
			sum += iov[i].iov_len;
		}
		assert_int_equal(sum, n);
		if (pieces > 0)
			assert_int_equal(packet_slices(p, ofs, n, iov, pieces - 1), -ERANGE);
		frame_tail_free(&tail);
		arena_free(a, p);
	}
}

static void ranges_that_overflow_are_out_of_range(void **state)
{
	struct arena *a = *state;
	struct packet *p = tso_packet(a);
	struct iovec iov;

	assert_int_equal(packet_slices(p, 1, SIZE_MAX, &iov, 1), -ERANGE);
	assert_int_equal(packet_slices(p, SIZE_MAX, 2, &iov, 1), -ERANGE);
	assert_int_equal(packet_slices(p, 200, 0, &iov, 1), 0);
	arena_free(a, p);
}

static void a_clone_has_a_head_of_its_own_and_the_same_frame(void **state)
{
	struct rng r = rng_init(__func__);
	struct arena *a = *state;
	struct frame_tail tail;
	uint8_t b[1500];

	rng_fill(&r, b, sizeof(b));
	struct packet *p = frame_packet(a, b, sizeof(b), PACKET_HEAD_FIRST, &tail, &r);
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 6;
	p->hops = 2;
	assert_true(packet_insert(p, 12, 4));
	struct packet *c = arena_clone(a, p);
	packet_remove(p, 12, 4);
	memset(p->data, 0, 12);
	assert_int_equal(c->csum_start, 38);
	assert_int_equal(c->hops, 2);
	packet_remove(c, 12, 4);
	assert_packet(c, b, sizeof(b));
	frame_tail_free(&tail);
	arena_free(a, p);
	arena_free(a, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_unused_arena_takes_no_memory, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(the_arena_gives_every_descriptor_once_and_then_none,
			arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(receive_buffers_come_back_with_the_end_of_the_burst,
			arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			a_pull_makes_bytes_linear_across_pieces, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			a_pull_stops_where_the_buffer_ends, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			inserts_and_removes_match_a_plain_array, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(offloads_move_with_the_headers_that_they_are_for,
			arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			an_offload_whose_header_is_removed_is_asked_for_no_more, arena_setup,
			arena_teardown),
		cmocka_unit_test_setup_teardown(
			slices_describe_any_range_and_nothing_else, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			ranges_that_overflow_are_out_of_range, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_clone_has_a_head_of_its_own_and_the_same_frame,
			arena_setup, arena_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
