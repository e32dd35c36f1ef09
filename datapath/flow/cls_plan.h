/* cls_plan.h - which hash tables a classifier with many masks should have.
 *
 * Divides the masks into leaves.  A leaf's rules lie in one group, whose mask is what all
 * masks of the leaf have in common.
 *
 * Bounds: CLS_LEAVES_MAX leaves; looks at CLS_SAMPLE_MAX rules, and all masks.
 *
 * Threads: control. */
#pragma once

#include "cls_mask.h"
#include "classifier.h"

enum {
	CLS_EXACT_MAX = 8, /* so many masks have a group each, of exactly that mask */
	CLS_LEAVES_MAX = 96,
	CLS_LEAF_CHAIN = 4, /* rules under one hash that are thought good */
	CLS_SAMPLE_MAX = 8192,
};

struct cls_plan {
	unsigned n;
	struct flow_key leaves[CLS_LEAVES_MAX]; /* masks */
};

/* For all masks that there are, and heads (cls_group.h), of which each belongs to one of the
 * masks; sets 'leaf' of each mask.  0 or -ENOMEM. */
int cls_plan_create(struct cls_masks *masks, struct cls_rule *const *heads, size_t n_heads,
	struct cls_plan **plan);
void cls_plan_destroy(struct cls_plan *plan);
