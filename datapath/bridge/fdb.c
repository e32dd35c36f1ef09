/* How it works: the entries live in an fdb_table, which workers search without a
 * lock.  A frame from a known address at most stores the current second in its
 * slot.  Everything that adds, moves or removes an entry runs under 'lock'.
 *
 * Each port keeps its dynamic entries in an age_queue, by the second in which
 * they were last put in order.  Refreshing does not reorder them; that is made up
 * for when an entry gets to the front: if it was heard from since, it goes to
 * where it now belongs.  An entry at the front that was not is the port's oldest,
 * since all others were put in order later than it, and refreshed later still.
 *
 * Which port holds most is known at all times: ports with the same number of
 * dynamic entries are in one list, by_count[number].  A number changes by one at
 * a time, so the largest is at most one list away from where it was.
 *
 * Changing the size fills a second table from the first.  Meanwhile 'resizing'
 * makes learning step back, and as all other writers are the control thread's,
 * which is busy here, the lock need not be held. */
#include "fdb.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "age_queue.h"
#include "fdb_table.h"
#include "list.h"
#include "rcu.h"

enum {
	/* How much is done while holding the lock. */
	EXPIRE_CHUNK = 32,
	FLUSH_CHUNK = 512,
};

struct fdb_port {
	struct age_queue queue;
	uint32_t n_dynamic;
	uint32_t limit;
	struct fdb_port *count_prev, *count_next; /* in by_count[n_dynamic] */
	struct list active_link;		  /* in fdb.active while n_dynamic > 0 */
};

/* All that depends on the size; replaced as a whole. */
struct fdb_body {
	struct fdb_table table;
	struct fdb_port **by_count; /* heads, for 1..max_entries */
	uint32_t max_count;	    /* the highest non-empty one, or 0 */
};

struct fdb {
	struct fdb_body *body; /* RCU */
	pthread_mutex_t lock;
	uint32_t ageing_s;
	bool resizing;
	struct list active; /* ports that have dynamic entries */
	uint32_t n_active;
	uint32_t n_to_expire; /* of them, this round of fdb_expire() has still to visit */
	struct fdb_stats stats;
	uint64_t refused_static; /* atomic, not under the lock */
	struct fdb_port ports[FDB_PORT_IDS];
};

static void body_destroy(void *arg)
{
	struct fdb_body *body = arg;

	fdb_table_fini(&body->table);
	free(body->by_count);
	free(body);
}

static int body_create(uint32_t max_entries, struct fdb_body **bodyp)
{
	struct fdb_body *body = calloc(1, sizeof(*body));
	int err = -ENOMEM;

	if (!body)
		return err;
	body->by_count = calloc((size_t)max_entries + 1, sizeof(struct fdb_port *));
	if (!body->by_count)
		goto free_body;
	err = fdb_table_init(&body->table, max_entries);
	if (err)
		goto free_by_count;
	*bodyp = body;
	return 0;

free_by_count:
	free(body->by_count);
free_body:
	free(body);
	return err;
}

int fdb_create(uint32_t max_entries, struct fdb **fdbp)
{
	struct fdb *fdb;
	int err;

	if (!max_entries || max_entries > FDB_ENTRIES_MAX)
		return -EINVAL;
	fdb = calloc(1, sizeof(*fdb));
	if (!fdb)
		return -ENOMEM;
	err = body_create(max_entries, &fdb->body);
	if (err) {
		free(fdb);
		return err;
	}
	pthread_mutex_init(&fdb->lock, NULL);
	list_init(&fdb->active);
	fdb->ageing_s = FDB_AGEING_S_DEFAULT;
	fdb->stats.max_entries = max_entries;
	*fdbp = fdb;
	return 0;
}

void fdb_destroy(struct fdb *fdb)
{
	if (!fdb)
		return;
	body_destroy(fdb->body);
	pthread_mutex_destroy(&fdb->lock);
	free(fdb);
}

static void count_unlink(struct fdb_body *body, struct fdb_port *port)
{
	if (port->count_next)
		port->count_next->count_prev = port->count_prev;
	if (port->count_prev)
		port->count_prev->count_next = port->count_next;
	else
		body->by_count[port->n_dynamic] = port->count_next;
}

static void count_link(struct fdb_body *body, struct fdb_port *port)
{
	struct fdb_port **head = &body->by_count[port->n_dynamic];

	port->count_prev = NULL;
	port->count_next = *head;
	if (*head)
		(*head)->count_prev = port;
	*head = port;
}

/* The dynamic entry in 'slot' of 'body' is now this port's. */
static void port_add(struct fdb *fdb, struct fdb_body *body, struct fdb_port *port, uint32_t slot,
	uint32_t second)
{
	age_queue_add(&port->queue, body->table.nodes, slot + 1, second);
	if (port->n_dynamic) {
		count_unlink(body, port);
	} else {
		list_add_tail(&fdb->active, &port->active_link);
		fdb->n_active++;
	}
	port->n_dynamic++;
	count_link(body, port);
	if (body->max_count < port->n_dynamic)
		body->max_count = port->n_dynamic;
}

/* It no longer is. */
static void port_del(struct fdb *fdb, struct fdb_port *port, uint32_t slot)
{
	struct fdb_body *body = fdb->body;

	age_queue_del(&port->queue, body->table.nodes, slot + 1);
	count_unlink(body, port);
	if (body->max_count == port->n_dynamic && !body->by_count[port->n_dynamic])
		body->max_count--;
	port->n_dynamic--;
	if (port->n_dynamic) {
		count_link(body, port);
	} else {
		list_del(&port->active_link);
		fdb->n_active--;
	}
}

/* Remove the entry that was found. */
static void entry_remove(struct fdb *fdb, const struct fdb_slot *entry)
{
	if (entry->key & FDB_KEY_STATIC)
		fdb->stats.static_entries--;
	else
		port_del(fdb, &fdb->ports[entry->port], entry->slot);
	fdb_table_remove(&fdb->body->table, entry->slot);
	fdb->stats.entries--;
}

/* Bring the port's queue up to date at its front, looking at 'looks' entries at
 * most.  True with the port's oldest entry; false with the oldest of those looked
 * at, when all had been heard from.  The port has dynamic entries. */
static bool port_oldest(
	struct fdb *fdb, struct fdb_port *port, uint32_t *looks, struct fdb_slot *oldest)
{
	struct fdb_table *t = &fdb->body->table;

	oldest->second = UINT32_MAX;
	for (; *looks; (*looks)--) {
		uint32_t n = age_queue_oldest(&port->queue);
		struct fdb_slot front;

		fdb_table_read(t, n - 1, &front);
		if (front.second <= t->nodes[n].second) {
			*oldest = front;
			return true;
		}
		if (front.second < oldest->second)
			*oldest = front;
		age_queue_del(&port->queue, t->nodes, n);
		age_queue_add(&port->queue, t->nodes, n, front.second);
	}
	return false;
}

static void port_evict(struct fdb *fdb, struct fdb_port *port)
{
	uint32_t looks = FDB_EVICT_LOOKS;
	struct fdb_slot oldest;

	port_oldest(fdb, port, &looks, &oldest);
	entry_remove(fdb, &oldest);
	fdb->stats.evicted++;
}

/* Remove a dynamic entry of a port that holds most of them: of 'preferred', if it
 * is one of those.  -ENOSPC when all entries are static. */
static int evict_from_largest(struct fdb *fdb, struct fdb_port *preferred)
{
	uint32_t max = fdb->body->max_count;

	if (!max)
		return -ENOSPC;
	port_evict(fdb,
		preferred && preferred->n_dynamic == max ? preferred : fdb->body->by_count[max]);
	return 0;
}

uint32_t fdb_lookup(const struct fdb *fdb, struct eth_addr mac, uint16_t vlan)
{
	const struct fdb_body *body = rcu_get(fdb->body);
	struct fdb_slot found;

	if (!fdb_table_find(&body->table, fdb_table_key(mac, vlan), &found))
		return FDB_NONE;
	return found.port;
}

void fdb_prefetch(const struct fdb *fdb, struct eth_addr mac, uint16_t vlan)
{
	const struct fdb_table *t = &rcu_get(fdb->body)->table;

	__builtin_prefetch(&t->buckets[fdb_table_home(t, fdb_table_key(mac, vlan))]);
}

static enum fdb_learned refuse_static(struct fdb *fdb)
{
	__atomic_fetch_add(&fdb->refused_static, 1, __ATOMIC_RELAXED);
	return FDB_REFUSED_STATIC;
}

static enum fdb_learned learn_move(
	struct fdb *fdb, const struct fdb_slot *entry, uint32_t port_id, uint32_t second)
{
	struct fdb_port *port = &fdb->ports[port_id];

	if (port->limit && port->n_dynamic >= port->limit) {
		fdb->stats.refused_by_limit++;
		return FDB_REFUSED_BY_LIMIT;
	}
	port_del(fdb, &fdb->ports[entry->port], entry->slot);
	fdb_table_update(&fdb->body->table, entry->slot, entry->key, port_id, second);
	port_add(fdb, fdb->body, port, entry->slot, second);
	fdb->stats.moved++;
	return FDB_MOVED;
}

static enum fdb_learned learn_new(struct fdb *fdb, uint64_t key, uint32_t port_id, uint32_t second)
{
	struct fdb_port *port = &fdb->ports[port_id];
	uint32_t slot;

	if (port->limit && port->n_dynamic >= port->limit) {
		fdb->stats.refused_by_limit++;
		return FDB_REFUSED_BY_LIMIT;
	}
	if (fdb->stats.entries == fdb->stats.max_entries && evict_from_largest(fdb, port)) {
		fdb->stats.refused_full++;
		return FDB_REFUSED_FULL;
	}
	slot = fdb_table_insert(&fdb->body->table, key, port_id, second);
	port_add(fdb, fdb->body, port, slot, second);
	fdb->stats.entries++;
	fdb->stats.learned++;
	return FDB_LEARNED;
}

/* Something differs from what a look without the lock can settle. */
static enum fdb_learned __attribute__((noinline))
learn_slow(struct fdb *fdb, uint64_t key, uint32_t port_id, uint32_t second)
{
	enum fdb_learned result;
	struct fdb_slot found;

	pthread_mutex_lock(&fdb->lock);
	if (fdb->resizing)
		result = FDB_REFUSED_BUSY;
	else if (!fdb_table_find(&fdb->body->table, key, &found))
		result = learn_new(fdb, key, port_id, second);
	else if (found.port == port_id)
		result = FDB_KNOWN; /* by another worker, just now */
	else if (found.key & FDB_KEY_STATIC)
		result = refuse_static(fdb);
	else
		result = learn_move(fdb, &found, port_id, second);
	pthread_mutex_unlock(&fdb->lock);
	return result;
}

enum fdb_learned fdb_learn(
	struct fdb *fdb, struct eth_addr mac, uint16_t vlan, uint32_t port_id, uint64_t now_ms)
{
	const struct fdb_body *body = rcu_get(fdb->body);
	uint64_t key = fdb_table_key(mac, vlan);
	uint32_t second = (uint32_t)(now_ms / 1000);
	struct fdb_slot found;

	assert(port_id < FDB_PORT_IDS);
	if (eth_addr_is_multicast(mac))
		return FDB_REFUSED_GROUP;
	if (fdb_table_find(&body->table, key, &found)) {
		if (found.port == port_id) {
			fdb_table_refresh(&body->table, found.slot, second);
			return FDB_KNOWN;
		}
		if (found.key & FDB_KEY_STATIC)
			return refuse_static(fdb);
	}
	return learn_slow(fdb, key, port_id, second);
}

int fdb_add_static(struct fdb *fdb, struct eth_addr mac, uint16_t vlan, uint32_t port_id)
{
	struct fdb_table *t = &fdb->body->table;
	uint64_t key = fdb_table_key(mac, vlan);
	struct fdb_slot found;
	int err = 0;

	if (eth_addr_is_multicast(mac) || vlan > VLAN_VID_MASK || port_id >= FDB_PORT_IDS)
		return -EINVAL;
	pthread_mutex_lock(&fdb->lock);
	if (fdb_table_find(t, key, &found)) {
		if (!(found.key & FDB_KEY_STATIC)) {
			port_del(fdb, &fdb->ports[found.port], found.slot);
			fdb->stats.static_entries++;
		}
		fdb_table_update(t, found.slot, key | FDB_KEY_STATIC, port_id, 0);
	} else {
		if (fdb->stats.entries == fdb->stats.max_entries)
			err = evict_from_largest(fdb, &fdb->ports[port_id]);
		if (!err) {
			fdb_table_insert(t, key | FDB_KEY_STATIC, port_id, 0);
			fdb->stats.entries++;
			fdb->stats.static_entries++;
		}
	}
	pthread_mutex_unlock(&fdb->lock);
	return err;
}

int fdb_del(struct fdb *fdb, struct eth_addr mac, uint16_t vlan)
{
	struct fdb_slot found;
	int err = -ENOENT;

	if (vlan > VLAN_VID_MASK)
		return err;
	pthread_mutex_lock(&fdb->lock);
	if (fdb_table_find(&fdb->body->table, fdb_table_key(mac, vlan), &found)) {
		entry_remove(fdb, &found);
		err = 0;
	}
	pthread_mutex_unlock(&fdb->lock);
	return err;
}

uint32_t fdb_flush(struct fdb *fdb, int vlan, uint32_t port_id, bool with_static)
{
	struct fdb_table *t = &fdb->body->table;
	uint32_t n_removed = 0, n_slots = t->n_slots;

	pthread_mutex_lock(&fdb->lock);
	/* Hundreds of ports may go at once; few have addresses. */
	if (port_id != FDB_NONE && !fdb->ports[port_id].n_dynamic &&
		!(with_static && fdb->stats.static_entries))
		n_slots = 0;
	for (uint32_t slot = 0; slot < n_slots; slot++) {
		struct fdb_slot entry;

		if (slot % FLUSH_CHUNK == FLUSH_CHUNK - 1) {
			pthread_mutex_unlock(&fdb->lock);
			pthread_mutex_lock(&fdb->lock);
		}
		if (!fdb_table_read(t, slot, &entry) ||
			(vlan != FDB_ANY_VLAN && vlan != fdb_table_key_vlan(entry.key)) ||
			(port_id != FDB_NONE && port_id != entry.port) ||
			((entry.key & FDB_KEY_STATIC) && !with_static))
			continue;
		entry_remove(fdb, &entry);
		n_removed++;
	}
	pthread_mutex_unlock(&fdb->lock);
	return n_removed;
}

void fdb_port_removed(struct fdb *fdb, uint32_t port_id)
{
	fdb_flush(fdb, FDB_ANY_VLAN, port_id, true);
	fdb_set_port_limit(fdb, port_id, 0);
}

/* Remove what is overdue on this port; false when 'looks' ran out first. */
static bool port_expire(struct fdb *fdb, struct fdb_port *port, uint32_t now_s, uint32_t *looks)
{
	const struct age_node *nodes = fdb->body->table.nodes;

	while (port->n_dynamic) {
		uint32_t since = nodes[age_queue_oldest(&port->queue)].second;
		struct fdb_slot oldest;

		if (now_s <= since || now_s - since <= fdb->ageing_s)
			return true;
		if (!port_oldest(fdb, port, looks, &oldest))
			return false;
		(*looks)--;
		if (now_s <= oldest.second || now_s - oldest.second <= fdb->ageing_s)
			return true;
		entry_remove(fdb, &oldest);
		fdb->stats.expired++;
	}
	return true;
}

bool fdb_expire(struct fdb *fdb, uint64_t now_ms, uint32_t budget)
{
	uint32_t now_s = (uint32_t)(now_ms / 1000);

	if (!fdb->ageing_s)
		return false;
	pthread_mutex_lock(&fdb->lock);
	if (!fdb->n_to_expire)
		fdb->n_to_expire = fdb->n_active;
	while (fdb->n_to_expire && budget && !list_empty(&fdb->active)) {
		struct list *first = fdb->active.next;
		struct fdb_port *port = container_of(first, struct fdb_port, active_link);
		uint32_t looks = budget < EXPIRE_CHUNK ? budget : EXPIRE_CHUNK;
		uint32_t looks_left = looks;

		if (port_expire(fdb, port, now_s, &looks_left)) {
			fdb->n_to_expire--;
			if (port->n_dynamic) {
				list_del(first);
				list_add_tail(&fdb->active, first);
			}
			budget--;
		}
		budget -= looks - looks_left < budget ? looks - looks_left : budget;
		pthread_mutex_unlock(&fdb->lock);
		pthread_mutex_lock(&fdb->lock);
	}
	if (budget)
		fdb->n_to_expire = 0; /* no ports left */
	bool more = fdb->n_to_expire;
	pthread_mutex_unlock(&fdb->lock);
	return more;
}

void fdb_set_ageing(struct fdb *fdb, uint32_t ageing_s)
{
	fdb->ageing_s = ageing_s;
}

/* Copy every entry into 'to' and let the ports' queues and counts refer to that. */
static void refill(struct fdb *fdb, struct fdb_body *to)
{
	const struct fdb_table *from = &fdb->body->table;
	struct list *first;

	while ((first = list_pop(&fdb->active))) {
		struct fdb_port *port = container_of(first, struct fdb_port, active_link);

		port->queue = (struct age_queue){0};
		port->n_dynamic = 0;
	}
	fdb->n_active = 0;
	for (uint32_t slot = 0; slot < from->n_slots; slot++) {
		struct fdb_slot entry;

		if (!fdb_table_read(from, slot, &entry))
			continue;
		uint32_t slot_to =
			fdb_table_insert(&to->table, entry.key, entry.port, entry.second);
		if (!(entry.key & FDB_KEY_STATIC))
			port_add(fdb, to, &fdb->ports[entry.port], slot_to, entry.second);
	}
}

int fdb_set_max_entries(struct fdb *fdb, uint32_t max_entries)
{
	struct fdb_body *old = fdb->body;
	struct fdb_body *body;
	int err;

	if (!max_entries || max_entries > FDB_ENTRIES_MAX)
		return -EINVAL;
	if (fdb->stats.static_entries > max_entries)
		return -ENOSPC;
	err = body_create(max_entries, &body);
	if (err)
		return err;

	pthread_mutex_lock(&fdb->lock);
	fdb->resizing = true;
	pthread_mutex_unlock(&fdb->lock);

	while (fdb->stats.entries > max_entries)
		evict_from_largest(fdb, NULL);
	refill(fdb, body);

	pthread_mutex_lock(&fdb->lock);
	rcu_set(fdb->body, body);
	fdb->stats.max_entries = max_entries;
	fdb->resizing = false;
	pthread_mutex_unlock(&fdb->lock);
	rcu_defer(body_destroy, old);
	return 0;
}

void fdb_set_port_limit(struct fdb *fdb, uint32_t port_id, uint32_t limit)
{
	struct fdb_port *port = &fdb->ports[port_id];

	assert(port_id < FDB_PORT_IDS);
	pthread_mutex_lock(&fdb->lock);
	port->limit = limit;
	while (limit && port->n_dynamic > limit) {
		port_evict(fdb, port);
		pthread_mutex_unlock(&fdb->lock);
		pthread_mutex_lock(&fdb->lock);
	}
	pthread_mutex_unlock(&fdb->lock);
}

void fdb_for_each(const struct fdb *fdb, uint64_t now_ms, fdb_entry_fn fn, void *arg)
{
	const struct fdb_table *t = &fdb->body->table;
	uint64_t now_s = now_ms / 1000;

	for (uint32_t slot = 0; slot < t->n_slots; slot++) {
		struct fdb_entry entry;
		struct fdb_slot s;

		if (!fdb_table_read(t, slot, &s))
			continue;
		entry = (struct fdb_entry){
			.mac = fdb_table_key_mac(s.key),
			.vlan = fdb_table_key_vlan(s.key),
			.port_id = s.port,
			.is_static = s.key & FDB_KEY_STATIC,
		};
		if (!entry.is_static && now_s > s.second)
			entry.age_ms = (now_s - s.second) * 1000;
		fn(&entry, arg);
	}
}

struct fdb_stats fdb_stats(struct fdb *fdb)
{
	struct fdb_stats stats;

	pthread_mutex_lock(&fdb->lock);
	stats = fdb->stats;
	stats.refused_static = __atomic_load_n(&fdb->refused_static, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&fdb->lock);
	return stats;
}
