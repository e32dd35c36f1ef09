/* The learning switch, in two passes over a burst: the first classifies each frame
 * and starts fetching the MAC table's lines for it, the second learns, looks up
 * and sends.  A frame that goes to several ports is cloned for all but the last.
 *
 * One that must be cut into segments for several of them is cut once, as it is within the
 * bridge, and its segments are flooded to those.  How many segments a burst is worth,
 * copies counted, is limited (lane.h): most of their cost is the kernel's, which takes each
 * as a frame, and one frame of a guest must not take the time of all others. */
#include "bridge.h"

#include <errno.h>

#include "offload.h"
#include "rcu.h"

/* A frame between the passes. */
struct normal_frame {
	struct packet *p;
	struct eth_addr dst;
	struct eth_addr src;
	struct vlan_meta vlan;
};

/* What both passes share. */
struct normal {
	struct lane *lane;
	const struct bridge_view *view;
	const struct bridge_slot *in;
	struct fdb *fdb;
	const struct bridge_slot *local; /* the bridge's own port, or NULL */
};

static void normal_drop(const struct normal *nm, enum drop_reason reason, struct packet *p)
{
	port_drop(nm->in->port, nm->lane, reason, 1);
	arena_free(&nm->lane->arena, p);
}

/* Is it the bridge's own address, in a VLAN where its own port is? */
static bool normal_is_local(const struct normal *nm, struct eth_addr mac, uint16_t vid)
{
	return nm->local && eth_addr_equal(mac, nm->view->local.mac) &&
	       vlan_carries(&nm->local->conf.vlan, vid);
}

static bool normal_classify(const struct normal *nm, struct packet *p, struct normal_frame *f)
{
	enum drop_reason reason;

	f->p = p;
	if (p->head_len < ETH_HEADER_LEN) {
		reason = DROP_RX_TOO_SHORT;
		goto drop;
	}
	f->dst = eth_addr_load(p->data);
	f->src = eth_addr_load(p->data + ETH_ADDR_LEN);
	if (eth_addr_is_multicast(f->src)) {
		reason = DROP_RX_SRC_MULTICAST;
		goto drop;
	}
	if (!eth_addr_u64(f->src)) {
		reason = DROP_RX_SRC_ZERO;
		goto drop;
	}
	if (eth_addr_is_reserved_group(f->dst) && !nm->view->forward_bpdu) {
		reason = DROP_RX_RESERVED_GROUP;
		goto drop;
	}
	if (!vlan_ingress(&nm->in->conf.vlan, p, &f->vlan, &reason))
		goto drop;
	if (nm->in != nm->local && normal_is_local(nm, f->src, f->vlan.vid)) {
		reason = DROP_RX_OWN_ADDRESS;
		goto drop;
	}
	p->pcp = f->vlan.pcp;
	fdb_prefetch(nm->fdb, f->src, f->vlan.vid);
	if (!eth_addr_is_multicast(f->dst))
		fdb_prefetch(nm->fdb, f->dst, f->vlan.vid);
	return true;

drop:
	normal_drop(nm, reason, p);
	return false;
}

/* Consumes 'p'. */
static void normal_emit(const struct normal *nm, const struct bridge_slot *out,
	const struct vlan_meta *vlan, struct packet *p)
{
	if (!vlan_egress(&out->conf.vlan, vlan, p)) {
		port_drop(out->port, nm->lane, DROP_TX_NO_HEADROOM, 1);
		arena_free(&nm->lane->arena, p);
		return;
	}
	port_send(nm->lane, out->port, p);
}

/* A clone, after sending what the lane holds if descriptors ran out. */
static struct packet *normal_clone(const struct normal *nm, const struct packet *p)
{
	struct packet *c = arena_clone(&nm->lane->arena, p);

	if (!c) {
		lane_flush(nm->lane);
		c = arena_clone(&nm->lane->arena, p);
	}
	return c;
}

/* Is there time in this burst to make so many segments?  It is taken. */
static bool normal_may_cut(const struct normal *nm, uint32_t segments)
{
	if (segments > nm->lane->cuts_left)
		return false;
	nm->lane->cuts_left -= segments;
	return true;
}

/* *why is what to say if nobody gets the frame. */
static bool normal_floods_to(
	const struct normal *nm, const struct bridge_slot *out, uint16_t vid, enum drop_reason *why)
{
	if (!out || out == nm->in || !vlan_carries(&out->conf.vlan, vid) ||
		!__atomic_load_n(&out->port->link_up, __ATOMIC_RELAXED))
		return false;
	if (!out->conf.isolated || !nm->in->conf.isolated)
		return true;
	*why = DROP_RX_ALL_ISOLATED;
	return false;
}

/* A frame on its way to ports for which it is cut. */
struct normal_cut {
	const struct normal *nm;
	const struct vlan_meta *vlan;
	unsigned n; /* segments in 'pkts' */
	unsigned n_outs;
	struct packet *pkts[BATCH_MAX];
	const struct bridge_slot *outs[LANE_CUTS_MAX];
};

/* Segment by segment would be a call to the kernel each. */
static void cut_flush(void *arg)
{
	struct normal_cut *cut = arg;
	unsigned n = cut->n;

	cut->n = 0;
	for (unsigned k = 0; k < cut->n_outs; k++) {
		for (unsigned i = 0; i < n; i++) {
			struct packet *s = cut->pkts[i];

			if (k + 1 < cut->n_outs)
				s = normal_clone(cut->nm, s);
			if (s)
				normal_emit(cut->nm, cut->outs[k], cut->vlan, s);
			else
				port_drop(cut->nm->in->port, cut->nm->lane, DROP_RX_NO_BUFFERS, 1);
		}
	}
}

static void cut_flush_all(void *arg)
{
	struct normal_cut *cut = arg;

	cut_flush(cut);
	lane_flush(cut->nm->lane);
}

static void cut_put(struct packet *segment, void *arg)
{
	struct normal_cut *cut = arg;

	if (cut->n == BATCH_MAX)
		cut_flush(cut);
	cut->pkts[cut->n++] = segment;
}

/* The ports that 'f' is flooded to and must be cut for, as many as this burst's budget
 * allows; the others' copies are dropped. */
static void cut_find_outs(struct normal_cut *cut, const struct normal_frame *f)
{
	const struct normal *nm = cut->nm;
	struct members_walk walk = members_walk(nm->view->members, f->vlan.vid, nm->view->n);
	uint32_t segments = packet_frames(f->p);
	enum drop_reason why;

	for (uint32_t i; (i = members_next(&walk)) != MEMBERS_END;) {
		const struct bridge_slot *out = nm->view->slots[i];

		if (!normal_floods_to(nm, out, f->vlan.vid, &why) ||
			!port_must_cut(out->port, f->p))
			continue;
		if (!normal_may_cut(nm, segments))
			port_drop(nm->in->port, nm->lane, DROP_RX_CUT_BUDGET, 1);
		else
			cut->outs[cut->n_outs++] = out;
	}
}

/* Flood 'f' to the ports that it must be cut for.  Consumes 'p', which is 'f->p' or its
 * clone. */
static void __attribute__((noinline))
normal_flood_cut(const struct normal *nm, const struct normal_frame *f, struct packet *p)
{
	struct normal_cut cut;
	int rc;

	cut.nm = nm;
	cut.vlan = &f->vlan;
	cut.n = cut.n_outs = 0;
	cut_find_outs(&cut, f);
	if (!cut.n_outs) {
		arena_free(&nm->lane->arena, p);
		return;
	}
	rc = offload_segment(&nm->lane->arena, p, cut_put, cut_flush_all, &cut);
	cut_flush(&cut);
	for (unsigned k = 0; k < cut.n_outs; k++) {
		const struct port *port = cut.outs[k]->port;

		if (rc < 0)
			port_drop(port, nm->lane,
				rc == -ENOBUFS ? DROP_TX_NO_BUFFERS : DROP_TX_NOT_SEGMENTABLE, 1);
		else
			port_count_cut(port, nm->lane, 1);
	}
}

static void normal_flood(const struct normal *nm, struct normal_frame *f)
{
	const struct bridge_slot *last = NULL;
	enum drop_reason why = DROP_RX_NO_DESTINATION;
	bool cut = false;

	struct members_walk walk = members_walk(nm->view->members, f->vlan.vid, nm->view->n);

	for (uint32_t i; (i = members_next(&walk)) != MEMBERS_END;) {
		const struct bridge_slot *out = nm->view->slots[i];

		if (!normal_floods_to(nm, out, f->vlan.vid, &why))
			continue;
		if (f->p->gso && port_must_cut(out->port, f->p)) {
			cut = true;
			continue;
		}
		if (last) {
			struct packet *c = normal_clone(nm, f->p);

			if (c)
				normal_emit(nm, last, &f->vlan, c);
			else
				port_drop(nm->in->port, nm->lane, DROP_RX_NO_BUFFERS, 1);
		}
		last = out;
	}
	if (cut) {
		struct packet *c = last ? normal_clone(nm, f->p) : f->p;

		if (c)
			normal_flood_cut(nm, f, c);
		else
			port_drop(nm->in->port, nm->lane, DROP_RX_NO_BUFFERS, 1);
	}
	if (last)
		normal_emit(nm, last, &f->vlan, f->p);
	else if (!cut)
		normal_drop(nm, why, f->p);
}

/* May a frame that is about to be flooded pass the port's storm limit?  One that will be
 * cut counts as what it will be. */
static bool normal_storm(const struct normal *nm, struct token_bucket *bucket,
	const struct token_rate *rate, enum drop_reason reason, struct packet *p)
{
	if (token_bucket_take(bucket, rate, packet_frames(p), nm->lane->now_ns))
		return true;
	normal_drop(nm, reason, p);
	return false;
}

/* Send to the one port behind a known address. */
static void normal_unicast(
	const struct normal *nm, const struct bridge_slot *out, struct normal_frame *f)
{
	enum drop_reason reason;

	if (out == nm->in) {
		normal_drop(nm, DROP_RX_REFLECTION, f->p);
		return;
	}
	if (!vlan_carries(&out->conf.vlan, f->vlan.vid)) {
		reason = DROP_TX_VLAN_NOT_MEMBER;
	} else if (out->conf.isolated && nm->in->conf.isolated) {
		reason = DROP_TX_ISOLATED;
	} else if (f->p->gso && port_must_cut(out->port, f->p) &&
		   !normal_may_cut(nm, packet_frames(f->p))) {
		normal_drop(nm, DROP_RX_CUT_BUDGET, f->p);
		return;
	} else {
		normal_emit(nm, out, &f->vlan, f->p);
		return;
	}
	port_drop(out->port, nm->lane, reason, 1);
	arena_free(&nm->lane->arena, f->p);
}

static void normal_forward(const struct normal *nm, struct normal_frame *f)
{
	const struct storm_conf *storm = &nm->in->conf.storm;
	struct bport *bp = nm->in->bport;
	bool pass;

	if (__atomic_load_n(&nm->in->port->link_up, __ATOMIC_RELAXED) && /* not from a backlog */
		!normal_is_local(nm, f->src, f->vlan.vid))
		fdb_learn(nm->fdb, f->src, f->vlan.vid, bp->index, nm->lane->now_ms);
	if (eth_addr_is_broadcast(f->dst)) {
		pass = normal_storm(
			nm, &bp->storm_broadcast, &storm->broadcast, DROP_RX_STORM_BROADCAST, f->p);
	} else if (eth_addr_is_multicast(f->dst)) {
		pass = normal_storm(
			nm, &bp->storm_multicast, &storm->multicast, DROP_RX_STORM_MULTICAST, f->p);
	} else if (normal_is_local(nm, f->dst, f->vlan.vid)) {
		normal_unicast(nm, nm->local, f);
		return;
	} else {
		uint32_t id = fdb_lookup(nm->fdb, f->dst, f->vlan.vid);

		if (id < nm->view->n && nm->view->slots[id]) {
			normal_unicast(nm, nm->view->slots[id], f);
			return;
		}
		pass = normal_storm(
			nm, &bp->storm_unknown, &storm->unknown, DROP_RX_STORM_UNKNOWN, f->p);
	}
	if (pass)
		normal_flood(nm, f);
}

void bridge_normal(struct lane *lane, struct bport *in, struct packet **pkts, unsigned n)
{
	const struct bridge_view *view = rcu_get(in->bridge->view);
	const struct bridge_slot *slot = in->index < view->n ? view->slots[in->index] : NULL;
	struct normal_frame frames[BATCH_MAX];
	unsigned kept = 0;

	assert(n <= BATCH_MAX);
	if (!slot || slot->bport != in) {
		port_drop(in->port, lane, DROP_RX_NO_BRIDGE, n);
		port_free_all(lane, pkts, n);
		return;
	}
	const struct bridge_local *local = &view->local;
	const struct normal nm = {.lane = lane,
		.view = view,
		.in = slot,
		.fdb = in->bridge->fdb,
		.local = local->known && local->index < view->n ? view->slots[local->index] : NULL};

	for (unsigned i = 0; i < n; i++)
		kept += normal_classify(&nm, pkts[i], &frames[kept]);
	for (unsigned i = 0; i < kept; i++)
		normal_forward(&nm, &frames[i]);
}
