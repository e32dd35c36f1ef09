#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "action.h"
#include "ofport.h"

struct pair {
	const char *text, *other;
};

#define N(cases) (sizeof(cases) / sizeof((cases)[0]))

static struct instructions parsed(const char *match, const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct instructions ins;
	struct match m;

	assert_int_equal(match_parse(&m, match, &why), 0);
	instructions_init(&ins);
	if (instructions_parse(&ins, &m, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	assert_int_equal(why.len, 0);
	return ins;
}

/* What is printed is read as the same, too. */
static void check_printed(const char *match, const char *text, const char *expected)
{
	struct instructions ins = parsed(match, text), again;
	struct strbuf out = STRBUF_INIT;

	instructions_print(&ins, &out);
	if (strcmp(strbuf_str(&out), expected) != 0)
		fail_msg("'%s' prints '%s' instead of '%s'", text, strbuf_str(&out), expected);
	again = parsed("", strbuf_str(&out));
	if (!instructions_equal(&ins, &again))
		fail_msg("'%s' is read as something else", strbuf_str(&out));
	instructions_fini(&ins);
	instructions_fini(&again);
	strbuf_fini(&out);
}

static void check_refused(const char *match, const char *text, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	struct instructions ins;
	struct match m;

	assert_int_equal(match_parse(&m, match, &why), 0);
	instructions_init(&ins);
	if (instructions_parse(&ins, &m, text, &why) != -EINVAL)
		fail_msg("'%s' is taken", text);
	if (strcmp(strbuf_str(&why), reason) != 0)
		fail_msg("'%s': %s\ninstead of: %s", text, strbuf_str(&why), reason);
	instructions_fini(&ins);
	strbuf_fini(&why);
}

/* ---- what is printed; tests/interop/flow_actions.sh compares it with Open vSwitch ---- */

static void actions_are_printed_as_open_vswitch_does(void **state)
{
	static const struct pair cases[] = {
		{"", "drop"},
		{"drop", "drop"},
		{" 1 ,, output:2 3", "output:1,output:2,output:3"},
		{"in_port,output:LOCAL,NORMAL,flood,all", "IN_PORT,LOCAL,NORMAL,FLOOD,ALL"},
		{"controller", "CONTROLLER:65535"},
		{"CONTROLLER:0", "CONTROLLER:0"},
		{"controller(reason=action,max_len=7)", "CONTROLLER:7"},
		{"controller(id=3)", "controller(id=3)"},
		{"controller(max_len=100 id=5,reason=no_match)",
			"controller(reason=no_match,max_len=100,id=5)"},
		{"output:reg0[0..15]", "output:NXM_NX_REG0[0..15]"},
		{"output:in_port_oxm", "output:OXM_OF_IN_PORT[]"},
		{"output(port=1,max_len=100)", "output(port=1,max_len=100)"},
		{"group:5,set_queue(7),pop_queue", "group:5,set_queue:7,pop_queue"},
		{"enqueue:1:2,enqueue(local,3)",
			"set_queue:2,output:1,pop_queue,set_queue:3,LOCAL,pop_queue"},
		{"push_vlan:33024,pop_vlan,strip_vlan", "push_vlan:0x8100,pop_vlan,pop_vlan"},
		{"push_mpls:0x8847,pop_mpls:0x800", "push_mpls:0x8847,pop_mpls:0x0800"},
		{"push_pbb:0x88e7,pop_pbb", "push_pbb:0x88e7,pop_pbb"},
		{"set_mpls_ttl:5,dec_mpls_ttl,mod_nw_ttl:9,set_nw_ttl:8,dec_ttl",
			"set_mpls_ttl(5),dec_mpls_ttl,mod_nw_ttl:9,mod_nw_ttl:8,dec_ttl"},
		{"copy_ttl_out,copy_ttl_in", "copy_ttl_out,copy_ttl_in"},
		{"resubmit:5,resubmit(5),resubmit(,3),resubmit(local,3),resubmit(in_port,4)",
			"resubmit:5,resubmit:5,resubmit(,3),resubmit(LOCAL,3),resubmit(,4)"},
		{"exit", "exit"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_printed("", cases[i].text, cases[i].other);
}

static void settings_are_printed_as_open_vswitch_does(void **state)
{
	static const struct pair cases[] = {
		{"set_field:00:11:22:33:44:55->dl_src", "set_field:00:11:22:33:44:55->eth_src"},
		{"set_field:local->in_port", "set_field:LOCAL->in_port"},
		{"set_field:5->ipv6_label", "set_field:0x5->ipv6_label"},
		{"set_field:5->vlan_tci", "set_field:0x5->vlan_tci"},
		{"set_field:16->nw_tos", "set_field:4->ip_dscp"},
		{"set_field:+oam->tun_flags", "set_field:oam->tun_flags"},
		{"set_field:1.2.3.4/24->ip_src", "load:0x10203->NXM_OF_IP_SRC[8..31]"},
		{"set_field:5/5->reg0", "load:0x1->NXM_NX_REG0[0],load:0x1->NXM_NX_REG0[2]"},
		{"set_field:2001:db8::1/64->ipv6_src",
			"load:0x20010db800000000->NXM_NX_IPV6_SRC[64..127]"},
		{"set_field:0x10000000000000005/0x1000000000000000f->xxreg0",
			"load:0x5->NXM_NX_XXREG0[0..3],load:0x1->NXM_NX_XXREG0[64]"},
		{"load:5->reg0,load:0->reg0[3],load:7->reg0[4..6]",
			"load:0x5->NXM_NX_REG0[],load:0->NXM_NX_REG0[3],"
			"load:0x7->NXM_NX_REG0[4..6]"},
		{"load:5->xxreg0", "load:0x5->NXM_NX_XXREG0[0..63],load:0->NXM_NX_XXREG0[64..127]"},
		{"load:0->in_port,load:5->in_port_oxm",
			"load:0->NXM_OF_IN_PORT[],load:0x5->OXM_OF_IN_PORT[]"},
		{"load:5->vlan_vid", "load:0x5->OXM_OF_VLAN_VID[]"},
		{"load:1->metadata[63]", "load:0x1->OXM_OF_METADATA[63]"},
		{"move:reg0[0..5]->reg1[26..31]", "move:NXM_NX_REG0[0..5]->NXM_NX_REG1[26..31]"},
		{"move:vlan_vid[0..11]->reg0[0..11]", "move:OXM_OF_VLAN_VID[]->NXM_NX_REG0[0..11]"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_printed("", cases[i].text, cases[i].other);
}

/* OpenFlow 1.0's actions mean what the rule makes of them. */
static void old_names_follow_the_match(void **state)
{
	static const struct {
		const char *match, *text, *other;
	} cases[] = {
		{"", "mod_vlan_vid:5", "push_vlan:0x8100,set_field:4101->vlan_vid"},
		{"dl_vlan=1", "mod_vlan_vid:5", "set_field:4101->vlan_vid"},
		{"dl_vlan=0xffff", "mod_vlan_pcp:5", "push_vlan:0x8100,set_field:5->vlan_pcp"},
		{"", "mod_vlan_vid:5,mod_vlan_pcp:2",
			"push_vlan:0x8100,set_field:4101->vlan_vid,set_field:2->vlan_pcp"},
		{"dl_vlan=9", "pop_vlan,mod_vlan_vid:3",
			"pop_vlan,push_vlan:0x8100,set_field:4099->vlan_vid"},
		{"", "write_actions(mod_vlan_vid:5)",
			"write_actions(push_vlan:0x8100,set_field:4101->vlan_vid)"},
		{"dl_vlan=1", "write_actions(mod_vlan_vid:5)",
			"write_actions(set_field:4101->vlan_vid)"},
		{"dl_vlan=1", "set_vlan_vid:5,set_vlan_pcp:2",
			"set_field:4101->vlan_vid,set_field:2->vlan_pcp"},
		{"ip", "mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:16,mod_nw_ecn:2",
			"set_field:1.2.3.4->ip_src,set_field:5.6.7.8->ip_dst,"
			"set_field:4->ip_dscp,set_field:2->nw_ecn"},
		{"tcp", "mod_tp_src:1,mod_tp_dst:2", "set_field:1->tcp_src,set_field:2->tcp_dst"},
		{"udp", "mod_tp_dst:2,set_field:3->tp_src",
			"set_field:2->udp_dst,set_field:3->udp_src"},
		{"sctp6", "mod_tp_src:1", "set_field:1->sctp_src"},
		{"mpls", "set_mpls_label:5,set_mpls_tc:3",
			"set_field:5->mpls_label,set_field:3->mpls_tc"},
		{"", "mod_dl_src:00:11:22:33:44:55,mod_dl_dst:00:11:22:33:44:66,set_tunnel:5",
			"set_field:00:11:22:33:44:55->eth_src,set_field:00:11:22:33:44:66->eth_dst,"
			"set_field:0x5->tun_id"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_printed(cases[i].match, cases[i].text, cases[i].other);
}

static void instructions_are_printed_as_open_vswitch_does(void **state)
{
	static const struct pair cases[] = {
		{"meter:1,1,clear_actions,write_actions(2,group:3),write_metadata:3,goto_table:4",
			"meter:1,output:1,clear_actions,write_actions(output:2,group:3),"
			"write_metadata:0x3,goto_table:4"},
		{"apply_actions(1,resubmit(,2)),goto_table:9",
			"output:1,resubmit(,2),goto_table:9"},
		{"write_metadata:0x5/0xff", "write_metadata:0x5/0xff"},
		{"write_metadata:5/0xffffffffffffffff", "write_metadata:0x5"},
		{"goto_table(1)", "goto_table:1"},
		{"clear_actions", "clear_actions"},
		{"write_actions(resubmit(,1))", "write_actions(resubmit(,1))"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_printed("", cases[i].text, cases[i].other);
}

/* ---- what is refused ---- */

static void wrong_actions_are_named(void **state)
{
	static const struct pair cases[] = {
		{"outptu:1", "no action 'outptu', did you mean 'output'?"},
		{"1,frobnicate", "no action 'frobnicate'"},
		{"eth0", "no action 'eth0'"},
		{"output", "output: must be a port's number, a reserved name or a field"},
		{"output:65280",
			"output:65280: must be a port's number, a reserved name or a field"},
		{"local:1", "local:1: takes no value"},
		{"output(port=1)", "output(port=1): needs port and max_len"},
		{"output(port=1,max_len=9)", "max_len=9: must be 14 to 4294967295"},
		{"output(port=1,port=2)", "port=2: must be port and max_len, each once"},
		{"output(port=x,max_len=99)",
			"port=x: a port is a number, LOCAL, CONTROLLER, IN_PORT or another "
			"reserved name"},
		{"output(max_len=99)", "output(max_len=99): needs port and max_len"},
		{"controller:65536", "controller:65536: must be 0 to 65535"},
		{"controller(reason=x)",
			"reason=x: must be no_match, action, invalid_ttl, action_set, group or "
			"packet_out"},
		{"controller(id=1,id=2)", "id=2: is given twice"},
		{"controller(pause)", "pause: is none of max_len, reason, id"},
		{"group", "group: needs a number"},
		{"group:x", "group:x: must be 0 to 4294967295"},
		{"group:010", "group:010: must be 0 to 4294967295"},
		{"push_vlan:0x18100", "push_vlan:0x18100: must be 0 to 65535"},
		{"pop_vlan:1", "pop_vlan:1: takes no value"},
		{"exit:5", "exit:5: takes no value"},
		{"dec_ttl(1,2)", "dec_ttl(1,2): ids of controllers are not supported"},
		{"enqueue:1", "enqueue:1: must be enqueue:PORT:QUEUE"},
		{"enqueue:normal:1", "enqueue:normal:1: only at a port's number, IN_PORT or LOCAL"},
		{"enqueue:1:x", "enqueue:1:x: must be 0 to 4294967294"},
		{"resubmit", "resubmit: needs a port or a table"},
		{"resubmit(,255)", "resubmit(,255): needs a port or a table"},
		{"resubmit(,3,ct)", "resubmit(,3,ct): must be 0 to 255"},
		{"resubmit(1", "resubmit(1: a parenthesis is not closed"},
		{"resubmit(1)x", "resubmit(1)x: something stands behind the parenthesis"},
		{"learn(table=1)", "learn(table=1): is not supported"},
		{"ct(commit)", "ct(commit): is not supported"},
		{"output:\x01\xff",
			"output:??: must be a port's number, a reserved name or a field"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused("", cases[i].text, cases[i].other);
}

static void wrong_settings_are_named(void **state)
{
	static const struct pair cases[] = {
		{"set_field:5", "set_field:5: must be VALUE->FIELD"},
		{"set_field:5->foo", "set_field:5->foo: must end in a field's name"},
		{"set_field:->reg0", "set_field:->reg0: needs a value"},
		{"set_field:5/0->reg0", "set_field:5/0->reg0: under a mask of 0 nothing is set"},
		{"set_field:300->nw_ttl", "set_field:300->nw_ttl: must be 0 to 255"},
		{"set_field:3/1->nw_ttl", "set_field:3/1->nw_ttl: takes no mask"},
		{"set_field:4096/4096->vlan_vid",
			"set_field:4096/4096->vlan_vid: the mask must be of the VLAN ID, 0xfff"},
		{"set_field:17->nw_tos", "set_field:17->nw_tos: must be 0 to 252 in steps of 4"},
		{"load:17->reg0[0..3]", "load:17->reg0[0..3]: the value must fit into 4 bits"},
		{"load:x->reg0", "load:x->reg0: the value must be a number"},
		{"load:1->reg0[32]",
			"load:1->reg0[32]: 'reg0[32]' must be of bits 0 to 31, the lower one "
			"first"},
		{"load:1->reg0[3..1]",
			"load:1->reg0[3..1]: 'reg0[3..1]' must be of bits 0 to 31, the lower one "
			"first"},
		{"load:1->reg0[", "load:1->reg0[: 'reg0[' must end in [], [BIT] or [FIRST..LAST]"},
		{"load:1->reg0[x]",
			"load:1->reg0[x]: 'reg0[x]' must end in [], [BIT] or [FIRST..LAST]"},
		{"load:1->reg16[]", "load:1->reg16[]: 'reg16' is no field"},
		{"load:0x10000->in_port", "load:0x10000->in_port: the value must fit into 16 bits"},
		{"move:reg0->xreg1", "move:reg0->xreg1: 32 bits do not fit into 64"},
		{"move:foo->reg0", "move:foo->reg0: 'foo' is no field"},
		{"mod_vlan_vid:4096", "mod_vlan_vid:4096: must be 0 to 4095"},
		{"mod_vlan_pcp:8", "mod_vlan_pcp:8: must be 0 to 7"},
		{"mod_nw_tos:17", "mod_nw_tos:17: must be 0 to 252 in steps of 4"},
		{"mod_nw_src:1.2.3.4/8", "mod_nw_src:1.2.3.4/8: takes no mask"},
		{"mod_tp_src:1", "mod_tp_src:1: needs tcp, udp or sctp"},
		{"mod_nw_ttl:256", "mod_nw_ttl:256: must be 0 to 255"},
		{"set_tunnel:0x1ffffffff", "set_tunnel:0x1ffffffff: must be 0 to 4294967295"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused("", cases[i].text, cases[i].other);
}

static void wrong_instructions_are_named(void **state)
{
	static const char order[] = ": must stand before what precedes it; the order is meter, "
				    "actions, clear_actions, write_actions, write_metadata, "
				    "goto_table";
	static const char *const disordered[] = {
		"meter:5", "1", "clear_actions", "write_actions(2)", "write_metadata:3"};
	static const struct pair cases[] = {
		{"drop,1", "drop: must stand alone"},
		{"1,drop", "drop: must stand alone"},
		{"drop()", "drop(): takes no value"},
		{"meter:0", "meter:0: must be 1 to 4294901760"},
		{"meter:1,meter:2", "meter:2: is given twice"},
		{"write_actions(1),write_actions(2)", "write_actions(2): is given twice"},
		{"write_actions()", "write_actions(): needs an action"},
		{"write_actions(drop)", "write_actions(drop): needs an action"},
		{"write_actions(goto_table:3)",
			"goto_table:3: is an instruction, and not for here"},
		{"write_actions(1,frob)", "no action 'frob', did you mean 'drop'?"},
		{"apply_actions(1),2",
			"2: actions are given twice, within apply_actions and without"},
		{"clear_actions:1", "clear_actions:1: takes no value"},
		{"write_metadata:x", "write_metadata:x: must be VALUE or VALUE/MASK, of 64 bits"},
		{"write_metadata:1/0", "write_metadata:1/0: under a mask of 0 nothing is written"},
		{"write_metadata:3/1", "write_metadata:3/1: the value has bits outside the mask"},
		{"goto_table:255", "goto_table:255: must be 0 to 254"},
		{"goto_table:1,goto_table:2", "goto_table:2: is given twice"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused("", cases[i].text, cases[i].other);
	for (size_t i = 0; i < N(disordered); i++) {
		struct strbuf text = STRBUF_INIT, reason = STRBUF_INIT;

		strbuf_printf(&text, "goto_table:4,%s", disordered[i]);
		strbuf_printf(&reason, "%s%s", disordered[i], order);
		check_refused("", strbuf_str(&text), strbuf_str(&reason));
		strbuf_fini(&text);
		strbuf_fini(&reason);
	}
}

static void too_many_actions_are_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;

	for (unsigned i = 0; i < ACTION_LIST_MAX; i++)
		strbuf_puts(&text, "1,");
	check_refused("", (strbuf_puts(&text, "7"), strbuf_str(&text)), "7: too many actions");
	strbuf_fini(&text);
}

static void lists_are_copied_and_compared(void **state)
{
	struct instructions a = parsed("", "1,load:5->reg0,write_actions(group:3),goto_table:2");
	struct instructions b;

	assert_int_equal(instructions_copy(&b, &a), 0);
	assert_true(instructions_equal(&a, &b));
	b.write.v[0].group = 4;
	assert_false(instructions_equal(&a, &b));
	b.write.v[0].group = 3;
	b.apply.v[1].set.dst.n = 16;
	assert_false(instructions_equal(&a, &b));
	b.apply.n = 1;
	assert_false(instructions_equal(&a, &b));
	instructions_fini(&a);
	instructions_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_are_printed_as_open_vswitch_does),
		cmocka_unit_test(settings_are_printed_as_open_vswitch_does),
		cmocka_unit_test(old_names_follow_the_match),
		cmocka_unit_test(instructions_are_printed_as_open_vswitch_does),
		cmocka_unit_test(wrong_actions_are_named),
		cmocka_unit_test(wrong_settings_are_named),
		cmocka_unit_test(wrong_instructions_are_named),
		cmocka_unit_test(too_many_actions_are_refused),
		cmocka_unit_test(lists_are_copied_and_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
