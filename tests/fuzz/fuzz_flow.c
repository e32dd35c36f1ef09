/* Input: a byte that says what, and the text of a flow, a group or a meter.  What is taken is
 * printed, and read again as the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "action_set.h"
#include "flow_mod.h"
#include "group_mod.h"
#include "meter_mod.h"

enum { TEXT_MAX = 1024, KINDS = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct action_limits limits = {
	.n_tables = 20, .groups_max = 0xffffff00, .meters_max = 1000};

/* Of an error there are words, of none there are none. */
static void check_why(int err, const struct strbuf *why)
{
	assert(!err == !why->len && why->len < 1000);
	for (size_t i = 0; i < why->len; i++)
		assert(why->str[i] >= ' ' && why->str[i] <= '~');
}

static void check_set(const struct action_list *list)
{
	struct action_list set = {0}, ordered = {0};

	assert(!action_set_write(&set, list) && !action_set_order(&set, &ordered));
	assert(set.n <= list->n && ordered.n <= set.n);
	action_list_fini(&set);
	action_list_fini(&ordered);
}

static void check_flow(enum flow_command command, const char *input)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct flow_mod fm, again;
	int err;

	flow_mod_init(&fm);
	err = flow_mod_parse(&fm, command, &limits, input, &why);
	check_why(err, &why);
	if (!err && command == FLOW_ADD) {
		struct flow_stats stats = {.duration_ns = 1500000000, .idle_age_s = 1};

		flow_print(&fm, &stats, &text);
		flow_mod_init(&again);
		assert(!flow_mod_parse(&again, command, &limits, strbuf_str(&text), &why));
		assert(flow_mod_equal_rule(&fm, &again));
		check_set(&fm.ins.write);
		flow_mod_fini(&again);
	}
	flow_mod_fini(&fm);
	strbuf_fini(&text);
	strbuf_fini(&why);
}

static void check_group(const char *input)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct group_mod gm, again;
	int err;

	group_mod_init(&gm);
	err = group_mod_parse(&gm, GROUP_ADD, &limits, input, &why);
	check_why(err, &why);
	if (!err) {
		group_print(&gm, &text);
		group_mod_init(&again);
		assert(!group_mod_parse(&again, GROUP_ADD, &limits, strbuf_str(&text), &why));
		assert(group_mod_equal(&gm, &again));
		group_mod_fini(&again);
	}
	group_mod_fini(&gm);
	strbuf_fini(&text);
	strbuf_fini(&why);
}

static void check_meter(const char *input)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct meter_mod mm, again;
	int err = meter_mod_parse(&mm, METER_ADD, &limits, input, &why);

	check_why(err, &why);
	if (!err) {
		meter_print(&mm, &text);
		assert(!meter_mod_parse(&again, METER_ADD, &limits, strbuf_str(&text), &why));
		assert(meter_mod_equal(&mm, &again));
	}
	strbuf_fini(&text);
	strbuf_fini(&why);
}

/* Exactly sized, so that the address sanitizer sees a read past the end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = size ? data[0] % KINDS : 0;
	char *text;

	if (!size || size > TEXT_MAX)
		return 0;
	text = calloc(1, size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	if (kind == 5)
		check_group(text);
	else if (kind == 6)
		check_meter(text);
	else
		check_flow((enum flow_command)kind, text);
	free(text);
	return 0;
}
