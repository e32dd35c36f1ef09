#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "group_mod.h"

#define N(cases) (sizeof(cases) / sizeof((cases)[0]))

static const struct action_limits limits = {.n_tables = 10, .groups_max = 100, .meters_max = 50};

static struct group_mod parsed(enum group_command command, const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct group_mod gm;

	group_mod_init(&gm);
	if (group_mod_parse(&gm, command, &limits, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	assert_int_equal(why.len, 0);
	return gm;
}

static void groups_are_printed_as_open_vswitch_does(void **state)
{
	static const struct {
		const char *text, *other;
	} cases[] = {
		{"group_id=1,type=all", "group_id=1,type=all"},
		{"group_id=0x10 type=all bucket=1, 2",
			"group_id=16,type=all,bucket=actions=output:1,output:2"},
		{"group_id=1,type=select,bucket=weight:2,output:1,bucket=weight=1,actions=2,"
		 "bucket=weight=0,drop,bucket=watch_port=7,actions=",
			"group_id=1,type=select,bucket=weight:2,actions=output:1,"
			"bucket=actions=output:2,bucket=weight:0,actions=drop,"
			"bucket=watch_port:7,actions=drop"},
		{"group_id=1,type=indirect,bucket=set_field:1.2.3.4->ip_src,resubmit(,2)",
			"group_id=1,type=indirect,"
			"bucket=actions=set_field:1.2.3.4->ip_src,resubmit(,2)"},
		{"group_id=1,type=fast_failover,bucket=watch_port=1,watch_group:4,actions=1",
			"group_id=1,type=ff,bucket=watch_port:1,watch_group:4,actions=output:1"},
		{"group_id=1,type=all,bucket=mod_vlan_vid:5,1",
			"group_id=1,type=all,"
			"bucket=actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:1"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct group_mod gm = parsed(GROUP_ADD, cases[i].text), again, copy;
		struct strbuf out = STRBUF_INIT;

		group_print(&gm, &out);
		assert_string_equal(strbuf_str(&out), cases[i].other);
		again = parsed(GROUP_ADD, strbuf_str(&out));
		assert_true(group_mod_equal(&gm, &again));
		again.id++;
		assert_false(group_mod_equal(&gm, &again));
		assert_int_equal(group_mod_copy(&copy, &gm), 0);
		assert_true(group_mod_equal(&gm, &copy));
		if (copy.n_buckets) {
			copy.buckets[copy.n_buckets - 1].weight++;
			assert_false(group_mod_equal(&gm, &copy));
		}
		group_mod_fini(&gm);
		group_mod_fini(&again);
		group_mod_fini(&copy);
		strbuf_fini(&out);
	}
}

static void deleting_takes_a_number_or_all(void **state)
{
	struct group_mod gm = parsed(GROUP_DELETE, "group_id=all");

	assert_int_equal(gm.id, (uint32_t)GROUP_ID_ALL);
	gm = parsed(GROUP_DELETE, "group_id=7");
	assert_int_equal(gm.id, 7);
}

static void wrong_words_are_named(void **state)
{
	static const struct {
		enum group_command command;
		int error;
		const char *text, *reason;
	} cases[] = {
		{GROUP_ADD, -EINVAL, "type=all,bucket=1", "needs group_id="},
		{GROUP_ADD, -EINVAL, "group_id=1,bucket=1", "needs type="},
		{GROUP_ADD, -EINVAL, "", "needs group_id="},
		{GROUP_ADD, -EINVAL, "group_id=101,type=all", "group_id=101: must be 0 to 100"},
		{GROUP_ADD, -EINVAL, "group_id=all,type=all", "group_id=all: must be 0 to 100"},
		{GROUP_ADD, -EINVAL, "group_id=1,group_id=2,type=all",
			"group_id=2: is given twice"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=foo",
			"type=foo: must be all, select, indirect or ff"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,type=ff", "type=ff: is given twice"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,foo=1",
			"foo=1: is none of group_id, type, bucket"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=select,selection_method=hash",
			"selection_method=hash: OpenFlow 1.3 does not have it"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket(1)", "bucket(1): must be bucket="},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=", "bucket=: needs actions"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=select,bucket=weight:1",
			"bucket=weight:1: needs actions"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=,bucket=1",
			"bucket=: needs actions"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=foo=1",
			"no action 'foo', did you mean 'flood'?"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=drop,1",
			"bucket=drop: drop must stand alone"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=weight=2,1",
			"weight=2: only of type select"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=select,bucket=weight=65536,1",
			"weight=65536: must be 0 to 65535"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=select,bucket=weight:2,weight:3,1",
			"weight:3: is given twice"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=ff,bucket=watch_port=local,1",
			"watch_port=local: must be 0 to 65279"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=bucket_id:5,1",
			"bucket_id:5: OpenFlow 1.3 does not have it"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=1,actions=2",
			"actions=2: actions are given twice"},
		{GROUP_ADD, -EINVAL, "group_id=1,type=all,bucket=goto_table:2",
			"goto_table:2: is an instruction, and not for here"},
		{GROUP_ADD, BAD_ACTION_TYPE, "group_id=1,type=all,bucket=exit",
			"exit: not in an action set"},
		{GROUP_ADD, GROUP_INVALID, "group_id=1,type=indirect",
			"type=indirect: must have one bucket"},
		{GROUP_ADD, GROUP_INVALID, "group_id=1,type=indirect,bucket=1,bucket=2",
			"type=indirect: must have one bucket"},
		{GROUP_ADD, GROUP_BAD_WATCH, "group_id=1,type=ff,bucket=1",
			"type=ff: each bucket needs watch_port or watch_group"},
		{GROUP_ADD, GROUP_LOOP, "group_id=1,type=ff,bucket=watch_group=1,1",
			"watch_group: the group watches itself"},
		{GROUP_ADD, GROUP_WATCH_UNSUPPORTED, "group_id=1,type=all,bucket=watch_port=1,1",
			"watch_port, watch_group: only of type ff and select"},
		{GROUP_ADD, GROUP_LOOP, "group_id=1,type=all,bucket=group:1",
			"group:1: is the group itself"},
		{GROUP_DELETE, -EINVAL, "group_id=1,type=all",
			"type=all: deleting takes group_id only"},
		{GROUP_DELETE, -EINVAL, "bucket=1", "bucket=1: deleting takes group_id only"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct strbuf why = STRBUF_INIT;
		struct group_mod gm;
		int err;

		group_mod_init(&gm);
		err = group_mod_parse(&gm, cases[i].command, &limits, cases[i].text, &why);
		if (err != cases[i].error || strcmp(strbuf_str(&why), cases[i].reason) != 0)
			fail_msg("'%s': %#x, %s\ninstead of: %s", cases[i].text, (unsigned)err,
				strbuf_str(&why), cases[i].reason);
		group_mod_fini(&gm);
		strbuf_fini(&why);
	}
}

static void too_many_buckets_are_refused(void **state)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct group_mod gm;

	group_mod_init(&gm);
	strbuf_puts(&text, "group_id=1,type=all");
	for (unsigned i = 0; i < GROUP_BUCKETS_MAX; i++)
		strbuf_puts(&text, ",bucket=1");
	strbuf_puts(&text, ",bucket=7");
	assert_int_equal(
		group_mod_parse(&gm, GROUP_ADD, &limits, strbuf_str(&text), &why), -EINVAL);
	assert_string_equal(strbuf_str(&why), "bucket=7: too many buckets");
	group_mod_fini(&gm);
	strbuf_fini(&text);
	strbuf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_printed_as_open_vswitch_does),
		cmocka_unit_test(deleting_takes_a_number_or_all),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(too_many_buckets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
