/* What the classifier is made of: short matches, blocks of rules side by side, priorities; each
 * against a simpler twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cls_view.h"
#include "random_match.h"

static struct rng rng;

static int setup(void **state)
{
	rng = rng_init("classifier_parts");
	return 0;
}

static void mini_matches_compare_as_matches_do(void **state)
{
	unsigned n_covers = 0, n_overlaps = 0, n_equal = 0, n_hits = 0;

	for (unsigned i = 0; i < 20000; i++) {
		enum match_kind kind = i % MATCH_KINDS;
		struct match a = random_match(&rng, kind), b = random_match(&rng, kind);
		struct flow_key key = random_key(&rng, &b);
		uint64_t aw[2 * FLOW_WORDS], bw[2 * FLOW_WORDS];
		struct mini_match x, y;
		struct match back;

		mini_match_init(&x, &a, aw);
		mini_match_init(&y, &b, bw);
		mini_match_expand(&x, &back);
		assert_memory_equal(&back, &a, sizeof(a));
		assert_int_equal(mini_match_covers(&x, &y), match_covers(&a, &b));
		assert_int_equal(mini_match_overlaps(&x, &y), match_overlaps(&a, &b));
		assert_int_equal(mini_match_equal(&x, &y), match_equal(&a, &b));
		assert_int_equal(mini_match_hits(&x, flow_words_const(&key)), match_hits(&a, &key));
		n_covers += match_covers(&a, &b);
		n_overlaps += match_overlaps(&a, &b);
		n_equal += match_equal(&a, &b);
		n_hits += match_hits(&a, &key);
	}
	assert_true(n_covers > 100 && n_overlaps > 100 && n_equal > 100 && n_hits > 100);
}

static void vectors_compare_as_scalars_do(void **state)
{
	unsigned n_hits = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct cls_rule rules[CLS_LINEAR_MAX], *heads[CLS_LINEAR_MAX];
		unsigned n = 1 + rng_below(&rng, CLS_LINEAR_MAX);
		struct match last;
		struct cls_linear *l;

		for (unsigned j = 0; j < n; j++) {
			last = random_match(&rng, i % MATCH_KINDS);
			assert_int_equal(cls_rule_init(&rules[j], &last, j), 0);
			heads[j] = &rules[j];
		}
		l = cls_linear_create(heads, n);
		assert_non_null(l);
		for (unsigned j = 0; j < 50 * l->n_blocks; j++) {
			struct flow_key key = random_key(&rng, &last);
			unsigned block = j % l->n_blocks;
			const uint64_t *words = flow_words_const(&key);
			unsigned hits = cls_linear_hits(l, block, words);

			assert_int_equal(hits, cls_linear_hits_scalar(l, block, words));
			for (unsigned k = 0; k < CLS_BLOCK; k++) {
				struct cls_rule *r = l->rules[block * CLS_BLOCK + k];

				assert_int_equal(
					hits >> k & 1, r && mini_match_hits(&r->match, words));
			}
			n_hits += !!hits;
		}
		free(l);
		for (unsigned j = 0; j < n; j++)
			cls_rule_fini(&rules[j]);
	}
	assert_true(n_hits > 1000);
}

static void priorities_are_counted(void **state)
{
	static unsigned twin[CLS_PRIORITY_MAX + 1];
	struct cls_priorities p = {0};
	unsigned range = 4;

	memset(twin, 0, sizeof(twin));
	assert_int_equal(cls_priorities_max(&p), -1);
	for (unsigned i = 0; i < 60000; i++) {
		uint32_t priority = rng_below(&rng, range);
		int max = CLS_PRIORITY_MAX, lower = (int)priority - 1;
		const struct cls_priority *below = cls_priorities_below(&p, priority);

		if (i % 10000 == 0)
			range = range * 8 > CLS_PRIORITY_MAX ? CLS_PRIORITY_MAX + 1 : range * 8;
		while (lower >= 0 && !twin[lower])
			lower--;
		assert_int_equal(below ? (int)below->priority : -1, lower);
		assert_int_equal(cls_priorities_find(&p, priority) != NULL, twin[priority] > 0);
		if (twin[priority] && rng_below(&rng, 5) < 3) {
			cls_priorities_del(&p, priority);
			twin[priority]--;
		} else {
			assert_int_equal(cls_priorities_reserve(&p, priority), 0);
			cls_priorities_add(&p, priority, NULL);
			twin[priority]++;
		}
		while (max >= 0 && !twin[max])
			max--;
		assert_int_equal(cls_priorities_max(&p), max);
	}
	assert_true(p.n > 20);
	for (unsigned i = 0; i <= CLS_PRIORITY_MAX; i++)
		for (; twin[i]; twin[i]--)
			cls_priorities_del(&p, i);
	assert_int_equal(cls_priorities_max(&p), -1);
	cls_priorities_fini(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mini_matches_compare_as_matches_do),
		cmocka_unit_test(vectors_compare_as_scalars_do),
		cmocka_unit_test(priorities_are_counted),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
