/* fdb.h - which port last sent from a given MAC address, per VLAN.
 *
 * Entries are dynamic (learned; they age, move and can be evicted) or static
 * (configured; they do none of that).  A port is a small integer that the
 * bridge hands out; what it means is the bridge's affair.
 *
 * Bounded: 'max_entries' is exact, never more and never fewer.  When the table
 * is full, the port with most dynamic entries loses the one least recently
 * heard from, so a flood of MACs hurts only the flooder: a port that holds
 * fewer than the largest always gets its place.  A port may also have a limit
 * of its own, beyond which it learns nothing.  A flood costs O(1) per frame.
 *
 * Time is what the caller says it is, in ms; an entry's age is kept in whole
 * seconds.
 *
 * Threads: fdb_lookup(), fdb_learn() and fdb_prefetch() from any worker, a
 * registered RCU reader; lookups and known addresses take no lock, and no
 * stalled thread can hold them up.  All else: control thread only.  The table
 * owns its entries and gives out copies. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

enum {
	FDB_ENTRIES_DEFAULT = 65536,
	FDB_ENTRIES_MAX = 1048576,
	FDB_AGEING_S_DEFAULT = 300,
	FDB_PORT_IDS = 65536, /* port_id is below this */
	FDB_ANY_VLAN = -1,
	/* How many entries refreshed out of order an eviction looks at; see
	 * fdb_set_max_entries(). */
	FDB_EVICT_LOOKS = 64,
};

/* No port; as a filter, any port. */
#define FDB_NONE UINT32_MAX

enum fdb_learned {
	FDB_KNOWN,	      /* was there; its age is 0 again */
	FDB_LEARNED,	      /* is new */
	FDB_MOVED,	      /* was on another port */
	FDB_REFUSED_STATIC,   /* is static, and on another port */
	FDB_REFUSED_BY_LIMIT, /* its port has reached its limit */
	FDB_REFUSED_FULL,     /* the table is full of static entries */
	FDB_REFUSED_GROUP,    /* a group address is nobody's source */
	FDB_REFUSED_BUSY,     /* the table is changing its size; a later frame will do */
};

struct fdb_entry {
	struct eth_addr mac;
	uint16_t vlan;
	uint32_t port_id;
	bool is_static;
	uint64_t age_ms; /* in whole seconds; 0 for a static entry */
};

struct fdb_stats {
	uint32_t max_entries;
	uint32_t entries; /* static ones included */
	uint32_t static_entries;
	uint64_t learned;
	uint64_t moved;
	uint64_t expired;
	uint64_t evicted; /* for want of room or because a limit was lowered */
	uint64_t refused_by_limit;
	uint64_t refused_static;
	uint64_t refused_full;
};

struct fdb;

/* -EINVAL unless 1 <= max_entries <= FDB_ENTRIES_MAX; -ENOMEM.  Ageing starts at
 * FDB_AGEING_S_DEFAULT. */
int fdb_create(uint32_t max_entries, struct fdb **fdb);

/* No worker may use it any more. */
void fdb_destroy(struct fdb *fdb);

/* The port behind 'mac' in 'vlan' (0..4095), or FDB_NONE.  An entry that is
 * overdue serves until fdb_expire() comes by. */
uint32_t fdb_lookup(const struct fdb *fdb, struct eth_addr mac, uint16_t vlan);

/* A frame from 'mac' came in by 'port_id'.  Never allocates. */
enum fdb_learned fdb_learn(
	struct fdb *fdb, struct eth_addr mac, uint16_t vlan, uint32_t port_id, uint64_t now_ms);

/* Fetch what a lookup will touch. */
void fdb_prefetch(const struct fdb *fdb, struct eth_addr mac, uint16_t vlan);

/* Pin 'mac' to 'port_id', whatever was known of it.  -EINVAL for a group address
 * or a number out of range; -ENOSPC when the table is full of static entries. */
int fdb_add_static(struct fdb *fdb, struct eth_addr mac, uint16_t vlan, uint32_t port_id);

/* Forget an entry of either kind; -ENOENT. */
int fdb_del(struct fdb *fdb, struct eth_addr mac, uint16_t vlan);

/* Forget what is in 'vlan' (or FDB_ANY_VLAN) and on 'port_id' (or FDB_NONE for
 * any), static entries only where 'with_static'.  Returns how many went.  What
 * workers learn meanwhile may stay. */
uint32_t fdb_flush(struct fdb *fdb, int vlan, uint32_t port_id, bool with_static);

/* The port is gone, and no worker learns from it any more: forget its entries,
 * static ones too, and its limit. */
void fdb_port_removed(struct fdb *fdb, uint32_t port_id);

/* Remove dynamic entries not heard from for longer than the ageing time, which
 * rounding makes up to a second longer.  Looks at no more than 'budget' (not 0)
 * ports and entries together, and holds the lock for a few of them at a time.
 * True when the budget ran out: call again soon, and the next call goes on where
 * this one stopped.  To be called about once a second. */
bool fdb_expire(struct fdb *fdb, uint64_t now_ms, uint32_t budget);

/* 0: never. */
void fdb_set_ageing(struct fdb *fdb, uint32_t ageing_s);

/* Grow or shrink.  A new table is filled and published by RCU (rcu_init() must
 * have been called); until it is, nothing new is learned, while lookups go on.
 * What is too much is evicted by the rule for a full table.  -EINVAL out of
 * range; -ENOSPC below the number of static entries; -ENOMEM; nothing has
 * changed then.
 *
 * Which entry is a port's oldest is exact, but for one case, so that a single
 * eviction stays cheap: where FDB_EVICT_LOOKS of its entries in a row turn out
 * to have been heard from since they were last put in order, the oldest of
 * those goes. */
int fdb_set_max_entries(struct fdb *fdb, uint32_t max_entries);

/* At most 'limit' dynamic entries on this port, 0 for no limit; its oldest ones
 * go if it has more.  At the limit neither new nor moving addresses get in. */
void fdb_set_port_limit(struct fdb *fdb, uint32_t port_id, uint32_t limit);

/* fn() for every entry, in no order.  Entries that come or go meanwhile may or
 * may not be among them; fn() may call any function of this header but
 * fdb_destroy() and fdb_set_max_entries(). */
typedef void (*fdb_entry_fn)(const struct fdb_entry *entry, void *arg);
void fdb_for_each(const struct fdb *fdb, uint64_t now_ms, fdb_entry_fn fn, void *arg);

struct fdb_stats fdb_stats(struct fdb *fdb);
