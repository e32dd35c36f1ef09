#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "flow_mod.h"

#define N(cases) (sizeof(cases) / sizeof((cases)[0]))

static const struct action_limits limits = {
	.n_tables = FLOW_TABLES_MAX, .groups_max = 100, .meters_max = 50};

static struct flow_mod parsed(enum flow_command command, const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct flow_mod fm;

	flow_mod_init(&fm);
	if (flow_mod_parse(&fm, command, &limits, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	assert_int_equal(why.len, 0);
	return fm;
}

static void check_refused(
	enum flow_command command, const char *text, int error, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	struct flow_mod fm;
	int err;

	flow_mod_init(&fm);
	err = flow_mod_parse(&fm, command, &limits, text, &why);
	if (err != error)
		fail_msg("'%s': %d instead of %d: %s", text, err, error, strbuf_str(&why));
	if (strcmp(strbuf_str(&why), reason) != 0)
		fail_msg("'%s': %s\ninstead of: %s", text, strbuf_str(&why), reason);
	flow_mod_fini(&fm);
	strbuf_fini(&why);
}

static void a_rule_is_read_with_all_its_properties(void **state)
{
	struct flow_mod fm = parsed(FLOW_ADD,
		"table=1, cookie=0x5 priority=7 tcp,tp_dst=80,idle_timeout=10,hard_timeout=20 "
		"send_flow_rem,reset_counts actions=mod_tp_dst:8080,2,goto_table:3");

	assert_int_equal(fm.command, FLOW_ADD);
	assert_int_equal(fm.table, 1);
	assert_int_equal(fm.priority, 7);
	assert_int_equal(fm.cookie, 5);
	assert_int_equal(fm.cookie_mask, 0);
	assert_int_equal(fm.idle_timeout, 10);
	assert_int_equal(fm.hard_timeout, 20);
	assert_int_equal(fm.flags, FLOW_SEND_FLOW_REM | FLOW_RESET_COUNTS);
	assert_int_equal(fm.match.key.l4_dst, htobe16(80));
	assert_int_equal(fm.ins.apply.n, 2);
	assert_int_equal(fm.ins.apply.v[0].set.dst.field, FIELD_TCP_DST);
	assert_int_equal(fm.ins.goto_table, 3);
	flow_mod_fini(&fm);
	fm = parsed(FLOW_ADD, "actions=drop");
	assert_int_equal(fm.table, 0);
	assert_int_equal(fm.priority, FLOW_PRIORITY_DEFAULT);
	assert_int_equal(fm.out_port, (uint32_t)FLOW_ANY);
	assert_int_equal(fm.out_group, (uint32_t)FLOW_ANY);
	flow_mod_fini(&fm);
}

static void what_chooses_rules_is_read(void **state)
{
	struct flow_mod fm = parsed(FLOW_DELETE, "ip,cookie=0x10/0xf0,out_port=local,out_group=3");

	assert_int_equal(fm.table, FLOW_TABLE_ALL);
	assert_int_equal(fm.cookie_match, 0x10);
	assert_int_equal(fm.cookie_mask, 0xf0);
	assert_int_equal(fm.out_port, 0xfffffffe);
	assert_int_equal(fm.out_group, 3);
	fm = parsed(FLOW_DELETE, "cookie=7,table=255");
	assert_int_equal(fm.cookie_match, 7);
	assert_true(fm.cookie_mask == UINT64_MAX);
	fm = parsed(FLOW_DELETE_STRICT, "cookie=7/-1,priority=3,table=2");
	assert_true(fm.cookie_mask == UINT64_MAX);
	assert_int_equal(fm.priority, 3);
	assert_int_equal(fm.table, 2);
	fm = parsed(FLOW_MODIFY, "cookie=1/-1,cookie=2,actions=1");
	assert_int_equal(fm.cookie_match, 1);
	assert_int_equal(fm.cookie, 2);
	assert_true(fm.has_cookie);
	assert_int_equal(fm.table, 0);
	flow_mod_fini(&fm);
	fm = parsed(FLOW_MODIFY, "reset_counts,actions=1");
	assert_false(fm.has_cookie);
	assert_int_equal(fm.flags, FLOW_RESET_COUNTS);
	flow_mod_fini(&fm);
}

static void a_rule_is_printed_as_open_vswitch_does(void **state)
{
	static const struct {
		const char *text, *other;
	} cases[] = {
		{"actions=", "actions=drop"},
		{"priority=0,actions=normal", "priority=0 actions=NORMAL"},
		{"table=1,ip,actions=1", "table=1, ip actions=output:1"},
		{"cookie=10,priority=7,tcp,idle_timeout=5,hard_timeout=6,send_flow_rem,"
		 "check_overlap,reset_counts,no_packet_counts,no_byte_counts,actions=drop",
			"cookie=0xa, idle_timeout=5, hard_timeout=6, send_flow_rem check_overlap "
			"reset_counts no_packet_counts no_byte_counts priority=7,tcp actions=drop"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct flow_mod fm = parsed(FLOW_ADD, cases[i].text), again;
		struct strbuf out = STRBUF_INIT;

		flow_print(&fm, NULL, &out);
		assert_string_equal(strbuf_str(&out), cases[i].other);
		again = parsed(FLOW_ADD, strbuf_str(&out));
		assert_true(flow_mod_equal_rule(&fm, &again));
		again.idle_timeout++;
		assert_false(flow_mod_equal_rule(&fm, &again));
		flow_mod_fini(&fm);
		flow_mod_fini(&again);
		strbuf_fini(&out);
	}
}

static void a_dump_is_printed_and_can_be_added_again(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} durations[] = {{0, "0s"}, {2500000000, "2.500s"}, {1000001000, "1.000001s"},
		{7000000001, "7.000000001s"}, {3000000000, "3s"}};
	struct flow_mod fm = parsed(FLOW_ADD, "ip,cookie=1,priority=7,actions=1"), again;

	for (size_t i = 0; i < N(durations); i++) {
		struct flow_stats stats = {.duration_ns = durations[i].ns,
			.n_packets = 1,
			.n_bytes = 60,
			.idle_age_s = 3};
		struct strbuf out = STRBUF_INIT, expected = STRBUF_INIT;

		flow_print(&fm, &stats, &out);
		strbuf_printf(&expected,
			"cookie=0x1, duration=%s, table=0, n_packets=1, n_bytes=60, "
			"idle_age=3, priority=7,ip actions=output:1",
			durations[i].text);
		assert_string_equal(strbuf_str(&out), strbuf_str(&expected));
		again = parsed(FLOW_ADD, strbuf_str(&out));
		assert_true(flow_mod_equal_rule(&fm, &again));
		flow_mod_fini(&again);
		strbuf_fini(&out);
		strbuf_fini(&expected);
	}
	flow_mod_fini(&fm);
}

static void wrong_words_are_named(void **state)
{
	static const struct {
		enum flow_command command;
		const char *text, *reason;
	} cases[] = {
		{FLOW_ADD, "ip", "needs actions="},
		{FLOW_ADD, "tp_dts=80,actions=1", "no field 'tp_dts', did you mean 'tp_dst'?"},
		{FLOW_ADD, "tp_dst=80,actions=1", "tp_dst=80 needs tcp, udp or sctp"},
		{FLOW_ADD, "table=254,actions=1", "table=254: must be 0 to 253"},
		{FLOW_ADD, "table=255,actions=1", "table=255: must be 0 to 253"},
		{FLOW_ADD, "table=x,actions=1", "table=x: must be 0 to 253"},
		{FLOW_ADD, "priority=65536,actions=1", "priority=65536: must be 0 to 65535"},
		{FLOW_ADD, "priority,actions=1", "priority: needs a number"},
		{FLOW_ADD, "priority=1,priority=1,actions=1", "priority=1: is given twice"},
		{FLOW_ADD, "idle_timeout=65536,actions=1",
			"idle_timeout=65536: must be 0 to 65535"},
		{FLOW_ADD, "cookie=1/1,actions=1", "cookie=1/1: takes no mask: no rule is chosen"},
		{FLOW_ADD, "cookie=x,actions=1",
			"cookie=x: must be VALUE or VALUE/MASK, of 64 bits"},
		{FLOW_ADD, "cookie=1,cookie=2,actions=1", "cookie=2: is given twice"},
		{FLOW_ADD, "send_flow_rem=1,actions=1", "send_flow_rem=1: takes no value"},
		{FLOW_ADD, "importance=3,actions=1", "importance=3: OpenFlow 1.3 has none"},
		{FLOW_ADD, "duration,actions=1", "duration: needs a value"},
		{FLOW_ADD, "out_port=1,actions=1",
			"out_port=1: only where rules are deleted or shown"},
		{FLOW_ADD, "actions=1,frob", "no action 'frob', did you mean 'drop'?"},
		{FLOW_MODIFY, "priority=1,actions=1", "priority=1: only with --strict"},
		{FLOW_MODIFY_STRICT, "idle_timeout=1,actions=1",
			"idle_timeout=1: only where a rule is added"},
		{FLOW_MODIFY, "table=255,actions=1", "table=255: must be 0 to 253"},
		{FLOW_MODIFY, "ip", "needs actions="},
		{FLOW_DELETE, "priority=1", "priority=1: only with --strict"},
		{FLOW_DELETE, "send_flow_rem", "send_flow_rem: only where a rule is added"},
		{FLOW_DELETE, "ip,actions=1", "actions=: not where rules are deleted or shown"},
		{FLOW_DELETE, "cookie=3/1", "cookie=3/1: the value has bits outside the mask"},
		{FLOW_DELETE, "cookie=0/0", "cookie=0/0: a mask of 0 chooses nothing"},
		{FLOW_DELETE, "cookie=1,cookie=2/3", "cookie=2/3: is given twice"},
		{FLOW_DELETE, "out_port=x",
			"out_port=x: a port is a number, LOCAL, CONTROLLER, IN_PORT or another "
			"reserved name"},
		{FLOW_DELETE, "out_port=any", "out_port=any: any port is what is meant without it"},
		{FLOW_DELETE, "out_group=101", "out_group=101: must be 0 to 100"},
	};

	for (size_t i = 0; i < N(cases); i++)
		check_refused(cases[i].command, cases[i].text, -EINVAL, cases[i].reason);
}

static void impossible_instructions_are_refused_with_the_error_of_the_protocol(void **state)
{
	check_refused(
		FLOW_ADD, "actions=dec_ttl", BAD_ACTION_INCONSISTENT, "dec_ttl: needs ip or ipv6");
	check_refused(FLOW_ADD, "table=4,actions=goto_table:4", BAD_INSTRUCTION_TABLE,
		"goto_table:4: must be behind table 4, and before 254");
	check_refused(FLOW_MODIFY, "actions=group:101", BAD_ACTION_OUT_GROUP,
		"group:101: no group has that number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_read_with_all_its_properties),
		cmocka_unit_test(what_chooses_rules_is_read),
		cmocka_unit_test(a_rule_is_printed_as_open_vswitch_does),
		cmocka_unit_test(a_dump_is_printed_and_can_be_added_again),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(
			impossible_instructions_are_refused_with_the_error_of_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
