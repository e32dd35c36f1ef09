/* strmap.h - a map from strings to pointers, in constant time however many there are.
 *
 * Keys are copied; values are the caller's.  Out of memory aborts but where a call says
 * that it answers -ENOMEM.
 *
 * Threads: none of its own; one owner at a time. */
#pragma once

#include <stddef.h>

#include "hash.h"

struct strmap_node {
	struct strmap_node *next;
	uint64_t hash;
	void *value;
	char key[];
};

struct strmap {
	struct strmap_node **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
	struct hash_seed seed;
};

/* 0 or -ENOMEM; a map of zeroes, too, may be given to strmap_fini(). */
int strmap_init(struct strmap *m);
void strmap_fini(struct strmap *m); /* values are not touched */
void strmap_fini_values(struct strmap *m, void (*value_free)(void *value));

/* NULL where the key is absent. */
void *strmap_get(const struct strmap *m, const char *key);

/* Return the value that was there before, or NULL. */
void *strmap_put(struct strmap *m, const char *key, void *value);
void *strmap_del(struct strmap *m, const char *key);

/* The same as strmap_put() for one who can go on without: 0 or -ENOMEM. */
int strmap_try_put(struct strmap *m, const char *key, void *value);

/* The keys in order of their bytes: an array of m->n that the caller frees; the
 * strings are the map's, valid while their keys are in it. */
const char **strmap_keys(const struct strmap *m);
