/* Planned groups are built beside those that there are, from heads: rules are not touched,
 * and readers see nothing of it, until all is there.  Then the new groups are published as
 * one, and take over the rules. */
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"
#include "cls_plan.h"

struct builder {
	struct classifier *cls;
	struct cls_plan *plan;
	struct cls_rule **heads;		  /* by leaf, the largest leaf first */
	struct cls_group *leaves[CLS_LEAVES_MAX]; /* their groups; NULL: not needed so far */
	uint32_t n_heads[CLS_LEAVES_MAX];
	unsigned n_leaves; /* that have no group yet */
	struct cls_group *groups[CLS_PROBES_MAX];
	unsigned n_groups;
};

/* ---- one rule ---- */

static int add_group(
	struct builder *b, const struct flow_key *mask, uint32_t n_heads, struct cls_group **g)
{
	int err = cls_group_create(mask, n_heads, g);

	if (!err)
		cls_groups_add(b->groups, b->n_groups++, *g);
	return err;
}

/* The most specific group in which the chain is shorter than 'max', or else the shortest
 * chain. */
static struct cls_spot best_spot(
	struct builder *b, struct cls_rule *r, const struct flow_key *key, unsigned max)
{
	struct cls_spot best = {0};

	for (unsigned i = 0; i < b->n_groups; i++) {
		struct cls_group *g = b->groups[i];
		struct cls_spot s;

		if (!cls_group_takes(g, r->match.map, r->match.words))
			continue;
		s = cls_spot_look(b->cls, g, &r->match, key);
		if (s.chain.len < max)
			return s;
		if (!best.group || s.chain.len < best.chain.len)
			best = s;
	}
	return best;
}

static bool has_room(const struct cls_spot *s, unsigned max)
{
	return s->group && s->chain.len < max;
}

/* In the leaf's group, which a small leaf makes only where no other group will do. */
static int leaf_spot(
	struct builder *b, struct cls_rule *r, const struct flow_key *key, struct cls_spot *s)
{
	uint32_t leaf = r->mask->leaf;
	int err;

	if (!b->leaves[leaf]) {
		if (b->n_heads[leaf] <= CLS_LEAF_CHAIN) {
			*s = best_spot(b, r, key, CLS_LEAF_CHAIN);
			if (has_room(s, CLS_LEAF_CHAIN))
				return 0;
		}
		err = add_group(b, &b->plan->leaves[leaf], b->n_heads[leaf], &b->leaves[leaf]);
		if (err)
			return err;
		b->n_leaves--;
	}
	*s = cls_spot_look(b->cls, b->leaves[leaf], &r->match, key);
	return 0;
}

/* One of exactly the rule's mask.  All leaves can have a group yet, and the last place is
 * kept for one that looks at nothing (classifier.c). */
static bool may_add_another(const struct builder *b)
{
	return b->n_groups + b->n_leaves < CLS_PROBES_MAX - 1;
}

static int find_spot(
	struct builder *b, struct cls_rule *r, const struct flow_key *key, struct cls_spot *s)
{
	int err = leaf_spot(b, r, key, s);
	struct cls_group *g;
	struct match match;

	if (err || has_room(s, CLS_CHAIN_MAX))
		return err;
	*s = best_spot(b, r, key, CLS_CHAIN_MAX);
	if (has_room(s, CLS_CHAIN_MAX) || !may_add_another(b))
		return 0;
	mini_match_expand(&r->match, &match);
	err = add_group(b, &match.mask, 1, &g);
	if (!err)
		*s = cls_spot_look(b->cls, g, &r->match, key);
	return err;
}

static void note_home(struct builder *b, struct cls_mask *mask, struct cls_group *g)
{
	if (!mask->next_home)
		mask->next_home = g;
	if (mask->next_home == g)
		return;
	mask->next_spread = true;
	if (g == b->leaves[mask->leaf])
		mask->next_home = g;
}

static int put(struct builder *b, struct cls_rule *r)
{
	struct flow_key key;
	struct cls_spot s;
	int err;

	mini_match_key(&r->match, &key);
	err = find_spot(b, r, &key, &s);
	if (!err)
		err = cls_group_adopt(s.group, r, s.hash, &s.chain);
	if (!err)
		note_home(b, r->mask, s.group);
	return err;
}

/* ---- all of them ---- */

static int by_heads(const void *a, const void *b, void *arg)
{
	const uint32_t *n_heads = arg;
	uint32_t x = n_heads[*(const unsigned *)a], y = n_heads[*(const unsigned *)b];

	return (x < y) - (x > y);
}

/* Heads by leaf, the largest one first. */
static void sort_heads(struct builder *b, struct cls_rule *const *heads, size_t n)
{
	unsigned order[CLS_LEAVES_MAX];
	size_t at[CLS_LEAVES_MAX], next = 0;

	for (size_t i = 0; i < n; i++)
		b->n_heads[heads[i]->mask->leaf]++;
	for (unsigned i = 0; i < b->plan->n; i++)
		order[i] = i;
	qsort_r(order, b->plan->n, sizeof(order[0]), by_heads, b->n_heads);
	for (unsigned i = 0; i < b->plan->n; i++) {
		at[order[i]] = next;
		next += b->n_heads[order[i]];
	}
	for (size_t i = 0; i < n; i++)
		b->heads[at[heads[i]->mask->leaf]++] = heads[i];
}

static int build(struct builder *b)
{
	size_t n = b->cls->n_heads;
	struct cls_rule **heads = calloc(n, sizeof(struct cls_rule *));
	int err = -1;

	b->heads = calloc(n, sizeof(struct cls_rule *));
	if (heads && b->heads) {
		classifier_heads(b->cls, heads);
		err = cls_plan_create(&b->cls->masks, heads, n, &b->plan);
	}
	if (!err) {
		b->n_leaves = b->plan->n;
		sort_heads(b, heads, n);
	}
	free(heads);
	for (size_t i = 0; i < n && !err; i++)
		err = put(b, b->heads[i]);
	return err;
}

static void swap_groups(struct builder *b)
{
	struct classifier *cls = b->cls;

	for (unsigned i = 0; i < CLS_PROBES_MAX; i++) {
		struct cls_group *g = cls->groups[i];

		cls->groups[i] = b->groups[i];
		b->groups[i] = g;
	}
	unsigned n = cls->n_groups;

	cls->n_groups = b->n_groups;
	b->n_groups = n;
}

static void reset_homes(struct cls_masks *masks)
{
	for (uint32_t i = 0; i < masks->n_buckets; i++) {
		for (struct cls_mask *mask = masks->buckets[i]; mask; mask = mask->next) {
			mask->next_home = NULL;
			mask->next_spread = false;
		}
	}
}

static void take_over(struct classifier *cls)
{
	struct cls_masks *masks = &cls->masks;

	for (unsigned i = 0; i < cls->n_groups; i++)
		cls_group_take_over(cls->groups[i]);
	for (uint32_t i = 0; i < masks->n_buckets; i++)
		for (struct cls_mask *mask = masks->buckets[i]; mask; mask = mask->next)
			cls_mask_set_home(masks, mask, mask->next_home, mask->next_spread);
}

/* ---- when ---- */

enum {
	SOON = 2, /* one change for so many rules */
	LATE = 2, /* so many changes for each */
};

void classifier_set_limits(struct classifier *cls)
{
	unsigned n_groups = cls->n_groups < CLS_EXACT_MAX ? CLS_EXACT_MAX : cls->n_groups;
	unsigned chain = classifier_longest(cls);

	cls->n_changes = 0;
	cls->groups_max = n_groups + n_groups / 2;
	cls->chain_max = 2 * (chain < CLS_CHAIN_MAX ? CLS_CHAIN_MAX : chain);
}

/* Soon where it got worse, late where it could be better: both ways planning costs a constant
 * time for each change. */
static bool wants_regroup(const struct classifier *cls)
{
	size_t n = cls->n_heads + cls->n_groups;
	bool is_worse = cls->n_groups > cls->groups_max;

	if (cls->n_heads <= CLS_LINEAR_MAX || cls->n_changes * SOON < n)
		return false;
	for (unsigned i = 0; i < cls->n_groups && !is_worse; i++)
		is_worse = cls->groups[i]->longest > cls->chain_max;
	return is_worse || (cls->n_groups > CLS_EXACT_MAX && cls->n_changes > LATE * n);
}

void classifier_may_regroup(struct classifier *cls)
{
	if (!cls->n_heads)
		classifier_set_limits(cls);
	else if (wants_regroup(cls))
		classifier_regroup(cls);
}

void classifier_regroup(struct classifier *cls)
{
	struct builder *b = calloc(1, sizeof(*b));
	int err;

	cls->n_changes = 0;
	if (!b)
		return;
	b->cls = cls;
	reset_homes(&cls->masks);
	err = build(b);
	if (!err) {
		swap_groups(b);
		err = classifier_publish(cls);
		if (err)
			swap_groups(b);
	}
	if (!err) {
		take_over(cls);
		classifier_set_limits(cls);
	}
	for (unsigned i = 0; i < b->n_groups; i++) {
		if (err)
			cls_group_destroy(b->groups[i]);
		else
			cls_group_retire(b->groups[i]);
	}
	cls_plan_destroy(b->plan);
	free(b->heads);
	free(b);
}
