/* How it works.
 *
 * Rules lie in groups (cls_group.h).  A lookup probes one group after the other, that with
 * the highest priority first, and ends when what it has found is not lower than what is
 * left.  While there are few masks, each has a group of its own, of exactly that mask: one
 * mask is one hash.  For many masks, planning (cls_plan.h, cls_regroup.c) finds groups that
 * several masks share, with short chains.  As in TupleMerge (Daly et al., IEEE/ACM
 * Transactions on Networking 27, 2019) rules of many masks share few tables, and chains are
 * bounded; but what the tables look at is not fixed in advance (whole bytes of addresses,
 * ports dropped), it is found in the rules: tables of metadata and registers are as good as
 * those of addresses.
 *
 * A new rule goes
 *
 *   - to rules of its match, if there are any;
 *   - else to the home of its mask, where its chain has room;
 *   - else to the most specific group where it has;
 *   - else to a new group, of exactly its mask.
 *
 * The last group that may be made looks at nothing, so it takes any rule; from then on
 * rules for which no chain has room go to the shortest one.  When groups have become half as
 * many again as were planned, chains twice as long, or most rules others, groups are planned
 * anew; where that did not help, it is not tried again soon.  The new groups are built beside
 * the old ones and published at once.
 *
 * Up to CLS_LINEAR_MAX different matches of several masks are not probed for, but compared,
 * CLS_BLOCK at once (cls_linear.c).  Groups are kept nevertheless; so the form follows the
 * number of rules with no more than a new view (cls_view.h). */
#include "classifier_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cls_plan.h"
#include "list.h"
#include "must.h"

/* ---- rules ---- */

int cls_rule_init(struct cls_rule *r, const struct match *match, uint32_t priority)
{
	unsigned n = mini_match_size(match);
	uint64_t *words = r->words;

	assert(priority <= CLS_PRIORITY_MAX);
	if (n > CLS_RULE_WORDS)
		words = malloc(2 * n * sizeof(*words));
	if (!words)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	mini_match_init(&r->match, match, words);
	r->priority = priority;
	return 0;
}

void cls_rule_fini(struct cls_rule *r)
{
	assert(!r->group);
	if (r->match.words != r->words)
		free(r->match.words);
}

void cls_rule_match(const struct cls_rule *r, struct match *match)
{
	mini_match_expand(&r->match, match);
}

/* ---- the table ---- */

int classifier_create(struct classifier **out)
{
	struct classifier *cls = calloc(1, sizeof(*cls));
	struct hash_seed seed = hash_seed();

	if (!cls)
		return -ENOMEM;
	for (unsigned i = 0; i < FLOW_WORDS + 1; i++)
		cls->secret[i] = hash_u64(seed, i);
	cls_masks_init(&cls->masks);
	classifier_set_limits(cls);
	*out = cls;
	return 0;
}

void classifier_destroy(struct classifier *cls)
{
	if (!cls)
		return;
	assert(!cls->n_rules && !cls->n_groups && !cls->view);
	cls_masks_fini(&cls->masks);
	free(cls);
}

unsigned classifier_count(const struct classifier *cls)
{
	return cls->n_rules;
}

const struct flow_key *classifier_fields(const struct classifier *cls)
{
	return &cls->masks.fields.set;
}

/* ---- what readers see ---- */

static struct cls_view *linear_view(const struct classifier *cls)
{
	struct cls_rule *heads[CLS_LINEAR_MAX];
	struct cls_linear *l;

	classifier_heads(cls, heads);
	l = cls_linear_create(heads, (unsigned)cls->n_heads);
	return l ? &l->view : NULL;
}

static struct cls_view *order_view(const struct classifier *cls)
{
	struct cls_order *o = cls_order_create(cls->groups, cls->n_groups);

	return o ? &o->view : NULL;
}

/* A probe of a group costs about as much as comparing with a block. */
static bool wants_linear(const struct classifier *cls)
{
	size_t n_blocks = (cls->n_heads + CLS_BLOCK - 1) / CLS_BLOCK;

	return cls->n_heads <= CLS_LINEAR_MAX && n_blocks <= cls->n_groups;
}

int classifier_publish(struct classifier *cls)
{
	struct cls_view *old = cls->view, *view = NULL;

	if (cls->n_heads) {
		view = wants_linear(cls) ? linear_view(cls) : order_view(cls);
		if (!view)
			return -ENOMEM;
	}
	rcu_set(cls->view, view);
	if (old)
		rcu_defer(free, old);
	return 0;
}

/* NULL where readers do not go by groups. */
static struct cls_order *order_of(const struct classifier *cls)
{
	return cls->view && cls->view->form == CLS_ORDER
		       ? container_of(cls->view, struct cls_order, view)
		       : NULL;
}

/* ---- groups ---- */

void cls_groups_add(struct cls_group **groups, unsigned n, struct cls_group *g)
{
	assert(n < CLS_PROBES_MAX);
	for (; n && groups[n - 1]->n_bits < g->n_bits; n--)
		groups[n] = groups[n - 1];
	groups[n] = g;
}

/* One that takes a match for which there is no room; the last one takes all. */
static struct cls_group *new_group(const struct classifier *cls, const struct mini_match *m)
{
	const struct cls_group *widest = cls->groups[cls->n_groups - !!cls->n_groups];
	struct cls_group *g;
	struct match match;

	mini_match_expand(m, &match);
	if (cls->n_groups == CLS_PROBES_MAX - 1 && widest->map)
		match_init(&match);
	return cls_group_create(&match.mask, 1, &g) ? NULL : g;
}

static bool is_better(const struct cls_spot *a, const struct cls_spot *b)
{
	return !b->group || (b->chain.len >= CLS_CHAIN_MAX && a->chain.len < b->chain.len);
}

static bool has_room(const struct cls_spot *s)
{
	return s->group && s->chain.len < CLS_CHAIN_MAX;
}

/* A rule's place; in 'group' none where it needs a new one. */
static struct cls_spot find_spot(const struct classifier *cls, const struct cls_mask *mask,
	const struct mini_match *m, const struct flow_key *key)
{
	struct cls_spot best = {0};

	if (mask->home) {
		best = cls_spot_look(cls, mask->home, m, key);
		if (best.chain.same || (!mask->spread && has_room(&best)))
			return best;
	} else if (!mask->spread && cls->n_groups < CLS_EXACT_MAX) {
		return best;
	}
	for (unsigned i = 0; i < cls->n_groups; i++) {
		struct cls_group *g = cls->groups[i];
		struct cls_spot s;

		if (g == mask->home || !cls_group_takes(g, m->map, m->words))
			continue;
		s = cls_spot_look(cls, g, m, key);
		if (s.chain.same)
			return s;
		if (is_better(&s, &best))
			best = s;
	}
	if (!has_room(&best) && cls->n_groups < CLS_PROBES_MAX)
		return (struct cls_spot){0};
	return best;
}

static void drop_group(struct classifier *cls, struct cls_group *g)
{
	unsigned i = 0;

	while (cls->groups[i] != g)
		i++;
	cls->n_groups--;
	memmove(&cls->groups[i], &cls->groups[i + 1],
		(cls->n_groups - i) * sizeof(struct cls_group *));
	cls_masks_group_gone(&cls->masks, g);
}

/* ---- insertion ---- */

static void set_home(struct classifier *cls, struct cls_rule *r, bool is_fresh)
{
	struct cls_mask *mask = r->mask;

	if (!mask->home)
		cls_mask_set_home(&cls->masks, mask, r->group, mask->spread);
	else if (mask->home != r->group)
		cls_mask_set_home(&cls->masks, mask, is_fresh ? r->group : mask->home, true);
}

/* There is room in the spot's group.  0 or -ENOMEM. */
static int insert_at(struct classifier *cls, struct cls_rule *r, const struct cls_spot *spot)
{
	struct cls_order *order = order_of(cls);
	struct cls_group *g = spot->group;
	bool is_fresh = !g->n_heads;
	int err = 0;

	if (order && !is_fresh)
		cls_order_raise(order, g, r->priority);
	cls_group_add(g, r, spot->hash, &spot->chain);
	if (is_fresh)
		cls_groups_add(cls->groups, cls->n_groups++, g);
	cls->n_rules++;
	cls->n_heads += !spot->chain.same;
	if (order ? is_fresh : cls_rule_is_head(r))
		err = classifier_publish(cls);
	else if (order && cls_order_is_stale(order))
		(void)classifier_publish(cls); /* where it fails, lookups are slower, not wrong */
	if (!err) {
		set_home(cls, r, is_fresh);
		return 0;
	}
	cls->n_rules--;
	cls->n_heads -= !spot->chain.same;
	if (is_fresh)
		drop_group(cls, g);
	cls_group_remove(g, r);
	return err;
}

int classifier_insert(struct classifier *cls, struct cls_rule *r)
{
	struct cls_group *fresh = NULL;
	struct flow_key key;
	struct cls_spot spot;
	int err = -ENOMEM;

	assert(!r->group && !cls->n_visits);
	r->mask = cls_masks_ref(&cls->masks, &r->match);
	if (!r->mask)
		return err;
	mini_match_key(&r->match, &key);
	spot = find_spot(cls, r->mask, &r->match, &key);
	if (!spot.group) {
		fresh = new_group(cls, &r->match);
		if (!fresh)
			goto unref_mask;
		spot = cls_spot_look(cls, fresh, &r->match, &key);
	}
	if (cls_group_reserve(spot.group, r->priority, spot.chain.same) || insert_at(cls, r, &spot))
		goto destroy_group;
	cls->n_changes++;
	classifier_may_regroup(cls);
	return 0;

destroy_group:
	cls_group_destroy(fresh);
unref_mask:
	cls_masks_unref(&cls->masks, r->mask);
	return err;
}

/* ---- removal ---- */

/* Nothing below may fail for lack of memory: readers would go on to see what is gone. */
static void publish_or_die(struct classifier *cls)
{
	must_do(classifier_publish(cls));
}

/* What a change left behind in the groups. */
void classifier_tidy(struct classifier *cls)
{
	struct cls_order *order = order_of(cls);
	struct cls_group *gone[CLS_PROBES_MAX];
	unsigned n_gone = 0;

	for (unsigned i = 0; i < cls->n_groups;) {
		struct cls_group *g = cls->groups[i];

		if (g->n_heads) {
			cls_group_trim(g);
			i++;
		} else {
			drop_group(cls, g);
			gone[n_gone++] = g;
		}
	}
	if (order && (n_gone || wants_linear(cls) || cls_order_is_stale(order)))
		publish_or_die(cls);
	while (n_gone)
		cls_group_retire(gone[--n_gone]);
	classifier_may_regroup(cls);
}

void classifier_remove(struct classifier *cls, struct cls_rule *r)
{
	struct cls_order *order = order_of(cls);
	struct cls_group *g = r->group;
	int max = cls_priorities_max(&g->priorities);
	bool is_head = cls_rule_is_head(r);

	cls->n_rules--;
	cls->n_heads -= is_head && !cls_rule_below(r);
	cls_group_remove(g, r);
	cls_masks_unref(&cls->masks, r->mask);
	cls->n_changes++;
	if (!order && is_head)
		publish_or_die(cls);
	if (order && cls_priorities_max(&g->priorities) != max)
		cls_order_lower(order);
	if (!cls->n_visits)
		classifier_tidy(cls);
}

void classifier_replace(struct classifier *cls, struct cls_rule *old, struct cls_rule *r)
{
	assert(old->priority == r->priority && mini_match_equal(&old->match, &r->match));
	r->mask = old->mask;
	cls_group_replace(old->group, old, r);
	if (cls->view->form == CLS_LINEAR)
		cls_linear_replace(container_of(cls->view, struct cls_linear, view), old, r);
}

/* ---- what it is ---- */

size_t classifier_heads(const struct classifier *cls, struct cls_rule **heads)
{
	size_t n = 0;

	for (unsigned i = 0; i < cls->n_groups; i++) {
		uint32_t n_slots;
		const struct cls_slot *slots = cls_group_slots(cls->groups[i], &n_slots);

		for (uint32_t j = 0; j < n_slots; j++)
			if (slots[j].rule && slots[j].rule != &cls_rule_dead)
				heads[n++] = slots[j].rule;
	}
	assert(n == cls->n_heads);
	return n;
}

unsigned classifier_longest(const struct classifier *cls)
{
	unsigned longest = 0;

	for (unsigned i = 0; i < cls->n_groups; i++) {
		unsigned len = cls_group_longest(cls->groups[i]);

		if (len > longest)
			longest = len;
	}
	return longest;
}

static const char *form_of(const struct classifier *cls)
{
	if (!cls->view)
		return "empty";
	if (cls->view->form == CLS_LINEAR)
		return "linear";
	return cls->n_groups == 1 ? "hash" : "groups";
}

struct classifier_stats classifier_stats(const struct classifier *cls)
{
	struct classifier_stats s = {
		.rules = cls->n_rules,
		.groups = cls->n_groups,
		.masks = cls->masks.n,
		.max_chain = classifier_longest(cls),
		.bytes = sizeof(*cls) + cls_masks_bytes(&cls->masks) + cls_view_bytes(cls->view),
		.form = form_of(cls),
	};

	for (unsigned i = 0; i < cls->n_groups; i++)
		s.bytes += cls_group_bytes(cls->groups[i]);
	return s;
}
