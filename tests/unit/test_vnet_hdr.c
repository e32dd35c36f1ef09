#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "frame.h"
#include "gso_headers.h"
#include "stack.h"
#include "vnet_hdr.h"

static struct arena arena;
static struct frame frame; /* too large for the stack */
static struct stack stack;

static int group_setup(void **state)
{
	return arena_init(&arena);
}

static int group_teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct virtio_net_hdr header(
	unsigned flags, unsigned gso_type, unsigned gso_size, size_t start, size_t offset)
{
	return (struct virtio_net_hdr){.flags = (uint8_t)flags,
		.gso_type = (uint8_t)gso_type,
		.gso_size = htole16((uint16_t)gso_size),
		.csum_start = htole16((uint16_t)start),
		.csum_offset = htole16((uint16_t)offset)};
}

/* What an honest guest says about 'frame'. */
static struct virtio_net_hdr honest_header(void)
{
	unsigned type = !frame.shape.tcp   ? VIRTIO_NET_HDR_GSO_UDP_L4
			: frame.shape.ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
					   : VIRTIO_NET_HDR_GSO_TCPV4;

	return header(VIRTIO_NET_HDR_F_NEEDS_CSUM, type, 1000, frame.l4,
		frame_csum_ofs(&frame) - frame.l4);
}

static void honest_claims_about_any_headers_are_taken(void **state)
{
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 3000; round++) {
		struct frame_shape s = frame_shape_random(&r, 8000);
		struct virtio_net_hdr back;
		struct frame_tail tail;

		frame_build(&frame, &s, &r);
		frame_make_partial(&frame);
		struct virtio_net_hdr h = honest_header();
		if (s.tcp && rng_below(&r, 2))
			h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		h.hdr_len = htole16((uint16_t)rng_u64(&r)); /* never believed */
		struct packet *p =
			frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);

		assert_int_equal(vnet_hdr_apply(&h, p), 0);
		assert_int_equal(p->csum, PACKET_CSUM_PARTIAL);
		assert_int_equal(p->csum_start, frame.l4);
		assert_int_equal(p->gso_hdr_len, frame.payload);
		assert_true(p->head_len >= frame.payload);

		vnet_hdr_fill(&back, p);
		assert_int_equal(le16toh(back.hdr_len), frame.payload);
		back.hdr_len = h.hdr_len;
		assert_memory_equal(&back, &h, sizeof(h));
		frame_tail_free(&tail);
		arena_free(&arena, p);
	}
}

static void headers_deeper_than_the_first_head_are_pulled(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .ipv6 = true, .n_tags = 50, .payload_len = 3000};
	struct frame_tail tail;

	/* 14 + 200 + 40: TCP starts at 254 and ends at 274 */
	frame_build(&frame, &s, &r);
	struct virtio_net_hdr h = honest_header();
	struct packet *p = frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);
	assert_int_equal(vnet_hdr_apply(&h, p), 0);
	assert_int_equal(p->gso_hdr_len, 274);
	assert_true(p->head_len >= 274);
	frame_tail_free(&tail);
	arena_free(&arena, p);

	s.n_tags = 115; /* TCP ends at 534: deeper than a head can be */
	frame_build(&frame, &s, &r);
	h = honest_header();
	p = frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);
	assert_int_equal(vnet_hdr_apply(&h, p), -EINVAL);
	frame_tail_free(&tail);
	arena_free(&arena, p);
}

struct claim {
	const char *what;
	struct virtio_net_hdr h;
	int rc;
};

static void check_claims(const struct frame_shape *s, const struct claim *claims, size_t n)
{
	struct rng r = rng_init(__func__);
	struct frame_tail tail;

	for (size_t i = 0; i < n; i++) {
		frame_build(&frame, s, &r);
		struct packet *p =
			frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);
		int rc = vnet_hdr_apply(&claims[i].h, p);
		frame_tail_free(&tail);
		arena_free(&arena, p);
		if (rc != claims[i].rc)
			fail_msg("%s: %d", claims[i].what, rc);
	}
}

enum {
	CSUM = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	TSO4 = VIRTIO_NET_HDR_GSO_TCPV4,
	TSO6 = VIRTIO_NET_HDR_GSO_TCPV6,
	UFO = VIRTIO_NET_HDR_GSO_UDP,
	USO = VIRTIO_NET_HDR_GSO_UDP_L4,
	ECN = VIRTIO_NET_HDR_GSO_ECN,
};

static void false_claims_about_tcp_over_ipv4_are_refused(void **state)
{
	const struct frame_shape s = {.tcp = true, .payload_len = 4000}; /* 4054 bytes */
	const struct claim claims[] = {
		{"nothing asked", header(0, 0, 0, 0, 0), 0},
		{"stale fields without their flag", header(0, 0, 77, 60000, 60000), 0},
		{"an unknown flag", header(0x80, 0, 0, 0, 0), 0},
		{"an honest checksum", header(CSUM, 0, 0, 34, 16), 0},
		{"a checksum deep in the head", header(CSUM, 0, 0, 34, 476), 0},
		{"a checksum behind the head", header(CSUM, 0, 0, 34, 477), -EINVAL},
		{"a start in the addresses", header(CSUM, 0, 0, 13, 16), -EINVAL},
		{"a start behind the frame", header(CSUM, 0, 0, 4054, 0), -EINVAL},
		{"a sum of start and offset that wraps", header(CSUM, 0, 0, 65535, 100), -EINVAL},
		{"both at their largest", header(CSUM, 0, 0, 65535, 65535), -EINVAL},
		{"honest TSO", header(CSUM, TSO4, 1448, 34, 16), 0},
		{"with ECN", header(CSUM, TSO4 | ECN, 1448, 34, 16), 0},
		{"ECN without TSO", header(CSUM, ECN, 1448, 34, 16), -EINVAL},
		{"TSO without a checksum", header(0, TSO4, 1448, 34, 16), -EINVAL},
		{"TSO with DATA_VALID", header(VIRTIO_NET_HDR_F_DATA_VALID, TSO4, 1448, 34, 16),
			-EINVAL},
		{"segments of no bytes", header(CSUM, TSO4, 0, 34, 16), -EINVAL},
		{"segments of one byte", header(CSUM, TSO4, 1, 34, 16), 0},
		{"segments larger than the frame", header(CSUM, TSO4, 65535, 34, 16), 0},
		{"IPv6", header(CSUM, TSO6, 1448, 34, 16), -EINVAL},
		{"UDP", header(CSUM, USO, 1448, 34, 6), -EINVAL},
		{"UFO", header(CSUM, UFO, 1448, 34, 16), -EINVAL},
		{"an unknown type", header(CSUM, 2, 1448, 34, 16), -EINVAL},
		{"a type beyond the known", header(CSUM, 0x41, 1448, 34, 16), -EINVAL},
		{"a start beside L4", header(CSUM, TSO4, 1448, 38, 12), -EINVAL},
		{"the checksum of UDP", header(CSUM, TSO4, 1448, 34, 6), -EINVAL},
	};

	check_claims(&s, claims, sizeof(claims) / sizeof(claims[0]));
}

static void false_claims_about_udp_over_ipv6_are_refused(void **state)
{
	const struct frame_shape s = {.ipv6 = true, .payload_len = 4000};
	const struct claim claims[] = {
		{"honest USO", header(CSUM, USO, 1448, 54, 6), 0},
		{"ECN", header(CSUM, USO | ECN, 1448, 54, 6), -EINVAL},
		{"TCP", header(CSUM, TSO6, 1448, 54, 16), -EINVAL},
		{"UFO", header(CSUM, UFO, 1448, 54, 6), -EINVAL},
		{"the checksum of TCP", header(CSUM, USO, 1448, 54, 16), -EINVAL},
		{"no checksum", header(0, USO, 1448, 54, 6), -EINVAL},
	};

	check_claims(&s, claims, sizeof(claims) / sizeof(claims[0]));
}

/* ---- within tunnels ---- */

static int apply_to_stack(struct virtio_net_hdr *h, struct rng *r)
{
	struct frame_tail tail;
	struct packet *p = frame_packet(&arena, stack.b, stack.len, PACKET_HEAD_FIRST, &tail, r);
	int rc = vnet_hdr_apply(h, p);

	frame_tail_free(&tail);
	arena_free(&arena, p);
	return rc;
}

struct flaw {
	const char *what;
	size_t ofs;    /* of a byte of the frame */
	uint8_t value; /* that it is set to */
	int rc;
};

/* Ethernet 0, IPv4 14, UDP 34, VXLAN 42, Ethernet 50, IPv4 64, TCP 84 */
static void flawed_vxlan_is_refused(void **state)
{
	static const struct flaw flaws[] = {
		{"none", 0, 0x02, 0},
		{"an outer fragment", 14 + 6, 0x20, -EINVAL},
		{"an outer IPv4 of another length", 14 + 3, 0xff, -EINVAL},
		{"an outer UDP of another length", 34 + 5, 0xff, -EINVAL},
		{"another protocol", 14 + 9, IP_PROTO_SCTP, -EINVAL},
		{"TCP around it", 14 + 9, IP_PROTO_TCP, -EINVAL},
		{"no VNI", 42, 0x01, -EINVAL},
		{"remote checksum offload", 42 + 1, 0x20, -EINVAL},
		{"an OAM packet", 42, 0x09, -EINVAL},
		{"of an unknown protocol", 42, 0x0c, -EINVAL},
		{"an inner type that is not IP", 50 + 12, 0x09, -EINVAL},
		{"an inner 802.3 length", 50 + 12, 0x05, -EINVAL},
		{"an inner IPv4 of another version", 64, 0x55, -EINVAL},
		{"an inner IPv4 with options, so that TCP is elsewhere", 64, 0x46, -EINVAL},
		{"an inner IPv4 of another length", 64 + 3, 0xff, -EINVAL},
		{"an inner fragment", 64 + 7, 0x01, -EINVAL},
		{"inner UDP", 64 + 9, IP_PROTO_UDP, -EINVAL},
		{"a TCP header that is too short", 84 + 12, 0x40, -EINVAL},
	};
	struct rng r = rng_init(__func__);

	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		stack_vxlan(&stack, true, true, 4000, &r);
		stack.b[42] = 0x08;
		stack.b[42 + 1] = stack.b[42 + 2] = stack.b[42 + 3] = 0;
		assert_int_equal(stack.layers[stack.n - 1].ofs, 84);
		struct virtio_net_hdr h = stack_claim(&stack, 1400);
		stack.b[flaws[i].ofs] = flaws[i].value;
		int rc = apply_to_stack(&h, &r);
		if (rc != flaws[i].rc)
			fail_msg("%s: %d", flaws[i].what, rc);
	}
}

/* Ethernet 0, IPv4 14, GRE with a key 34, IPv4 42, UDP 62 */
static void flawed_gre_is_refused(void **state)
{
	static const struct flaw flaws[] = {
		{"none", 0, 0x02, 0},
		{"a sequence number", 34, 0x30, -EINVAL},
		{"routing", 34, 0x60, -EINVAL},
		{"another version", 34 + 1, 0x01, -EINVAL},
		{"no key, so that IP is elsewhere", 34, 0x00, -EINVAL},
		{"a checksum, so that IP is elsewhere", 34, 0xa0, -EINVAL},
		{"another protocol", 34 + 3, 0x01, -EINVAL},
	};
	struct rng r = rng_init(__func__);

	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		stack = (struct stack){0};
		stack_push_eth(&stack, 0, &r);
		stack_push_ip(&stack, false, false, &r);
		stack_push_gre(&stack, false, true, &r);
		stack_push_ip(&stack, false, false, &r);
		stack_end(&stack, false, 4000, &r);
		struct virtio_net_hdr h = stack_claim(&stack, 1400);
		stack.b[flaws[i].ofs] = flaws[i].value;
		int rc = apply_to_stack(&h, &r);
		if (rc != flaws[i].rc)
			fail_msg("%s: %d", flaws[i].what, rc);
	}
}

static void what_segments_cannot_have_right_is_refused(void **state)
{
	struct rng r = rng_init(__func__);

	/* the outer UDP checksum behind a header that may be a routing one */
	for (int csum = 0; csum < 2; csum++) {
		stack = (struct stack){0};
		stack_push_eth(&stack, 0, &r);
		stack_push_ip(&stack, true, true, &r);
		stack_push_udp_tunnel(&stack, LAYER_VXLAN, csum, &r);
		stack_push_eth(&stack, 0, &r);
		stack_push_ip(&stack, false, false, &r);
		stack_end(&stack, true, 4000, &r);
		struct virtio_net_hdr h = stack_claim(&stack, 1400);
		assert_int_equal(apply_to_stack(&h, &r), csum ? -EINVAL : 0);
	}
	/* more tunnels than there is room for */
	for (unsigned n = GSO_TUNNELS_MAX; n < GSO_TUNNELS_MAX + 2; n++) {
		stack = (struct stack){0};
		stack_push_eth(&stack, 0, &r);
		for (unsigned i = 0; i <= n; i++)
			stack_push_ip(&stack, false, false, &r);
		stack_end(&stack, true, 4000, &r);
		struct virtio_net_hdr h = stack_claim(&stack, 1400);
		assert_int_equal(apply_to_stack(&h, &r), n == GSO_TUNNELS_MAX ? 0 : -EINVAL);
	}
	/* the checksum of the outer UDP, and segments of what it carries */
	stack_vxlan(&stack, true, false, 4000, &r);
	struct virtio_net_hdr h = stack_claim(&stack, 1400);
	h.csum_start = htole16(34);
	assert_int_equal(apply_to_stack(&h, &r), 0); /* is itself a UDP packet to be cut */
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	assert_int_equal(apply_to_stack(&h, &r), -EINVAL);
}

/* Nothing that the bytes say makes anything but segments of them, each no longer than it
 * may be: with the sanitizers, nothing is read that is not there. */
static void damaged_tunnels_are_cut_or_refused(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned taken = 0, refused = 0;

	for (int round = 0; round < 20000; round++) {
		struct frame_tail tail;

		stack_random(&stack, rng_below(&r, 4), rng_below(&r, 2), rng_below(&r, 2000), &r);
		struct virtio_net_hdr h = stack_claim(&stack, (uint16_t)(1 + rng_below(&r, 900)));
		for (unsigned n = rng_below(&r, 3); n; n--)
			stack.b[rng_below(&r, (unsigned)stack.payload)] ^=
				(uint8_t)(1u << rng_below(&r, 8));
		if (!rng_below(&r, 8))
			stack.len = 14 + rng_below(&r, (unsigned)stack.len - 14);
		struct packet *p =
			frame_packet(&arena, stack.b, stack.len, PACKET_HEAD_FIRST, &tail, &r);
		if (vnet_hdr_apply(&h, p)) {
			refused++;
		} else {
			assert_true(p->gso_hdr_len <= p->head_len);
			assert_true(p->csum_start < p->gso_hdr_len);
			taken++;
		}
		frame_tail_free(&tail);
		arena_free(&arena, p);
	}
	assert_true(taken > 1000 && refused > 1000);
}

/* ---- SCTP ---- */

static void a_checksum_where_sctp_has_it_is_sctp_s(void **state)
{
	static const struct flaw flaws[] = {
		{"SCTP in a tunnel", 64 + 9, IP_PROTO_SCTP, 0},
		{"TCP", 64 + 9, IP_PROTO_TCP, -EINVAL},
		{"a fragment", 64 + 6, 0x20, -EINVAL},
		{"SCTP in a tunnel that is none", 42, 0x01, -EINVAL},
	};
	struct rng r = rng_init(__func__);

	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		stack_vxlan(&stack, true, true, 400, &r);
		stack.b[64 + 9] = IP_PROTO_SCTP;
		stack.b[flaws[i].ofs] = flaws[i].value;
		struct virtio_net_hdr h = header(CSUM, 0, 0, 84, SCTP_CSUM_OFS);
		int rc = apply_to_stack(&h, &r);
		if (rc != flaws[i].rc)
			fail_msg("%s: %d", flaws[i].what, rc);
	}
}

static void a_checksum_that_ends_with_the_frame_is_the_last_allowed(void **state)
{
	const struct frame_shape s = {.payload_len = 0}; /* 42 bytes */
	const struct claim claims[] = {
		{"last", header(CSUM, 0, 0, 34, 6), 0},
		{"one too far", header(CSUM, 0, 0, 34, 7), -EINVAL},
	};

	check_claims(&s, claims, sizeof(claims) / sizeof(claims[0]));
}

/* The few loads for the common frame must not differ from what the parser says. */
static void short_cut_and_parser_agree_on_damaged_headers(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned taken = 0, refused = 0;

	for (int round = 0; round < 20000; round++) {
		struct frame_shape s = {.tcp = true, .payload_len = rng_below(&r, 400)};
		struct gso_headers headers = {0};
		struct frame_tail tail;

		frame_build(&frame, &s, &r);
		for (unsigned n = rng_below(&r, 3); n; n--)
			frame.b[12 + rng_below(&r, 42)] ^= (uint8_t)(1u << rng_below(&r, 8));
		if (!rng_below(&r, 8))
			frame.len = 20 + rng_below(&r, 60);
		struct virtio_net_hdr h = header(CSUM, TSO4, 1000, 34, 16);
		struct packet *p =
			frame_packet(&arena, frame.b, frame.len, PACKET_HEAD_FIRST, &tail, &r);
		struct packet *q = arena_clone(&arena, p);
		q->csum_start = 34;
		bool applies = !vnet_hdr_apply(&h, p);
		bool parses = frame.len >= 52 && !gso_headers_read(q, PACKET_GSO_TCP4, &headers) &&
			      headers.l4_ofs == 34;
		assert_int_equal(applies, parses);
		if (applies)
			assert_int_equal(p->gso_hdr_len, headers.len);
		taken += applies;
		refused += !applies;
		frame_tail_free(&tail);
		arena_free(&arena, p);
		arena_free(&arena, q);
	}
	assert_true(taken > 1000 && refused > 1000);
}

static void the_state_of_a_reused_packet_does_not_linger(void **state)
{
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .payload_len = 100};
	struct virtio_net_hdr none = header(0, 0, 0, 0, 0), back;
	struct frame_tail tail;

	frame_build(&frame, &s, &r);
	struct packet *p = frame_packet(&arena, frame.b, frame.len, 256, &tail, &r);
	struct virtio_net_hdr h = honest_header();
	h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(vnet_hdr_apply(&h, p), 0);
	assert_int_equal(vnet_hdr_apply(&none, p), 0);
	memset(&back, 0xff, sizeof(back));
	vnet_hdr_fill(&back, p);
	assert_memory_equal(&back, &none, sizeof(none));
	frame_tail_free(&tail);
	arena_free(&arena, p);
}

static void known_good_checksums_are_passed_on_as_such(void **state)
{
	struct virtio_net_hdr h = header(VIRTIO_NET_HDR_F_DATA_VALID, 0, 0, 0, 0), back;
	struct packet *p = arena_alloc(&arena);

	memset(p->data, 0, 60);
	p->len = p->head_len = 60;
	assert_int_equal(vnet_hdr_apply(&h, p), 0);
	assert_int_equal(p->csum, PACKET_CSUM_VALID);
	vnet_hdr_fill(&back, p);
	assert_memory_equal(&back, &h, sizeof(h));
	arena_free(&arena, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_claims_about_any_headers_are_taken),
		cmocka_unit_test(headers_deeper_than_the_first_head_are_pulled),
		cmocka_unit_test(false_claims_about_tcp_over_ipv4_are_refused),
		cmocka_unit_test(false_claims_about_udp_over_ipv6_are_refused),
		cmocka_unit_test(flawed_vxlan_is_refused),
		cmocka_unit_test(flawed_gre_is_refused),
		cmocka_unit_test(what_segments_cannot_have_right_is_refused),
		cmocka_unit_test(damaged_tunnels_are_cut_or_refused),
		cmocka_unit_test(a_checksum_where_sctp_has_it_is_sctp_s),
		cmocka_unit_test(a_checksum_that_ends_with_the_frame_is_the_last_allowed),
		cmocka_unit_test(short_cut_and_parser_agree_on_damaged_headers),
		cmocka_unit_test(the_state_of_a_reused_packet_does_not_linger),
		cmocka_unit_test(known_good_checksums_are_passed_on_as_such),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
