#include "cls_mask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 8 };

void cls_masks_init(struct cls_masks *masks)
{
	memset(masks, 0, sizeof(*masks));
	masks->seed = hash_seed();
}

void cls_masks_fini(struct cls_masks *masks)
{
	assert(!masks->n);
	free(masks->buckets);
}

static uint32_t hash_of(const struct cls_masks *masks, const struct mini_match *m)
{
	uint64_t hash = m->map;

	for (uint32_t i = 0; i < m->n; i++)
		hash = hash_u64(masks->seed, hash ^ m->words[i]);
	return (uint32_t)hash;
}

static struct cls_mask **bucket_of(const struct cls_masks *masks, uint32_t hash)
{
	return &masks->buckets[hash & (masks->n_buckets - 1)];
}

static struct cls_mask *lookup(
	const struct cls_masks *masks, const struct mini_match *m, uint32_t hash)
{
	if (!masks->n_buckets)
		return NULL;
	for (struct cls_mask *mask = *bucket_of(masks, hash); mask; mask = mask->next)
		if (mask->hash == hash && mask->map == m->map &&
			!memcmp(mask->words, m->words, m->n * sizeof(*m->words)))
			return mask;
	return NULL;
}

struct cls_mask *cls_masks_lookup(const struct cls_masks *masks, const struct mini_match *m)
{
	return lookup(masks, m, hash_of(masks, m));
}

static int grow(struct cls_masks *masks)
{
	uint32_t n = masks->n_buckets, more = n ? 2 * n : BUCKETS_MIN;
	struct cls_mask **old = masks->buckets;
	struct cls_mask **buckets = calloc(more, sizeof(struct cls_mask *));

	if (!buckets)
		return -1;
	masks->buckets = buckets;
	masks->n_buckets = more;
	for (uint32_t i = 0; i < n; i++) {
		for (struct cls_mask *mask = old[i], *next; mask; mask = next) {
			struct cls_mask **bucket = bucket_of(masks, mask->hash);

			next = mask->next;
			mask->next = *bucket;
			*bucket = mask;
		}
	}
	free(old);
	return 0;
}

static struct cls_mask *add(struct cls_masks *masks, const struct mini_match *m, uint32_t hash)
{
	size_t len = m->n * sizeof(*m->words);
	struct cls_mask *mask;

	if (masks->n == masks->n_buckets && grow(masks))
		return NULL;
	mask = calloc(1, sizeof(*mask) + len);
	if (!mask)
		return NULL;
	struct cls_mask **bucket = bucket_of(masks, hash);

	mask->hash = hash;
	mask->map = m->map;
	mask->n = m->n;
	memcpy(mask->words, m->words, len);
	mask->next = *bucket;
	*bucket = mask;
	masks->n++;
	cls_fields_add(&masks->fields, mask->map, mask->words);
	return mask;
}

struct cls_mask *cls_masks_ref(struct cls_masks *masks, const struct mini_match *m)
{
	uint32_t hash = hash_of(masks, m);
	struct cls_mask *mask = lookup(masks, m, hash);

	if (!mask)
		mask = add(masks, m, hash);
	if (mask)
		mask->n_rules++;
	return mask;
}

void cls_masks_unref(struct cls_masks *masks, struct cls_mask *mask)
{
	struct cls_mask **place = bucket_of(masks, mask->hash);

	assert(mask->n_rules);
	if (--mask->n_rules)
		return;
	while (*place != mask)
		place = &(*place)->next;
	*place = mask->next;
	masks->n--;
	masks->n_spread -= mask->spread;
	cls_fields_del(&masks->fields, mask->map, mask->words);
	free(mask);
}

void cls_mask_set_home(
	struct cls_masks *masks, struct cls_mask *mask, struct cls_group *home, bool spread)
{
	masks->n_spread += spread;
	masks->n_spread -= mask->spread;
	mask->home = home;
	mask->spread = spread;
}

void cls_masks_group_gone(struct cls_masks *masks, const struct cls_group *g)
{
	if (!masks->n_spread) /* then a mask's rules are all in its home */
		return;
	for (uint32_t i = 0; i < masks->n_buckets; i++)
		for (struct cls_mask *mask = masks->buckets[i]; mask; mask = mask->next)
			if (mask->home == g)
				mask->home = NULL;
}

size_t cls_masks_bytes(const struct cls_masks *masks)
{
	size_t bytes = masks->n_buckets * sizeof(struct cls_mask *);

	for (uint32_t i = 0; i < masks->n_buckets; i++)
		for (const struct cls_mask *mask = masks->buckets[i]; mask; mask = mask->next)
			bytes += sizeof(*mask) + mask->n * sizeof(mask->words[0]);
	return bytes;
}
