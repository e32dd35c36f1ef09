#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "match.h"

static int set(struct match *m, enum field_id id, uint64_t value)
{
	return match_set(m, &fields[id], field_value_u64(value), field_ones(&fields[id]));
}

static int set_masked(struct match *m, enum field_id id, uint64_t value, uint64_t mask)
{
	return match_set(m, &fields[id], field_value_u64(value), field_value_u64(mask));
}

/* What may follow only behind others. */
static struct match tcp(void)
{
	struct match m;

	match_init(&m);
	assert_int_equal(set(&m, FIELD_ETH_TYPE, 0x0800), 0);
	assert_int_equal(set(&m, FIELD_IP_PROTO, 6), 0);
	return m;
}

static void what_is_asked_stands_under_its_mask(void **state)
{
	struct match m;

	match_init(&m);
	assert_int_equal(set_masked(&m, FIELD_IPV4_SRC, 0x0a010203, 0xff000000), 0);
	assert_memory_equal(&m.mask.ip.ip4_src, "\xff\0\0\0", 4);
	assert_memory_equal(&m.key.ip.ip4_src, "\x0a\0\0\0", 4);
	assert_int_equal(flow_key_map(&m.mask), 1u << 22);
}

static void a_mask_of_0_asks_nothing(void **state)
{
	struct match m, all;

	match_init(&m);
	match_init(&all);
	assert_int_equal(set_masked(&m, FIELD_IP_PROTO, 6, 0), 0);
	assert_int_equal(set_masked(&m, FIELD_TUN_SRC, 6, 0), 0);
	assert_int_equal(set_masked(&m, FIELD_VLAN_PCP, 6, 0), 0);
	assert_true(match_equal(&m, &all));
}

static void masks_that_a_field_does_not_take_are_refused(void **state)
{
	struct match m, before;

	match_init(&m);
	match_init(&before);
	assert_int_equal(set_masked(&m, FIELD_IP_PROTO, 6, 0x0f), -EINVAL);
	assert_int_equal(set_masked(&m, FIELD_ETH_TYPE, 0x0800, 0xff00), -EINVAL);
	assert_true(match_equal(&m, &before));
	/* all bits, and some beyond it */
	assert_int_equal(set_masked(&m, FIELD_IP_PROTO, 6, 0xfff), 0);
}

static void contradictions_are_refused_and_change_nothing(void **state)
{
	struct match m = tcp(), before = m;

	assert_int_equal(set(&m, FIELD_IP_PROTO, 17), -EEXIST);
	assert_int_equal(set(&m, FIELD_IP_PROTO, 6), 0);
	assert_true(match_equal(&m, &before));
	assert_int_equal(set(&m, FIELD_XREG0, 5), 0);
	before = m;
	assert_int_equal(set(&m, FIELD_REG0 + 1, 6), -EEXIST);
	assert_int_equal(set_masked(&m, FIELD_REG0 + 1, 6, 0x4), 0);
	assert_true(match_equal(&m, &before));
}

static void what_is_asked_twice_adds_up(void **state)
{
	struct match m, both;

	match_init(&m);
	match_init(&both);
	assert_int_equal(set_masked(&m, FIELD_METADATA, 0x10, 0xf0), 0);
	assert_int_equal(set_masked(&m, FIELD_METADATA, 0x1f, 0x0f), 0);
	assert_int_equal(set_masked(&both, FIELD_METADATA, 0x1f, 0xff), 0);
	assert_true(match_equal(&m, &both));
}

static void no_tag_is_stored_in_one_way(void **state)
{
	struct match a, b, c;

	match_init(&a);
	match_init(&b);
	match_init(&c);
	assert_int_equal(set(&a, FIELD_VLAN_TCI, 0), 0);
	assert_int_equal(set_masked(&b, FIELD_VLAN_VID, 0, 0x1000), 0);
	assert_int_equal(set_masked(&c, FIELD_VLAN_TCI, 0, 0xf000), 0);
	assert_true(match_equal(&a, &b) && match_equal(&a, &c));
	assert_int_equal(a.mask.vlan[0].tci, htobe16(0x1fff));
	/* a priority in a packet that has no tag */
	assert_int_equal(set(&a, FIELD_VLAN_PCP, 0), -EEXIST);
}

static void a_tag_without_the_present_bit_is_in_no_packet(void **state)
{
	struct match m;

	match_init(&m);
	assert_int_equal(set(&m, FIELD_VLAN_VID, 5), -ERANGE);
	assert_int_equal(set_masked(&m, FIELD_VLAN_TCI, 0x4000, 0xf000), -ERANGE);
	assert_int_equal(set_masked(&m, FIELD_VLAN_VID, 5, 0xfff), 0);
	assert_int_equal(set_masked(&m, FIELD_VLAN_VID, 0, 0x1000), -ERANGE);
	assert_int_equal(set_masked(&m, FIELD_VLAN_VID, 0x1000, 0x1000), 0);
	assert_int_equal(m.key.vlan[0].tci, htobe16(0x1005));
}

static void a_priority_implies_a_tag(void **state)
{
	struct match m;

	match_init(&m);
	assert_int_equal(set(&m, FIELD_VLAN_PCP, 0), 0);
	assert_int_equal(m.mask.vlan[0].tci, htobe16(0xf000));
	assert_int_equal(m.key.vlan[0].tci, htobe16(0x1000));
}

static void a_later_fragment_is_a_fragment(void **state)
{
	struct match later, no, m;

	match_init(&later);
	match_init(&no);
	match_init(&m);
	assert_int_equal(set_masked(&later, FIELD_IP_FRAG, 2, 2), 0);
	assert_int_equal(later.key.frag, 3);
	assert_int_equal(later.mask.frag, 3);
	assert_int_equal(set_masked(&no, FIELD_IP_FRAG, 0, 1), 0);
	assert_int_equal(no.mask.frag, 3);
	assert_int_equal(set_masked(&m, FIELD_IP_FRAG, 2, 3), -ERANGE);
	/* a fragment, and not a later one: the first */
	assert_int_equal(set_masked(&m, FIELD_IP_FRAG, 1, 1), 0);
	assert_int_equal(set_masked(&m, FIELD_IP_FRAG, 0, 2), 0);
	assert_int_equal(m.key.frag, 1);
	assert_int_equal(m.mask.frag, 3);
}

static void ports_that_no_packet_comes_from_are_refused(void **state)
{
	static const uint32_t good[] = {0, 1, 0xfeff, 0xfffffff7, 0xfffffffe, 0xffffffff};
	static const uint32_t bad[] = {0xff00, 0xfffe, 0x10000, 0xffffff00, 0xfffffff6};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct match m;

		match_init(&m);
		assert_int_equal(set(&m, FIELD_IN_PORT, good[i]), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct match m;

		match_init(&m);
		assert_int_equal(set(&m, FIELD_IN_PORT, bad[i]), -ERANGE);
	}
}

static void tunnel_addresses_of_both_kinds_do_not_mix(void **state)
{
	struct match v4, v6;
	/* an IPv6 tunnel whose address begins with the same bytes */
	struct flow_key k = {.tun.ip4_src = htobe32(0x20010db8), .tun_ipv6 = 1};

	match_init(&v4);
	match_init(&v6);
	assert_int_equal(set(&v4, FIELD_TUN_SRC, 0x20010db8), 0);
	assert_false(match_hits(&v4, &k));
	k.tun_ipv6 = 0;
	assert_true(match_hits(&v4, &k));
	assert_int_equal(match_set(&v6, &fields[FIELD_TUN_IPV6_SRC],
				 field_get(&fields[FIELD_TUN_IPV6_SRC], &k),
				 field_ones(&fields[FIELD_TUN_IPV6_SRC])),
		0);
	assert_false(match_hits(&v6, &k));
	assert_false(match_overlaps(&v4, &v6));
	assert_int_equal(set(&v6, FIELD_TUN_DST, 1), -EEXIST);
}

static void wide_and_narrow_matches_are_told_apart(void **state)
{
	struct match all, wide, narrow, other;

	match_init(&all);
	wide = narrow = other = tcp();
	assert_int_equal(set_masked(&wide, FIELD_IPV4_SRC, 0x0a000000, 0xff000000), 0);
	assert_int_equal(set(&narrow, FIELD_IPV4_SRC, 0x0a000001), 0);
	assert_int_equal(set(&other, FIELD_TCP_DST, 80), 0);

	assert_true(match_covers(&all, &narrow));
	assert_true(match_covers(&wide, &narrow));
	assert_true(match_covers(&wide, &wide));
	assert_false(match_covers(&narrow, &wide));
	assert_false(match_covers(&narrow, &all));
	assert_false(match_covers(&wide, &other));
	assert_true(match_overlaps(&wide, &other));
	assert_true(match_overlaps(&wide, &narrow));
	assert_int_equal(set(&other, FIELD_IPV4_SRC, 0x0b000001), 0);
	assert_false(match_overlaps(&wide, &other));
	assert_false(match_overlaps(&other, &wide));
	assert_false(match_equal(&wide, &narrow));
}

static void a_packet_is_hit_by_all_its_fields(void **state)
{
	struct flow_key k = {.eth_type = htobe16(0x0800), .ip_proto = 6, .l4_dst = htobe16(80)};
	struct match m = tcp();

	assert_int_equal(set_masked(&m, FIELD_TCP_DST, 80, 0xfff0), 0);
	assert_true(match_hits(&m, &k));
	k.l4_dst = htobe16(95);
	assert_true(match_hits(&m, &k));
	k.l4_dst = htobe16(96);
	assert_false(match_hits(&m, &k));
	k.l4_dst = htobe16(80);
	k.ip_proto = 17;
	assert_false(match_hits(&m, &k));
}

/* ---- prerequisites ---- */

static void check_prereq(const struct match *m, const char *met)
{
	static const enum field_id of[PREREQ_N] = {[PREREQ_NONE] = FIELD_METADATA,
		[PREREQ_VLAN] = FIELD_VLAN_PCP,
		[PREREQ_MPLS] = FIELD_MPLS_LABEL,
		[PREREQ_PBB] = FIELD_PBB_ISID,
		[PREREQ_ARP] = FIELD_ARP_OP,
		[PREREQ_IPV4] = FIELD_IPV4_SRC,
		[PREREQ_IPV6] = FIELD_IPV6_SRC,
		[PREREQ_IP] = FIELD_IP_PROTO,
		[PREREQ_TCP] = FIELD_TCP_SRC,
		[PREREQ_UDP] = FIELD_UDP_SRC,
		[PREREQ_SCTP] = FIELD_SCTP_SRC,
		[PREREQ_ICMP] = FIELD_ICMP_TYPE,
		[PREREQ_ICMPV6] = FIELD_ICMPV6_TYPE,
		[PREREQ_ND] = FIELD_ND_TARGET,
		[PREREQ_ND_S] = FIELD_ND_SLL,
		[PREREQ_ND_A] = FIELD_ND_TLL};

	/* 'met': a letter for each prerequisite, '-' where it is not met */
	assert_int_equal(strlen(met), PREREQ_N);
	for (int i = 0; i < PREREQ_N; i++)
		if (match_prereq_met(m, &fields[of[i]], NULL) != (met[i] != '-'))
			fail_msg("%s: %s", met, fields[of[i]].name);
}

/*			N none V vlan M mpls B pbb A arp 4 ipv4 6 ipv6 I ip
 *			T tcp U udp S sctp c icmp C icmpv6 D nd s solicit a advert */
static void prerequisites_follow_from_types_and_protocols(void **state)
{
	static const struct {
		int type, proto, l4_src;
		const char *met;
	} cases[] = {
		{-1, -1, -1, "N---------------"},
		{0x8847, -1, -1, "N-M-------------"},
		{0x8848, -1, -1, "N-M-------------"},
		{0x88e7, -1, -1, "N--B------------"},
		{0x0806, -1, -1, "N---A-----------"},
		{0x8035, -1, -1, "N---A-----------"},
		{0x0800, -1, -1, "N----4-I--------"},
		{0x86dd, -1, -1, "N-----6I--------"},
		{0x0800, 6, -1, "N----4-IT-------"},
		{0x86dd, 6, -1, "N-----6IT-------"},
		{0x0800, 17, -1, "N----4-I-U------"},
		{0x86dd, 132, -1, "N-----6I--S-----"},
		{0x0800, 1, -1, "N----4-I---c----"},
		{0x0800, 58, -1, "N----4-I--------"},
		{0x86dd, 58, -1, "N-----6I----C---"},
		{0x86dd, 1, -1, "N-----6I--------"},
		{0x86dd, 58, 135, "N-----6I----CDs-"},
		{0x86dd, 58, 136, "N-----6I----CD-a"},
		{0x86dd, 58, 137, "N-----6I----C---"},
		{-1, 6, -1, "N---------------"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match m;

		match_init(&m);
		if (cases[i].type >= 0)
			assert_int_equal(set(&m, FIELD_ETH_TYPE, (uint64_t)cases[i].type), 0);
		if (cases[i].proto >= 0)
			assert_int_equal(set(&m, FIELD_IP_PROTO, (uint64_t)cases[i].proto), 0);
		if (cases[i].l4_src >= 0)
			assert_int_equal(set(&m, FIELD_ICMPV6_TYPE, (uint64_t)cases[i].l4_src), 0);
		check_prereq(&m, cases[i].met);
	}
}

static void a_tag_is_the_prerequisite_of_its_priority(void **state)
{
	struct match m;

	match_init(&m);
	assert_int_equal(set_masked(&m, FIELD_VLAN_VID, 5, 0xfff), 0);
	check_prereq(&m, "N---------------");
	assert_int_equal(set_masked(&m, FIELD_VLAN_VID, 0x1000, 0x1000), 0);
	check_prereq(&m, "NV--------------");
}

static void later_fragments_have_no_ports(void **state)
{
	struct match m = tcp();

	assert_int_equal(set(&m, FIELD_IP_FRAG, 3), 0);
	assert_int_equal(set(&m, FIELD_TCP_DST, 0), -ERANGE);
	assert_int_equal(set_masked(&m, FIELD_TCP_FLAGS, 2, 2), -ERANGE);
	m = tcp();
	assert_int_equal(set(&m, FIELD_TCP_DST, 80), 0);
	assert_int_equal(set_masked(&m, FIELD_IP_FRAG, 2, 2), -ERANGE);
	assert_int_equal(set_masked(&m, FIELD_IP_FRAG, 1, 1), 0);
}

static void what_a_field_needs_is_told(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct match m = tcp();

	assert_true(match_prereq_met(&m, &fields[FIELD_TCP_DST], &why));
	assert_int_equal(why.len, 0);
	assert_false(match_prereq_met(&m, &fields[FIELD_UDP_DST], &why));
	assert_string_equal(strbuf_str(&why), "needs udp or udp6");
	strbuf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_stands_under_its_mask),
		cmocka_unit_test(a_mask_of_0_asks_nothing),
		cmocka_unit_test(masks_that_a_field_does_not_take_are_refused),
		cmocka_unit_test(contradictions_are_refused_and_change_nothing),
		cmocka_unit_test(what_is_asked_twice_adds_up),
		cmocka_unit_test(no_tag_is_stored_in_one_way),
		cmocka_unit_test(a_tag_without_the_present_bit_is_in_no_packet),
		cmocka_unit_test(a_priority_implies_a_tag),
		cmocka_unit_test(a_later_fragment_is_a_fragment),
		cmocka_unit_test(ports_that_no_packet_comes_from_are_refused),
		cmocka_unit_test(tunnel_addresses_of_both_kinds_do_not_mix),
		cmocka_unit_test(wide_and_narrow_matches_are_told_apart),
		cmocka_unit_test(a_packet_is_hit_by_all_its_fields),
		cmocka_unit_test(prerequisites_follow_from_types_and_protocols),
		cmocka_unit_test(a_tag_is_the_prerequisite_of_its_priority),
		cmocka_unit_test(later_fragments_have_no_ports),
		cmocka_unit_test(what_a_field_needs_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
