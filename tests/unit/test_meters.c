#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <event2/event.h>

#include "meters.h"
#include "rcu.h"

enum { LANES = 2, MAX = 5 };

struct env {
	struct event_base *base;
	struct meters *ms;
	struct lane lane;
	struct strbuf why;
};

static const struct action_limits limits = {
	.n_tables = 254, .groups_max = 1000, .meters_max = 5000};

static int setup(void **state)
{
	const struct meters_conf conf = {.n_lanes = LANES, .max = MAX};
	struct env *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->why = (struct strbuf)STRBUF_INIT;
	e->base = event_base_new();
	assert_int_equal(rcu_init(e->base), 0);
	assert_int_equal(meters_create(&conf, &e->ms), 0);
	e->lane.now_ns = 1000000000000;
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	meters_destroy(e->ms);
	rcu_fini();
	event_base_free(e->base);
	strbuf_fini(&e->why);
	free(e);
	return 0;
}

static int change(struct env *e, enum meter_command command, const char *text)
{
	struct meter_mod mm;

	strbuf_reset(&e->why);
	int rc = meter_mod_parse(&mm, command, &limits, text, &e->why);
	if (rc)
		fail_msg("%s: %s", text, strbuf_str(&e->why));
	return meters_change(e->ms, &mm, 5000, &e->why);
}

static struct meter_verdict measure(struct env *e, uint32_t id, uint32_t frames, uint64_t bytes)
{
	struct meter *m = meters_lookup(e->ms, id);

	assert_non_null(m);
	return meter_measure(m, &e->lane, frames, bytes);
}

/* Packets that pass of 'n' of 'bytes' bytes each, sent 'gap_ns' apart. */
static unsigned passed(struct env *e, uint32_t id, unsigned n, uint64_t bytes, uint64_t gap_ns)
{
	unsigned ok = 0;

	for (unsigned i = 0; i < n; i++) {
		e->lane.now_ns += gap_ns;
		e->lane.id = i % LANES; /* they share what passes */
		ok += !measure(e, id, 1, bytes).drop;
	}
	return ok;
}

static void rate_of_packets_is_kept(void **state)
{
	struct env *e = *state;

	assert_int_equal(
		change(e, METER_ADD, "meter=1,pktps,burst,bands=type=drop,rate=1000,burst_size=10"),
		0);
	assert_in_range(passed(e, 1, 10, 64, 0), 10, 10); /* a burst */
	assert_int_equal(passed(e, 1, 100, 64, 0), 0);
	/* 10,000 packets at 10,000/s take a second */
	assert_in_range(passed(e, 1, 10000, 64, 100000), 999, 1001);
	/* a large one is what it will be on the wire */
	e->lane.now_ns += 1000000000;
	assert_false(measure(e, 1, 10, 15000).drop);
	assert_true(measure(e, 1, 1, 64).drop);
}

static void rate_of_bits_is_kept(void **state)
{
	struct env *e = *state;

	assert_int_equal(change(e, METER_ADD, "meter=1,kbps,bands=type=drop,rate=800"), 0);
	/* a burst of a second: 100,000 bytes; then 100,000 a second, of 10 times as much */
	assert_int_equal(passed(e, 1, 200, 1000, 0), 100);
	assert_in_range(passed(e, 1, 1000, 1000, 1000000), 99, 101);
}

static void highest_rate_that_is_exceeded_applies(void **state)
{
	struct env *e = *state;

	assert_int_equal(
		change(e, METER_ADD,
			"meter=7,pktps,burst,stats,bands=type=dscp_remark,rate=10,burst_size=2,"
			"prec_level=1,type=drop,rate=20,burst_size=4"),
		0);
	for (unsigned i = 0; i < 6; i++) {
		struct meter_verdict v = measure(e, 7, 1, 100);

		assert_int_equal(v.drop, i >= 4);
		assert_int_equal(v.raise, i >= 2 && i < 4);
	}
	e->lane.id = 1;
	assert_true(measure(e, 7, 1, 100).drop);
	struct meter_lane sum = meter_counted(meters_lookup(e->ms, 7), LANES);
	assert_int_equal(sum.in.packets, 7);
	assert_int_equal(sum.in.bytes, 700);
	assert_int_equal(sum.bands[0].packets, 2);
	assert_int_equal(sum.bands[1].packets, 3);
	assert_int_equal(sum.bands[1].bytes, 300);
}

static void modified_meter_counts_on_with_other_bands(void **state)
{
	struct env *e = *state;

	assert_int_equal(change(e, METER_ADD, "meter=3,pktps,bands=type=drop,rate=1"), 0);
	assert_int_equal(passed(e, 3, 5, 60, 0), 1);
	assert_int_equal(change(e, METER_MODIFY, "meter=3,pktps,bands=type=drop,rate=3"), 0);
	assert_int_equal(passed(e, 3, 5, 60, 0), 3);
	const struct meter *m = meters_lookup(e->ms, 3);
	assert_int_equal(meter_counted(m, LANES).in.packets, 10);
	assert_int_equal(m->counters->created_ms, 5000);
	assert_int_equal(meters_count(e->ms), 1);
}

static bool note(struct meter *m, void *arg)
{
	strbuf_printf(arg, "%u ", m->mod.id);
	return m->mod.id < 1000;
}

static void numbers_come_and_go(void **state)
{
	static const char *const texts[MAX] = {"meter=1024,pktps,bands=type=drop,rate=1",
		"meter=0x800,pktps,bands=type=drop,rate=1", "meter=4,pktps,bands=type=drop,rate=1",
		"meter=2,pktps,bands=type=drop,rate=1", "meter=1,pktps,bands=type=drop,rate=1"};
	struct env *e = *state;
	struct strbuf ids = STRBUF_INIT;

	for (unsigned i = 0; i < MAX; i++)
		assert_int_equal(change(e, METER_ADD, texts[i]), 0);
	assert_int_equal(change(e, METER_ADD, texts[0]), METER_EXISTS);
	assert_non_null(strstr(strbuf_str(&e->why), "meter=1024"));
	assert_int_equal(
		change(e, METER_ADD, "meter=9,pktps,bands=type=drop,rate=1"), METER_OUT_OF_METERS);
	assert_int_equal(
		change(e, METER_MODIFY, "meter=9,pktps,bands=type=drop,rate=1"), METER_UNKNOWN);
	meters_visit(e->ms, note, &ids);
	assert_string_equal(strbuf_str(&ids), "1 2 4 1024 ");
	assert_int_equal(change(e, METER_DELETE, "meter=1024"), 0);
	assert_null(meters_lookup(e->ms, 1024));
	assert_non_null(meters_lookup(e->ms, 2048)); /* of the same slot */
	assert_int_equal(change(e, METER_DELETE, "meter=1024"), 0);
	assert_int_equal(meters_count(e->ms), 4);
	assert_int_equal(change(e, METER_DELETE, "meter=all"), 0);
	assert_int_equal(meters_count(e->ms), 0);
	assert_null(meters_lookup(e->ms, 1));
	strbuf_fini(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rate_of_packets_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(rate_of_bits_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
			highest_rate_that_is_exceeded_applies, setup, teardown),
		cmocka_unit_test_setup_teardown(
			modified_meter_counts_on_with_other_bands, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
