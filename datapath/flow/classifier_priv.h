/* classifier_priv.h - a classifier's insides, for the files that make it up.
 *
 * Threads: control, but for 'view', 'secret' and what they lead to, which readers read. */
#pragma once

#include "cls_mask.h"
#include "cls_view.h"

struct classifier {
	struct cls_view *view; /* NULL: no rules */
	uint64_t secret[FLOW_WORDS + 1];

	/* control's */
	struct cls_group *groups[CLS_PROBES_MAX]; /* the most specific masks first */
	unsigned n_groups;
	unsigned n_rules;
	size_t n_heads;
	unsigned n_visits; /* going on: groups stay where they are */
	/* When to plan the groups anew (cls_regroup.c). */
	size_t n_changes;    /* since the last time */
	unsigned groups_max; /* more than so many groups, */
	unsigned chain_max;  /* or a longer chain, are worth it */
	struct cls_masks masks;
};

/* Where a rule lies, or could. */
struct cls_spot {
	struct cls_group *group;
	uint32_t hash;
	struct cls_chain chain;
};

/* Of the match 'm', with 'key' its values, in that group. */
static inline struct cls_spot cls_spot_look(const struct classifier *cls, struct cls_group *g,
	const struct mini_match *m, const struct flow_key *key)
{
	struct cls_spot s = {.group = g};

	s.hash = cls_group_hash(g, cls->secret, flow_words_const(key));
	s.chain = cls_group_chain(g, s.hash, m);
	return s;
}

/* Put 'g' in its place among 'n' others. */
void cls_groups_add(struct cls_group **groups, unsigned n, struct cls_group *g);

/* All rules that are in the groups' tables; there is room for 'n_heads'.  How many. */
size_t classifier_heads(const struct classifier *cls, struct cls_rule **heads);
/* Show readers what the groups hold now.  0 or -ENOMEM. */
int classifier_publish(struct classifier *cls);
/* Do what was put off while rules were removed. */
void classifier_tidy(struct classifier *cls);
/* What is there now is the measure of what is to come: planning that did not help is not done
 * again until it is worse. */
void classifier_set_limits(struct classifier *cls);
/* After changes: divide the rules into groups anew where that is worth what it costs, and
 * there is memory for it. */
void classifier_may_regroup(struct classifier *cls);
void classifier_regroup(struct classifier *cls);
/* The longest chain of any group. */
unsigned classifier_longest(const struct classifier *cls);
