/* What is asked of a classifier: readers' lookups, and control's searches.
 *
 * Where a group's mask is within the mask that is searched for, all that can be found there
 * has one hash: the search is a probe.  Else it is a walk over all slots. */
#include <assert.h>
#include <string.h>

#include "classifier_priv.h"
#include "list.h"

struct cls_rule *classifier_lookup(const struct classifier *cls, const struct flow_key *key)
{
	const struct cls_view *view = rcu_get(cls->view);

	if (!view)
		return NULL;
	if (view->form == CLS_LINEAR)
		return cls_linear_lookup(
			container_of(view, const struct cls_linear, view), flow_words_const(key));
	return cls_order_lookup(container_of(view, const struct cls_order, view), cls->secret,
		flow_words_const(key));
}

/* ---- a walk over heads ---- */

struct walk {
	const struct cls_slot *slots;
	uint32_t i, last;
	uint32_t hash;
	bool is_probe; /* of that hash only; else all */
	bool is_over;
};

static struct walk walk_probe(const struct cls_group *g, uint32_t hash)
{
	uint32_t n;
	struct walk w = {.slots = cls_group_slots(g, &n), .hash = hash, .is_probe = true};

	w.last = n - 1;
	w.i = hash & w.last;
	return w;
}

static struct walk walk_all(const struct cls_group *g)
{
	uint32_t n;
	struct walk w = {.slots = cls_group_slots(g, &n)};

	w.last = n - 1;
	return w;
}

/* NULL at the end.  The head that was returned before may be gone by now. */
static struct cls_rule *walk_next(struct walk *w)
{
	while (!w->is_over) {
		const struct cls_slot *slot = &w->slots[w->i];

		w->is_over = w->is_probe ? !slot->rule : w->i == w->last;
		w->i = (w->i + 1) & w->last;
		if (slot->rule && slot->rule != &cls_rule_dead &&
			(!w->is_probe || slot->hash == w->hash))
			return slot->rule;
	}
	return NULL;
}

/* Over all heads that 'm', with 'key' its values, could cover or overlap with. */
static struct walk walk_for(const struct classifier *cls, const struct cls_group *g,
	const struct mini_match *m, const struct flow_key *key)
{
	if (!cls_group_takes(g, m->map, m->words))
		return walk_all(g);
	return walk_probe(g, cls_group_hash(g, cls->secret, flow_words_const(key)));
}

/* ---- searches ---- */

struct long_match {
	struct mini_match m;
	uint64_t words[2 * FLOW_WORDS];
};

static struct cls_rule *find_head(
	const struct classifier *cls, const struct mini_match *m, const struct flow_key *key)
{
	const struct cls_mask *mask = cls_masks_lookup(&cls->masks, m);
	struct cls_rule *head = NULL;

	if (!mask)
		return NULL;
	if (mask->home)
		head = cls_spot_look(cls, mask->home, m, key).chain.same;
	for (unsigned i = 0; i < cls->n_groups && !head && mask->spread; i++)
		if (cls_group_takes(cls->groups[i], m->map, m->words))
			head = cls_spot_look(cls, cls->groups[i], m, key).chain.same;
	return head;
}

struct cls_rule *classifier_find(
	const struct classifier *cls, const struct match *match, uint32_t priority)
{
	struct long_match l;
	struct cls_rule *head;

	mini_match_init(&l.m, match, l.words);
	head = find_head(cls, &l.m, &match->key);
	return head ? cls_rule_at(head, priority) : NULL;
}

static struct cls_rule *overlapping_in(const struct classifier *cls, const struct cls_group *g,
	const struct mini_match *m, const struct flow_key *key, uint32_t priority)
{
	struct walk w = walk_for(cls, g, m, key);
	struct cls_rule *r, *found = NULL;

	while (!found && (r = walk_next(&w)))
		if (mini_match_overlaps(&r->match, m))
			found = cls_rule_at(r, priority);
	return found;
}

struct cls_rule *classifier_overlapping(
	const struct classifier *cls, const struct match *match, uint32_t priority)
{
	struct cls_rule *found = NULL;
	struct long_match l;

	mini_match_init(&l.m, match, l.words);
	for (unsigned i = 0; i < cls->n_groups && !found; i++)
		if (cls_priorities_find(&cls->groups[i]->priorities, priority))
			found = overlapping_in(cls, cls->groups[i], &l.m, &match->key, priority);
	return found;
}

/* Of 'm' itself and those below it; false: the callback wants no more. */
static bool visit_match(struct cls_rule *r, classifier_visit_fn fn, void *arg)
{
	bool more = true;

	for (struct cls_rule *below; r && more; r = below) {
		below = cls_rule_below(r);
		more = fn(r, arg);
	}
	return more;
}

void classifier_visit(
	struct classifier *cls, const struct match *within, classifier_visit_fn fn, void *arg)
{
	struct match everything = {0};
	struct long_match l;
	bool more = true;

	if (!within)
		within = &everything;
	mini_match_init(&l.m, within, l.words);
	cls->n_visits++;
	for (unsigned i = 0; i < cls->n_groups && more; i++) {
		struct walk w = walk_for(cls, cls->groups[i], &l.m, &within->key);
		struct cls_rule *r;

		while (more && (r = walk_next(&w)))
			if (mini_match_covers(&l.m, &r->match))
				more = visit_match(r, fn, arg);
	}
	if (!--cls->n_visits)
		classifier_tidy(cls);
}

/* Into its place among 'n' of falling priority; the last one goes where there is no room. */
static unsigned rank(struct cls_rule **rules, unsigned n, unsigned max, struct cls_rule *r)
{
	unsigned i = n < max ? n : max - 1;

	if (n == max && rules[i]->priority >= r->priority)
		return n;
	for (; i && rules[i - 1]->priority < r->priority; i--)
		rules[i] = rules[i - 1];
	rules[i] = r;
	return n < max ? n + 1 : n;
}

unsigned classifier_lookup_all(const struct classifier *cls, const struct flow_key *key,
	struct cls_rule **rules, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cls->n_groups && max; i++) {
		const struct cls_group *g = cls->groups[i];
		uint32_t hash = cls_group_hash(g, cls->secret, flow_words_const(key));
		struct walk w = walk_probe(g, hash);
		struct cls_rule *r;

		while ((r = walk_next(&w)))
			if (mini_match_hits(&r->match, flow_words_const(key)))
				for (; r; r = cls_rule_below(r))
					n = rank(rules, n, max, r);
	}
	return n;
}
