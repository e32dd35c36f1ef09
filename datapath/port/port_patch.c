/* A patch port is one end of a pair that joins two bridges.  It has no queue and no
 * device: sending through it enters the pipeline of the other end's bridge on the
 * same worker, within the same burst.  The two open and close together: each is up
 * while the other exists, names it back, and is up.
 *
 * A packet may cross PATCH_HOPS_MAX of them.  That alone does not bound what a frame
 * costs: bridges joined by several patches multiply what is flooded at each hop.  But
 * where there is no loop a frame and its copies cross each patch port once at most, so
 * a burst may cross as often as its frames times the patch ports there are. */
#include <errno.h>
#include <stdlib.h>

#include "port.h"
#include "rcu.h"

static unsigned n_open; /* written by control, read by workers with relaxed loads */

static void count_open(int change)
{
	__atomic_store_n(&n_open, n_open + (unsigned)change, __ATOMIC_RELAXED);
}

static int patch_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	if (!p->conf.peer || !p->conf.peer[0]) {
		strbuf_printf(why, "port %s: a patch port needs peer=PORT", p->conf.name);
		return -EINVAL;
	}
	if (!strcmp(p->conf.peer, p->conf.name)) {
		strbuf_printf(
			why, "port %s: peer=%s is the port itself", p->conf.name, p->conf.peer);
		return -EINVAL;
	}
	return 0;
}

static void patch_destroy(struct port *p)
{
	(void)p;
}

static struct port *patch_find_peer(const struct port *p)
{
	struct port *peer = port_lookup(p->conf.peer);

	if (peer && peer->ops == &port_patch_ops && !strcmp(peer->conf.peer, p->conf.name))
		return peer;
	return NULL;
}

static int patch_open(struct port *p, struct strbuf *why)
{
	struct port *peer = patch_find_peer(p);

	if (!peer) {
		strbuf_printf(why, "peer %s is absent, or is not a patch port with peer=%s",
			p->conf.peer, p->conf.name);
		return -ENODEV;
	}
	rcu_set(p->priv, peer);
	if (!peer->opened && peer->priv != p) /* else it is opening right now */
		peer->events->present(peer, peer->events_arg);
	if (peer->priv != p) {
		rcu_set(p->priv, NULL);
		strbuf_printf(why, "peer %s is not ready", p->conf.peer);
		return -ENODEV;
	}
	p->n_rxqs = 0;
	p->rxqs = NULL;
	__atomic_store_n(&p->mtu, p->conf.mtu ? p->conf.mtu : PORT_MTU_MAX, __ATOMIC_RELAXED);
	__atomic_store_n(&p->tx_caps, PORT_TX_ALL | PORT_TX_TUNNEL, __ATOMIC_RELAXED);
	__atomic_store_n(&p->link_up, true, __ATOMIC_RELAXED);
	count_open(1);
	return 0;
}

/* Now rather than in close(): a worker may be on its way from the peer to this port,
 * which may be freed right after it is closed. */
static void patch_quiesce(struct port *p)
{
	struct port *peer = p->priv;

	rcu_set(p->priv, NULL);
	if (peer && peer->priv == p) {
		__atomic_store_n(&peer->link_up, false, __ATOMIC_RELAXED);
		rcu_set(peer->priv, NULL);
		peer->events->gone(peer, peer->events_arg);
	}
}

static void patch_close(struct port *p, bool removed)
{
	count_open(-1);
}

static unsigned patch_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	return 0;
}

static void patch_tx(struct port *p, struct lane *lane, struct packet **pkts, unsigned n)
{
	struct port *peer = rcu_get(p->priv);
	unsigned crossings_max = lane->burst * __atomic_load_n(&n_open, __ATOMIC_RELAXED);
	unsigned kept = 0;

	if (!peer) {
		port_drop(p, lane, DROP_TX_PORT_DOWN, n);
		port_free_all(lane, pkts, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (pkts[i]->hops == PATCH_HOPS_MAX || lane->crossings >= crossings_max) {
			port_drop(peer, lane, DROP_RX_PATCH_LOOP, 1);
			arena_free(&lane->arena, pkts[i]);
			continue;
		}
		pkts[i]->hops++;
		lane->crossings++;
		port_sent(p, lane, pkts[i]);
		pkts[kept++] = pkts[i];
	}
	if (kept) {
		port_count_rx(peer, lane, pkts, kept);
		lane->enter(lane, peer, pkts, kept);
	}
}

const struct port_ops port_patch_ops = {
	.type = "patch",
	.about = "one end of a pair that joins two bridges",
	.create = patch_create,
	.destroy = patch_destroy,
	.open = patch_open,
	.quiesce = patch_quiesce,
	.close = patch_close,
	.rx = patch_rx,
	.tx = patch_tx,
};
