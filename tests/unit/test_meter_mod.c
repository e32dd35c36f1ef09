#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "meter_mod.h"

#define N(cases) (sizeof(cases) / sizeof((cases)[0]))

static const struct action_limits limits = {.n_tables = 10, .groups_max = 100, .meters_max = 50};

static struct meter_mod parsed(enum meter_command command, const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct meter_mod mm;

	if (meter_mod_parse(&mm, command, &limits, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	assert_int_equal(why.len, 0);
	return mm;
}

static void meters_are_printed_and_read_again(void **state)
{
	static const struct {
		const char *text, *other;
	} cases[] = {
		{"meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100",
			"meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=100"},
		{"meter=50 pktps bands= type=drop rate=1,type=dscp_remark prec_level=2,rate=2",
			"meter=50 pktps bands=type=drop rate=1 "
			"type=dscp_remark rate=2 prec_level=2"},
		{"meter=slowpath,kbps,bands=type=drop,rate=5",
			"meter=slowpath kbps bands=type=drop rate=5"},
		{"stats,kbps,meter=controller,bands=type=drop,rate=5",
			"meter=controller kbps stats bands=type=drop rate=5"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct strbuf out = STRBUF_INIT;
		struct meter_mod mm, again;

		mm = parsed(METER_ADD, cases[i].text);
		meter_print(&mm, &out);
		assert_string_equal(strbuf_str(&out), cases[i].other);
		again = parsed(METER_ADD, strbuf_str(&out));
		assert_true(meter_mod_equal(&mm, &again));
		again.bands[again.n_bands - 1].rate++;
		assert_false(meter_mod_equal(&mm, &again));
		strbuf_fini(&out);
	}
}

static void deleting_takes_a_number_or_all(void **state)
{
	assert_int_equal(parsed(METER_DELETE, "meter=all").id, (uint32_t)METER_ID_ALL);
	assert_int_equal(parsed(METER_DELETE, "meter=7").id, 7);
}

static void wrong_words_are_named(void **state)
{
	static const struct {
		enum meter_command command;
		int error;
		const char *text, *reason;
	} cases[] = {
		{METER_ADD, -EINVAL, "kbps,bands=type=drop,rate=5", "needs meter="},
		{METER_ADD, -EINVAL, "meter=0,kbps,bands=type=drop,rate=5",
			"meter=0: must be 1 to 50"},
		{METER_ADD, -EINVAL, "meter=51,kbps", "meter=51: must be 1 to 50"},
		{METER_ADD, -EINVAL, "meter=all,kbps", "meter=all: must be 1 to 50"},
		{METER_ADD, -EINVAL, "meter=1,meter=2", "meter=2: is given twice"},
		{METER_ADD, -EINVAL, "meter=1,kbps,kbps", "kbps: is given twice"},
		{METER_ADD, -EINVAL, "meter=1,kbps=1", "kbps=1: takes no value"},
		{METER_ADD, -EINVAL, "meter=1,mbps",
			"mbps: is none of meter, kbps, pktps, burst, stats, bands="},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands",
			"bands: is none of meter, kbps, pktps, burst, stats, bands="},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=rate=5",
			"rate=5: a band begins with type="},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=foo,rate=5",
			"type=foo: must be drop or dscp_remark"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=drop",
			"type=drop: the band needs a rate"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=drop,type=drop,rate=1",
			"type=drop: the band needs a rate"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=drop,rate=0",
			"rate=0: must be 1 to 4294967295"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=drop,rate=1,rate=2",
			"rate=2: is given twice"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=dscp_remark,rate=5,prec_level=3",
			"prec_level=3: must be 1 to 2"},
		{METER_ADD, -EINVAL, "meter=1,kbps,bands=type=drop,rate=1,foo=2",
			"foo=2: is none of type, rate, burst_size, prec_level"},
		{METER_ADD, METER_BAD_FLAGS, "meter=1,bands=type=drop,rate=1",
			"needs one of kbps and pktps"},
		{METER_ADD, METER_BAD_FLAGS, "meter=1,kbps,pktps,bands=type=drop,rate=1",
			"needs one of kbps and pktps"},
		{METER_ADD, METER_BAD_BAND, "meter=1,kbps", "bands: must be 1 to 16"},
		{METER_ADD, METER_BAD_BURST, "meter=1,kbps,bands=type=drop,rate=1,burst_size=2",
			"burst_size: needs the flag burst"},
		{METER_ADD, METER_BAD_BURST, "meter=1,kbps,burst,bands=type=drop,rate=1",
			"burst: each band needs a burst_size of at least 1"},
		{METER_ADD, METER_BAD_RATE, "meter=1,kbps,bands=type=drop,rate=1,type=drop,rate=1",
			"rate=1: of two bands"},
		{METER_ADD, METER_BAD_BAND_VALUE, "meter=1,kbps,bands=type=dscp_remark,rate=5",
			"prec_level: must be 1 or 2, and of type dscp_remark"},
		{METER_ADD, METER_BAD_BAND_VALUE,
			"meter=1,kbps,bands=type=drop,rate=5,prec_level=1",
			"prec_level: must be 1 or 2, and of type dscp_remark"},
		{METER_DELETE, -EINVAL, "meter=1,kbps", "kbps: deleting takes meter only"},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct strbuf why = STRBUF_INIT;
		struct meter_mod mm;
		int err = meter_mod_parse(&mm, cases[i].command, &limits, cases[i].text, &why);

		if (err != cases[i].error || strcmp(strbuf_str(&why), cases[i].reason) != 0)
			fail_msg("'%s': %#x, %s\ninstead of: %s", cases[i].text, (unsigned)err,
				strbuf_str(&why), cases[i].reason);
		strbuf_fini(&why);
	}
}

static void too_many_bands_are_refused(void **state)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct meter_mod mm;

	strbuf_puts(&text, "meter=1,kbps,bands=");
	for (unsigned i = 0; i <= METER_BANDS_MAX; i++)
		strbuf_printf(&text, "type=drop,rate=%u,", i + 1);
	assert_int_equal(
		meter_mod_parse(&mm, METER_ADD, &limits, strbuf_str(&text), &why), -EINVAL);
	assert_string_equal(strbuf_str(&why), "type=drop: too many bands");
	strbuf_fini(&text);
	strbuf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meters_are_printed_and_read_again),
		cmocka_unit_test(deleting_takes_a_number_or_all),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(too_many_bands_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
