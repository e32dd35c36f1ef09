#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "action.h"
#include "action_set.h"
#include "ofport.h"

#define N(cases) (sizeof(cases) / sizeof((cases)[0]))

enum { TABLE = 3 };

static const struct action_limits limits = {.n_tables = 10, .groups_max = 100, .meters_max = 50};

static int check(const char *match, const char *text, struct strbuf *why)
{
	struct instructions ins;
	struct match m;
	int err;

	assert_int_equal(match_parse(&m, match, why), 0);
	instructions_init(&ins);
	if (instructions_parse(&ins, &m, text, why))
		fail_msg("'%s': %s", text, strbuf_str(why));
	err = instructions_check(&ins, &m, TABLE, &limits, why);
	instructions_fini(&ins);
	return err;
}

static void check_possible(const char *match, const char *text)
{
	struct strbuf why = STRBUF_INIT;

	if (check(match, text, &why))
		fail_msg("'%s' of '%s': %s", text, match, strbuf_str(&why));
	assert_int_equal(why.len, 0);
}

struct wrong {
	const char *match, *text;
	int error;
	const char *reason;
};

static void check_refused(const struct wrong *w)
{
	struct strbuf why = STRBUF_INIT;
	int err = check(w->match, w->text, &why);

	if (err != w->error)
		fail_msg("'%s' of '%s': error %#x instead of %#x: %s", w->text, w->match,
			(unsigned)err, (unsigned)w->error, strbuf_str(&why));
	if (strcmp(strbuf_str(&why), w->reason) != 0)
		fail_msg("'%s' of '%s': %s\ninstead of: %s", w->text, w->match, strbuf_str(&why),
			w->reason);
	strbuf_fini(&why);
}

/* ---- what actions do to the packet ---- */

static void what_the_match_or_an_action_provides_can_be_used(void **state)
{
	static const struct {
		const char *match, *text;
	} cases[] = {
		{"", "1,in_port,normal,flood,all,local,controller,65279"},
		{"ip", "set_field:1.2.3.4->ip_src,dec_ttl,mod_nw_tos:4"},
		{"ipv6", "set_field:2001:db8::1->ipv6_src,dec_ttl"},
		{"tcp", "set_field:80->tcp_dst,move:tcp_src->reg0[0..15]"},
		{"dl_vlan=1", "pop_vlan"},
		{"", "push_vlan:0x8100,set_field:4101->vlan_vid,set_field:3->vlan_pcp,pop_vlan"},
		{"dl_vlan=1", "push_vlan:0x88a8,pop_vlan,pop_vlan"},
		{"ip", "push_mpls:0x8847,set_field:5->mpls_label,dec_mpls_ttl,copy_ttl_out"},
		{"ip", "push_mpls:0x8847,pop_mpls:0x0800,dec_ttl,set_field:1.2.3.4->ip_dst"},
		{"mpls", "pop_mpls:0x8847,pop_mpls:0x86dd,set_field:::1->ipv6_dst"},
		{"dl_vlan=1,ip", "push_mpls:0x8847,set_field:3->vlan_pcp,pop_vlan"},
		{"", "push_pbb:0x88e7,set_field:5->pbb_isid,pop_pbb"},
		{"dl_type=0x88e7", "pop_pbb"},
		{"", "set_field:0x800->eth_type,set_field:6->nw_proto,set_field:5->tcp_src"},
		{"", "load:0x1005->vlan_tci,set_field:3->vlan_pcp,pop_vlan"},
		{"reg0=0x800", "move:reg0[0..15]->eth_type,dec_ttl"},
		{"icmp6,icmp_type=135", "set_field:::1->nd_target"},
		{"arp", "move:arp_sha->arp_tha,load:2->arp_op"},
		{"", "load:0->in_port,load:7->in_port_oxm,output:reg0"},
		{"", "resubmit(,9),resubmit(,0),resubmit:3,group:100,set_queue:4294967294"},
		{"", "write_actions(pop_vlan,dec_ttl,copy_ttl_in,group:5),goto_table:9"},
		{"", "write_actions(set_field:3->vlan_pcp,push_vlan:0x8100)"},
		{"", "push_vlan:0x8100,write_actions(set_field:3->vlan_pcp)"},
		{"", "meter:50,goto_table:4"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_possible(cases[i].match, cases[i].text);
}

static void what_is_not_there_cannot_be_used(void **state)
{
#define TAG "needs a VLAN tag (vlan_vid=0x1000/0x1000)"
	static const struct wrong cases[] = {
		{"", "set_field:1.2.3.4->ip_src", BAD_ACTION_INCONSISTENT,
			"set_field:1.2.3.4->ip_src: needs ip"},
		{"arp", "dec_ttl", BAD_ACTION_INCONSISTENT, "dec_ttl: needs ip or ipv6"},
		{"", "mod_nw_ttl:3", BAD_ACTION_INCONSISTENT, "mod_nw_ttl:3: needs ip or ipv6"},
		{"udp", "set_field:80->tcp_dst", BAD_ACTION_INCONSISTENT,
			"set_field:80->tcp_dst: needs tcp or tcp6"},
		{"", "pop_vlan", BAD_ACTION_INCONSISTENT, "pop_vlan: " TAG},
		{"dl_vlan=0xffff", "pop_vlan", BAD_ACTION_INCONSISTENT, "pop_vlan: " TAG},
		{"dl_vlan=1", "pop_vlan,pop_vlan", BAD_ACTION_INCONSISTENT, "pop_vlan: " TAG},
		{"", "set_field:4101->vlan_vid", BAD_ACTION_INCONSISTENT,
			"set_field:4101->vlan_vid: " TAG},
		{"", "load:5->vlan_vid", BAD_ACTION_INCONSISTENT,
			"load:0x5->OXM_OF_VLAN_VID[]: " TAG},
		{"dl_vlan=1", "load:0->vlan_tci,pop_vlan", BAD_ACTION_INCONSISTENT,
			"pop_vlan: " TAG},
		{"dl_vlan=1", "move:reg0[0..15]->vlan_tci,pop_vlan", BAD_ACTION_INCONSISTENT,
			"pop_vlan: " TAG},
		{"dl_vlan=1", "push_pbb:0x88e7,pop_vlan", BAD_ACTION_INCONSISTENT,
			"pop_vlan: " TAG},
		{"ip", "pop_mpls:0x800", BAD_ACTION_INCONSISTENT,
			"pop_mpls:0x0800: needs mpls or mplsm"},
		{"mpls", "pop_mpls:0x800,pop_mpls:0x800", BAD_ACTION_INCONSISTENT,
			"pop_mpls:0x0800: needs mpls or mplsm"},
		{"ip", "push_mpls:0x8847,dec_ttl", BAD_ACTION_INCONSISTENT,
			"dec_ttl: needs ip or ipv6"},
		{"tcp", "push_mpls:0x8847,pop_mpls:0x800,set_field:1->tcp_src",
			BAD_ACTION_INCONSISTENT, "set_field:1->tcp_src: needs tcp or tcp6"},
		{"ip", "copy_ttl_out", BAD_ACTION_INCONSISTENT,
			"copy_ttl_out: needs mpls or mplsm"},
		{"", "pop_pbb", BAD_ACTION_INCONSISTENT, "pop_pbb: needs eth_type=0x88e7"},
		{"tcp", "set_field:17->nw_proto,set_field:5->tcp_src", BAD_ACTION_INCONSISTENT,
			"set_field:5->tcp_src: needs tcp or tcp6"},
		{"tcp", "move:reg0[0..7]->nw_proto,set_field:5->tcp_src", BAD_ACTION_INCONSISTENT,
			"set_field:5->tcp_src: needs tcp or tcp6"},
		{"ip", "set_field:0x806->eth_type,dec_ttl", BAD_ACTION_INCONSISTENT,
			"dec_ttl: needs ip or ipv6"},
		{"icmp6,icmp_type=135", "set_field:0->icmpv6_type,set_field:::1->nd_target",
			BAD_ACTION_INCONSISTENT,
			"set_field:::1->nd_target: needs icmp6 and icmp_type=135 or 136"},
		{"", "move:ip_src->reg0", BAD_ACTION_INCONSISTENT,
			"move:NXM_OF_IP_SRC[]->NXM_NX_REG0[]: needs ip"},
		{"", "move:reg0->ip_src", BAD_ACTION_INCONSISTENT,
			"move:NXM_NX_REG0[]->NXM_OF_IP_SRC[]: needs ip"},
		{"", "output:ip_src", BAD_ACTION_INCONSISTENT, "output:NXM_OF_IP_SRC[]: needs ip"},
		{"", "write_actions(set_field:1.2.3.4->ip_src)", BAD_ACTION_INCONSISTENT,
			"set_field:1.2.3.4->ip_src: needs ip"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused(&cases[i]);
}

/* What lies behind another header is another packet's. */
static void known_fields_are_forgotten_with_their_header(void **state)
{
	static const struct {
		const char *match, *text;
	} cases[] = {
		{"icmp6,icmp_type=135,ipv6_src=::1", "push_mpls:0x8847,pop_mpls:0x86dd"},
		{"mpls,mpls_label=5,mpls_ttl=3", "pop_mpls:0x86dd"},
		{"ipv6,nw_ttl=3,ipv6_label=4",
			"push_pbb:0x88e7,pop_pbb,set_field:0x86dd->eth_type"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct instructions ins;
		struct strbuf why = STRBUF_INIT;
		struct match m, expected;

		assert_int_equal(match_parse(&expected, "ipv6", &why), 0);
		assert_int_equal(match_parse(&m, cases[i].match, &why), 0);
		instructions_init(&ins);
		assert_int_equal(instructions_parse(&ins, &m, cases[i].text, &why), 0);
		for (unsigned j = 0; j < ins.apply.n; j++)
			action_follow(&ins.apply.v[j], &m);
		assert_true(match_equal(&m, &expected));
		instructions_fini(&ins);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct wrong cases[] = {
		{"", "any", BAD_ACTION_OUT_PORT, "ANY: is no port to send to"},
		{"", "table", BAD_ACTION_OUT_PORT, "TABLE: is no port to send to"},
		{"", "unset", BAD_ACTION_OUT_PORT, "UNSET: is no port to send to"},
		{"", "output:0", BAD_ACTION_OUT_PORT, "output:0: is no port to send to"},
		{"", "output(port=normal,max_len=99)", BAD_ACTION_OUT_PORT,
			"output(port=NORMAL,max_len=99): only to a port's number, IN_PORT or LOCAL "
			"with max_len"},
		{"", "group:101", BAD_ACTION_OUT_GROUP, "group:101: no group has that number"},
		{"", "set_queue:4294967295", BAD_ACTION_QUEUE,
			"set_queue:4294967295: no queue has that number"},
		{"", "push_vlan:0x8847", BAD_ACTION_ARGUMENT,
			"push_vlan:0x8847: must be 0x8100 or 0x88a8"},
		{"", "push_mpls:0x800", BAD_ACTION_ARGUMENT,
			"push_mpls:0x0800: must be 0x8847 or 0x8848"},
		{"", "push_pbb:0x800", BAD_ACTION_ARGUMENT, "push_pbb:0x0800: must be 0x88e7"},
		{"mpls", "pop_mpls:5", BAD_ACTION_ARGUMENT,
			"pop_mpls:0x0005: must be an EtherType, and not of a VLAN tag"},
		{"mpls", "pop_mpls:0x8100", BAD_ACTION_ARGUMENT,
			"pop_mpls:0x8100: must be an EtherType, and not of a VLAN tag"},
		{"ip", "set_field:no->ip_frag", BAD_ACTION_SET_TYPE,
			"set_field:no->ip_frag: the field cannot be set"},
		{"tcp", "move:reg0[0..11]->tcp_flags", BAD_ACTION_SET_TYPE,
			"move:NXM_NX_REG0[0..11]->NXM_NX_TCP_FLAGS[]: the field cannot be set"},
		{"dl_vlan=1", "set_field:5->vlan_vid", BAD_ACTION_SET_ARGUMENT,
			"set_field:5->vlan_vid: needs 0x1000 beside the VLAN ID"},
		{"", "load:1->in_port[3]", BAD_ACTION_SET_ARGUMENT,
			"load:0x1->NXM_OF_IN_PORT[3]: in_port is set as a whole"},
		{"", "load:0xffffff00->in_port_oxm", BAD_ACTION_SET_ARGUMENT,
			"load:0xffffff00->OXM_OF_IN_PORT[]: no packet comes from that port"},
		{"", "resubmit(any,3)", BAD_ACTION_ARGUMENT,
			"resubmit(ANY,3): no packet comes from that port"},
		{"", "resubmit(,10)", BAD_ACTION_ARGUMENT, "resubmit(,10): there is no such table"},
		{"", "write_actions(exit)", BAD_ACTION_TYPE, "exit: not in an action set"},
		{"", "write_actions(controller(id=5))", BAD_ACTION_TYPE,
			"controller(id=5): not in an action set"},
		{"", "write_actions(output:reg0)", BAD_ACTION_TYPE,
			"output:NXM_NX_REG0[]: not in an action set"},
		{"", "write_actions(pop_queue)", BAD_ACTION_TYPE,
			"pop_queue: not in an action set"},
		{"", "write_actions(any)", BAD_ACTION_OUT_PORT, "ANY: is no port to send to"},
		{"", "write_actions(output:0,output:1)", BAD_ACTION_OUT_PORT,
			"output:0: is no port to send to"},
		{"", "goto_table:3", BAD_INSTRUCTION_TABLE,
			"goto_table:3: must be behind table 3, and before 10"},
		{"", "goto_table:10", BAD_INSTRUCTION_TABLE,
			"goto_table:10: must be behind table 3, and before 10"},
		{"", "meter:51", METER_INVALID, "meter:51: no meter has that number"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused(&cases[i]);
}

static struct action_list parsed(const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct action_list list = {0};

	if (action_list_parse(&list, NULL, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	return list;
}

static int check_bucket(const char *text)
{
	struct action_list list = parsed(text);
	struct strbuf why = STRBUF_INIT;
	int err = action_list_check_bucket(&list, &limits, &why);

	assert_true(!err == !why.len);
	action_list_fini(&list);
	strbuf_fini(&why);
	return err;
}

static void a_bucket_asks_for_no_prerequisites(void **state)
{
	assert_int_equal(check_bucket("set_field:1.2.3.4->ip_src,pop_vlan,dec_ttl,1"), 0);
	assert_int_equal(check_bucket("exit"), BAD_ACTION_TYPE);
	assert_int_equal(check_bucket("output(port=1,max_len=99)"), BAD_ACTION_TYPE);
	assert_int_equal(check_bucket("group:101"), BAD_ACTION_OUT_GROUP);
	assert_int_equal(check_bucket("push_vlan:1"), BAD_ACTION_ARGUMENT);
}

/* ---- action sets ---- */

/* What is executed of what was written by one rule after the other. */
static void check_order(const char *const *written, const char *expected)
{
	struct action_list set = {0}, ordered = {0};
	struct strbuf out = STRBUF_INIT;

	for (; *written; written++) {
		struct action_list list = parsed(*written);

		assert_int_equal(action_set_write(&set, &list), 0);
		action_list_fini(&list);
	}
	assert_int_equal(action_set_order(&set, &ordered), 0);
	action_list_print(&ordered, &out);
	assert_string_equal(strbuf_str(&out), expected);
	strbuf_fini(&out);
	action_list_fini(&set);
	action_list_fini(&ordered);
}

#define CHECK_ORDER(expected, ...) check_order((const char *const[]){__VA_ARGS__, NULL}, expected)

static void a_set_is_executed_in_the_order_of_the_specification(void **state)
{
	CHECK_ORDER("copy_ttl_in,pop_vlan,pop_pbb,pop_mpls:0x0800,push_mpls:0x8847,push_pbb:0x88e7,"
		    "push_vlan:0x8100,copy_ttl_out,dec_ttl,dec_mpls_ttl,set_field:0x1->reg0,"
		    "mod_nw_ttl:5,set_queue:3,output:1",
		"1,set_queue:3,set_field:1->reg0,mod_nw_ttl:5,dec_mpls_ttl,dec_ttl,copy_ttl_out,"
		"push_vlan:0x8100,push_pbb:0x88e7,push_mpls:0x8847,pop_mpls:0x800,pop_pbb,pop_vlan,"
		"copy_ttl_in");
}

static void the_later_of_a_type_is_kept(void **state)
{
	CHECK_ORDER("output:2", "1", "2");
	CHECK_ORDER("output:3", "1,2,3");
	CHECK_ORDER("push_vlan:0x88a8,set_queue:9,output:1", "push_vlan:0x8100,set_queue:8",
		"push_vlan:0x88a8,set_queue:9,1");
	CHECK_ORDER("mod_nw_ttl:7", "mod_nw_ttl:5", "mod_nw_ttl:7");
}

static void fields_are_kept_beside_each_other(void **state)
{
	CHECK_ORDER("set_field:0x2->reg1,set_field:0x3->reg0,output:1",
		"set_field:1->reg0,set_field:2->reg1,1", "set_field:3->reg0");
	CHECK_ORDER("load:0x2->NXM_NX_REG0[4..7],load:0x3->NXM_NX_REG0[0..3]",
		"load:1->reg0[0..3],load:2->reg0[4..7]", "load:3->reg0[0..3]");
	CHECK_ORDER("set_field:0x9->reg0", "load:1->reg0[0..3]", "set_field:9->reg0");
	CHECK_ORDER("set_field:0x9->reg0,load:0x1->NXM_NX_REG0[0..3]", "set_field:9->reg0",
		"load:1->reg0[0..3]");
	/* what is moved in between must not be another value */
	CHECK_ORDER("set_field:0x1->reg0,move:NXM_NX_REG0[]->NXM_NX_REG1[],set_field:0x3->reg0",
		"set_field:1->reg0,move:reg0->reg1,set_field:2->reg0", "set_field:3->reg0");
}

static void a_group_beats_an_output_and_that_a_resubmit(void **state)
{
	CHECK_ORDER("group:7", "group:7", "1,resubmit(,3)");
	CHECK_ORDER("output:1", "resubmit(,3)", "1");
	CHECK_ORDER("resubmit(,3)", "resubmit(,3)");
	CHECK_ORDER("drop", "drop");
}

static void a_set_is_bounded(void **state)
{
	struct action_list set = {0}, list = parsed("move:reg0->reg1,move:reg1->reg0");
	int err = 0;
	unsigned n;

	for (n = 0; !err && n < ACTION_LIST_MAX; n++)
		err = action_set_write(&set, &list);
	assert_int_equal(err, -E2BIG);
	assert_int_equal(n, ACTION_LIST_MAX / 2 + 1);
	action_list_fini(&set);
	action_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_match_or_an_action_provides_can_be_used),
		cmocka_unit_test(what_is_not_there_cannot_be_used),
		cmocka_unit_test(known_fields_are_forgotten_with_their_header),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_bucket_asks_for_no_prerequisites),
		cmocka_unit_test(a_set_is_executed_in_the_order_of_the_specification),
		cmocka_unit_test(the_later_of_a_type_is_kept),
		cmocka_unit_test(fields_are_kept_beside_each_other),
		cmocka_unit_test(a_group_beats_an_output_and_that_a_resubmit),
		cmocka_unit_test(a_set_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
