/* How sending works: port_send() collects packets per destination in the lane's
 * part of the port and strings ports that hold some on the lane's dirty list.
 * Flushing a port takes the packets out of its array first, because a patch port
 * enters the pipeline of its peer's bridge from within tx(), which may collect
 * for the same port again.  On the way to the type's tx() each packet is checked
 * against the MTU, and what the port cannot take (unfinished checksums, large
 * segments) is done in software. */
#include "port.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "must.h"
#include "netlink.h"
#include "offload.h"
#include "rcu.h"
#include "strmap.h"

LOG_MODULE(port);

static struct list registry = {&registry, &registry};
static struct strmap by_name; /* of those in the registry */

/* ---- configuration ---- */

static int string_copy(char **dst, const char *src)
{
	*dst = src ? strdup(src) : NULL;
	return src && !*dst ? -ENOMEM : 0;
}

int port_conf_copy(struct port_conf *dst, const struct port_conf *src)
{
	int err;

	*dst = *src;
	dst->peer = dst->file = dst->record = NULL;
	err = string_copy(&dst->peer, src->peer);
	if (!err)
		err = string_copy(&dst->file, src->file);
	if (!err)
		err = string_copy(&dst->record, src->record);
	if (err)
		port_conf_fini(dst);
	return err;
}

void port_conf_fini(struct port_conf *conf)
{
	free(conf->peer);
	free(conf->file);
	free(conf->record);
	conf->peer = conf->file = conf->record = NULL;
}

static bool string_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool port_conf_equal(const struct port_conf *a, const struct port_conf *b)
{
	return !strcmp(a->name, b->name) && a->ops == b->ops && a->mtu == b->mtu &&
	       a->queues == b->queues && a->has_mac == b->has_mac &&
	       eth_addr_equal(a->mac, b->mac) && string_equal(a->peer, b->peer) &&
	       string_equal(a->file, b->file) && string_equal(a->record, b->record) &&
	       a->loop == b->loop && a->rate_pps == b->rate_pps &&
	       a->offloads_off == b->offloads_off;
}

/* ---- life ---- */

static int port_name_check(const struct port_conf *conf, struct strbuf *why)
{
	size_t len = strlen(conf->name);
	bool kernel = conf->ops->kernel_interface;

	if (!len || len > (kernel ? PORT_KERNEL_NAME_MAX : PORT_NAME_MAX)) {
		strbuf_printf(why, "port name '%s' is not 1 to %d bytes long", conf->name,
			kernel ? PORT_KERNEL_NAME_MAX : PORT_NAME_MAX);
		return -EINVAL;
	}
	return 0;
}

static int port_register(struct port *p)
{
	int err = by_name.buckets ? 0 : strmap_init(&by_name);

	if (!err)
		err = strmap_try_put(&by_name, p->conf.name, p);
	if (!by_name.n)
		strmap_fini(&by_name);
	if (!err)
		list_add_tail(&registry, &p->link);
	return err;
}

void port_forget(struct port *p)
{
	if (list_empty(&p->link))
		return;
	list_del(&p->link);
	if (strmap_get(&by_name, p->conf.name) == p)
		strmap_del(&by_name, p->conf.name);
	if (!by_name.n)
		strmap_fini(&by_name);
}

int port_create(const struct port_conf *conf, const struct port_env *env,
	const struct port_events *events, void *events_arg, struct port **port, struct strbuf *why)
{
	int err = port_name_check(conf, why);

	if (err)
		return err;
	if (conf->ops->kernel_interface && !env->netlink) {
		strbuf_printf(why, "port %s: no kernel interfaces here", conf->name);
		return -EOPNOTSUPP;
	}
	struct port *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->ops = conf->ops;
	p->events = events;
	p->events_arg = events_arg;
	p->mtu = conf->mtu ? conf->mtu : PORT_MTU_DEFAULT;
	err = port_conf_copy(&p->conf, conf);
	if (err)
		goto free_self;
	for (unsigned i = 0; i < env->n_lanes; i++) {
		p->lanes[i] = aligned_alloc(64, sizeof(struct port_lane));
		if (!p->lanes[i]) {
			err = -ENOMEM;
			goto free_lanes;
		}
		memset(p->lanes[i], 0, sizeof(struct port_lane));
		p->lanes[i]->port = p;
	}
	err = port_register(p);
	if (err)
		goto free_lanes;
	err = p->ops->create(p, env, why);
	if (err)
		goto forget;
	*port = p;
	return 0;

forget:
	port_forget(p);
free_lanes:
	for (unsigned i = 0; i < env->n_lanes; i++)
		free(p->lanes[i]);
	port_conf_fini(&p->conf);
free_self:
	free(p);
	return err;
}

void port_destroy(struct port *p)
{
	if (!p)
		return;
	assert(!p->opened && !p->releasing);
	p->ops->destroy(p);
	port_forget(p);
	for (unsigned i = 0; i < LANES_MAX; i++)
		free(p->lanes[i]);
	port_conf_fini(&p->conf);
	free(p);
}

int port_check(const struct port_conf *conf, const struct port_env *env, const struct port *now,
	struct strbuf *why)
{
	bool can = conf->ops->check && (env->netlink || !conf->ops->kernel_interface);

	return can ? conf->ops->check(conf, env, now, why) : 0;
}

int port_open(struct port *p, struct strbuf *why)
{
	assert(!p->opened && !p->releasing);
	int err = p->ops->open(p, why);

	if (err)
		return err;
	p->opened = true;
	__atomic_store_n(&p->accepting, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < p->n_rxqs; i++) {
		struct rxq *q = &p->rxqs[i];

		q->port = p;
		q->index = i;
		list_init(&q->link);
		q->armed = q->watched = false;
	}
	return 0;
}

void port_quiesce(struct port *p)
{
	__atomic_store_n(&p->accepting, false, __ATOMIC_RELAXED);
	if (p->ops->quiesce)
		p->ops->quiesce(p);
}

void port_close(struct port *p, bool removed)
{
	if (!p->opened)
		return;
	port_quiesce(p);
	p->ops->close(p, removed);
	__atomic_store_n(&p->link_up, false, __ATOMIC_RELAXED);
	p->opened = false;
	p->n_rxqs = 0;
	p->rxqs = NULL;
}

void port_set_conf(struct port *p, const struct port_conf *conf)
{
	struct port_conf old = p->conf;

	must_do(port_conf_copy(&p->conf, conf));
	port_conf_fini(&old);
}

void port_link_event(const struct netlink_link *l, bool deleted)
{
	struct list *it, *tmp;

	list_for_each_safe (it, tmp, &registry) {
		struct port *p = container_of(it, struct port, link);

		if (!p->ops->link_event)
			continue;
		if ((p->ifindex && p->ifindex == l->ifindex) || !strcmp(p->conf.name, l->name))
			p->ops->link_event(p, l, deleted);
	}
}

struct port *port_lookup(const char *name)
{
	return by_name.buckets ? strmap_get(&by_name, name) : NULL;
}

void port_counters_sum(struct port *p, struct port_counters *sum)
{
	uint64_t *out = (uint64_t *)sum;

	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < LANES_MAX && p->lanes[i]; i++) {
		const uint64_t *in = (const uint64_t *)&p->lanes[i]->count;

		for (size_t j = 0; j < sizeof(*sum) / sizeof(uint64_t); j++)
			out[j] += count_get(&in[j]);
	}
	if (p->opened && p->ops->count)
		p->ops->count(p);
	sum->drops[DROP_RX_OVERRUN] += p->overruns;
}

/* ---- packets ---- */

/* Whatever the port's type: no frame may ask for more work than so much. */
static unsigned drop_fragmenting(
	const struct port *port, struct lane *lane, struct packet **pkts, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (packet_frames(pkts[i]) <= PACKET_SEGMENTS_MAX) {
			pkts[kept++] = pkts[i];
			continue;
		}
		port_drop(port, lane, DROP_RX_TOO_MANY_SEGMENTS, 1);
		arena_free(&lane->arena, pkts[i]);
	}
	return kept;
}

unsigned port_receive(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	unsigned n = q->port->ops->rx(q, lane, pkts, max);

	n = drop_fragmenting(q->port, lane, pkts, n);
	if (n)
		port_count_rx(q->port, lane, pkts, n);
	return n;
}

void port_count_rx(
	const struct port *port, const struct lane *lane, struct packet **pkts, unsigned n)
{
	struct port_counters *c = &port_lane(port, lane)->count;
	uint64_t bytes = 0, gso = 0;

	for (unsigned i = 0; i < n; i++) {
		bytes += pkts[i]->len;
		gso += pkts[i]->gso != PACKET_GSO_NONE;
		count_add(&c->rx_size[size_class(pkts[i]->len)], 1);
	}
	count_add(&c->rx_packets, n);
	count_add(&c->rx_bytes, bytes);
	if (gso)
		count_add(&c->rx_gso, gso);
}

static uint32_t gso_caps(const struct packet *p)
{
	uint32_t tunnel = p->gso_tunnel ? PORT_TX_TUNNEL : 0;

	switch (p->gso) {
	case PACKET_GSO_TCP4:
		return tunnel | PORT_TX_TSO4;
	case PACKET_GSO_TCP6:
		return tunnel | PORT_TX_TSO6;
	case PACKET_GSO_UDP:
		return tunnel | PORT_TX_USO;
	default:
		return 0;
	}
}

/* Is a frame of 'len' bytes within the MTU?  The Ethernet header does not count towards
 * it, and tags do not (802.3 allows for one, provider bridges for two): most frames
 * need not be looked at for them. */
static bool frame_fits(const struct port *port, const struct packet *p, uint32_t len)
{
	uint32_t limit = __atomic_load_n(&port->mtu, __ATOMIC_RELAXED) + ETH_HEADER_LEN;

	if (len <= limit)
		return true;
	for (size_t ofs = 12; ofs <= 12 + ETH_VLAN_LEN && ofs + 2 <= p->head_len;
		ofs += ETH_VLAN_LEN) {
		uint16_t type = wire_u16(p->data + ofs);

		if (type != ETHERTYPE_CTAG && type != ETHERTYPE_STAG)
			break;
		limit += ETH_VLAN_LEN;
	}
	return len <= limit;
}

/* The longest frame that 'p' will be on the wire. */
static uint32_t wire_len(const struct packet *p)
{
	return p->gso ? (uint32_t)p->gso_hdr_len + p->gso_size : p->len;
}

bool port_must_cut(const struct port *port, const struct packet *p)
{
	uint32_t caps = __atomic_load_n(&port->tx_caps, __ATOMIC_RELAXED);

	return (gso_caps(p) & ~caps) && frame_fits(port, p, wire_len(p));
}

/* Packets on their way from the collected ones to tx(), in order. */
struct port_out {
	struct port *port;
	struct lane *lane;
	unsigned n;
	struct packet *pkts[BATCH_MAX];
};

static void out_flush(void *arg)
{
	struct port_out *out = arg;
	unsigned n = out->n;

	out->n = 0;
	if (n)
		out->port->ops->tx(out->port, out->lane, out->pkts, n);
}

static void out_put(struct packet *p, void *arg)
{
	struct port_out *out = arg;

	if (out->n == BATCH_MAX)
		out_flush(out);
	out->pkts[out->n++] = p;
}

static void out_segment(struct port_out *out, struct packet *p)
{
	int n = offload_segment(&out->lane->arena, p, out_put, out_flush, out);

	if (n < 0)
		port_drop(out->port, out->lane,
			n == -ENOBUFS ? DROP_TX_NO_BUFFERS : DROP_TX_NOT_SEGMENTABLE, 1);
	else
		port_count_cut(out->port, out->lane, 1);
}

/* One packet through the MTU check and the software offloads. */
static void out_one(struct port_out *out, struct packet *p, uint32_t caps)
{
	uint32_t need = gso_caps(p);

	if (!frame_fits(out->port, p, wire_len(p))) {
		port_drop(out->port, out->lane, DROP_TX_TOO_LONG, 1);
		arena_free(&out->lane->arena, p);
		return;
	}
	if (need & ~caps) {
		out_segment(out, p);
		return;
	}
	if (p->csum == PACKET_CSUM_PARTIAL && !(caps & PORT_TX_CSUM)) {
		if (offload_finish_csum(p)) {
			port_drop(out->port, out->lane, DROP_TX_NO_CHECKSUM, 1);
			arena_free(&out->lane->arena, p);
			return;
		}
		count_add(&port_lane(out->port, out->lane)->count.tx_checksummed, 1);
	}
	out_put(p, out);
}

static void port_flush(struct lane *lane, struct port_lane *pl)
{
	struct port *port = pl->port;
	struct packet *mine[BATCH_MAX];
	unsigned n = pl->n;
	uint32_t caps = __atomic_load_n(&port->tx_caps, __ATOMIC_RELAXED);

	memcpy(mine, pl->pkts, n * sizeof(mine[0]));
	pl->n = 0;

	struct port_out out = {.port = port, .lane = lane};
	for (unsigned i = 0; i < n; i++)
		out_one(&out, mine[i], caps);
	out_flush(&out);
}

void port_send(struct lane *lane, struct port *port, struct packet *p)
{
	struct port_lane *pl = port_lane(port, lane);

	if (!__atomic_load_n(&port->accepting, __ATOMIC_ACQUIRE) ||
		!__atomic_load_n(&port->link_up, __ATOMIC_RELAXED)) {
		port_drop(port, lane, DROP_TX_PORT_DOWN, 1);
		arena_free(&lane->arena, p);
		return;
	}
	while (pl->n == BATCH_MAX) /* a patch's peer may fill it again meanwhile */
		port_flush(lane, pl);
	if (!pl->dirty) {
		pl->dirty = true;
		pl->next_dirty = lane->dirty;
		lane->dirty = pl;
	}
	pl->pkts[pl->n++] = p;
}

void lane_flush(struct lane *lane)
{
	while (lane->dirty) {
		struct port_lane *pl = lane->dirty;

		lane->dirty = pl->next_dirty;
		pl->dirty = false;
		if (pl->n)
			port_flush(lane, pl);
	}
}

void port_free_all(struct lane *lane, struct packet **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		arena_free(&lane->arena, pkts[i]);
}
