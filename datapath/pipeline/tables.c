/* Timeouts: rules wait in a wheel of one list per second.  A rule is looked at when it may
 * be due; one that was used meanwhile is put further on, so that a packet costs nothing. */
#include "tables_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "must.h"
#include "rcu.h"

int tables_create(const struct tables_conf *conf, struct tables **out)
{
	struct tables *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->conf = *conf;
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		list_init(&t->wheel[i]);
	*out = t;
	return 0;
}

/* ---- timeouts ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t used_ms(const struct rule *r)
{
	return __atomic_load_n(&r->counters->used_ms, __ATOMIC_RELAXED);
}

/* When one of its timeouts is over, as it looks now; UINT64_MAX: it has none. */
static uint64_t over_ms(const struct rule *r)
{
	uint64_t hard = UINT64_MAX, idle = UINT64_MAX;

	if (r->hard_timeout)
		hard = r->counters->created_ms + r->hard_timeout * 1000ull;
	if (r->idle_timeout)
		idle = used_ms(r) + r->idle_timeout * 1000ull;
	return min_u64(hard, idle);
}

static void wheel_add(struct tables *t, struct rule *r)
{
	uint64_t over = over_ms(r), last = (t->wheel_s + WHEEL_SLOTS - 1) * 1000;

	if (over == UINT64_MAX)
		return;
	uint64_t due_s = (min_u64(over, last) + 999) / 1000;
	if (due_s <= t->wheel_s)
		due_s = t->wheel_s + 1;
	list_add_tail(&t->wheel[due_s % WHEEL_SLOTS], &r->timed);
}

static void wheel_del(struct rule *r)
{
	list_del(&r->timed);
	list_init(&r->timed);
}

/* ---- rules in and out ---- */

static void free_rule(void *arg)
{
	rule_destroy(arg);
}

static void touch(struct tables *t)
{
	__atomic_store_n(&t->version, t->version + 1, __ATOMIC_RELEASE);
}

int table_make(struct tables *t, uint8_t table)
{
	struct classifier *cls;
	int rc = t->cls[table] ? 0 : classifier_create(&cls);

	if (!rc && !t->cls[table])
		rcu_set(t->cls[table], cls);
	return rc;
}

int table_put(struct tables *t, struct rule *old, struct rule *r)
{
	int rc = 0;

	if (old)
		classifier_replace(t->cls[r->table], &old->cls, &r->cls);
	else
		rc = classifier_insert(t->cls[r->table], &r->cls);
	if (rc)
		return rc;
	if (old)
		wheel_del(old);
	t->n_rules += !old;
	wheel_add(t, r);
	touch(t);
	return 0;
}

void table_take(struct tables *t, struct rule *r)
{
	classifier_remove(t->cls[r->table], &r->cls);
	wheel_del(r);
	t->n_rules--;
	touch(t);
}

void table_retire(struct tables *t, struct rule *r, enum rule_removed reason)
{
	if (t->conf.env.retired)
		t->conf.env.retired(t->conf.env.arg, r, reason);
	else
		rcu_defer(free_rule, r);
}

/* ---- which rules ---- */

static bool chosen(const struct rule *r, const struct gather *g)
{
	const struct flow_mod *fm = g->fm;

	if (g->meter && r->ins.meter != g->meter)
		return false;
	return !fm ||
	       ((r->cookie & fm->cookie_mask) == (fm->cookie_match & fm->cookie_mask) &&
		       (fm->out_port == (uint32_t)FLOW_ANY || rule_outputs_to(r, fm->out_port)) &&
		       (fm->out_group == (uint32_t)FLOW_ANY || rule_uses_group(r, fm->out_group)));
}

static bool gather_one(struct cls_rule *cr, void *arg)
{
	struct gather *g = arg;

	if (!chosen(rule_of(cr), g))
		return true;
	if (g->n == g->cap) {
		unsigned cap = 2 * g->cap + 16;
		struct rule **rules = reallocarray(g->rules, cap, sizeof(struct rule *));

		if (!rules) {
			g->rc = -ENOMEM;
			return false;
		}
		g->rules = rules;
		g->cap = cap;
	}
	g->rules[g->n++] = rule_of(cr);
	return true;
}

static bool is_strict(const struct flow_mod *fm)
{
	return fm && (fm->command == FLOW_MODIFY_STRICT || fm->command == FLOW_DELETE_STRICT);
}

static void gather_table(struct gather *g, struct classifier *cls)
{
	if (!is_strict(g->fm)) {
		classifier_visit(cls, g->fm ? &g->fm->match : NULL, gather_one, g);
		return;
	}
	struct cls_rule *cr = classifier_find(cls, &g->fm->match, g->fm->priority);
	if (cr)
		gather_one(cr, g);
}

/* Gathered first, as what is done to a rule may move others. */
int tables_gather(const struct tables *t, struct gather *g)
{
	for (unsigned i = 0; i < t->conf.n_tables && !g->rc; i++)
		if (t->cls[i] && (!g->fm || g->fm->table == FLOW_TABLE_ALL || g->fm->table == i))
			gather_table(g, t->cls[i]);
	if (!g->rc)
		return 0;
	free(g->rules);
	return g->rc;
}

void tables_visit(const struct tables *t, const struct flow_mod *which,
	bool (*fn)(struct rule *r, void *arg), void *arg)
{
	struct gather g = {.fm = which};

	must_do(tables_gather(t, &g));
	for (unsigned i = 0; i < g.n && fn(g.rules[i], arg); i++)
		;
	free(g.rules);
}

/* All of these, at once. */
static void remove_all(struct tables *t, struct gather *g, enum rule_removed reason)
{
	must_do(tables_gather(t, g));
	for (unsigned i = 0; i < g->n; i++) {
		table_take(t, g->rules[i]);
		table_retire(t, g->rules[i], reason);
	}
	free(g->rules);
}

void tables_group_deleted(struct tables *t, uint32_t group)
{
	struct flow_mod fm;

	flow_mod_init(&fm);
	fm.command = FLOW_DELETE;
	fm.table = FLOW_TABLE_ALL;
	fm.out_group = group;
	remove_all(t, &(struct gather){.fm = &fm}, RULE_GROUP_DELETED);
	flow_mod_fini(&fm);
}

void tables_meter_deleted(struct tables *t, uint32_t meter)
{
	remove_all(t, &(struct gather){.meter = meter}, RULE_METER_DELETED);
}

/* ---- time ---- */

static void expire_one(struct tables *t, struct rule *r, uint64_t now_ms)
{
	wheel_del(r);
	if (over_ms(r) > now_ms) {
		wheel_add(t, r);
		return;
	}
	bool hard =
		r->hard_timeout && r->counters->created_ms + r->hard_timeout * 1000ull <= now_ms;

	table_take(t, r);
	table_retire(t, r, hard ? RULE_HARD_TIMEOUT : RULE_IDLE_TIMEOUT);
}

void tables_expire(struct tables *t, uint64_t now_ms)
{
	uint64_t now_s = now_ms / 1000;

	if (now_s > t->wheel_s + WHEEL_SLOTS) /* once around is every list */
		t->wheel_s = now_s - WHEEL_SLOTS;
	while (t->wheel_s < now_s) {
		struct list due, *l;

		t->wheel_s++;
		list_move_all(&t->wheel[t->wheel_s % WHEEL_SLOTS], &due);
		while ((l = list_pop(&due)))
			expire_one(t, container_of(l, struct rule, timed), now_s * 1000);
	}
}

/* ---- looking ---- */

uint8_t tables_n(const struct tables *t)
{
	return t->conf.n_tables;
}

unsigned tables_count(const struct tables *t, uint8_t table)
{
	if (table == FLOW_TABLE_ALL)
		return t->n_rules;
	return t->cls[table] ? classifier_count(t->cls[table]) : 0;
}

uint64_t tables_version(const struct tables *t)
{
	return __atomic_load_n(&t->version, __ATOMIC_ACQUIRE);
}

const struct classifier *tables_classifier(const struct tables *t, uint8_t table)
{
	return rcu_get(t->cls[table]);
}

struct rule *tables_lookup(const struct tables *t, uint8_t table, const struct flow_key *key)
{
	const struct classifier *cls = tables_classifier(t, table);
	struct cls_rule *r = cls ? classifier_lookup(cls, key) : NULL;

	return r ? rule_of(r) : NULL;
}

/* ---- the end ---- */

void tables_destroy(struct tables *t)
{
	struct gather g = {0};

	if (!t)
		return;
	must_do(tables_gather(t, &g));
	for (unsigned i = 0; i < g.n; i++) {
		table_take(t, g.rules[i]);
		rule_destroy(g.rules[i]);
	}
	free(g.rules);
	for (unsigned i = 0; i < FLOW_TABLES_MAX; i++)
		if (t->cls[i])
			classifier_destroy(t->cls[i]);
	free(t);
}
