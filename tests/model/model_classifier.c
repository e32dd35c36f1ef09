/* The classifier against a twin: a list of rules without order that is searched from one end
 * to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "classifier_priv.h"
#include "list.h"
#include "random_match.h"
#include "rcu.h"

enum {
	ROUNDS = 28,
	OPS = 2000,
	RULES_MAX = 1500,
};

struct rule {
	struct cls_rule cls;
	struct match match; /* as given */
	bool is_marked;
};

struct twin {
	struct rng rng;
	struct event_base *base;
	struct classifier *cls;
	enum match_kind kind;
	bool is_mixed; /* of kinds */
	unsigned n_priorities;
	struct rule *rules[RULES_MAX];
	unsigned n;
	unsigned n_max;
	bool hard; /* more masks than probes, since it was empty */
};

static struct rule *rule_of(struct cls_rule *r)
{
	return r ? container_of(r, struct rule, cls) : NULL;
}

static unsigned priority(const struct rule *r)
{
	return r->cls.priority;
}

static struct match new_match(struct twin *t)
{
	return random_match(&t->rng, t->is_mixed ? rng_below(&t->rng, MATCH_KINDS) : t->kind);
}

/* Of a rule, or one that could be. */
static struct match some_match(struct twin *t)
{
	if (t->n && rng_below(&t->rng, 3))
		return t->rules[rng_below(&t->rng, t->n)]->match;
	return new_match(t);
}

static unsigned some_priority(struct twin *t)
{
	unsigned p = rng_below(&t->rng, t->n_priorities);

	return p == t->n_priorities - 1 ? CLS_PRIORITY_MAX : p;
}

static struct rule *twin_find(const struct twin *t, const struct match *m, unsigned prio)
{
	for (unsigned i = 0; i < t->n; i++)
		if (priority(t->rules[i]) == prio && match_equal(&t->rules[i]->match, m))
			return t->rules[i];
	return NULL;
}

static unsigned index_of(const struct twin *t, const struct rule *r)
{
	unsigned i = 0;

	while (t->rules[i] != r) {
		assert_true(i < t->n);
		i++;
	}
	return i;
}

/* ---- changes ---- */

static void rule_free(void *arg)
{
	struct rule *r = arg;

	cls_rule_fini(&r->cls);
	free(r);
}

static struct rule *new_rule(const struct match *m, unsigned prio)
{
	struct rule *r = calloc(1, sizeof(*r));
	struct match back;

	assert_non_null(r);
	r->match = *m;
	assert_int_equal(cls_rule_init(&r->cls, m, prio), 0);
	cls_rule_match(&r->cls, &back);
	assert_memory_equal(&back, m, sizeof(back));
	return r;
}

static void insert(struct twin *t)
{
	struct match m = rng_below(&t->rng, 3) ? new_match(t) : some_match(t);
	unsigned prio = some_priority(t);
	struct rule *r = twin_find(t, &m, prio);

	assert_ptr_equal(rule_of(classifier_find(t->cls, &m, prio)), r);
	if (r || t->n == t->n_max)
		return;
	r = new_rule(&m, prio);
	assert_int_equal(classifier_insert(t->cls, &r->cls), 0);
	t->rules[t->n++] = r;
}

static void forget(struct twin *t, unsigned i)
{
	rcu_defer(rule_free, t->rules[i]);
	t->rules[i] = t->rules[--t->n];
}

static void remove_one(struct twin *t)
{
	unsigned i;

	if (!t->n)
		return;
	i = rng_below(&t->rng, t->n);
	classifier_remove(t->cls, &t->rules[i]->cls);
	forget(t, i);
}

static void replace(struct twin *t)
{
	struct rule *old, *r;
	unsigned i;

	if (!t->n)
		return;
	i = rng_below(&t->rng, t->n);
	old = t->rules[i];
	r = new_rule(&old->match, priority(old));
	classifier_replace(t->cls, &old->cls, &r->cls);
	forget(t, i);
	t->rules[t->n++] = r;
}

/* ---- questions ---- */

static void find(struct twin *t)
{
	struct match m = some_match(t);
	unsigned prio = some_priority(t);

	assert_ptr_equal(rule_of(classifier_find(t->cls, &m, prio)), twin_find(t, &m, prio));
}

static void overlapping(struct twin *t)
{
	struct match m = some_match(t);
	unsigned prio = some_priority(t);
	struct rule *r = rule_of(classifier_overlapping(t->cls, &m, prio));
	bool is_any = false;

	for (unsigned i = 0; i < t->n; i++)
		is_any |= priority(t->rules[i]) == prio && match_overlaps(&t->rules[i]->match, &m);
	assert_int_equal(r != NULL, is_any);
	if (r) {
		index_of(t, r);
		assert_int_equal(priority(r), prio);
		assert_true(match_overlaps(&r->match, &m));
	}
}

static struct flow_key some_key(struct twin *t)
{
	struct match m = some_match(t);

	return random_key(&t->rng, &m);
}

static void lookup(struct twin *t)
{
	struct flow_key key = some_key(t);
	struct rule *r = rule_of(classifier_lookup(t->cls, &key));
	int best = -1;

	for (unsigned i = 0; i < t->n; i++)
		if ((int)priority(t->rules[i]) > best && match_hits(&t->rules[i]->match, &key))
			best = (int)priority(t->rules[i]);
	assert_int_equal(r ? (int)priority(r) : -1, best);
	if (r) {
		index_of(t, r);
		assert_true(match_hits(&r->match, &key));
	}
}

static int falling(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

static void lookup_all(struct twin *t)
{
	static struct cls_rule *found[RULES_MAX];
	static int expected[RULES_MAX];
	struct flow_key key = some_key(t);
	unsigned max = rng_below(&t->rng, 4) ? rng_below(&t->rng, 8) : RULES_MAX;
	unsigned n = classifier_lookup_all(t->cls, &key, found, max), n_hits = 0;

	for (unsigned i = 0; i < t->n; i++) {
		t->rules[i]->is_marked = match_hits(&t->rules[i]->match, &key);
		if (t->rules[i]->is_marked)
			expected[n_hits++] = (int)priority(t->rules[i]);
	}
	qsort(expected, n_hits, sizeof(expected[0]), falling);
	assert_int_equal(n, n_hits < max ? n_hits : max);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(found[i]->priority, expected[i]);
		assert_true(rule_of(found[i])->is_marked); /* a hit, and not seen before */
		rule_of(found[i])->is_marked = false;
	}
}

struct visit {
	struct twin *t;
	unsigned n, n_stop;
	bool removes, replaces;
};

static bool visit_one(struct cls_rule *cls, void *arg)
{
	struct rule *r = rule_of(cls);
	struct visit *v = arg;

	assert_true(r->is_marked);
	r->is_marked = false;
	if (v->removes && rng_below(&v->t->rng, 2)) {
		classifier_remove(v->t->cls, cls);
		forget(v->t, index_of(v->t, r));
	} else if (v->replaces && rng_below(&v->t->rng, 2)) {
		unsigned i = index_of(v->t, r);
		struct rule *new = new_rule(&r->match, priority(r));

		classifier_replace(v->t->cls, cls, &new->cls);
		rcu_defer(rule_free, r);
		v->t->rules[i] = new;
	}
	return ++v->n != v->n_stop;
}

static struct match some_wider_match(struct twin *t)
{
	struct match m = some_match(t);

	for (unsigned i = 0; i < FLOW_WORDS; i++) {
		if (rng_below(&t->rng, 3))
			continue;
		flow_words(&m.mask)[i] &= rng_below(&t->rng, 2) ? 0 : 0x00ffff00fffffff0u;
		flow_words(&m.key)[i] &= flow_words(&m.mask)[i];
	}
	return m;
}

static void visit(struct twin *t)
{
	struct match m = some_wider_match(t);
	bool is_all = rng_below(&t->rng, 20) == 0;
	struct visit v = {
		.t = t,
		.n_stop = rng_below(&t->rng, 3) ? 0 : 1 + rng_below(&t->rng, 5),
		.removes = rng_below(&t->rng, 20) == 0,
		.replaces = rng_below(&t->rng, 20) == 0,
	};
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		t->rules[i]->is_marked = is_all || match_covers(&m, &t->rules[i]->match);
		n += t->rules[i]->is_marked;
	}
	classifier_visit(t->cls, is_all ? NULL : &m, visit_one, &v);
	assert_int_equal(v.n, v.n_stop && v.n_stop < n ? v.n_stop : n);
}

static void check_fields(struct twin *t)
{
	struct flow_key set = {0};
	uint8_t *bytes = (uint8_t *)&set;

	for (unsigned i = 0; i < t->n; i++)
		for (unsigned b = 0; b < sizeof(set); b++)
			if (((const uint8_t *)&t->rules[i]->match.mask)[b])
				bytes[b] = 0xff;
	assert_memory_equal(classifier_fields(t->cls), &set, sizeof(set));
}

static void check_stats(struct twin *t)
{
	struct classifier_stats s = classifier_stats(t->cls);
	unsigned n_masks = 0;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned j = 0;

		while (memcmp(&t->rules[i]->match.mask, &t->rules[j]->match.mask,
			sizeof(struct flow_key)))
			j++;
		n_masks += i == j;
	}
	assert_int_equal(classifier_count(t->cls), t->n);
	assert_int_equal(s.rules, t->n);
	assert_int_equal(s.masks, n_masks);
	assert_true(s.groups <= CLS_PROBES_MAX);
	/* masks that may have had nothing in common: their chains stay until all is planned anew */
	t->hard = t->n && (t->hard || n_masks > CLS_PROBES_MAX);
	if (!t->hard && !t->is_mixed && t->kind != MATCH_ONE_BIT)
		assert_true(s.max_chain <= 2 * CLS_CHAIN_MAX);
	assert_true((s.max_chain == 0) == (t->n == 0));
	assert_true(s.bytes > 0);
	assert_string_not_equal(s.form, t->n ? "empty" : "linear");
}

/* ---- the game ---- */

static void (*const questions[])(struct twin *t) = {
	find, overlapping, lookup, lookup, lookup, lookup_all, visit};

static void play(struct twin *t)
{
	unsigned growth = 90; /* insertions among changes, in percent */

	for (unsigned i = 0; i < OPS; i++) {
		if (i % (OPS / 6) == 0 && i)
			growth = (const unsigned[]){90, 60, 50, 20}[rng_below(&t->rng, 4)];
		for (unsigned n = t->n_max / 400 + 1; n; n--) {
			if (rng_below(&t->rng, 100) < growth)
				insert(t);
			else
				remove_one(t);
		}
		if (rng_below(&t->rng, 4) == 0)
			replace(t);
		questions[rng_below(&t->rng, sizeof(questions) / sizeof(questions[0]))](t);
		if (rng_below(&t->rng, 100) == 0) {
			check_fields(t);
			check_stats(t);
			event_base_loop(t->base, EVLOOP_NONBLOCK);
		}
	}
}

static bool clear_one(struct cls_rule *r, void *arg)
{
	struct twin *t = arg;

	classifier_remove(t->cls, r);
	forget(t, index_of(t, rule_of(r)));
	return true;
}

/* So that the same seed plays the same game. */
static void make_repeatable(struct twin *t)
{
	rng_fill(&t->rng, t->cls->secret, sizeof(t->cls->secret));
	rng_fill(&t->rng, &t->cls->masks.seed, sizeof(t->cls->masks.seed));
}

static void agrees_with_twin(void **state)
{
	static struct twin t;

	memset(&t, 0, sizeof(t));
	t.base = *state;
	t.rng = rng_init("classifier");
	for (unsigned i = 0; i < ROUNDS; i++) {
		static const unsigned maxima[] = {12, 60, 300, RULES_MAX, RULES_MAX};
		static const unsigned priorities[] = {1, 4, 100, 60000};

		t.kind = i % MATCH_KINDS;
		t.is_mixed = rng_below(&t.rng, 5) == 0;
		t.n_max = maxima[rng_below(&t.rng, 5)];
		t.n_priorities = priorities[rng_below(&t.rng, 4)];
		assert_int_equal(classifier_create(&t.cls), 0);
		make_repeatable(&t);
		play(&t);
		check_fields(&t);
		check_stats(&t);
		classifier_visit(t.cls, NULL, clear_one, &t);
		assert_int_equal(t.n, 0);
		check_fields(&t);
		check_stats(&t);
		assert_string_equal(classifier_stats(t.cls).form, "empty");
		classifier_destroy(t.cls);
		event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
}

static int setup(void **state)
{
	struct event_base *base = event_base_new();

	*state = base;
	return base ? rcu_init(base) : -1;
}

static int teardown(void **state)
{
	rcu_fini();
	event_base_free(*state);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(agrees_with_twin, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
