#include "vlan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire.h"

/* A frame with up to two tags: {tpid, tci} pairs, 0 ends. */
static struct packet *frame(uint16_t tpid1, uint16_t tci1, uint16_t tpid2, uint16_t tci2)
{
	static struct packet p;
	uint8_t *d;

	packet_reset(&p);
	d = p.data;
	memset(d, 0, 64);
	memcpy(d, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	d += 12;
	if (tpid1) {
		wire_put_u16(d, tpid1);
		wire_put_u16(d + 2, tci1);
		d += 4;
	}
	if (tpid2) {
		wire_put_u16(d, tpid2);
		wire_put_u16(d + 2, tci2);
		d += 4;
	}
	wire_put_u16(d, ETHERTYPE_IPV4);
	p.len = p.head_len = 64;
	return &p;
}

static struct vlan_conf conf(enum vlan_mode mode, uint16_t tag)
{
	return (struct vlan_conf){.mode = mode, .tag = tag, .all_trunks = true, .all_cvlans = true};
}

static void assert_in(
	const struct vlan_conf *c, struct packet *p, uint16_t vid, struct vlan_meta *m)
{
	enum drop_reason reason;

	assert_true(vlan_ingress(c, p, m, &reason));
	assert_int_equal(m->vid, vid);
}

static void assert_refused(const struct vlan_conf *c, struct packet *p, enum drop_reason expected)
{
	struct vlan_meta m;
	enum drop_reason reason = DROP_N;

	assert_false(vlan_ingress(c, p, &m, &reason));
	assert_string_equal(drop_name(reason), drop_name(expected));
}

/* The type fields found from byte 12 on: tpid, tci, … until one that is no tag. */
static void assert_tags(const struct packet *p, unsigned n, const uint16_t *tags)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(wire_u16(p->data + 12 + 2 * i), tags[i]);
	assert_int_equal(wire_u16(p->data + 12 + 2 * n), ETHERTYPE_IPV4);
}

static void access_port_takes_untagged_into_its_vlan(void **state)
{
	struct vlan_conf c = conf(VLAN_ACCESS, 10);
	struct packet *p = frame(0, 0, 0, 0);
	struct vlan_meta m;

	assert_in(&c, p, 10, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 0, NULL);
}

static void access_port_refuses_tagged_frames_even_of_its_own_vlan(void **state)
{
	struct vlan_conf c = conf(VLAN_ACCESS, 10);

	assert_refused(&c, frame(ETHERTYPE_CTAG, 10, 0, 0), DROP_RX_VLAN_TAGGED_ON_ACCESS);
	assert_refused(&c, frame(ETHERTYPE_STAG, 7, 0, 0), DROP_RX_VLAN_TAGGED_ON_ACCESS);
}

static void priority_tag_on_access_port_is_untagged_and_keeps_its_priority(void **state)
{
	struct vlan_conf in = conf(VLAN_ACCESS, 10), out = conf(VLAN_TRUNK, 0);
	struct packet *p = frame(ETHERTYPE_CTAG, 5 << 13, 0, 0);
	struct vlan_meta m;

	assert_in(&in, p, 10, &m);
	assert_int_equal(m.pcp, 5);
	assert_true(vlan_egress(&out, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 5 << 13 | 10});
}

static void trunk_keeps_vid_priority_dei_and_tpid(void **state)
{
	struct vlan_conf c = conf(VLAN_TRUNK, 0);
	struct packet *p = frame(ETHERTYPE_STAG, 3 << 13 | 0x1000 | 77, ETHERTYPE_CTAG, 5);
	struct vlan_meta m;

	assert_in(&c, p, 77, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 4, (uint16_t[]){ETHERTYPE_STAG, 3 << 13 | 0x1000 | 77, ETHERTYPE_CTAG, 5});
}

static void trunk_with_a_list_refuses_other_vlans_and_untagged(void **state)
{
	struct vlan_conf c = conf(VLAN_TRUNK, 0);
	struct vlan_meta m;

	c.all_trunks = false;
	vlan_set_add(c.trunks, 20);
	assert_in(&c, frame(ETHERTYPE_CTAG, 20, 0, 0), 20, &m);
	assert_refused(&c, frame(ETHERTYPE_CTAG, 21, 0, 0), DROP_RX_VLAN_NOT_MEMBER);
	assert_refused(&c, frame(0, 0, 0, 0), DROP_RX_VLAN_NOT_MEMBER);
}

static void native_untagged_sends_its_own_vlan_bare_and_others_tagged(void **state)
{
	struct vlan_conf c = conf(VLAN_NATIVE_UNTAGGED, 10);
	struct packet *p = frame(0, 0, 0, 0);
	struct vlan_meta m;

	assert_in(&c, p, 10, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 0, NULL);
	p = frame(ETHERTYPE_CTAG, 11, 0, 0);
	assert_in(&c, p, 11, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 11});
}

static void native_tagged_sends_its_own_vlan_tagged(void **state)
{
	struct vlan_conf c = conf(VLAN_NATIVE_TAGGED, 10);
	struct packet *p = frame(0, 0, 0, 0);
	struct vlan_meta m;

	assert_in(&c, p, 10, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 10});
}

static void native_vlan_need_not_be_listed_in_the_trunks(void **state)
{
	struct vlan_conf c = conf(VLAN_NATIVE_UNTAGGED, 10);
	struct vlan_meta m;

	c.all_trunks = false;
	vlan_set_add(c.trunks, 20);
	assert_in(&c, frame(0, 0, 0, 0), 10, &m);
	assert_refused(&c, frame(ETHERTYPE_CTAG, 30, 0, 0), DROP_RX_VLAN_NOT_MEMBER);
}

static void tunnel_port_wraps_a_tagged_frame_in_a_service_tag(void **state)
{
	struct vlan_conf in = conf(VLAN_DOT1Q_TUNNEL, 100), trunk = conf(VLAN_TRUNK, 0);
	struct packet *p = frame(ETHERTYPE_CTAG, 2 << 13 | 7, 0, 0);
	struct vlan_meta m;

	assert_in(&in, p, 100, &m);
	assert_true(vlan_egress(&trunk, &m, p));
	assert_tags(p, 4, (uint16_t[]){ETHERTYPE_STAG, 2 << 13 | 100, ETHERTYPE_CTAG, 2 << 13 | 7});
	/* and back */
	assert_in(&trunk, p, 100, &m);
	assert_true(vlan_egress(&in, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 2 << 13 | 7});
}

static void tunnel_port_refuses_customer_vlans_not_listed(void **state)
{
	struct vlan_conf c = conf(VLAN_DOT1Q_TUNNEL, 100);
	struct vlan_meta m;

	c.all_cvlans = false;
	vlan_set_add(c.cvlans, 7);
	assert_in(&c, frame(ETHERTYPE_CTAG, 7, 0, 0), 100, &m);
	assert_refused(&c, frame(ETHERTYPE_CTAG, 8, 0, 0), DROP_RX_VLAN_NOT_MEMBER);
	assert_refused(&c, frame(0, 0, 0, 0), DROP_RX_VLAN_NOT_MEMBER);
}

static void priority_tags_carry_priority_on_untagged_egress_as_configured(void **state)
{
	struct vlan_conf c = conf(VLAN_ACCESS, 10);
	struct packet *p = frame(ETHERTYPE_CTAG, 5 << 13, 0, 0);
	struct vlan_meta m;

	c.priority_tags = VLAN_PRIORITY_IF_NONZERO;
	assert_in(&c, p, 10, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 5 << 13});

	p = frame(0, 0, 0, 0);
	assert_in(&c, p, 10, &m);
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 0, NULL);

	c.priority_tags = VLAN_PRIORITY_ALWAYS;
	assert_true(vlan_egress(&c, &m, p));
	assert_tags(p, 2, (uint16_t[]){ETHERTYPE_CTAG, 0});
}

static void frame_that_ends_within_its_tag_is_malformed(void **state)
{
	struct vlan_conf c = conf(VLAN_TRUNK, 0);
	struct packet *p = frame(ETHERTYPE_CTAG, 5, 0, 0);

	p->len = p->head_len = 15;
	assert_refused(&c, p, DROP_RX_VLAN_MALFORMED);
}

static void priority_tag_does_not_hide_another_tag(void **state)
{
	static const enum vlan_mode modes[] = {
		VLAN_TRUNK, VLAN_ACCESS, VLAN_NATIVE_TAGGED, VLAN_NATIVE_UNTAGGED};
	struct vlan_conf tunnel = conf(VLAN_DOT1Q_TUNNEL, 100);
	struct vlan_meta m;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct vlan_conf c = conf(modes[i], 10);

		assert_refused(&c, frame(ETHERTYPE_CTAG, 5 << 13, ETHERTYPE_CTAG, 20),
			DROP_RX_VLAN_MALFORMED);
		assert_refused(
			&c, frame(ETHERTYPE_STAG, 0, ETHERTYPE_STAG, 0), DROP_RX_VLAN_MALFORMED);
	}
	assert_in(&tunnel, frame(ETHERTYPE_CTAG, 0, ETHERTYPE_CTAG, 20), 100, &m);
}

static void the_reserved_vlan_is_let_in_by_nobody_but_a_tunnel(void **state)
{
	static const enum vlan_mode modes[] = {
		VLAN_TRUNK, VLAN_ACCESS, VLAN_NATIVE_TAGGED, VLAN_NATIVE_UNTAGGED};
	struct vlan_conf tunnel = conf(VLAN_DOT1Q_TUNNEL, 100);
	struct vlan_meta m;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct vlan_conf c = conf(modes[i], 10);

		assert_refused(&c, frame(ETHERTYPE_CTAG, 0xefff, 0, 0), DROP_RX_VLAN_RESERVED);
		assert_refused(&c, frame(ETHERTYPE_STAG, 4095, 0, 0), DROP_RX_VLAN_RESERVED);
	}
	assert_in(&tunnel, frame(ETHERTYPE_CTAG, 4095, 0, 0), 100, &m);
}

static void egress_without_headroom_says_so(void **state)
{
	struct vlan_conf c = conf(VLAN_TRUNK, 0);
	struct packet *p = frame(0, 0, 0, 0);
	struct vlan_meta m = {.vid = 5, .tpid = ETHERTYPE_CTAG};

	for (unsigned i = 0; i < PACKET_HEADROOM / ETH_VLAN_LEN; i++)
		assert_true(vlan_egress(&c, &m, p));
	assert_false(vlan_egress(&c, &m, p));
}

static void vlan_sets_parse_and_name_the_wrong_word(void **state)
{
	uint64_t set[VLAN_SET_WORDS];
	const char *bad;

	assert_true(vlan_set_parse("0,10,20-22,4094", set, &bad));
	for (unsigned v = 0; v < 4096; v++)
		assert_int_equal(vlan_set_has(set, (uint16_t)v),
			v == 0 || v == 10 || (v >= 20 && v <= 22) || v == 4094);
	const char *wrong[] = {
		"", "x", "4095", "4096", "1-4095", "1,", "5-3", "1,,2", "-1", "1-", "1;2", " 1"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(vlan_set_parse(wrong[i], set, &bad));
	assert_false(vlan_set_parse("1,99999", set, &bad));
	assert_string_equal(bad, "99999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_port_takes_untagged_into_its_vlan),
		cmocka_unit_test(access_port_refuses_tagged_frames_even_of_its_own_vlan),
		cmocka_unit_test(priority_tag_on_access_port_is_untagged_and_keeps_its_priority),
		cmocka_unit_test(trunk_keeps_vid_priority_dei_and_tpid),
		cmocka_unit_test(trunk_with_a_list_refuses_other_vlans_and_untagged),
		cmocka_unit_test(native_untagged_sends_its_own_vlan_bare_and_others_tagged),
		cmocka_unit_test(native_tagged_sends_its_own_vlan_tagged),
		cmocka_unit_test(native_vlan_need_not_be_listed_in_the_trunks),
		cmocka_unit_test(tunnel_port_wraps_a_tagged_frame_in_a_service_tag),
		cmocka_unit_test(tunnel_port_refuses_customer_vlans_not_listed),
		cmocka_unit_test(priority_tags_carry_priority_on_untagged_egress_as_configured),
		cmocka_unit_test(frame_that_ends_within_its_tag_is_malformed),
		cmocka_unit_test(priority_tag_does_not_hide_another_tag),
		cmocka_unit_test(the_reserved_vlan_is_let_in_by_nobody_but_a_tunnel),
		cmocka_unit_test(egress_without_headroom_says_so),
		cmocka_unit_test(vlan_sets_parse_and_name_the_wrong_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
