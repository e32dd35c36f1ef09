#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "frame.h"
#include "parse.h"
#include "parse_frames.h"

enum { N_CASES = sizeof(parse_cases) / sizeof(parse_cases[0]) };

/* parse() of a copy that ends where the allocation ends. */
static struct parsed parse_exact(const uint8_t *frame, size_t head_len, size_t frame_len)
{
	uint8_t *copy = malloc(head_len ? head_len : 1);
	struct parsed out;

	assert_non_null(copy);
	memcpy(copy, frame, head_len);
	memset(&out, 0xa5, sizeof(out)); /* parse() writes it whole */
	parse(copy, head_len, frame_len, &out);
	free(copy);
	return out;
}

static void check_equal(const char *name, const struct parsed *got, const struct parsed *expected)
{
	const uint8_t *a = (const uint8_t *)got, *b = (const uint8_t *)expected;

	for (size_t i = 0; i < sizeof(*got); i++)
		if (a[i] != b[i])
			fail_msg("%s: byte %zu of struct parsed is 0x%02x, not 0x%02x", name, i,
				a[i], b[i]);
}

static void frames_read_as_scapy_wrote_them(void **state)
{
	for (int i = 0; i < N_CASES; i++) {
		const struct parse_case *c = &parse_cases[i];
		struct parsed got = parse_exact(c->frame, c->len, c->len);

		check_equal(c->name, &got, &c->expected);
	}
}

/* As a tunnel carries it: without Ethernet, and with nothing of it in the result. */
static void what_follows_an_ethertype_reads_the_same_without_what_is_before(void **state)
{
	unsigned n = 0;

	for (int i = 0; i < N_CASES; i++) {
		const struct parse_case *c = &parse_cases[i];
		const struct parsed *all = &c->expected;
		uint16_t l3 = all->l3_ofs, type = be16toh(all->eth_type);
		struct parsed got, want = *all;

		if (!l3)
			continue;
		uint8_t *copy = malloc(c->len - l3 ? c->len - l3 : 1);
		assert_non_null(copy);
		memcpy(copy, c->frame + l3, c->len - l3);
		memset(&got, 0xa5, sizeof(got));
		parse_from_l3(copy, c->len - l3, c->len - l3, type, &got);
		free(copy);
		want.has &= (uint16_t)~PARSED_SNAP;
		want.stop_ofs -= l3;
		want.l4_ofs -= all->l4_ofs ? l3 : 0;
		want.payload_ofs -= all->payload_ofs ? l3 : 0;
		want.type_ofs = want.l3_ofs = want.n_vlans = 0;
		memset(&want.eth_dst, 0, sizeof(want.eth_dst));
		memset(&want.eth_src, 0, sizeof(want.eth_src));
		memset(want.vlan, 0, sizeof(want.vlan));
		check_equal(c->name, &got, &want);
		n++;
	}
	assert_true(n > 20);
}

static const struct parse_case *case_lookup(const char *name)
{
	for (int i = 0; i < N_CASES; i++)
		if (!strcmp(parse_cases[i].name, name))
			return &parse_cases[i];
	fail_msg("no case %s", name);
	return NULL;
}

static void neighbour_options_of_impossible_lengths_hide_all_of_them(void **state)
{
	const struct parse_case *c = case_lookup("neighbour_solicitation");
	const struct {
		uint8_t units;
		enum parse_stop stop;
	} lengths[] = {{0, PARSE_MALFORMED}, {2, PARSE_TRUNCATED}, {255, PARSE_TRUNCATED}};
	struct parsed got;
	uint8_t b[128] = {0};

	memcpy(b, c->frame, c->len);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		b[79] = lengths[i].units; /* of the option at 78, the last 8 bytes */
		parse(b, c->len, c->len, &got);
		assert_int_equal(got.stop, lengths[i].stop);
		assert_int_equal(got.stop_ofs, 78);
		assert_int_equal(got.has, PARSED_IPV6 | PARSED_ICMPV6);
		assert_int_equal(eth_addr_u64(got.sll), 0);
	}
	b[79] = 2; /* all there, but no Ethernet address is 14 bytes long */
	b[19] += 8;
	parse(b, c->len + 8, c->len + 8, &got);
	assert_int_equal(got.stop, PARSE_MALFORMED);
	assert_int_equal(got.has, PARSED_IPV6 | PARSED_ICMPV6);
}

static void llc_frames_too_short_for_snap_are_unknown_not_truncated(void **state)
{
	static const uint8_t b[] = {1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 3, 0xaa, 0xaa, 3};
	struct parsed got = parse_exact(b, sizeof(b), sizeof(b));

	assert_int_equal(got.stop, PARSE_UNKNOWN);
	assert_int_equal(be16toh(got.eth_type), ETHERTYPE_NONE);
	assert_int_equal(got.payload_ofs, 14);
	assert_int_equal(got.l3_ofs, 0);
}

/* The layers of 'part' are among those of 'whole', with the same fields. */
static void check_part(const struct parsed *part, const struct parsed *whole)
{
	assert_int_equal(part->has & ~whole->has, 0);
	if (part->has & (PARSED_IPV4 | PARSED_IPV6 | PARSED_ARP)) {
		assert_memory_equal(&part->src, &whole->src, sizeof(part->src));
		assert_memory_equal(&part->dst, &whole->dst, sizeof(part->dst));
		assert_int_equal(part->l3_ofs, whole->l3_ofs);
	} else {
		assert_int_equal(part->ip_proto, 0);
		assert_int_equal(part->ip4_src, 0);
	}
	if (part->has & (PARSED_TCP | PARSED_UDP | PARSED_SCTP | PARSED_ICMP | PARSED_ICMPV6)) {
		assert_int_equal(part->l4_src, whole->l4_src);
		assert_int_equal(part->l4_dst, whole->l4_dst);
		assert_int_equal(part->l4_ofs, whole->l4_ofs);
	} else {
		assert_int_equal(part->l4_src, 0);
		assert_int_equal(part->l4_dst, 0);
	}
}

static void a_shorter_head_is_told_from_a_shorter_frame(void **state)
{
	for (int i = 0; i < N_CASES; i++) {
		const struct parse_case *c = &parse_cases[i];

		for (size_t n = 0; n < c->len; n++) {
			struct parsed head = parse_exact(c->frame, n, c->len);
			struct parsed frame = parse_exact(c->frame, n, n);

			check_part(&head, &c->expected);
			if (head.stop != PARSE_DEEPER)
				check_equal(c->name, &head, &c->expected);
			else
				assert_true(head.stop_ofs <= c->len);
			assert_int_not_equal(frame.stop, PARSE_DEEPER);
			if (n < ETH_HEADER_LEN)
				assert_int_equal(frame.stop, PARSE_TRUNCATED);
		}
	}
}

static void the_head_may_be_longer_than_the_frame(void **state)
{
	for (int i = 0; i < N_CASES; i++) {
		const struct parse_case *c = &parse_cases[i];
		uint8_t b[1024];
		struct parsed got;

		memset(b, 0, sizeof(b));
		memcpy(b, c->frame, c->len);
		parse(b, sizeof(b), c->len, &got);
		check_equal(c->name, &got, &c->expected);
	}
}

static void layers_are_found_behind_any_tags_options_and_extensions(void **state)
{
	static struct frame f;
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 20000; round++) {
		struct frame_shape s = frame_shape_random(&r, 100);
		unsigned padding = rng_below(&r, 20);

		frame_build(&f, &s, &r);
		struct parsed got = parse_exact(f.b, f.len, f.len + padding);
		assert_int_equal(got.stop, PARSE_COMPLETE);
		assert_int_equal(got.stop_layer, PARSE_AT_L4);
		assert_int_equal(got.n_vlans, s.n_tags);
		assert_int_equal(got.type_ofs, 12 + 4 * s.n_tags);
		assert_int_equal(got.l3_ofs, f.l3);
		assert_int_equal(got.l4_ofs, f.l4);
		assert_int_equal(got.payload_ofs, f.payload);
		assert_int_equal(got.has,
			(s.ipv6 ? PARSED_IPV6 : PARSED_IPV4) | (s.tcp ? PARSED_TCP : PARSED_UDP));
		assert_int_equal(got.frag, PARSE_FRAG_NONE);
		assert_memory_equal(&got.l4_src, f.b + f.l4, 2);
		assert_memory_equal(&got.l4_dst, f.b + f.l4 + 2, 2);
		for (unsigned i = 0; i < 2; i++) {
			struct parsed_vlan want = {0};

			if (i < s.n_tags) {
				memcpy(&want, f.b + 12 + 4 * i, sizeof(want));
				want.tci |= htobe16(PARSED_VLAN_PRESENT);
			}
			assert_memory_equal(&got.vlan[i], &want, sizeof(want));
		}
	}
}

static void tags_are_counted_as_deep_as_the_head_goes(void **state)
{
	static struct frame f;
	struct rng r = rng_init(__func__);
	struct frame_shape s = {.tcp = true, .n_tags = 140};

	frame_build(&f, &s, &r);
	struct parsed got = parse_exact(f.b, f.len, f.len);
	assert_int_equal(got.n_vlans, 140);
	assert_int_equal(got.stop, PARSE_COMPLETE);

	s.n_tags = 200; /* beyond PARSE_LEN_MAX, though the head is longer */
	frame_build(&f, &s, &r);
	got = parse_exact(f.b, f.len, f.len);
	assert_int_equal(got.stop, PARSE_DEEPER);
	assert_int_equal(got.stop_layer, PARSE_AT_VLAN);
	assert_int_equal(got.n_vlans, (PARSE_LEN_MAX - 14) / 4);
}

static void damaged_frames_yield_offsets_within_the_frame(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned stops[PARSE_STOP_N] = {0};

	for (int round = 0; round < 200000; round++) {
		const struct parse_case *c = &parse_cases[rng_below(&r, N_CASES)];
		uint8_t b[512];

		memcpy(b, c->frame, c->len);
		for (unsigned n = 1 + rng_below(&r, 4); n; n--)
			b[12 + rng_below(&r, (unsigned)c->len - 12)] = (uint8_t)rng_u64(&r);
		size_t head_len = rng_below(&r, 2) ? c->len : rng_below(&r, (unsigned)c->len);
		struct parsed got = parse_exact(b, head_len, c->len);
		assert_true(got.stop < PARSE_STOP_N && got.stop_layer < PARSE_LAYER_N);
		assert_true(got.stop_ofs <= c->len && got.payload_ofs <= c->len);
		assert_true(got.l3_ofs <= c->len && got.l4_ofs <= c->len);
		if (got.stop == PARSE_COMPLETE)
			assert_true(got.payload_ofs > 0);
		if (head_len == c->len)
			assert_int_not_equal(got.stop, PARSE_DEEPER);
		stops[got.stop]++;
	}
	for (int i = 0; i < PARSE_STOP_N; i++)
		assert_true(stops[i] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_read_as_scapy_wrote_them),
		cmocka_unit_test(what_follows_an_ethertype_reads_the_same_without_what_is_before),
		cmocka_unit_test(neighbour_options_of_impossible_lengths_hide_all_of_them),
		cmocka_unit_test(llc_frames_too_short_for_snap_are_unknown_not_truncated),
		cmocka_unit_test(a_shorter_head_is_told_from_a_shorter_frame),
		cmocka_unit_test(the_head_may_be_longer_than_the_frame),
		cmocka_unit_test(layers_are_found_behind_any_tags_options_and_extensions),
		cmocka_unit_test(tags_are_counted_as_deep_as_the_head_goes),
		cmocka_unit_test(damaged_frames_yield_offsets_within_the_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
