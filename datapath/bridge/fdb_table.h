/* fdb_table.h - the store below fdb.h: a fixed hash table from (MAC, VLAN) to
 * port and last-seen second, read without locks.
 *
 * Bounds: made for 'max_entries'; has twice as many slots, so that every insert
 * within that number finds one.  An entry stays in its slot until it is removed.
 *
 * Threads: fdb_table_find(), fdb_table_refresh() and fdb_table_read() from any
 * thread, lock-free; the others by one writer at a time.
 *
 * Parallel to the slots lie the nodes of age_queue.h, for the writer alone; an
 * entry's node is slot + 1, since 0 means none there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "age_queue.h"
#include "hash.h"
#include "wire.h"

/* 0 is a free slot; fdb_table_key() never returns that. */
#define FDB_KEY_VALID  (1ull << 63)
#define FDB_KEY_STATIC (1ull << 62)

enum {
	FDB_BUCKET_SLOTS = 3,
};

/* A cache line. */
struct fdb_bucket {
	uint64_t key[FDB_BUCKET_SLOTS];
	uint32_t port[FDB_BUCKET_SLOTS];
	uint32_t second[FDB_BUCKET_SLOTS];
	uint32_t reused;  /* how often a slot of this bucket was given to a new key */
	uint32_t spilled; /* entries that would be here or before, but had to go further */
	uint32_t pad[2];
} __attribute__((aligned(64)));

struct fdb_table {
	struct fdb_bucket *buckets;
	uint32_t n_buckets;
	uint32_t n_slots;
	struct hash_seed seed;
	struct age_node *nodes;
	void *memory; /* what 'buckets' lies in */
};

struct fdb_slot {
	uint64_t key; /* with FDB_KEY_STATIC where that applies */
	uint32_t port;
	uint32_t second;
	uint32_t slot;
};

/* -ENOMEM.  Memory is touched only when used. */
int fdb_table_init(struct fdb_table *t, uint32_t max_entries);
void fdb_table_fini(struct fdb_table *t);

static inline uint64_t fdb_table_key(struct eth_addr mac, uint16_t vlan)
{
	return FDB_KEY_VALID | (uint64_t)(vlan & VLAN_VID_MASK) << 48 | eth_addr_u64(mac);
}

static inline struct eth_addr fdb_table_key_mac(uint64_t key)
{
	struct eth_addr mac;

	wire_put_u16(mac.b, (uint16_t)(key >> 32));
	wire_put_u32(mac.b + 2, (uint32_t)key);
	return mac;
}

static inline uint16_t fdb_table_key_vlan(uint64_t key)
{
	return key >> 48 & VLAN_VID_MASK;
}

static inline uint32_t fdb_table_home(const struct fdb_table *t, uint64_t key)
{
	__extension__ typedef unsigned __int128 u128;

	return (uint32_t)((u128)hash_u64(t->seed, key) * t->n_buckets >> 64);
}

static inline struct fdb_bucket *fdb_table_bucket(const struct fdb_table *t, uint32_t slot)
{
	return &t->buckets[slot / FDB_BUCKET_SLOTS];
}

/* Find 'key' (without FDB_KEY_STATIC).  False when it is not there. */
bool fdb_table_find(const struct fdb_table *t, uint64_t key, struct fdb_slot *found);

/* What is in 'slot'; false when it is free. */
bool fdb_table_read(const struct fdb_table *t, uint32_t slot, struct fdb_slot *found);

/* A frame came at 'second'; a store only when that is news.  Where the slot has
 * just been given away, its new entry may look older than it is, by no more than
 * the caller was late. */
static inline void fdb_table_refresh(const struct fdb_table *t, uint32_t slot, uint32_t second)
{
	uint32_t *seen = &fdb_table_bucket(t, slot)->second[slot % FDB_BUCKET_SLOTS];

	if (__atomic_load_n(seen, __ATOMIC_RELAXED) < second)
		__atomic_store_n(seen, second, __ATOMIC_RELAXED);
}

/* Returns the slot.  'key' is not in the table, and there is room. */
uint32_t fdb_table_insert(struct fdb_table *t, uint64_t key, uint32_t port, uint32_t second);
void fdb_table_remove(struct fdb_table *t, uint32_t slot);

/* Change an entry in place: its key but for FDB_KEY_STATIC stays. */
void fdb_table_update(
	struct fdb_table *t, uint32_t slot, uint64_t key, uint32_t port, uint32_t second);
