/* How it works: of all entries that were seen so far the 'max' lowest are kept, as a heap
 * with the highest on top, which the next lower one takes the place of.  The table is a
 * hash table, so most entries that come late are higher than all that are kept. */
#include "fdb_page.h"

static uint64_t key_of(const struct fdb_entry *e)
{
	return fdb_page_key(e->mac, e->vlan);
}

/* Put 'e' where 'hole' is, or below, in a heap of 'n'. */
static void sift_down(struct fdb_entry *heap, size_t n, size_t hole, struct fdb_entry e)
{
	uint64_t key = key_of(&e);

	for (size_t child; (child = 2 * hole + 1) < n; hole = child) {
		if (child + 1 < n && key_of(&heap[child + 1]) > key_of(&heap[child]))
			child++;
		if (key_of(&heap[child]) <= key)
			break;
		heap[hole] = heap[child];
	}
	heap[hole] = e;
}

/* Add 'e' to a heap of 'n'. */
static void sift_up(struct fdb_entry *heap, size_t n, const struct fdb_entry *e)
{
	size_t hole = n;

	for (size_t up; hole && key_of(&heap[up = (hole - 1) / 2]) < key_of(e); hole = up)
		heap[hole] = heap[up];
	heap[hole] = *e;
}

static void see_entry(const struct fdb_entry *e, void *arg)
{
	struct fdb_page *p = arg;

	if (p->extra && e != p->extra && key_of(e) == key_of(p->extra))
		return;
	if (key_of(e) < p->from || (p->vlan != FDB_ANY_VLAN && p->vlan != e->vlan) ||
		(p->port != FDB_NONE && p->port != e->port_id))
		return;
	if (p->n < p->max) {
		sift_up(p->entries, p->n++, e);
		return;
	}
	p->more = true;
	if (key_of(e) < key_of(&p->entries[0]))
		sift_down(p->entries, p->n, 0, *e);
}

/* An address that went and came back while the table was read was seen twice. */
static void drop_doubles(struct fdb_page *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!n || key_of(&p->entries[n - 1]) != key_of(&p->entries[i]))
			p->entries[n++] = p->entries[i];
	p->n = n;
}

void fdb_page_read(const struct fdb *fdb, uint64_t now_ms, struct fdb_page *p)
{
	p->n = 0;
	p->more = false;
	if (p->extra)
		see_entry(p->extra, p);
	fdb_for_each(fdb, now_ms, see_entry, p);
	for (size_t n = p->n; n > 1;) {
		struct fdb_entry highest = p->entries[0];

		n--;
		sift_down(p->entries, n, 0, p->entries[n]);
		p->entries[n] = highest;
	}
	drop_doubles(p);
}
