/* Views: every change builds a new array of slot pointers and publishes it; the
 * array it replaces, and a slot whose settings changed, are freed after every
 * worker has passed a quiescent state.  A change of one port among thousands thus
 * copies pointers only.
 *
 * A removed port's slot number stays reserved until then too, because a worker in
 * the middle of a burst may still learn an address for it; the MAC table is
 * cleaned of the number a second time before it is given out again. */
#include "bridge.h"

#include <errno.h>
#include <stdlib.h>

#include "rcu.h"

static struct bridge_view *view_alloc(unsigned n)
{
	struct bridge_view *v = calloc(1, sizeof(*v) + n * sizeof(v->slots[0]));

	if (v)
		v->n = n;
	return v;
}

/* A copy with room for at least 'n' slots. */
static struct bridge_view *view_copy(const struct bridge_view *old, unsigned n)
{
	struct bridge_view *v = view_alloc(n > old->n ? n : old->n);

	if (!v)
		return NULL;
	v->forward_bpdu = old->forward_bpdu;
	v->local = old->local;
	v->members = old->members;
	memcpy(v->slots, old->slots, old->n * sizeof(v->slots[0]));
	return v;
}

static void view_publish(struct bridge *b, struct bridge_view *v)
{
	struct bridge_view *old = b->view;

	rcu_set(b->view, v);
	rcu_defer(free, old);
}

int bridge_create(const struct bridge_conf *conf, struct bridge **bridge)
{
	struct bridge *b = calloc(1, sizeof(*b));
	int err = -ENOMEM;

	if (!b)
		return err;
	b->conf = *conf;
	err = members_create(&b->members);
	if (err)
		goto free_bridge;
	err = -ENOMEM;
	b->view = view_alloc(0);
	if (!b->view)
		goto destroy_members;
	b->view->forward_bpdu = conf->forward_bpdu;
	b->view->members = b->members;
	err = fdb_create(conf->mac_limit, &b->fdb);
	if (err)
		goto free_view;
	fdb_set_ageing(b->fdb, conf->mac_age_s);
	list_init(&b->link);
	*bridge = b;
	return 0;

free_view:
	free(b->view);
destroy_members:
	members_destroy(b->members);
free_bridge:
	free(b);
	return err;
}

void bridge_destroy(struct bridge *b)
{
	if (!b)
		return;
	fdb_destroy(b->fdb);
	members_destroy(b->members);
	free(b->view);
	free(b->reserved);
	free(b);
}

int bridge_set(struct bridge *b, const struct bridge_conf *conf)
{
	if (conf->mac_limit != b->conf.mac_limit) {
		int err = fdb_set_max_entries(b->fdb, conf->mac_limit);
		if (err)
			return err;
	}
	if (conf->forward_bpdu != b->conf.forward_bpdu) {
		struct bridge_view *v = view_copy(b->view, 0);
		if (!v)
			return -ENOMEM;
		v->forward_bpdu = conf->forward_bpdu;
		view_publish(b, v);
	}
	fdb_set_ageing(b->fdb, conf->mac_age_s);
	b->conf = *conf;
	return 0;
}

static struct bridge_slot *slot_create(struct bport *bp)
{
	struct bridge_slot *s = aligned_alloc(64, sizeof(*s));

	if (s)
		*s = (struct bridge_slot){.bport = bp, .port = bp->port, .conf = bp->conf};
	return s;
}

/* The lowest number that is neither in use nor waiting for workers to let go. */
static int slot_find(struct bridge *b, uint32_t *index)
{
	for (uint32_t i = b->first_free; i < BRIDGE_PORTS_MAX; i++) {
		bool used = i < b->view->n && b->view->slots[i];

		if (!used && !(b->reserved && b->reserved[i])) {
			b->first_free = *index = i;
			return 0;
		}
	}
	return -ENOSPC;
}

/* Replace slot 'index', NULL to clear it.  -ENOMEM changes nothing. */
static int slot_set(struct bridge *b, uint32_t index, struct bridge_slot *s)
{
	struct bridge_view *v = view_copy(b->view, index + 1);
	struct bridge_slot *old;

	if (!v)
		return -ENOMEM;
	old = v->slots[index];
	v->slots[index] = s;
	if (!s && v->local.index == index)
		v->local.known = false;
	view_publish(b, v);
	if (old)
		rcu_defer(free, old); /* only now do new readers not find it */
	return 0;
}

int bridge_port_add(struct bridge *b, struct port *port, uint16_t ofport,
	const struct bport_conf *conf, struct bport **bport)
{
	uint32_t index;
	int err = slot_find(b, &index);

	if (err)
		return err;
	struct bport *bp = calloc(1, sizeof(*bp));
	if (!bp)
		return -ENOMEM;
	*bp = (struct bport){
		.bridge = b, .port = port, .index = index, .ofport = ofport, .conf = *conf};
	struct bridge_slot *s = slot_create(bp);
	if (!s)
		goto free_bport;
	if (members_add(b->members, index, &conf->vlan) || slot_set(b, index, s))
		goto free_slot;
	fdb_set_port_limit(b->fdb, index, conf->fdb_limit);
	*bport = bp;
	return 0;

free_slot:
	members_trim(b->members, index, NULL);
	free(s);
free_bport:
	free(bp);
	return -ENOMEM;
}

static void addresses_flush(void *arg)
{
	struct bport *bp = arg;

	fdb_flush(bp->bridge->fdb, FDB_ANY_VLAN, bp->index, false);
}

/* Again once no worker is left that may learn by what was before: one in mid-burst. */
static void addresses_forget(struct bport *bp)
{
	addresses_flush(bp);
	rcu_defer(addresses_flush, bp);
}

/* Times that were reckoned by another rate. */
static void storm_reset(void *arg)
{
	struct bport *bp = arg;

	token_bucket_reset(&bp->storm_broadcast);
	token_bucket_reset(&bp->storm_multicast);
	token_bucket_reset(&bp->storm_unknown);
}

int bridge_port_set(struct bport *bp, const struct bport_conf *conf)
{
	struct bport_conf old = bp->conf;
	struct bridge_slot *s;

	bp->conf = *conf;
	s = slot_create(bp);
	if (!s || members_add(bp->bridge->members, bp->index, &conf->vlan) ||
		slot_set(bp->bridge, bp->index, s)) {
		members_trim(bp->bridge->members, bp->index, &old.vlan);
		free(s);
		bp->conf = old;
		return -ENOMEM;
	}
	members_trim(bp->bridge->members, bp->index, &conf->vlan);
	if (memcmp(&old.vlan, &conf->vlan, sizeof(old.vlan)))
		addresses_forget(bp);
	if (memcmp(&old.storm, &conf->storm, sizeof(old.storm))) {
		storm_reset(bp);
		rcu_defer(storm_reset, bp); /* a worker in mid-burst goes by the old rate */
	}
	fdb_set_port_limit(bp->bridge->fdb, bp->index, conf->fdb_limit);
	return 0;
}

static void bport_free(void *arg)
{
	struct bport *bp = arg;
	struct bridge *b = bp->bridge;

	fdb_port_removed(b->fdb, bp->index);
	b->reserved[bp->index] = false;
	if (bp->index < b->first_free)
		b->first_free = bp->index;
	b->n_leaving--;
	free(bp);
}

void bridge_port_del(struct bport *bp)
{
	struct bridge *b = bp->bridge;

	if (!b->reserved)
		b->reserved = calloc(BRIDGE_PORTS_MAX, sizeof(b->reserved[0]));
	if (!b->reserved || slot_set(b, bp->index, NULL))
		abort(); /* small control-plane memory */
	members_trim(b->members, bp->index, NULL);
	fdb_port_removed(b->fdb, bp->index);
	b->reserved[bp->index] = true;
	b->n_leaving++;
	rcu_defer(bport_free, bp);
}

void bridge_port_link_down(struct bport *bp)
{
	addresses_forget(bp);
}

int bridge_set_local(struct bport *bp, struct eth_addr mac)
{
	struct bridge *b = bp->bridge;
	const struct bridge_local *now = &b->view->local;

	if (now->known && now->index == bp->index && eth_addr_equal(now->mac, mac))
		return 0;
	struct bridge_view *v = view_copy(b->view, 0);
	if (!v)
		return -ENOMEM;
	v->local = (struct bridge_local){.known = true, .mac = mac, .index = bp->index};
	view_publish(b, v);
	return 0;
}

bool bridge_local_entry(const struct bridge *b, struct fdb_entry *entry)
{
	const struct bridge_local *local = &b->view->local;
	const struct bport *bp = local->known ? bridge_port_by_index(b, local->index) : NULL;

	if (!bp)
		return false;
	const struct vlan_conf *vlan = &bp->conf.vlan;
	*entry = (struct fdb_entry){.mac = local->mac,
		.vlan = vlan->mode == VLAN_TRUNK ? 0 : vlan->tag,
		.port_id = local->index,
		.is_static = true};
	return true;
}

struct bport *bridge_port_by_index(const struct bridge *b, uint32_t index)
{
	struct bridge_slot *s = index < b->view->n ? b->view->slots[index] : NULL;

	return s ? s->bport : NULL;
}
