/* bench_normal: a burst from receive to send through the learning switch, over sim
 * ports that make up what comes in and forget what goes out.
 *
 * An operation is a packet received, in bursts of BATCH_MAX unless the name says
 * otherwise.  A flooded packet costs its copies, too. */
#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "bench.h"
#include "pipeline.h"
#include "port_sim.h"
#include "rcu.h"

enum {
	PORTS_MAX = 64,
	STATIONS_MAX = 65536,
	PACKETS = 8192, /* of a round; a multiple of BATCH_MAX */
	FRAME_MIN = 60,
	FRAME_TSO = 65226, /* 45 segments of 1448 bytes, and 66 of headers */
	VID = 5,
};

struct world {
	struct event_base *base;
	struct lane lane;
	struct bridge *bridge;
	unsigned n_ports;
	struct port *ports[PORTS_MAX];
	struct bport *bports[PORTS_MAX];
	unsigned burst;
};

struct scenario {
	const char *name;
	unsigned n_ports, burst, n_stations;
	uint32_t len, mac_limit;
	bool tagged_in;		    /* frames arrive with a tag */
	enum vlan_mode mode0, mode; /* of port 0, where frames come in; of the others */
	bool known;		    /* all addresses are in the MAC table */
	bool apart;		    /* all but ports 0 and 1 are in VLANs of their own */
};

static const struct scenario scenarios[] = {
	{"normal 64", 2, BATCH_MAX, 1, FRAME_MIN, 2048, false, VLAN_TRUNK, VLAN_TRUNK, true, false},
	{"normal 64, bursts of 1", 2, 1, 1, FRAME_MIN, 2048, false, VLAN_TRUNK, VLAN_TRUNK, true,
		false},
	{"normal 64, 1024 stations", 2, BATCH_MAX, 1024, FRAME_MIN, 2048, false, VLAN_TRUNK,
		VLAN_TRUNK, true, false},
	{"normal 64, 65536 stations", 2, BATCH_MAX, 65536, FRAME_MIN, 1 << 18, false, VLAN_TRUNK,
		VLAN_TRUNK, true, false},
	{"normal 64, access to trunk", 2, BATCH_MAX, 1, FRAME_MIN, 2048, false, VLAN_ACCESS,
		VLAN_TRUNK, true, false},
	{"normal 64, trunk to access", 2, BATCH_MAX, 1, FRAME_MIN, 2048, true, VLAN_TRUNK,
		VLAN_ACCESS, true, false},
	{"normal 1500", 2, BATCH_MAX, 1, 1514, 2048, false, VLAN_TRUNK, VLAN_TRUNK, true, false},
	{"normal TSO", 2, BATCH_MAX, 1, FRAME_TSO, 2048, false, VLAN_TRUNK, VLAN_TRUNK, true,
		false},
	{"normal flood to 3", 4, BATCH_MAX, 1, FRAME_MIN, 2048, false, VLAN_TRUNK, VLAN_TRUNK,
		false, false},
	{"normal flood to 63", 64, BATCH_MAX, 1, FRAME_MIN, 2048, false, VLAN_TRUNK, VLAN_TRUNK,
		false, false},
	{"normal flood to 1 of 63", 64, BATCH_MAX, 1, FRAME_MIN, 2048, true, VLAN_TRUNK,
		VLAN_ACCESS, false, true},
	/* every frame evicts an address: twice as many stations as the table holds */
	{"normal MAC flood", 2, BATCH_MAX, 4096, FRAME_MIN, 2048, false, VLAN_TRUNK, VLAN_TRUNK,
		false, false},
};

static void ignore(struct port *port, void *arg)
{
}

static const struct port_events no_events = {.gone = ignore, .present = ignore, .changed = ignore};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_normal: %s\n", what);
	exit(1);
}

static void port_add(struct world *w, enum vlan_mode mode, uint16_t vid)
{
	struct bport_conf conf = {.vlan = {.mode = mode, .all_trunks = true, .all_cvlans = true}};
	struct port_env env = {.base = w->base, .n_lanes = 1};
	struct port_conf pc = {.ops = &port_sim_ops, .mtu = PORT_MTU_MAX};
	unsigned i = w->n_ports++;
	struct strbuf why = STRBUF_INIT;

	if (mode == VLAN_ACCESS)
		conf.vlan.tag = vid;
	snprintf(pc.name, sizeof(pc.name), "s%u", i);
	if (port_create(&pc, &env, &no_events, NULL, &w->ports[i], &why) ||
		port_open(w->ports[i], &why) ||
		bridge_port_add(w->bridge, w->ports[i], (uint16_t)(i + 1), &conf, &w->bports[i]))
		die("no port");
	rcu_set(w->ports[i]->owner, w->bports[i]);
	sim_port_sink(w->ports[i], true);
}

static void world_init(struct world *w, const struct scenario *s)
{
	struct bridge_conf bc = {.name = "br0", .mac_age_s = 300, .mac_limit = s->mac_limit};

	*w = (struct world){.base = event_base_new(), .burst = s->burst};
	if (!w->base || rcu_init(w->base) || lane_init(&w->lane, 0, pipeline_enter) ||
		bridge_create(&bc, &w->bridge))
		die("no memory");
	for (unsigned i = 0; i < s->n_ports; i++)
		port_add(w, i ? s->mode : s->mode0, s->apart && i > 1 ? (uint16_t)(VID + i) : VID);
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->n_ports; i++) {
		bridge_port_del(w->bports[i]);
		port_close(w->ports[i], true);
		port_destroy(w->ports[i]);
	}
	rcu_fini();
	bridge_destroy(w->bridge);
	lane_fini(&w->lane);
	event_base_free(w->base);
}

/* One poll of port 0, as a worker does it. */
static unsigned poll(struct world *w)
{
	struct packet *pkts[BATCH_MAX];
	unsigned n = port_receive(&w->ports[0]->rxqs[0], &w->lane, pkts, w->burst);

	lane_begin_burst(&w->lane, n);
	w->lane.enter(&w->lane, w->ports[0], pkts, n);
	lane_flush(&w->lane);
	arena_release(&w->lane.arena);
	return n;
}

static void forward(unsigned n, void *arg)
{
	for (unsigned done = 0; done < n;)
		done += poll(arg);
}

static struct eth_addr station(bool sender, uint32_t n)
{
	struct eth_addr a = {{0x02, sender}};

	wire_put_u32(a.b + 2, n);
	return a;
}

/* Addresses, perhaps a tag, and an IPv4 TCP header that TSO can work with. */
static void frame_build(uint8_t *f, const struct scenario *s, uint32_t i)
{
	struct eth_addr dst = station(false, i), src = station(true, i);
	size_t l3 = ETH_HEADER_LEN;

	memset(f, 0, s->len);
	memcpy(f, dst.b, ETH_ADDR_LEN);
	memcpy(f + ETH_ADDR_LEN, src.b, ETH_ADDR_LEN);
	if (s->tagged_in) {
		wire_put_u16(f + 12, ETHERTYPE_CTAG);
		wire_put_u16(f + 14, VID);
		l3 += 4;
	}
	wire_put_u16(f + l3 - 2, ETHERTYPE_IPV4);
	f[l3] = 0x45;
	wire_put_u16(f + l3 + 2, (uint16_t)(s->len - l3));
	f[l3 + 8] = 64;
	f[l3 + 9] = 6;
	f[l3 + 20 + 12] = s->len > 1514 ? 0x80 : 0x50; /* with time stamps, or without */
}

/* Let the stations behind port 1 say something, so that the table knows them. */
static void learn(struct world *w, const struct scenario *s)
{
	uint16_t vid = s->tagged_in || s->mode0 == VLAN_ACCESS ? VID : 0;

	for (uint32_t i = 0; i < s->n_stations; i++)
		fdb_learn(w->bridge->fdb, station(false, i), vid, w->bports[1]->index, 0);
}

static void measure(const struct scenario *s)
{
	static struct sim_frame frames[STATIONS_MAX];
	static const struct virtio_net_hdr tso = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 66,
		.gso_size = 1448,
		.csum_start = 34,
		.csum_offset = 16};
	struct port_counters c;
	struct world w;

	if (!bench_wants(s->name))
		return;
	uint8_t *bytes = calloc(s->n_stations, s->len);
	if (!bytes)
		die("no memory");
	for (uint32_t i = 0; i < s->n_stations; i++) {
		frames[i] = (struct sim_frame){
			bytes + (size_t)i * s->len, s->len, s->len > 1514 ? &tso : NULL};
		frame_build(bytes + (size_t)i * s->len, s, i);
	}
	world_init(&w, s);
	if (s->known)
		learn(&w, s);
	sim_port_source(w.ports[0], frames, s->n_stations);
	bench_run(s->name, forward, &w, PACKETS);
	port_counters_sum(w.ports[0], &c);
	for (unsigned i = 0; i < DROP_N; i++)
		if (c.drops[i])
			die("packets were dropped");
	port_counters_sum(w.ports[1], &c);
	if (!c.tx_packets)
		die("no packet was forwarded");
	sim_port_source(w.ports[0], NULL, 0);
	world_fini(&w);
	free(bytes);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		measure(&scenarios[i]);
	return 0;
}
