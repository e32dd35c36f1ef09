/* cls_mask.h - the different masks among a classifier's rules.
 *
 * Rules of one mask are told from each other by their values alone, so what is decided for
 * one of them (in which group to look first) holds for all.  A mask is there as long as a
 * rule has it.
 *
 * Threads: control. */
#pragma once

#include <stdbool.h>

#include "cls_fields.h"
#include "hash.h"
#include "mini_match.h"

struct cls_group;

struct cls_mask {
	struct cls_mask *next; /* of the same bucket */
	uint32_t hash;
	flow_map map;
	uint32_t n;	/* words */
	uint32_t leaf;	/* the planner's (cls_plan.h) */
	size_t n_rules; /* of this mask */
	/* Where its rules lie: all in 'home', or where 'spread', in other groups, too. */
	struct cls_group *home;
	bool spread;
	/* The same in groups that are about to be published. */
	struct cls_group *next_home;
	bool next_spread;
	uint64_t words[];
};

struct cls_masks {
	struct cls_mask **buckets;
	uint32_t n_buckets; /* a power of two, or 0 */
	uint32_t n;
	uint32_t n_spread;
	struct hash_seed seed;
	struct cls_fields fields;
};

/* Empty. */
void cls_masks_init(struct cls_masks *masks);
void cls_masks_fini(struct cls_masks *masks); /* empty again */

struct cls_mask *cls_masks_lookup(const struct cls_masks *masks, const struct mini_match *m);
/* Count one more rule of the mask of 'm'.  NULL: no memory. */
struct cls_mask *cls_masks_ref(struct cls_masks *masks, const struct mini_match *m);
void cls_masks_unref(struct cls_masks *masks, struct cls_mask *mask);

void cls_mask_set_home(
	struct cls_masks *masks, struct cls_mask *mask, struct cls_group *home, bool spread);
/* No rule lies in 'g' any more. */
void cls_masks_group_gone(struct cls_masks *masks, const struct cls_group *g);

size_t cls_masks_bytes(const struct cls_masks *masks); /* of memory, without the struct itself */
