/* How it works: open addressing, linear probing, at most 5/8 of the slots in use.  Nothing
 * is ever moved within a table, and a search from the home slot of a rule to the rule meets
 * no free slot at any moment, so a reader cannot miss a rule that is there:
 *
 *   - a new rule is written into the first slot behind its home that is free or dead: hash
 *     and priority first, then, as a release, the rule;
 *   - a rule that goes leaves a dead slot, which a search passes; only where the next slot
 *     is free anyway, it and the dead ones before it become free;
 *   - when too many are in use the table is built anew beside the old one, which a reader
 *     may go on to read for a grace period.
 *
 * A reader loads the rule first, then hash and priority.  Where the slot changed hands in
 * between, these are of the later rule, and the worst that comes of it is that the reader
 * passes over the earlier rule, which is no longer there, or compares a rule that does not
 * match.  For a head that gives way to another of the same match (a higher one that comes,
 * or the next lower one when it goes), either priority leads to one of the two rules, or to
 * neither where what the reader has found already is better than the one that stays.  What
 * counts in the end is the rule's own match and priority. */
#include "cls_group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE = 64,
	SLOTS_MIN_LOG2 = 2, /* a cache line of them */
	LOAD_MAX = 5,	    /* eighths of the slots */
};

static_assert(sizeof(struct cls_slot) << SLOTS_MIN_LOG2 == LINE, "the log2 fits below a line");
static_assert(FLOW_WORDS % 2, "with the dummy, whole pairs");

/* Matches nothing: no bit of the mask, but one of the value. */
static uint64_t dead_words[2] = {0, 1};
struct cls_rule cls_rule_dead = {.match = {.map = 1, .n = 1, .words = dead_words}};

/* ---- tables ---- */

static int table_create(unsigned log2, uintptr_t *table)
{
	size_t bytes = sizeof(struct cls_slot) << log2;
	uintptr_t slots = (uintptr_t)aligned_alloc(LINE, bytes);

	if (!slots)
		return -ENOMEM;
	memset((void *)slots, 0, bytes);
	*table = slots | log2;
	return 0;
}

/* Where slots of one hash come one after the other, the search goes on behind the last one,
 * 'at': long chains do not take time in the square of their length. */
static uint32_t table_put(
	struct cls_slot *slots, uint32_t last, uint32_t at, const struct cls_slot *slot)
{
	if (slots[at].hash != slot->hash)
		at = slot->hash & last;
	while (slots[at].rule)
		at = (at + 1) & last;
	slots[at] = *slot;
	return at;
}

static int rebuild(struct cls_group *g, unsigned log2)
{
	uint32_t n_old, last = (1u << log2) - 1, at = 0;
	struct cls_slot *old = cls_group_slots(g, &n_old), *slots;
	uintptr_t table;

	if (table_create(log2, &table))
		return -ENOMEM;
	slots = (struct cls_slot *)(table & ~(uintptr_t)63);
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i].rule && old[i].rule != &cls_rule_dead)
			at = table_put(slots, last, at, &old[i]);
	rcu_set(g->table, table);
	g->n_dead = 0;
	rcu_defer(free, old);
	return 0;
}

/* So that half as many again can come as there are, until it is full. */
static unsigned log2_for(uint32_t n_heads)
{
	unsigned log2 = SLOTS_MIN_LOG2;

	while ((uint64_t)LOAD_MAX << log2 < 12ull * n_heads)
		log2++;
	return log2;
}

/* ---- groups ---- */

int cls_group_create(const struct flow_key *mask, uint32_t n_heads, struct cls_group **gp)
{
	const uint64_t *words = flow_words_const(mask);
	struct cls_group *g = aligned_alloc(LINE, sizeof(*g));
	unsigned n = 0;

	if (!g)
		return -ENOMEM;
	memset(g, 0, sizeof(*g));
	if (table_create(log2_for(n_heads), &g->table)) {
		free(g);
		return -ENOMEM;
	}
	g->map = flow_key_map(mask);
	for (flow_map map = g->map; map; map &= map - 1, n++) {
		g->word[n] = (uint8_t)__builtin_ctz(map);
		g->mask[n] = words[g->word[n]];
		g->n_bits += (uint32_t)__builtin_popcountll(g->mask[n]);
	}
	g->n_pairs = (n + 1) / 2;
	*gp = g;
	return 0;
}

void cls_group_destroy(struct cls_group *g)
{
	if (!g)
		return;
	cls_priorities_fini(&g->priorities);
	free((void *)(g->table & ~(uintptr_t)63));
	free(g);
}

static void destroy(void *g)
{
	cls_group_destroy(g);
}

void cls_group_retire(struct cls_group *g)
{
	rcu_defer(destroy, g);
}

bool cls_group_takes(const struct cls_group *g, flow_map map, const uint64_t *mask)
{
	return mini_mask_within(g->map, g->mask, map, mask);
}

/* ---- chains ---- */

struct cls_chain cls_group_chain(
	const struct cls_group *g, uint32_t hash, const struct mini_match *m)
{
	struct cls_chain chain = {0};
	uint32_t n_slots;
	const struct cls_slot *slots = cls_group_slots(g, &n_slots);

	for (uint32_t i = hash & (n_slots - 1); slots[i].rule; i = (i + 1) & (n_slots - 1)) {
		if (slots[i].hash != hash || slots[i].rule == &cls_rule_dead)
			continue;
		chain.len++;
		if (m && mini_match_equal(&slots[i].rule->match, m)) {
			chain.same = slots[i].rule;
			m = NULL;
		}
	}
	return chain;
}

static uint32_t *chains_of(struct cls_group *g, unsigned len)
{
	return &g->n_chains[len > CLS_CHAIN_MAX ? 0 : len];
}

static void chain_changed(struct cls_group *g, unsigned from, unsigned to)
{
	if (from)
		--*chains_of(g, from);
	if (to)
		++*chains_of(g, to);
	if (!g->n_chains[0])
		g->longest = 0;
	else if (to > g->longest)
		g->longest = to;
}

unsigned cls_group_longest(const struct cls_group *g)
{
	unsigned len = CLS_CHAIN_MAX;

	if (g->n_chains[0])
		return g->longest;
	while (len && !g->n_chains[len])
		len--;
	return len;
}

/* ---- rules ---- */

/* A second rule of a match is the first that needs a set of them. */
static int reserve_same(struct cls_rule *head, uint32_t priority)
{
	if (!head->same) {
		struct cls_priorities *same = calloc(1, sizeof(*same));

		if (!same || cls_priorities_reserve(same, head->priority)) {
			free(same);
			return -ENOMEM;
		}
		cls_priorities_add(same, head->priority, head);
		head->same = same;
	}
	return cls_priorities_reserve(head->same, priority);
}

int cls_group_reserve(struct cls_group *g, uint32_t priority, struct cls_rule *same)
{
	unsigned log2 = g->table & 63;
	int err = cls_priorities_reserve(&g->priorities, priority);

	if (!err && same)
		return reserve_same(same, priority);
	if (!err && 8ull * (g->n_heads + g->n_dead + 1) > (uint64_t)LOAD_MAX << log2)
		err = rebuild(g, log2_for(g->n_heads + 1));
	return err;
}

static struct cls_slot *slot_of(const struct cls_group *g, const struct cls_rule *head)
{
	uint32_t n_slots, i = head->hash;
	struct cls_slot *slots = cls_group_slots(g, &n_slots);

	for (;; i++) {
		struct cls_slot *slot = &slots[i & (n_slots - 1)];

		assert(slot->rule);
		if (slot->rule == head)
			return slot;
	}
}

static void slot_set(struct cls_slot *slot, uint32_t hash, struct cls_rule *r)
{
	__atomic_store_n(&slot->hash, hash, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->priority, (int32_t)r->priority, __ATOMIC_RELAXED);
	rcu_set(slot->rule, r);
}

static void add_head(struct cls_group *g, struct cls_rule *r, uint32_t hash)
{
	uint32_t n_slots, i;
	struct cls_slot *slots = cls_group_slots(g, &n_slots);

	for (i = hash & (n_slots - 1); slots[i].rule; i = (i + 1) & (n_slots - 1)) {
		if (slots[i].rule == &cls_rule_dead) {
			g->n_dead--;
			break;
		}
	}
	slot_set(&slots[i], hash, r);
	g->n_heads++;
}

static void add_same(struct cls_group *g, struct cls_rule *r, struct cls_rule *head)
{
	assert(!cls_priorities_find(head->same, r->priority));
	r->same = head->same;
	cls_priorities_add(r->same, r->priority, r);
	if (cls_rule_is_head(r))
		slot_set(slot_of(g, head), r->hash, r);
}

void cls_group_add(
	struct cls_group *g, struct cls_rule *r, uint32_t hash, const struct cls_chain *chain)
{
	r->group = g;
	r->hash = hash;
	r->same = NULL;
	cls_priorities_add(&g->priorities, r->priority, NULL);
	if (chain->same) {
		add_same(g, r, chain->same);
	} else {
		chain_changed(g, chain->len, chain->len + 1);
		add_head(g, r, hash);
	}
}

int cls_group_adopt(
	struct cls_group *g, struct cls_rule *head, uint32_t hash, const struct cls_chain *chain)
{
	int err = cls_group_reserve(g, head->priority, NULL);

	for (struct cls_rule *r = head; r && !err; r = cls_rule_below(r)) {
		err = cls_priorities_reserve(&g->priorities, r->priority);
		if (!err)
			cls_priorities_add(&g->priorities, r->priority, NULL);
	}
	if (err)
		return err;
	chain_changed(g, chain->len, chain->len + 1);
	add_head(g, head, hash);
	return 0;
}

void cls_group_take_over(struct cls_group *g)
{
	uint32_t n_slots;
	struct cls_slot *slots = cls_group_slots(g, &n_slots);

	for (uint32_t i = 0; i < n_slots; i++) {
		if (slots[i].rule == &cls_rule_dead)
			continue;
		for (struct cls_rule *r = slots[i].rule; r; r = cls_rule_below(r)) {
			r->group = g;
			r->hash = slots[i].hash;
		}
	}
}

static void slot_clear(struct cls_group *g, struct cls_slot *slot)
{
	uint32_t n_slots;
	struct cls_slot *slots = cls_group_slots(g, &n_slots);
	uint32_t last = n_slots - 1, i = (uint32_t)(slot - slots);

	rcu_set(slot->rule, &cls_rule_dead);
	g->n_dead++;
	if (slots[(i + 1) & last].rule)
		return;
	for (; slots[i].rule == &cls_rule_dead; i = (i - 1) & last) {
		rcu_set(slots[i].rule, NULL);
		g->n_dead--;
	}
}

static void remove_head(struct cls_group *g, struct cls_rule *r)
{
	struct cls_rule *below = cls_rule_below(r);
	unsigned len;

	if (below) {
		slot_set(slot_of(g, r), r->hash, below);
		return;
	}
	len = cls_group_chain(g, r->hash, NULL).len;
	chain_changed(g, len, len - 1);
	slot_clear(g, slot_of(g, r));
	g->n_heads--;
}

void cls_group_remove(struct cls_group *g, struct cls_rule *r)
{
	if (cls_rule_is_head(r))
		remove_head(g, r);
	if (r->same) {
		cls_priorities_del(r->same, r->priority);
		if (cls_priorities_max(r->same) < 0) {
			cls_priorities_fini(r->same);
			free(r->same);
		}
	}
	cls_priorities_del(&g->priorities, r->priority);
	r->group = NULL;
	r->same = NULL;
}

void cls_group_replace(struct cls_group *g, struct cls_rule *old, struct cls_rule *r)
{
	r->group = g;
	r->hash = old->hash;
	r->same = old->same;
	if (cls_rule_is_head(r))
		rcu_set(slot_of(g, old)->rule, r);
	if (r->same)
		cls_priorities_find(r->same, r->priority)->rule = r;
	old->group = NULL;
	old->same = NULL;
}

void cls_group_trim(struct cls_group *g)
{
	unsigned log2 = log2_for(g->n_heads);

	/* Where it fails, memory is given back another time. */
	if (log2 + 2 < (g->table & 63))
		(void)rebuild(g, log2);
}

size_t cls_group_bytes(const struct cls_group *g)
{
	return sizeof(*g) + (sizeof(struct cls_slot) << (g->table & 63)) +
	       cls_priorities_bytes(&g->priorities);
}
