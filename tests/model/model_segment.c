/* Segments and checksums made in software, against a twin that knows the RFCs and no
 * trick: random stacks of headers (VLAN tags, tunnels in tunnels over IPv4 and IPv6), TCP
 * and UDP, are let in by their virtio-net header, then cut or finished, and every byte
 * that comes out is compared (stack.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gso_headers.h"
#include "offload.h"
#include "stack.h"
#include "vnet_hdr.h"

enum { ROUNDS = 6000 };

static struct arena arena;
static struct stack stack, twin; /* too large for the stack */
static uint8_t bytes[PACKET_LEN_MAX];

static int group_setup(void **state)
{
	return arena_init(&arena);
}

static int group_teardown(void **state)
{
	arena_fini(&arena); /* asserts that nothing leaked */
	return 0;
}

/* What has come out of 'stack' so far. */
struct sink {
	size_t gso_size;
	unsigned n;
	unsigned n_held;
	struct packet *held[ARENA_PACKETS];
};

static void sink_check(const struct sink *sink, const struct packet *p, unsigned i)
{
	stack_segment(&stack, i, sink->gso_size, &twin);
	assert_int_equal(p->len, twin.len);
	assert_true(packet_read(p, 0, p->len, bytes));
	assert_memory_equal(bytes, twin.b, twin.len);
	assert_int_equal(p->csum, PACKET_CSUM_VALID);
	assert_int_equal(p->gso, PACKET_GSO_NONE);
	assert_true(p->head_len >= PACKET_HEAD_FIRST || !p->tail_n);
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

static void sink_emit(struct packet *p, void *arg)
{
	struct sink *sink = arg;

	sink->held[sink->n_held++] = p;
	sink->n++;
}

static void check_cut(uint16_t gso_size, struct rng *r)
{
	static struct sink sink;
	size_t payload_len = stack.len - stack.payload;
	unsigned expected = payload_len ? (unsigned)((payload_len - 1) / gso_size + 1) : 1;
	struct virtio_net_hdr h = stack_claim(&stack, gso_size);
	struct frame_tail tail;

	stack_make_partial(&stack, true, r);
	struct packet *p = frame_packet(&arena, stack.b, stack.len, PACKET_HEAD_FIRST, &tail, r);
	assert_int_equal(vnet_hdr_apply(&h, p), 0);
	assert_int_equal(p->gso_hdr_len, stack.payload);
	assert_int_equal(p->gso_tunnel, stack.n_tunnels > 0);
	assert_int_equal(packet_frames(p), expected);
	sink = (struct sink){.gso_size = gso_size};
	assert_int_equal(offload_segment(&arena, p, sink_emit, sink_flush, &sink), expected);
	sink_flush(&sink);
	assert_int_equal(sink.n, expected);
	assert_int_equal(arena.n_free, ARENA_PACKETS);
	frame_tail_free(&tail);
}

static bool random_stack(unsigned n_tunnels, size_t payload_max, struct rng *r)
{
	bool tcp = rng_below(r, 2);
	size_t len = rng_below(r, (unsigned)payload_max + 1);

	stack_random(&stack, n_tunnels, tcp, len, r);
	return stack.payload <= PACKET_HEAD_MAX;
}

static void segments_are_those_of_the_twin_in_any_tunnel(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned done[GSO_TUNNELS_MAX + 1] = {0};

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n_tunnels = rng_below(&r, GSO_TUNNELS_MAX + 1);
		uint16_t gso_size = (uint16_t)(1 + rng_below(&r, rng_below(&r, 4) ? 2000 : 200));

		if (!random_stack(n_tunnels, rng_below(&r, 8) ? 6000 : 64000, &r))
			continue;
		if ((stack.len - stack.payload) / gso_size >= PACKET_SEGMENTS_MAX)
			gso_size = 1400;
		check_cut(gso_size, &r);
		done[n_tunnels]++;
	}
	for (unsigned i = 0; i <= GSO_TUNNELS_MAX; i++)
		assert_true(done[i] > ROUNDS / 8);
}

/* A computed 0 is 0xffff in a UDP header, the outer one as well as the inner one, and
 * 0 in one of GRE or TCP: choose a word of the payload so that it comes out so. */
static void checksums_that_come_out_as_0_are_right(void **state)
{
	struct rng r = rng_init(__func__);

	for (unsigned round = 0; round < 400; round++) {
		if (!random_stack(1 + rng_below(&r, 2), 0, &r))
			continue;
		size_t len = 3000;
		unsigned k = rng_below(&r, stack.n);
		while (!stack.layers[k].csum)
			k = (k + 1) % stack.n;
		rng_fill(&r, stack.b + stack.payload, len);
		stack.len = stack.payload + len;
		stack_finish(&stack);
		/* the checksum of the second segment, moved into a word that it covers: in the
		 * payload it changes the inner checksum too, so that an outer one is moved
		 * into a word of its own header */
		const struct layer *l = &stack.layers[k];
		size_t field = l->kind == LAYER_GRE ? l->ofs + 4 : stack_l4_csum_ofs(l);
		size_t word = k + 1 == stack.n	     ? stack.payload + 1000
			      : l->kind == LAYER_UDP ? l->ofs	   /* source port */
						     : l->ofs + 6; /* reserved */
		wire_put_u16(stack.b + word, 0);
		stack_segment(&stack, 1, 1000, &twin);
		memcpy(stack.b + word, twin.b + field, 2);
		stack_segment(&stack, 1, 1000, &twin);
		assert_int_equal(wire_u16(twin.b + field), l->kind == LAYER_UDP ? 0xffff : 0);
		check_cut(1000, &r);
	}
}

/* The sender of a tunnelled packet that is not segmented takes its inner checksum for
 * done, so that the outer ones are right once it is. */
static void an_inner_checksum_is_finished_where_it_lies(void **state)
{
	struct rng r = rng_init(__func__);

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct frame_tail tail;

		if (!random_stack(rng_below(&r, GSO_TUNNELS_MAX + 1), 3000, &r))
			continue;
		twin = stack;
		stack_make_partial(&stack, false, &r);
		struct virtio_net_hdr h = stack_claim(&stack, 0), back;
		struct packet *p =
			frame_packet(&arena, stack.b, stack.len, PACKET_HEAD_FIRST, &tail, &r);
		assert_int_equal(vnet_hdr_apply(&h, p), 0);
		vnet_hdr_fill(&back, p); /* for a port that takes it as it is */
		assert_memory_equal(&back, &h, sizeof(h));
		assert_int_equal(offload_finish_csum(p), 0);
		assert_int_equal(p->csum, PACKET_CSUM_VALID);
		assert_true(packet_read(p, 0, p->len, bytes));
		assert_memory_equal(bytes, twin.b, twin.len);
		frame_tail_free(&tail);
		arena_free(&arena, p);
	}
}

/* Tags pushed and popped around a tunnel: what is sent is as if it had come so. */
static void tunnels_are_cut_as_they_are_after_a_rewrite(void **state)
{
	struct rng r = rng_init(__func__);

	for (unsigned round = 0; round < 500; round++) {
		static struct sink sink;
		struct frame_tail tail;

		stack_vxlan(&stack, rng_below(&r, 2), rng_below(&r, 2), 5000, &r);
		struct virtio_net_hdr h = stack_claim(&stack, 1000);
		stack_make_partial(&stack, true, &r);
		struct packet *p =
			frame_packet(&arena, stack.b, stack.len, PACKET_HEAD_FIRST, &tail, &r);
		assert_int_equal(vnet_hdr_apply(&h, p), 0);
		assert_true(packet_insert(p, 12, 4));
		memcpy(p->data + 12, "\x88\xa8\x00\x05", 4);
		memmove(stack.b + 16, stack.b + 12, stack.len - 12);
		memcpy(stack.b + 12, "\x88\xa8\x00\x05", 4);
		for (unsigned k = 1; k < stack.n; k++)
			stack.layers[k].ofs += 4;
		stack.payload += 4;
		stack.len += 4;
		sink = (struct sink){.gso_size = 1000};
		assert_int_equal(offload_segment(&arena, p, sink_emit, sink_flush, &sink), 5);
		sink_flush(&sink);
		frame_tail_free(&tail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_those_of_the_twin_in_any_tunnel),
		cmocka_unit_test(checksums_that_come_out_as_0_are_right),
		cmocka_unit_test(an_inner_checksum_is_finished_where_it_lies),
		cmocka_unit_test(tunnels_are_cut_as_they_are_after_a_rewrite),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
