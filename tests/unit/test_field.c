#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "field.h"
#include "parse.h"

static const struct field *field(const char *name)
{
	const struct field *f = field_lookup(name, strlen(name));

	if (!f)
		fail_msg("no field '%s'", name);
	return f;
}

static struct field_value bytes(const char *hex32)
{
	struct field_value v;

	for (int i = 0; i < FIELD_BYTES_MAX; i++) {
		unsigned b;

		assert_int_equal(sscanf(hex32 + 2 * i, "%2x", &b), 1);
		v.b[i] = (uint8_t)b;
	}
	return v;
}

/* ---- the table ---- */

static void every_field_is_bits_within_a_container_of_the_key(void **state)
{
	for (const struct field *f = fields; f < fields + FIELD_N; f++) {
		static const unsigned containers =
			1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 16;

		if (!f->name)
			fail_msg("field %d has no row", (int)(f - fields));
		if (!(containers & 1u << f->container) || !f->n_bits ||
			f->shift + f->n_bits > 8 * f->container ||
			(f->container > 8 && (f->shift || f->n_bits != 128)) ||
			f->ofs + f->container > sizeof(struct flow_key))
			fail_msg("%s: a container of %u bytes at %u, %u bits at %u", f->name,
				f->container, f->ofs, f->n_bits, f->shift);
		if (f->prereq >= PREREQ_N || f->form >= FORM_N)
			fail_msg("%s: prerequisite %u, form %u", f->name, f->prereq, f->form);
		if (8 * f->oxm_bytes < f->n_bits)
			fail_msg("%s: %u bits in %u bytes", f->name, f->n_bits, f->oxm_bytes);
		if (!f->oxm_name != !f->oxm_class || !f->nxm_name != (f->nxm_class == NXM_NONE))
			fail_msg("%s: a class without a name or the reverse", f->name);
		assert_int_equal(field_id(f), f - fields);
	}
}

static void every_name_finds_its_own_field(void **state)
{
	for (const struct field *f = fields; f < fields + FIELD_N; f++) {
		const char *const names[] = {f->name, f->alias, f->oxm_name, f->nxm_name};

		for (int i = 0; i < 4; i++)
			if (names[i] && field_lookup(names[i], strlen(names[i])) != f)
				fail_msg("'%s' is not found, or another field's", names[i]);
	}
}

static void other_names_find_none(void **state)
{
	static const char *const none[] = {"", "i", "in_por", "in_portx", "in_port ", "IN_PORT",
		"zzz", "reg16", "reg", "xxreg4", "dl_vlan", "nxm_of_in_port", "NXM_OF_"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (field_lookup(none[i], strlen(none[i])))
			fail_msg("'%s' is a field", none[i]);
	assert_null(field_lookup("in_port\0", 8));
	assert_ptr_equal(field_lookup("reg1=5", 4), &fields[FIELD_REG0 + 1]);
	assert_ptr_equal(field_lookup("reg15[0..3]", 5), &fields[FIELD_REG15]);
}

/* OpenFlow 1.3.5 section 7.2.3.7, enum oxm_ofb_match_fields, and the bits in the table of
 * required and optional fields. */
static void numbers_and_widths_are_those_of_openflow(void **state)
{
	static const struct {
		const char *name;
		unsigned bits, bytes;
	} spec[] = {
		{"in_port", 32, 4},
		{"in_phy_port", 32, 4},
		{"metadata", 64, 8},
		{"eth_dst", 48, 6},
		{"eth_src", 48, 6},
		{"eth_type", 16, 2},
		{"vlan_vid", 13, 2},
		{"vlan_pcp", 3, 1},
		{"ip_dscp", 6, 1},
		{"ip_ecn", 2, 1},
		{"ip_proto", 8, 1},
		{"ip_src", 32, 4},
		{"ip_dst", 32, 4},
		{"tcp_src", 16, 2},
		{"tcp_dst", 16, 2},
		{"udp_src", 16, 2},
		{"udp_dst", 16, 2},
		{"sctp_src", 16, 2},
		{"sctp_dst", 16, 2},
		{"icmp_type", 8, 1},
		{"icmp_code", 8, 1},
		{"arp_op", 16, 2},
		{"arp_spa", 32, 4},
		{"arp_tpa", 32, 4},
		{"arp_sha", 48, 6},
		{"arp_tha", 48, 6},
		{"ipv6_src", 128, 16},
		{"ipv6_dst", 128, 16},
		{"ipv6_label", 20, 4},
		{"icmpv6_type", 8, 1},
		{"icmpv6_code", 8, 1},
		{"nd_target", 128, 16},
		{"nd_sll", 48, 6},
		{"nd_tll", 48, 6},
		{"mpls_label", 20, 4},
		{"mpls_tc", 3, 1},
		{"mpls_bos", 1, 1},
		{"pbb_isid", 24, 3},
		{"tunnel_id", 64, 8},
		{"ipv6_exthdr", 9, 2},
	};

	for (unsigned i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		const struct field *f = field_by_oxm(OXM_BASIC, (uint8_t)i);

		if (!f || f != field(spec[i].name) || f->n_bits != spec[i].bits ||
			f->oxm_bytes != spec[i].bytes)
			fail_msg("field %u is not %s of %u bits", i, spec[i].name, spec[i].bits);
	}
	assert_null(field_by_oxm(OXM_BASIC, 40));
	assert_ptr_equal(field_by_oxm(OXM_ONF, 42), field("tcp_flags"));
	assert_ptr_equal(field_by_oxm(OXM_PACKET_REGS, 7), field("xreg7"));
	assert_null(field_by_oxm(OXM_PACKET_REGS, 8));
	assert_null(field_by_oxm(OXM_BASIC, 255));
	assert_null(field_by_oxm(0x8002, 0));
	assert_null(field_by_oxm(2, 0));
}

/* ovs-fields(7). */
static void numbers_of_open_vswitch_are_its_own(void **state)
{
	static const struct {
		uint16_t class;
		uint8_t number;
		const char *name;
	} nxm[] = {
		{0, 0, "in_port"},
		{0, 1, "eth_dst"},
		{0, 2, "eth_src"},
		{0, 3, "eth_type"},
		{0, 4, "vlan_tci"},
		{0, 6, "nw_proto"},
		{0, 7, "nw_src"},
		{0, 8, "nw_dst"},
		{0, 9, "tcp_src"},
		{0, 10, "tcp_dst"},
		{0, 11, "udp_src"},
		{0, 12, "udp_dst"},
		{0, 13, "icmp_type"},
		{0, 14, "icmp_code"},
		{0, 15, "arp_op"},
		{0, 16, "arp_spa"},
		{0, 17, "arp_tpa"},
		{1, 0, "reg0"},
		{1, 15, "reg15"},
		{1, 16, "tun_id"},
		{1, 17, "arp_sha"},
		{1, 18, "arp_tha"},
		{1, 19, "ipv6_src"},
		{1, 20, "ipv6_dst"},
		{1, 21, "icmpv6_type"},
		{1, 22, "icmpv6_code"},
		{1, 23, "nd_target"},
		{1, 24, "nd_sll"},
		{1, 25, "nd_tll"},
		{1, 26, "ip_frag"},
		{1, 27, "ipv6_label"},
		{1, 28, "nw_ecn"},
		{1, 29, "nw_ttl"},
		{1, 30, "mpls_ttl"},
		{1, 31, "tun_src"},
		{1, 32, "tun_dst"},
		{1, 33, "pkt_mark"},
		{1, 34, "tcp_flags"},
		{1, 38, "tun_gbp_id"},
		{1, 39, "tun_gbp_flags"},
		{1, 104, "tun_flags"},
		{1, 109, "tun_ipv6_src"},
		{1, 110, "tun_ipv6_dst"},
		{1, 111, "xxreg0"},
		{1, 114, "xxreg3"},
	};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(nxm) / sizeof(nxm[0]); i++)
		if (field_by_oxm(nxm[i].class, nxm[i].number) != field(nxm[i].name))
			fail_msg("%u, %u is not %s", nxm[i].class, nxm[i].number, nxm[i].name);
	for (unsigned i = 0; i < 256; i++)
		n += !!field_by_oxm(0, (uint8_t)i) + !!field_by_oxm(1, (uint8_t)i);
	/* the list above, with registers 1 to 14 and xxregs 1 and 2 */
	assert_int_equal(n, sizeof(nxm) / sizeof(nxm[0]) + 14 + 2);
}

/* ---- bits ---- */

static uint64_t get(const char *name, const struct flow_key *k)
{
	return field_value_to_u64(field_get(field(name), k));
}

static void fields_within_one_word_are_read_and_written_apart(void **state)
{
	struct flow_key k = {0};

	field_set(field("mpls_label"), &k, field_value_u64(0x12345));
	field_set(field("mpls_tc"), &k, field_value_u64(5));
	field_set(field("mpls_bos"), &k, field_value_u64(1));
	field_set(field("mpls_ttl"), &k, field_value_u64(64));
	assert_memory_equal(&k.mpls_lse, "\x12\x34\x5b\x40", 4);
	field_set(field("mpls_tc"), &k, field_value_u64(0));
	assert_memory_equal(&k.mpls_lse, "\x12\x34\x51\x40", 4);
	assert_int_equal(get("mpls_label", &k), 0x12345);
	assert_int_equal(get("mpls_bos", &k), 1);

	field_set(field("vlan_vid"), &k, field_value_u64(0x1005));
	field_set(field("vlan_pcp"), &k, field_value_u64(3));
	assert_memory_equal(&k.vlan[0].tci, "\x70\x05", 2);
	assert_int_equal(get("vlan_tci", &k), 0x7005);
	assert_int_equal(get("vlan_vid", &k), 0x1005);

	field_set(field("ip_dscp"), &k, field_value_u64(46));
	field_set(field("nw_ecn"), &k, field_value_u64(3));
	assert_int_equal(k.ip_tos, 46 << 2 | 3);
	field_set(field("pbb_isid"), &k, field_value_u64(0xabcdef));
	assert_memory_equal(&k.pbb_tci, "\x00\xab\xcd\xef", 4);
}

static void bits_beyond_a_field_are_not_written(void **state)
{
	struct flow_key k = {0};

	field_set(field("mpls_tc"), &k, field_value_u64(0xffffffff));
	assert_memory_equal(&k.mpls_lse, "\x00\x00\x0e\x00", 4);
	field_set(field("nw_ttl"), &k, field_value_u64(0x1ff));
	assert_int_equal(k.ip_ttl, 0xff);
	assert_int_equal(k.ip_tos, 0);
}

static void registers_are_views_of_each_other(void **state)
{
	const struct field_value v = bytes("00112233445566778899aabbccddeeff");
	struct flow_key k = {0};

	field_set(field("xxreg1"), &k, v);
	assert_int_equal(get("reg4", &k), 0x00112233);
	assert_int_equal(get("reg7", &k), 0xccddeeff);
	assert_true(get("xreg2", &k) == 0x0011223344556677u);
	assert_true(get("xreg3", &k) == 0x8899aabbccddeeffu);
	assert_true(field_value_equal(field_get(field("xxreg1"), &k), v));
	field_set(field("reg5"), &k, field_value_u64(1));
	assert_true(get("xreg2", &k) == 0x0011223300000001u);
	assert_int_equal(get("reg3", &k) | get("reg8", &k), 0);
}

static void runs_of_bits_are_read_and_written(void **state)
{
	struct flow_key k = {0};
	const struct field *reg = field("reg3"), *wide = field("xxreg2"), *mac = field("eth_src");

	field_set(reg, &k, field_value_u64(0xffffffff));
	field_set_bits(reg, &k, 4, 8, field_value_u64(0x1a5));
	assert_int_equal(get("reg3", &k), 0xfffffa5f);
	assert_int_equal(field_value_to_u64(field_get_bits(reg, &k, 4, 8)), 0xa5);
	assert_int_equal(field_value_to_u64(field_get_bits(reg, &k, 31, 1)), 1);

	field_set_bits(wide, &k, 60, 8, field_value_u64(0xff));
	assert_int_equal(get("reg9", &k), 0xf);
	assert_int_equal(get("reg10", &k), 0xf0000000);
	assert_int_equal(field_value_to_u64(field_get_bits(wide, &k, 56, 16)), 0x0ff0);
	field_set_bits(wide, &k, 0, 128, field_value_u64(7));
	assert_true(field_value_equal(field_get(wide, &k), field_value_u64(7)));

	field_set_bits(mac, &k, 40, 8, field_value_u64(0x52));
	field_set_bits(mac, &k, 0, 1, field_value_u64(1));
	assert_memory_equal(k.eth_src.b, "\x52\0\0\0\0\x01", 6);
}

static void ones_are_as_many_as_the_field_has_bits(void **state)
{
	for (const struct field *f = fields; f < fields + FIELD_N; f++) {
		struct field_value ones = field_ones(f);
		unsigned n = 0;

		for (int i = 0; i < FIELD_BYTES_MAX; i++)
			n += (unsigned)__builtin_popcount(ones.b[i]);
		if (n != f->n_bits || !(ones.b[FIELD_BYTES_MAX - 1] & 1))
			fail_msg("%s has %u", f->name, n);
	}
}

/* ---- the key ---- */

static void headers_come_from_the_parser_and_the_rest_stays(void **state)
{
	static const uint8_t frame[] = {0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 0x81, 0x00,
		0x60, 0x07, 0x08, 0x00, 0x45, 0xb8, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1,
		10, 0, 0, 2, 0x30, 0x39, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0, 0,
		0};
	struct flow_key k = {.in_port = htobe32(3), .reg = {htobe32(9)}};
	struct parsed p;

	memset(k.pad2, 0xff, sizeof(k.pad2));
	parse(frame, sizeof(frame), sizeof(frame), &p);
	flow_key_headers(&k, &p);
	assert_int_equal(get("eth_dst", &k), 0x525400000002);
	assert_int_equal(get("eth_type", &k), 0x0800);
	assert_int_equal(get("vlan_tci", &k), 0x7007);
	assert_int_equal(get("ip_dscp", &k), 46);
	assert_int_equal(get("nw_ttl", &k), 64);
	assert_int_equal(get("nw_proto", &k), 6);
	assert_int_equal(get("nw_src", &k), 0x0a000001);
	assert_int_equal(get("nw_dst", &k), 0x0a000002);
	assert_int_equal(get("tcp_src", &k), 12345);
	assert_int_equal(get("tcp_dst", &k), 80);
	assert_int_equal(get("tcp_flags", &k), 0x12);
	assert_int_equal(k.stop, PARSE_COMPLETE | PARSE_AT_L4 << 4);
	assert_int_equal(k.n_vlans, 1);
	assert_memory_equal(k.pad2, "\0\0\0\0", 4);
	assert_int_equal(get("in_port", &k), 3);
	assert_int_equal(get("reg0", &k), 9);
}

static void reverse_arp_has_the_fields_of_arp(void **state)
{
	static const uint8_t frame[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 1,
		0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, 0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 1, 0x52, 0x54,
		0, 0, 0, 2, 10, 0, 0, 2};
	struct flow_key k = {0};
	struct parsed p;

	parse(frame, sizeof(frame), sizeof(frame), &p);
	flow_key_headers(&k, &p);
	assert_int_equal(get("eth_type", &k), 0x8035);
	assert_int_equal(get("arp_op", &k), 3);
	assert_int_equal(get("arp_sha", &k), 0x525400000001);
	assert_int_equal(get("arp_spa", &k), 0x0a000001);
	assert_int_equal(get("arp_tha", &k), 0x525400000002);
	assert_int_equal(get("arp_tpa", &k), 0x0a000002);
}

static void a_map_tells_the_words_that_are_not_0(void **state)
{
	struct flow_key k = {0}, mask = {0}, masked;

	assert_int_equal(flow_key_map(&k), 0);
	k.in_port = htobe32(1);
	k.metadata = htobe64(5);
	k.tll.b[5] = 0x81;
	assert_int_equal(flow_key_map(&k), 1u << 0 | 1u << 2 | 1u << 30);
	memset(&mask, 0x0f, sizeof(mask));
	flow_key_mask(&masked, &k, &mask);
	assert_int_equal(masked.tll.b[5], 0x01);
	assert_int_equal(masked.in_port, htobe32(1));
	mask.metadata = 0;
	flow_key_mask(&k, &k, &mask);
	assert_int_equal(flow_key_map(&k), 1u << 0 | 1u << 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_bits_within_a_container_of_the_key),
		cmocka_unit_test(every_name_finds_its_own_field),
		cmocka_unit_test(other_names_find_none),
		cmocka_unit_test(numbers_and_widths_are_those_of_openflow),
		cmocka_unit_test(numbers_of_open_vswitch_are_its_own),
		cmocka_unit_test(fields_within_one_word_are_read_and_written_apart),
		cmocka_unit_test(bits_beyond_a_field_are_not_written),
		cmocka_unit_test(registers_are_views_of_each_other),
		cmocka_unit_test(runs_of_bits_are_read_and_written),
		cmocka_unit_test(ones_are_as_many_as_the_field_has_bits),
		cmocka_unit_test(headers_come_from_the_parser_and_the_rest_stays),
		cmocka_unit_test(reverse_arp_has_the_fields_of_arp),
		cmocka_unit_test(a_map_tells_the_words_that_are_not_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
