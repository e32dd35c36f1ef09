/* The classifier, looked at from inside: the form that a table takes, what lookups may have
 * to probe and compare, and what becomes of it when rules leave or memory ends.  That it
 * answers right is also tested by random operations (model_classifier.c). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "classifier_priv.h"
#include "fail_nth.h"
#include "list.h"
#include "random_match.h"

enum { RULES_MAX = 20000 };

static struct env {
	struct event_base *base;
	struct classifier *cls;
	struct cls_rule rules[RULES_MAX];
	unsigned n;
	struct rng rng;
} env;

static int setup(void **state)
{
	memset(&env, 0, sizeof(env));
	env.base = event_base_new();
	env.rng.state = 1;
	if (!env.base || rcu_init(env.base))
		return -1;
	return classifier_create(&env.cls);
}

static bool remove_it(struct cls_rule *r, void *arg)
{
	classifier_remove(env.cls, r);
	return true;
}

static int teardown(void **state)
{
	classifier_visit(env.cls, NULL, remove_it, NULL);
	classifier_destroy(env.cls);
	for (unsigned i = 0; i < env.n; i++)
		cls_rule_fini(&env.rules[i]);
	rcu_fini();
	event_base_free(env.base);
	return 0;
}

static struct cls_rule *new_rule(const struct match *m, uint32_t priority)
{
	struct cls_rule *r = &env.rules[env.n++];

	assert_true(env.n <= RULES_MAX);
	assert_int_equal(cls_rule_init(r, m, priority), 0);
	return r;
}

static struct cls_rule *insert(const struct match *m, uint32_t priority)
{
	struct cls_rule *r = new_rule(m, priority);

	assert_int_equal(classifier_insert(env.cls, r), 0);
	return r;
}

static struct match word_match(unsigned word, uint64_t mask, uint64_t value)
{
	struct match m;

	match_init(&m);
	flow_words(&m.mask)[word] = mask;
	flow_words(&m.key)[word] = value & mask;
	return m;
}

static struct cls_rule *insert_word(unsigned word, uint64_t mask, uint64_t value, uint32_t priority)
{
	struct match m = word_match(word, mask, value);

	return insert(&m, priority);
}

static struct cls_rule *lookup(const struct match *m)
{
	return classifier_lookup(env.cls, &m->key);
}

static struct classifier_stats now(void)
{
	return classifier_stats(env.cls);
}

/* A key of every rule leads to that rule, or one that is as good; the readers' way and
 * control's agree. */
static void check_all(void)
{
	for (unsigned i = 0; i < env.n; i++) {
		struct cls_rule *first, *r;
		struct match m;

		if (!env.rules[i].group)
			continue;
		cls_rule_match(&env.rules[i], &m);
		r = lookup(&m);
		assert_non_null(r);
		assert_true(r->priority >= env.rules[i].priority);
		assert_true(mini_match_hits(&r->match, flow_words_const(&m.key)));
		assert_int_equal(classifier_lookup_all(env.cls, &m.key, &first, 1), 1);
		assert_int_equal(first->priority, r->priority);
	}
}

/* ---- forms ---- */

static void form_follows_the_rules(void **state)
{
	struct cls_rule *second;

	assert_string_equal(now().form, "empty");
	insert_word(20, UINT64_MAX, 1, 1);
	assert_string_equal(now().form, "linear");
	for (unsigned i = 2; i <= CLS_BLOCK; i++)
		insert_word(20, UINT64_MAX, i, i);
	assert_string_equal(now().form, "linear");
	insert_word(20, UINT64_MAX, CLS_BLOCK + 1, 1);
	assert_string_equal(now().form, "hash");
	second = insert_word(21, UINT64_MAX, 1, 1);
	assert_string_equal(now().form, "linear");
	for (unsigned i = 0; i < CLS_LINEAR_MAX; i++)
		insert_word(22, UINT64_MAX, i, i);
	assert_string_equal(now().form, "groups");
	assert_int_equal(now().groups, 3);
	assert_int_equal(now().masks, 3);
	check_all();
	for (unsigned i = 0; i < env.n; i++)
		if (env.rules[i].match.map == 1 << 22 || &env.rules[i] == second)
			classifier_remove(env.cls, &env.rules[i]);
	assert_int_equal(now().groups, 1);
	check_all();
	while (classifier_count(env.cls)) {
		struct cls_rule *r = &env.rules[classifier_count(env.cls) - 1];

		classifier_remove(env.cls, r);
		check_all();
	}
	assert_string_equal(now().form, "empty");
}

static void one_mask_is_one_probe(void **state)
{
	for (unsigned i = 0; i < RULES_MAX; i++)
		insert_word(26, 0xffffffffu, i * 7919u, i);
	assert_string_equal(now().form, "hash");
	assert_int_equal(now().groups, 1);
	assert_true(now().max_chain <= 2); /* two of 2^32 hashes may be the same */
	assert_true(now().bytes / RULES_MAX <= 64);
	check_all();
	for (unsigned i = 100; i < RULES_MAX; i++)
		classifier_remove(env.cls, &env.rules[i]);
	assert_int_equal(now().groups, 1);
	assert_true(now().bytes < 32768);
	check_all();
}

static struct match prefixes(void)
{
	struct match m = word_match(22,
		prefix_mask(rng_below(&env.rng, 33)) | prefix_mask(rng_below(&env.rng, 33)) << 32,
		rng_u64(&env.rng));

	return m;
}

/* More than the planner looks at. */
static void many_masks_share_few_groups(void **state)
{
	while (env.n < RULES_MAX) {
		struct match m = prefixes();
		uint32_t priority = rng_below(&env.rng, CLS_PRIORITY_MAX + 1);

		if (!classifier_find(env.cls, &m, priority))
			insert(&m, priority);
	}
	assert_true(now().masks > 900);
	assert_true(now().groups < 64);
	assert_true(now().max_chain <= CLS_CHAIN_MAX);
	check_all();
	/* what is left is put together again */
	for (unsigned i = 0; i < env.n; i++)
		if (!env.rules[i].match.n || env.rules[i].match.words[0] != prefix_mask(32))
			classifier_remove(env.cls, &env.rules[i]);
	assert_int_equal(now().masks, 1);
	assert_true(now().groups <= 16);
	check_all();
}

/* No two masks have a bit in common, so none of them can share a group that looks at
 * something. */
static void probes_are_bounded_whatever_the_masks(void **state)
{
	struct match all = word_match(0, 0, 0);
	struct flow_key none;

	insert(&all, 0);
	for (unsigned i = 0; i < FLOW_WORDS * 64; i++)
		insert_word(i / 64, 1ull << i % 64, UINT64_MAX, 1 + i);
	assert_int_equal(now().masks, 1 + FLOW_WORDS * 64);
	assert_true(now().groups <= CLS_PROBES_MAX);
	assert_true(now().max_chain > CLS_CHAIN_MAX); /* and it says so */
	check_all();
	memset(&none, 0, sizeof(none));
	assert_ptr_equal(classifier_lookup(env.cls, &none), &env.rules[0]);
	for (unsigned i = 0; i < FLOW_WORDS * 64; i++)
		if (i % 20)
			classifier_remove(env.cls, &env.rules[1 + i]);
	assert_string_equal(now().form, "groups");
	assert_true(now().max_chain <= CLS_CHAIN_MAX);
	check_all();
}

/* Among many rules a few new masks are no reason to plan all anew. */
static void last_group_takes_what_no_other_does(void **state)
{
	unsigned n_big = 8000;
	bool has_widest = false;

	for (unsigned i = 0; i < n_big; i++)
		insert_word(26, UINT64_MAX, i, i);
	for (unsigned i = 0; i < 16; i++)
		insert_word(1, 1ull << i, 0, 1);
	classifier_regroup(env.cls);
	for (unsigned i = 0; i < 600; i++)
		insert_word(2 + i / 64, 1ull << i % 64, UINT64_MAX, 1 + i);
	assert_int_equal(now().groups, CLS_PROBES_MAX);
	for (unsigned i = 0; i < env.cls->n_groups; i++)
		has_widest |= !env.cls->groups[i]->map;
	assert_true(has_widest);
	check_all();
}

/* ---- priorities ---- */

/* What a lookup of nothing has to probe: of groups in falling priority, those before the
 * first that cannot be better. */
static void check_bounds(void)
{
	const struct cls_order *o = container_of(env.cls->view, struct cls_order, view);
	int bound = -1;

	assert_int_equal(o->view.form, CLS_ORDER);
	for (unsigned i = o->n; i--;) {
		int max = cls_priorities_max(&o->entries[i].group->priorities);

		if (max > bound)
			bound = max;
		assert_int_equal(o->entries[i].bound, bound);
	}
}

static void bounds_of_groups_are_exact(void **state)
{
	struct cls_rule *tops[40];

	for (unsigned i = 0; i < 400; i++) {
		insert_word(i % 8, UINT64_MAX, i, 1 + rng_below(&env.rng, 100));
		if (i > CLS_LINEAR_MAX)
			check_bounds();
	}
	for (unsigned i = 0; i < 40; i++) {
		tops[i] = insert_word(i % 8, UINT64_MAX, 1000 + i, 1000 + 37 * i % 40);
		check_bounds();
	}
	for (unsigned i = 0; i < 40; i++) {
		classifier_remove(env.cls, tops[i]);
		check_bounds();
	}
	check_all();
}

static void highest_of_the_same_match_counts(void **state)
{
	static const unsigned order[] = {5, 1, 9, 3, 7};
	struct match m = word_match(22, UINT64_MAX, 7);
	struct cls_rule *r[10] = {0}, *all[10];

	for (unsigned filler = 0; filler < 100; filler++) /* "groups", the second time */
		insert_word(filler % 5, UINT64_MAX, 1 + filler, 1);
	for (unsigned i = 0; i < 5; i++) {
		r[order[i]] = insert(&m, order[i]);
		assert_int_equal(lookup(&m)->priority, i < 2 ? 5 : 9);
	}
	assert_int_equal(now().max_chain, 1);
	assert_int_equal(classifier_lookup_all(env.cls, &m.key, all, 10), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(all[i], r[9 - 2 * i]);
	classifier_remove(env.cls, r[5]);
	assert_ptr_equal(lookup(&m), r[9]);
	assert_ptr_equal(classifier_find(env.cls, &m, 3), r[3]);
	assert_null(classifier_find(env.cls, &m, 5));
	classifier_remove(env.cls, r[9]);
	assert_ptr_equal(lookup(&m), r[7]);
	classifier_remove(env.cls, r[1]);
	classifier_remove(env.cls, r[7]);
	assert_ptr_equal(lookup(&m), r[3]);
	classifier_remove(env.cls, r[3]);
	assert_null(lookup(&m));
}

/* The order in which they come and go has the highest in every place among them. */
static void rules_of_a_match_come_and_go_in_any_order(void **state)
{
	enum { STEP = 7919 }; /* shares no factor with RULES_MAX */
	struct match m = word_match(22, UINT64_MAX, 7);
	uint32_t highest = 0;

	for (uint32_t i = 0; i < RULES_MAX; i++) {
		uint32_t priority = i * STEP % RULES_MAX;

		insert(&m, priority);
		highest = priority > highest ? priority : highest;
		assert_int_equal(lookup(&m)->priority, highest);
	}
	assert_int_equal(now().max_chain, 1);
	for (uint32_t i = 0; i < RULES_MAX; i++) { /* the upper and the lower half, in turns */
		uint32_t priority = i % 2 ? i / 2 : RULES_MAX - 1 - i / 2;

		assert_int_equal(lookup(&m)->priority, RULES_MAX - 1 - (i + 1) / 2);
		classifier_remove(env.cls, classifier_find(env.cls, &m, priority));
		assert_null(classifier_find(env.cls, &m, priority));
	}
	assert_null(lookup(&m));
}

/* ---- when groups are planned ---- */

/* Half of the changes bring masks that are wider or narrower than what was there. */
static void steady_change_seldom_plans_anew(void **state)
{
	unsigned n_plans = 0, n = 1000;
	size_t n_changes;

	while (env.n < n) {
		struct match m = prefixes();
		uint32_t priority = rng_below(&env.rng, CLS_PRIORITY_MAX + 1);

		if (!classifier_find(env.cls, &m, priority))
			insert(&m, priority);
	}
	n_changes = env.cls->n_changes;
	for (unsigned i = 0; i < 5 * n; i++) {
		struct cls_rule *r = &env.rules[i % n];
		struct match m;
		uint32_t priority;

		classifier_remove(env.cls, r);
		cls_rule_fini(r);
		do {
			m = i % 2 ? prefixes() : word_match(22 + i / 2 % 2, UINT64_MAX, i);
			priority = rng_below(&env.rng, CLS_PRIORITY_MAX + 1);
		} while (classifier_find(env.cls, &m, priority));
		assert_int_equal(cls_rule_init(r, &m, priority), 0);
		assert_int_equal(classifier_insert(env.cls, r), 0);
		n_plans += env.cls->n_changes < n_changes;
		n_changes = env.cls->n_changes;
	}
	assert_in_range(n_plans, 1, 20); /* of 10,000 changes */
	assert_true(now().groups < 64);
	check_all();
}

/* A tenant that knows the program cannot make rules, or keys, that collide. */
static void every_table_hashes_in_its_own_way(void **state)
{
	struct match m = word_match(22, UINT64_MAX, 7);
	struct cls_group *g;
	struct classifier *other;

	assert_int_equal(classifier_create(&other), 0);
	assert_int_equal(cls_group_create(&m.mask, 1, &g), 0);
	assert_int_not_equal(cls_group_hash(g, env.cls->secret, flow_words_const(&m.key)),
		cls_group_hash(g, other->secret, flow_words_const(&m.key)));
	cls_group_destroy(g);
	classifier_destroy(other);
}

/* ---- what it looks at ---- */

static void fields_narrow_when_the_last_rule_goes(void **state)
{
	const struct flow_key *set = classifier_fields(env.cls);
	struct match m, wide;
	struct cls_rule *a, *b, *c;

	match_init(&m);
	m.mask.ip.ip4_src = htobe32(0xfffff000u);
	wide = m;
	wide.mask.ip.ip4_src = htobe32(0xff000000u);
	wide.mask.vlan[0].tci = htobe16(0x0fff);
	a = insert(&m, 1);
	b = insert(&m, 2);
	assert_int_equal(be32toh(set->ip.ip4_src), 0xffffff00u);
	assert_int_equal(set->vlan[0].tci, 0);
	c = insert(&wide, 1);
	assert_int_equal(be16toh(set->vlan[0].tci), 0xffff);
	classifier_remove(env.cls, a);
	assert_int_equal(be32toh(set->ip.ip4_src), 0xffffff00u);
	classifier_remove(env.cls, b);
	assert_int_equal(be32toh(set->ip.ip4_src), 0xff000000u);
	classifier_remove(env.cls, c);
	assert_int_equal(flow_key_map(set), 0);
}

/* ---- no memory ---- */

enum { REFUSED = 1, TAKEN = 2, WRONG = 3 };

/* In a process of its own: insert, with the n-th allocation failing. */
static int insert_without_memory(struct cls_rule *r, unsigned n)
{
	unsigned before = now().rules;
	struct cls_rule *old;
	struct match m;
	int rc;

	cls_rule_match(r, &m);
	old = lookup(&m);
	fail_arm(FAIL_ALLOC, n, false);
	rc = classifier_insert(env.cls, r);
	fail_disarm();
	if (!rc)
		return classifier_find(env.cls, &m, r->priority) == r ? TAKEN : WRONG;
	if (rc != -ENOMEM || r->group || now().rules != before || lookup(&m) != old ||
		classifier_find(env.cls, &m, r->priority))
		return WRONG;
	return classifier_insert(env.cls, r) || lookup(&m) != r ? WRONG : REFUSED;
}

/* How many of the first allocations make it refuse.  Handing something to rcu_defer() may
 * end the process, nothing else. */
static unsigned refusals(struct cls_rule *r, unsigned n_max, unsigned n_deferred)
{
	unsigned n_refused = 0, n_ended = 0;

	for (unsigned n = 1; n <= n_max; n++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (!pid) {
			int result = insert_without_memory(r, n);

			if (result != WRONG)
				check_all();
			_exit(result);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFSIGNALED(status)) {
			assert_int_equal(WTERMSIG(status), SIGABRT);
			n_ended++;
			continue;
		}
		assert_true(WEXITSTATUS(status) == REFUSED || WEXITSTATUS(status) == TAKEN);
		n_refused += WEXITSTATUS(status) == REFUSED;
	}
	assert_true(n_ended <= n_deferred);
	return n_refused;
}

static void first_rule_is_refused_without_memory(void **state)
{
	struct match m = word_match(22, UINT64_MAX, 1);

	/* buckets, mask, group, table, chunks, chunk, view */
	assert_int_equal(refusals(new_rule(&m, 1), 10, 0), 7);
}

static void new_group_is_refused_without_memory(void **state)
{
	struct match m = word_match(22, UINT64_MAX, 1);

	for (unsigned i = 0; i < 100; i++)
		insert_word(i % 5, UINT64_MAX, 1 + i, 1);
	/* mask, group, table, chunks, chunk, view */
	assert_int_equal(refusals(new_rule(&m, 1), 10, 1), 6);
}

static void growth_is_refused_without_memory(void **state)
{
	struct match m = word_match(22, UINT64_MAX, 1u << 20);
	unsigned n = 0;

	for (uint32_t n_slots = 0; n_slots != 256; n++) { /* until it has just grown */
		insert_word(22, UINT64_MAX, n, 1);
		cls_group_slots(env.cls->groups[0], &n_slots);
	}
	for (; 8 * (n + 1) <= 5 * 256; n++)
		insert_word(22, UINT64_MAX, n, 1);
	assert_int_equal(refusals(new_rule(&m, 1), 5, 1), 1);
}

/* Planning is given up, all goes on as it was: only what the rule itself needs is refused. */
static void planning_without_memory_changes_nothing(void **state)
{
	struct match m = word_match(0, 0, 0);
	struct cls_rule *r;
	unsigned n_groups;

	for (unsigned i = 0; i < 40; i++)
		insert_word(20 + i % 10, UINT64_MAX, 1 + i, i + 1);
	n_groups = env.cls->n_groups;
	assert_int_equal(n_groups, 10);
	env.cls->groups_max = n_groups; /* with the next group */
	r = new_rule(&m, 0);
	/* as before, and then some 50 of the plan and its groups, of which none is refused */
	assert_int_equal(refusals(r, 80, n_groups + 3), 6);
	assert_int_equal(classifier_insert(env.cls, r), 0);
	assert_int_equal(env.cls->n_changes, 0); /* it was planned */
	check_all();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(form_follows_the_rules),
		T(one_mask_is_one_probe),
		T(many_masks_share_few_groups),
		T(probes_are_bounded_whatever_the_masks),
		T(last_group_takes_what_no_other_does),
		T(bounds_of_groups_are_exact),
		T(highest_of_the_same_match_counts),
		T(rules_of_a_match_come_and_go_in_any_order),
		T(steady_change_seldom_plans_anew),
		T(every_table_hashes_in_its_own_way),
		T(fields_narrow_when_the_last_rule_goes),
		T(first_rule_is_refused_without_memory),
		T(new_group_is_refused_without_memory),
		T(growth_is_refused_without_memory),
		T(planning_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
