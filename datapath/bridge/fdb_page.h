/* fdb_page.h - the addresses of a MAC table in order, a page at a time.
 *
 * The order is that of the numbers fdb_page_key(): by VLAN, then by address, whatever becomes
 * of the table meanwhile.  So an address that is there all the time is on exactly one of the
 * pages of which each begins where the one before ended.
 *
 * A page costs one pass over the table, and memory for its own entries alone.
 *
 * Threads: control. */
#pragma once

#include "fdb.h"

struct fdb_page {
	uint64_t from;		       /* the first key; 0: of all */
	int vlan;		       /* or FDB_ANY_VLAN */
	uint32_t port;		       /* or FDB_NONE */
	const struct fdb_entry *extra; /* one that is not in the table, or NULL */
	size_t max;
	struct fdb_entry *entries; /* room for 'max' */
	size_t n;		   /* set by fdb_page_read(), in order */
	bool more;		   /* there are entries after these */
};

static inline uint64_t fdb_page_key(struct eth_addr mac, uint16_t vlan)
{
	return (uint64_t)vlan << 48 | eth_addr_u64(mac);
}

void fdb_page_read(const struct fdb *fdb, uint64_t now_ms, struct fdb_page *page);
