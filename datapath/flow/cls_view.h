/* cls_view.h - what readers of a classifier follow: one of two forms, each published as one
 * object.
 *
 *	linear   the few rules themselves, in blocks that are compared at once
 *	order    groups, of which the one with the highest priority comes first
 *
 * Threads: control makes and changes them; readers call the lookups. */
#pragma once

#include "cls_group.h"

enum cls_form { CLS_LINEAR, CLS_ORDER };

struct cls_view {
	enum cls_form form;
};

enum {
	CLS_BLOCK = 8, /* rules that are compared at once */
	CLS_LINEAR_MAX = 4 * CLS_BLOCK,
};

/* A word of the key, for the rules of a block. */
struct cls_column {
	uint64_t mask[CLS_BLOCK];
	uint64_t value[CLS_BLOCK];
} __attribute__((aligned(64)));

/* Rules in falling priority; the rest of the last block matches nothing. */
struct cls_linear {
	struct cls_view view;
	uint32_t n_blocks;
	uint32_t n_words;
	uint8_t word[FLOW_WORDS + 1];
	struct cls_rule *rules[CLS_LINEAR_MAX];
	struct cls_column columns[]; /* of each block, one for each word; at least one */
};

struct cls_order_entry {
	int32_t bound; /* no rule in this group or a later one has a higher priority */
	struct cls_group *group;
};

struct cls_order {
	struct cls_view view;
	uint32_t n;
	uint32_t disorder; /* changes that left a group behind one of lower priority */
	struct cls_order_entry entries[];
};

/* The heads, at most CLS_LINEAR_MAX and at least one, in any order.  NULL: no memory. */
struct cls_linear *cls_linear_create(struct cls_rule *const *heads, unsigned n);
/* 'r' has the match and priority of 'old', which is there. */
void cls_linear_replace(struct cls_linear *l, struct cls_rule *old, struct cls_rule *r);
/* Which rules of a block match: bit i for the i-th. */
unsigned cls_linear_hits(const struct cls_linear *l, unsigned block, const uint64_t *key);
/* Its twin. */
unsigned cls_linear_hits_scalar(const struct cls_linear *l, unsigned block, const uint64_t *key);
struct cls_rule *cls_linear_lookup(const struct cls_linear *l, const uint64_t *key);

/* Groups without rules are left out.  NULL: no memory. */
struct cls_order *cls_order_create(struct cls_group *const *groups, unsigned n);
/* A rule of that priority is about to come into a group that is there. */
void cls_order_raise(struct cls_order *o, const struct cls_group *g, uint32_t priority);
/* A rule has left a group. */
void cls_order_lower(struct cls_order *o);
/* Is it worth making anew? */
bool cls_order_is_stale(const struct cls_order *o);

static inline struct cls_rule *cls_order_lookup(
	const struct cls_order *o, const uint64_t *secret, const uint64_t *key)
{
	struct cls_best best = {.priority = -1};

	for (uint32_t i = 0; i < o->n; i++) {
		if (__atomic_load_n(&o->entries[i].bound, __ATOMIC_RELAXED) <= best.priority)
			break;
		cls_group_lookup(o->entries[i].group, secret, key, &best);
	}
	return best.rule;
}

size_t cls_view_bytes(const struct cls_view *v); /* NULL: 0 */
