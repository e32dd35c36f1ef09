/* Tables of rules against a twin: a list of rules that is searched from end to end, copied
 * before each transaction and put back when that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "random_match.h"
#include "rcu.h"
#include "tables.h"

enum {
	ROUNDS = 4000,
	TABLES = 3,
	RULES_MAX = 60,
	TX_MAX = 6,
	PORTS = 4,
	GROUPS = 3,
	METERS = 3,
	LANES = 2,
	TWINS = RULES_MAX + TX_MAX,
	EVENTS_MAX = 4 * TWINS,
};

struct twin {
	bool there;
	uint8_t table;
	uint16_t priority, flags, idle, hard;
	uint64_t cookie, created_ms, used_ms, packets;
	struct match match;
	uint64_t tag; /* its metadata: which instructions */
	uint32_t port, group, meter;
};

struct event {
	uint64_t tag;
	uint64_t reason; /* no hole: compared as bytes */
};

struct world {
	struct tables *t;
	struct twin twins[TWINS];
	struct event got[EVENTS_MAX], want[EVENTS_MAX];
	unsigned n_got, n_want;
	uint64_t now_ms, next_tag;
	struct rng rng;
};

static struct world world;

/* ---- what the tables ask and tell ---- */

static bool group_exists(void *arg, uint32_t group)
{
	return group < GROUPS;
}

static bool meter_exists(void *arg, uint32_t meter)
{
	return meter <= METERS;
}

static void destroy(void *rule)
{
	rule_destroy(rule);
}

static void retired(void *arg, struct rule *r, enum rule_removed reason)
{
	struct world *w = arg;

	assert_true(w->n_got < EVENTS_MAX);
	w->got[w->n_got++] = (struct event){r->ins.metadata, reason};
	rcu_defer(destroy, r);
}

/* ---- the twin ---- */

static void want(struct world *w, const struct twin *tw, enum rule_removed reason)
{
	assert_true(w->n_want < EVENTS_MAX);
	w->want[w->n_want++] = (struct event){tw->tag, reason};
}

static bool twin_chosen(const struct twin *tw, const struct flow_mod *fm)
{
	bool strict = fm->command == FLOW_MODIFY_STRICT || fm->command == FLOW_DELETE_STRICT;

	if (!tw->there || (fm->table != FLOW_TABLE_ALL && fm->table != tw->table))
		return false;
	if ((tw->cookie & fm->cookie_mask) != (fm->cookie_match & fm->cookie_mask))
		return false;
	if (fm->out_port != (uint32_t)FLOW_ANY && fm->out_port != tw->port)
		return false;
	if (fm->out_group != (uint32_t)FLOW_ANY && fm->out_group != tw->group)
		return false;
	if (strict)
		return tw->priority == fm->priority && match_equal(&tw->match, &fm->match);
	return match_covers(&fm->match, &tw->match);
}

static struct twin *twin_same(struct world *w, const struct flow_mod *fm)
{
	for (unsigned i = 0; i < TWINS; i++) {
		struct twin *tw = &w->twins[i];

		if (tw->there && tw->table == fm->table && tw->priority == fm->priority &&
			match_equal(&tw->match, &fm->match))
			return tw;
	}
	return NULL;
}

static bool twin_overlaps(struct world *w, const struct flow_mod *fm)
{
	for (unsigned i = 0; i < TWINS; i++)
		if (w->twins[i].there && w->twins[i].table == fm->table &&
			w->twins[i].priority == fm->priority &&
			match_overlaps(&w->twins[i].match, &fm->match))
			return true;
	return false;
}

static unsigned twin_count(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TWINS; i++)
		n += w->twins[i].there;
	return n;
}

static uint32_t port_of(const struct flow_mod *fm)
{
	return fm->ins.apply.n ? fm->ins.apply.v[0].output.port : 0;
}

static uint32_t group_of(const struct flow_mod *fm)
{
	return fm->ins.write.n ? fm->ins.write.v[0].group : UINT32_MAX - 1;
}

static void twin_instructions(struct twin *tw, const struct flow_mod *fm)
{
	tw->tag = fm->ins.metadata;
	tw->port = port_of(fm);
	tw->group = group_of(fm);
	tw->meter = fm->ins.meter;
}

static bool twin_refers_wrongly(const struct flow_mod *fm)
{
	return (fm->ins.write.n && group_of(fm) >= GROUPS) || fm->ins.meter > METERS;
}

static bool twin_add(struct world *w, const struct flow_mod *fm)
{
	struct twin *tw = twin_same(w, fm);
	uint64_t packets = 0;

	if (fm->table >= TABLES || twin_refers_wrongly(fm))
		return false;
	if (fm->flags & FLOW_CHECK_OVERLAP && twin_overlaps(w, fm))
		return false;
	if (!tw && twin_count(w) >= RULES_MAX)
		return false;
	if (tw) {
		want(w, tw, RULE_REPLACED);
		packets = fm->flags & FLOW_RESET_COUNTS ? 0 : tw->packets;
	}
	for (unsigned i = 0; !tw && i < TWINS; i++)
		if (!w->twins[i].there)
			tw = &w->twins[i];
	assert_non_null(tw);
	*tw = (struct twin){.there = true,
		.table = fm->table,
		.priority = fm->priority,
		.flags = fm->flags,
		.idle = fm->idle_timeout,
		.hard = fm->hard_timeout,
		.cookie = fm->cookie,
		.created_ms = w->now_ms,
		.used_ms = w->now_ms,
		.packets = packets,
		.match = fm->match};
	twin_instructions(tw, fm);
	return true;
}

static bool twin_change(struct world *w, const struct flow_mod *fm)
{
	if (fm->command == FLOW_ADD)
		return twin_add(w, fm);
	bool del = fm->command == FLOW_DELETE || fm->command == FLOW_DELETE_STRICT;
	if (!del && twin_refers_wrongly(fm))
		return false;
	for (unsigned i = 0; i < TWINS; i++) {
		struct twin *tw = &w->twins[i];

		if (!twin_chosen(tw, fm))
			continue;
		want(w, tw, del ? RULE_DELETED : RULE_REPLACED);
		if (del) {
			tw->there = false;
			continue;
		}
		twin_instructions(tw, fm);
		if (fm->flags & FLOW_RESET_COUNTS)
			tw->packets = 0;
	}
	return true;
}

static void twin_remove_if(struct world *w,
	bool (*which)(const struct world *w, const struct twin *tw, uint32_t n), uint32_t n,
	enum rule_removed reason)
{
	for (unsigned i = 0; i < TWINS; i++) {
		if (!w->twins[i].there || !which(w, &w->twins[i], n))
			continue;
		want(w, &w->twins[i], reason);
		w->twins[i].there = false;
	}
}

static bool of_group(const struct world *w, const struct twin *tw, uint32_t n)
{
	return tw->group == n;
}

static bool of_meter(const struct world *w, const struct twin *tw, uint32_t n)
{
	return tw->meter == n;
}

static bool too_old(const struct world *w, const struct twin *tw, uint32_t n)
{
	return tw->hard && tw->created_ms + tw->hard * 1000u <= w->now_ms / 1000 * 1000;
}

static bool too_idle(const struct world *w, const struct twin *tw, uint32_t n)
{
	return tw->idle && tw->used_ms + tw->idle * 1000u <= w->now_ms / 1000 * 1000;
}

/* ---- random changes ---- */

static void random_instructions(struct world *w, struct instructions *ins)
{
	struct rng *r = &w->rng;
	struct action a = {.type = ACTION_OUTPUT};

	ins->metadata = ++w->next_tag;
	ins->metadata_mask = UINT64_MAX;
	ins->meter = rng_below(r, 3) ? 0 : 1 + rng_below(r, METERS + 1);
	a.output.port = 1 + rng_below(r, PORTS);
	if (rng_below(r, 2))
		assert_int_equal(action_list_add(&ins->apply, &a), 0);
	a = (struct action){.type = ACTION_GROUP, .group = rng_below(r, GROUPS + 1)};
	if (!rng_below(r, 4))
		assert_int_equal(action_list_add(&ins->write, &a), 0);
}

static void random_flow_mod(struct world *w, struct flow_mod *fm)
{
	static const enum match_kind kinds[] = {
		MATCH_FEW_MASKS, MATCH_PREFIXES, MATCH_SAME, MATCH_ONE_MASK};
	struct rng *r = &w->rng;

	flow_mod_init(fm);
	fm->command = rng_below(r, 2) ? FLOW_ADD : (enum flow_command)rng_below(r, 5);
	fm->match = random_match(r, kinds[rng_below(r, 4)]);
	if (fm->command != FLOW_ADD && rng_below(r, 3) == 0)
		match_init(&fm->match);
	fm->priority = (uint16_t)rng_below(r, 4);
	fm->table = (uint8_t)rng_below(r, TABLES + !rng_below(r, 8));
	fm->cookie = rng_below(r, 4);
	fm->flags = rng_below(r, 4) ? 0 : FLOW_CHECK_OVERLAP;
	fm->flags |= rng_below(r, 3) ? 0 : FLOW_RESET_COUNTS;
	fm->idle_timeout = rng_below(r, 3) ? 0 : (uint16_t)(1 + rng_below(r, 20));
	fm->hard_timeout = rng_below(r, 3) ? 0 : (uint16_t)(1 + rng_below(r, 9000));
	random_instructions(w, &fm->ins);
	if (fm->command == FLOW_ADD)
		return;
	fm->table = rng_below(r, 2) ? fm->table % TABLES : FLOW_TABLE_ALL;
	fm->cookie_mask = rng_below(r, 2) ? 0 : rng_below(r, 4);
	fm->cookie_match = rng_below(r, 4);
	if (fm->command != FLOW_DELETE && fm->command != FLOW_DELETE_STRICT)
		return;
	fm->out_port = rng_below(r, 3) ? (uint32_t)FLOW_ANY : 1 + rng_below(r, PORTS);
	fm->out_group = rng_below(r, 4) ? (uint32_t)FLOW_ANY : rng_below(r, GROUPS);
}

static void transact(struct world *w)
{
	static struct twin before[TWINS];
	struct flow_mod fms[TX_MAX];
	unsigned n = 1 + rng_below(&w->rng, TX_MAX), n_want = w->n_want, bad = UINT32_MAX, culprit;
	struct strbuf why = STRBUF_INIT;

	memcpy(before, w->twins, sizeof(before));
	for (unsigned i = 0; i < n; i++) {
		random_flow_mod(w, &fms[i]);
		if (bad == UINT32_MAX && !twin_change(w, &fms[i]))
			bad = i;
	}
	int rc = tables_change(w->t, fms, n, w->now_ms, &culprit, &why);
	if (bad == UINT32_MAX) {
		assert_int_equal(rc, 0);
	} else {
		assert_true(rc > 0);
		assert_int_equal(culprit, bad);
		assert_true(why.len > 0);
		memcpy(w->twins, before, sizeof(before));
		w->n_want = n_want;
	}
	for (unsigned i = 0; i < n; i++)
		flow_mod_fini(&fms[i]);
	strbuf_fini(&why);
}

/* ---- comparing ---- */

static struct twin *twin_of(struct world *w, const struct rule *r)
{
	for (unsigned i = 0; i < TWINS; i++) {
		struct twin *tw = &w->twins[i];
		struct match m;

		cls_rule_match(&r->cls, &m);
		if (tw->there && tw->tag == r->ins.metadata && tw->table == r->table &&
			tw->priority == r->cls.priority && match_equal(&tw->match, &m))
			return tw;
	}
	return NULL;
}

struct visited {
	struct world *w;
	unsigned n;
};

static bool visit(struct rule *r, void *arg)
{
	struct visited *v = arg;
	const struct twin *tw = twin_of(v->w, r);
	struct flow_mod fm;

	assert_non_null(tw);
	assert_int_equal(rule_describe(r, &fm), 0);
	assert_int_equal(fm.cookie, tw->cookie);
	assert_int_equal(fm.flags, tw->flags);
	assert_int_equal(fm.idle_timeout, tw->idle);
	assert_int_equal(fm.hard_timeout, tw->hard);
	assert_int_equal(fm.ins.meter, tw->meter);
	assert_int_equal(r->counters->created_ms, tw->created_ms);
	assert_int_equal(rule_counted(r, LANES).packets, tw->packets);
	assert_int_equal(rule_counted(r, LANES).bytes, 10 * tw->packets);
	flow_mod_fini(&fm);
	v->n++;
	return true;
}

static void compare_rules(struct world *w)
{
	struct visited v = {.w = w};

	tables_visit(w->t, NULL, visit, &v);
	assert_int_equal(v.n, twin_count(w));
	assert_int_equal(tables_count(w->t, FLOW_TABLE_ALL), v.n);
}

/* And packets, which are counted and keep rules alive. */
static void compare_lookups(struct world *w)
{
	for (unsigned i = 0; i < 20; i++) {
		uint8_t table = (uint8_t)rng_below(&w->rng, TABLES);
		struct flow_key key =
			random_key(&w->rng, &w->twins[rng_below(&w->rng, TWINS)].match);
		struct rule *r = tables_lookup(w->t, table, &key);
		int best = -1;

		for (unsigned k = 0; k < TWINS; k++)
			if (w->twins[k].there && w->twins[k].table == table &&
				match_hits(&w->twins[k].match, &key) && w->twins[k].priority > best)
				best = w->twins[k].priority;
		assert_int_equal(r ? (int)r->cls.priority : -1, best);
		if (!r)
			continue;
		struct twin *tw = twin_of(w, r);
		assert_non_null(tw);
		assert_true(match_hits(&tw->match, &key));
		struct rule_line *line = &r->counters->lanes[rng_below(&w->rng, LANES)];
		count_add(&line->packets, 1);
		count_add(&line->bytes, 10);
		r->counters->used_ms = tw->used_ms = w->now_ms;
		tw->packets++;
	}
}

static int by_tag(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct event));
}

static void compare_events(struct world *w)
{
	qsort(w->got, w->n_got, sizeof(w->got[0]), by_tag);
	qsort(w->want, w->n_want, sizeof(w->want[0]), by_tag);
	assert_int_equal(w->n_got, w->n_want);
	for (unsigned i = 0; i < w->n_got; i++) {
		assert_int_equal(w->got[i].tag, w->want[i].tag);
		assert_int_equal(w->got[i].reason, w->want[i].reason);
	}
	w->n_got = w->n_want = 0;
}

static void time_passes(struct world *w)
{
	w->now_ms +=
		rng_below(&w->rng, 30) ? rng_below(&w->rng, 3000) : rng_below(&w->rng, 10000000);
	twin_remove_if(w, too_old, 0, RULE_HARD_TIMEOUT);
	twin_remove_if(w, too_idle, 0, RULE_IDLE_TIMEOUT);
	tables_expire(w->t, w->now_ms);
}

static void rules_are_those_of_a_list(void **state)
{
	const struct tables_conf conf = {.n_lanes = LANES,
		.rules_max = RULES_MAX,
		.n_tables = TABLES,
		.env = {.group_exists = group_exists,
			.meter_exists = meter_exists,
			.retired = retired,
			.arg = &world}};
	struct event_base *base = event_base_new();
	struct world *w = &world;

	assert_int_equal(rcu_init(base), 0);
	w->rng = rng_init(__func__);
	w->now_ms = rng_u64(&w->rng) % 100000000;
	assert_int_equal(tables_create(&conf, &w->t), 0);
	tables_expire(w->t, w->now_ms);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned what = rng_below(&w->rng, 20);
		uint32_t n = 1 + rng_below(&w->rng, METERS);

		if (what == 0) {
			twin_remove_if(w, of_group, n, RULE_GROUP_DELETED);
			tables_group_deleted(w->t, n);
		} else if (what == 1) {
			twin_remove_if(w, of_meter, n, RULE_METER_DELETED);
			tables_meter_deleted(w->t, n);
		} else if (what < 5) {
			time_passes(w);
		} else {
			transact(w);
		}
		compare_events(w);
		compare_rules(w);
		compare_lookups(w);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	tables_destroy(w->t);
	rcu_fini();
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_those_of_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
