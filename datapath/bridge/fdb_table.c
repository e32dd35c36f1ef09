/* How it works: buckets of one cache line, three slots each.  A key belongs
 * into its home bucket, or else into the next one that has a free slot.  Every
 * full bucket it passes counts it in 'spilled', until it is removed, so a search
 * goes on to the next bucket only while there may be something to find.  Nothing
 * is ever shifted or moved to another slot, hence a reader cannot miss an entry
 * that is there.
 *
 * A reader must not pair one entry's key with another's port.  A slot is given
 * away in the order: key = 0, reused++, port, key, each store a release.  The
 * reader loads reused, key, port, reused, each an acquire:
 *
 *   - its first 'reused' is older than the increment: if it then saw the new
 *     port, the second load sees the increment, and it starts again;
 *   - its first 'reused' is the incremented one: it cannot see the old key any
 *     more.
 *
 * So readers only ever repeat after a slot has changed hands, and a writer that
 * was put to sleep half way holds up nobody.  A change of port alone (the MAC
 * moved) is a single store and needs none of this. */
#include "fdb_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static_assert(sizeof(struct fdb_bucket) == 64, "a bucket is one cache line");

enum {
	BUCKETS_MIN = 8,
};

/* The same with the order that the text above asks for. */
#define load(ptr)	__atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define store(ptr, val) __atomic_store_n(ptr, val, __ATOMIC_RELEASE)

int fdb_table_init(struct fdb_table *t, uint32_t max_entries)
{
	uint32_t n_buckets = (2 * max_entries + FDB_BUCKET_SLOTS - 1) / FDB_BUCKET_SLOTS;
	size_t align = _Alignof(struct fdb_bucket);

	if (n_buckets < BUCKETS_MIN)
		n_buckets = BUCKETS_MIN;
	*t = (struct fdb_table){
		.n_buckets = n_buckets,
		.n_slots = n_buckets * FDB_BUCKET_SLOTS,
		.seed = hash_seed(),
	};
	/* calloc(), unlike aligned_alloc() and memset(), leaves fresh pages alone. */
	t->memory = calloc(1, n_buckets * sizeof(*t->buckets) + align);
	t->nodes = calloc((size_t)t->n_slots + 1, sizeof(*t->nodes));
	if (!t->memory || !t->nodes) {
		fdb_table_fini(t);
		return -ENOMEM;
	}
	t->buckets = (void *)(((uintptr_t)t->memory + align - 1) & ~(uintptr_t)(align - 1));
	return 0;
}

void fdb_table_fini(struct fdb_table *t)
{
	free(t->memory);
	free(t->nodes);
}

static uint32_t next_bucket(const struct fdb_table *t, uint32_t bucket)
{
	return bucket + 1 == t->n_buckets ? 0 : bucket + 1;
}

enum bucket_result {
	BUCKET_FOUND,
	BUCKET_NOT_HERE,
	BUCKET_CHANGED,
};

static inline enum bucket_result bucket_find(
	struct fdb_bucket *b, uint64_t key, struct fdb_slot *found)
{
	uint32_t reused = load(&b->reused);

	for (uint32_t i = 0; i < FDB_BUCKET_SLOTS; i++) {
		uint64_t k = load(&b->key[i]);

		if ((k & ~FDB_KEY_STATIC) != key)
			continue;
		found->key = k;
		found->port = load(&b->port[i]);
		found->second = load(&b->second[i]);
		found->slot = i;
		return load(&b->reused) == reused ? BUCKET_FOUND : BUCKET_CHANGED;
	}
	return BUCKET_NOT_HERE;
}

bool fdb_table_find(const struct fdb_table *t, uint64_t key, struct fdb_slot *found)
{
	uint32_t home = fdb_table_home(t, key);
	uint32_t at = home;

	do {
		struct fdb_bucket *b = &t->buckets[at];
		enum bucket_result result;

		do
			result = bucket_find(b, key, found);
		while (result == BUCKET_CHANGED);
		if (result == BUCKET_FOUND) {
			found->slot += at * FDB_BUCKET_SLOTS;
			return true;
		}
		if (!load(&b->spilled))
			return false;
		at = next_bucket(t, at);
	} while (at != home);
	return false;
}

bool fdb_table_read(const struct fdb_table *t, uint32_t slot, struct fdb_slot *found)
{
	struct fdb_bucket *b = fdb_table_bucket(t, slot);
	uint32_t i = slot % FDB_BUCKET_SLOTS;
	uint32_t reused;

	found->slot = slot;
	do {
		reused = load(&b->reused);
		found->key = load(&b->key[i]);
		found->port = load(&b->port[i]);
		found->second = load(&b->second[i]);
	} while (load(&b->reused) != reused);
	return found->key;
}

/* A free slot of the bucket, or FDB_BUCKET_SLOTS. */
static uint32_t bucket_free_slot(const struct fdb_bucket *b)
{
	uint32_t i = 0;

	while (i < FDB_BUCKET_SLOTS && b->key[i])
		i++;
	return i;
}

uint32_t fdb_table_insert(struct fdb_table *t, uint64_t key, uint32_t port, uint32_t second)
{
	uint32_t at = fdb_table_home(t, key & ~FDB_KEY_STATIC);
	uint32_t passed = 0;
	uint32_t i;

	while ((i = bucket_free_slot(&t->buckets[at])) == FDB_BUCKET_SLOTS) {
		store(&t->buckets[at].spilled, t->buckets[at].spilled + 1);
		at = next_bucket(t, at);
		passed++;
		assert(passed < t->n_buckets);
	}

	struct fdb_bucket *b = &t->buckets[at];
	store(&b->reused, b->reused + 1);
	store(&b->port[i], port);
	store(&b->second[i], second);
	store(&b->key[i], key);
	return at * FDB_BUCKET_SLOTS + i;
}

void fdb_table_remove(struct fdb_table *t, uint32_t slot)
{
	struct fdb_bucket *b = fdb_table_bucket(t, slot);
	uint64_t *key = &b->key[slot % FDB_BUCKET_SLOTS];
	uint32_t at = fdb_table_home(t, *key & ~FDB_KEY_STATIC);

	store(key, 0);
	for (; at != slot / FDB_BUCKET_SLOTS; at = next_bucket(t, at))
		store(&t->buckets[at].spilled, t->buckets[at].spilled - 1);
}

void fdb_table_update(
	struct fdb_table *t, uint32_t slot, uint64_t key, uint32_t port, uint32_t second)
{
	struct fdb_bucket *b = fdb_table_bucket(t, slot);
	uint32_t i = slot % FDB_BUCKET_SLOTS;

	assert(!((b->key[i] ^ key) & ~FDB_KEY_STATIC));
	store(&b->port[i], port);
	store(&b->second[i], second);
	store(&b->key[i], key);
}
