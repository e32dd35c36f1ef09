/* port.h - an interface of the switch: where frames come in and go out.
 *
 * A port is the interface below a bridge port (bridge.h).  Its type is a vtable;
 * types are listed in port_types.c and nowhere else.
 *
 * Life, all on the control thread:
 *
 *	port_create -> port_open -> (queues polled by workers) -> port_close -> port_destroy
 *
 * port_open() may answer -ENODEV: the device is not there, the port waits and is
 * opened again when it appears.  A device that vanishes is reported through
 * port_events.gone; the owner takes the queues from the workers, closes, and the
 * port waits.  Closing happens only after every worker has let go of it.
 *
 * Threads: rx() and tx() run on workers; one worker per receive queue; tx() on
 * any worker at once, told apart by lane->id.  Everything else: control thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "lane.h"
#include "list.h"
#include "strbuf.h"
#include "wire.h"

struct event_base;
struct json_t;
struct netlink;
struct netlink_link;
struct port_ops;

enum {
	PORT_NAME_MAX = 63,	   /* bytes; types that are kernel interfaces: 15 */
	PORT_KERNEL_NAME_MAX = 15, /* IFNAMSIZ - 1 */
	PORT_QUEUES_MAX = 16,
	PORT_MTU_MIN = 68,
	PORT_MTU_MAX = 65521, /* a frame with tags still fits PACKET_LEN_MAX */
	PORT_MTU_DEFAULT = 1500,
};

/* What a user asked for.  Strings are the conf's own; port_conf_copy/fini. */
struct port_conf {
	char name[PORT_NAME_MAX + 1];
	const struct port_ops *ops;
	uint32_t mtu;	 /* 0: the device's own, or PORT_MTU_DEFAULT where we create it */
	uint32_t queues; /* 0: 1 */
	bool has_mac;	 /* tap and internal: the address of the kernel's end */
	struct eth_addr mac;
	char *peer;	   /* patch: name of the other port */
	char *file;	   /* pcap: replayed into the switch; may be NULL */
	char *record;	   /* pcap: what the switch sends is written here; may be NULL */
	bool loop;	   /* pcap: start over at the end of 'file' */
	uint64_t rate_pps; /* pcap: replay rate, 0 = as the time stamps say */
	bool offloads_off; /* take and give complete frames only (offload=false) */
};

/* What a port's transmit side takes as it is; the rest is done in software. */
enum {
	PORT_TX_CSUM = 1 << 0, /* partial checksums */
	PORT_TX_TSO4 = 1 << 1,
	PORT_TX_TSO6 = 1 << 2,
	PORT_TX_USO = 1 << 3,
	PORT_TX_TUNNEL = 1 << 4, /* any of these segmentations, within a tunnel */
	/* all that a virtio-net header can ask for */
	PORT_TX_ALL = PORT_TX_CSUM | PORT_TX_TSO4 | PORT_TX_TSO6 | PORT_TX_USO,
};

/* A receive queue: polled by one worker, which owns the fields after 'fd'. */
struct rxq {
	struct port *port;
	unsigned index;
	int fd;		 /* readable while frames wait (level); -1: no fd, always polled */
	unsigned worker; /* that polls it; control's */
	struct list link;
	bool armed;
	bool watched;		   /* its descriptor is in the worker's epoll set */
	bool error;		   /* one waits at fd; rx() is to take it */
	unsigned burst;		   /* frames taken at once, at most */
	uint64_t suspect_until_ns; /* its bursts are timed: one took long */
	uint64_t slow_until_ns;	   /* it shares a part of the worker's time: see worker.c */
	uint64_t last_rx_ns;
	uint64_t gap_ns;	 /* mean time between bursts, lately */
	uint64_t watch_again_ns; /* where the descriptor could not be watched */
	unsigned ask;		 /* the type's: frames to ask for next; 0 at first */
	void *priv;		 /* the type's */
};

/* What a port tells its owner.  Control thread. */
struct port_events {
	void (*gone)(struct port *port, void *arg);    /* the device vanished: take queues, close */
	void (*present)(struct port *port, void *arg); /* a waiting port's device is there: open */
	void (*changed)(struct port *port, void *arg); /* link, MTU or address changed */
	/* The port should be closed and opened again, for 'why'. */
	void (*reopen)(struct port *port, const char *why, void *arg);
	void (*released)(struct port *port, void *arg); /* closed, and the device let go of */
};

struct port {
	struct port_conf conf;
	const struct port_ops *ops;
	void *priv;  /* the type's */
	void *owner; /* RCU: the bridge port above, or NULL */
	struct port_lane *lanes[LANES_MAX];

	/* read by workers with relaxed loads, written by control */
	uint32_t tx_caps; /* PORT_TX_* */
	uint32_t mtu;
	bool link_up;
	bool accepting; /* between port_open() and port_quiesce(): packets may be sent to it */

	bool opened;
	bool releasing;	   /* closed, but the device is held still: events.released follows */
	uint64_t overruns; /* drops that the device counts; see port_ops.count */
	struct rxq *rxqs;  /* n_rxqs of them, set by open() */
	unsigned n_rxqs;
	int ifindex; /* of kernel interfaces, else 0 */
	struct eth_addr mac;
	bool has_mac;

	const struct port_events *events;
	void *events_arg;
	struct list link; /* in the registry that netlink events are matched against */
};

/* What port types need from the process; given to port_create(). */
struct port_env {
	struct event_base *base;
	struct netlink *netlink; /* NULL: no kernel ports (unit tests) */
	unsigned n_lanes;
	const char *owner;	   /* which switch this is, written on its devices; NULL: "" */
	struct hash_seed mark_key; /* of the marks on devices of ours: secret, and kept */
};

struct port_ops {
	const char *type;      /* "tap" */
	const char *about;     /* one line for --help */
	bool kernel_interface; /* the name is an interface's: at most 15 bytes, '/' and space
				  refused */

	/* Prepare private state.  0 or -errno with 'why'. */
	int (*create)(struct port *p, const struct port_env *env, struct strbuf *why);
	void (*destroy)(struct port *p);

	/* Attach to the device: fill rxqs, mtu, link_up, tx_caps, mac.  0; -ENODEV where the
	 * device is absent (the port waits); another -errno with 'why'. */
	int (*open)(struct port *p, struct strbuf *why);
	/* Let no other port refer to this one any more: workers that still do have finished
	 * when close() is called.  May be NULL. */
	void (*quiesce)(struct port *p);
	/* Detach and give the device back as it was.  What takes the kernel long goes on after
	 * it returned: it sets 'releasing' then. */
	void (*close)(struct port *p, bool removed); /* removed: by the user, for good */

	/* Could a port of this conf be opened, once 'now' is closed, which has that name, of
	 * this type or another (NULL: none)?  0 where that cannot be told before, and where the
	 * device is absent; -errno with 'why'.  Changes nothing that opening would not.  May be
	 * NULL. */
	int (*check)(const struct port_conf *conf, const struct port_env *env,
		const struct port *now, struct strbuf *why);

	/* Change what can change while open.  -EOPNOTSUPP: close and open again. */
	int (*reconfigure)(struct port *p, const struct port_conf *conf, struct strbuf *why);

	/* The kernel says that the link of this name or ifindex changed or went away. */
	void (*link_event)(struct port *p, const struct netlink_link *l, bool deleted);

	/* Receive up to 'max' (at most BATCH_MAX) frames, with the frame's bytes and
	 * offload state checked (vnet_hdr_apply); what does not pass is counted with
	 * port_drop() and freed here.  0 when nothing waits.  Worker. */
	unsigned (*rx)(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max);

	/* Send 'n' packets whose offload state is within tx_caps and whose length is
	 * within the MTU.  Consumes them: sent ones are counted with port_sent(),
	 * others with port_drop(); all are freed.  Any worker. */
	void (*tx)(struct port *p, struct lane *lane, struct packet **pkts, unsigned n);

	/* Called once a second while the port is open; may be NULL.  Control. */
	void (*tick)(struct port *p);

	/* Bring 'overruns' up to date: frames that the device dropped because the switch read
	 * too slowly, and that only the kernel counts.  May be NULL. */
	void (*count)(struct port *p);

	/* Further figures for 'port show' and 'port stats' (jansson object); may be NULL. */
	void (*info)(const struct port *p, struct json_t *out);
};

/* The types, ended by NULL; lookup by name is NULL for an unknown one. */
extern const struct port_ops *const port_types[];
const struct port_ops *port_type_lookup(const char *type);

extern const struct port_ops port_tap_ops, port_netdev_ops, port_internal_ops, port_patch_ops,
	port_pcap_ops, port_sim_ops;

int port_conf_copy(struct port_conf *dst, const struct port_conf *src); /* 0 or -ENOMEM */
void port_conf_fini(struct port_conf *conf);
bool port_conf_equal(const struct port_conf *a, const struct port_conf *b);

/* A port that is not yet open.  The conf is copied.  0; -EINVAL and the like with 'why'. */
int port_create(const struct port_conf *conf, const struct port_env *env,
	const struct port_events *events, void *events_arg, struct port **port, struct strbuf *why);
void port_destroy(struct port *port); /* closed, and no worker sees it */
int port_open(struct port *port, struct strbuf *why);
/* First step of closing: from now on port_send() drops.  Once every worker has passed
 * a quiescent state and given back the queues, port_close() may follow. */
void port_quiesce(struct port *port);
/* Where it leaves the port 'releasing', that is neither opened nor destroyed before
 * events.released. */
void port_close(struct port *port, bool removed);

/* Before a port is closed to be opened anew, or replaced: see port_ops.check. */
int port_check(const struct port_conf *conf, const struct port_env *env, const struct port *now,
	struct strbuf *why);

/* The port is being removed: another may have its name, nobody is to find this one. */
void port_forget(struct port *port);

/* Note other settings of the same name and type; they are copied.  They take effect
 * with the next open(), or are in effect already (port_ops.reconfigure). */
void port_set_conf(struct port *port, const struct port_conf *conf);

/* The port of that name, open or not, but not a forgotten one; NULL.  Borrowed. */
struct port *port_lookup(const char *name);

/* Pass a kernel link event to every port that it concerns. */
void port_link_event(const struct netlink_link *l, bool deleted);

/* ---- on workers ---- */

/* Queue one packet for 'port'; it goes out with lane_flush() or when a batch is
 * full.  Consumes it.  A port that is not up drops it by name. */
void port_send(struct lane *lane, struct port *port, struct packet *p);

static inline struct port_lane *port_lane(const struct port *port, const struct lane *lane)
{
	return port->lanes[lane->id];
}

/* Count 'n' packets as dropped at 'port'; the caller frees them. */
static inline void port_drop(
	const struct port *port, const struct lane *lane, enum drop_reason reason, unsigned n)
{
	count_add(&port_lane(port, lane)->count.drops[reason], n);
}

/* Would 'p', which asks for segmentation, be cut in software before 'port' sends it? */
bool port_must_cut(const struct port *port, const struct packet *p);

/* 'n' packets were. */
static inline void port_count_cut(const struct port *port, const struct lane *lane, unsigned n)
{
	count_add(&port_lane(port, lane)->count.tx_segmented, n);
}

/* Count a packet as sent; the caller frees it. */
static inline void port_sent(
	const struct port *port, const struct lane *lane, const struct packet *p)
{
	struct port_counters *c = &port_lane(port, lane)->count;

	count_add(&c->tx_packets, 1);
	count_add(&c->tx_bytes, p->len);
	count_add(&c->tx_size[size_class(p->len)], 1);
	if (p->gso)
		count_add(&c->tx_gso, 1);
}

/* Receive a burst from 'q', counted; see port_ops.rx. */
unsigned port_receive(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max);

/* Count packets that came in through 'port'; port_receive() does it itself. */
void port_count_rx(
	const struct port *port, const struct lane *lane, struct packet **pkts, unsigned n);

/* Free packets without counting them. */
void port_free_all(struct lane *lane, struct packet **pkts, unsigned n);

/* Sum of all lanes, and what the device counts.  Control thread. */
void port_counters_sum(struct port *port, struct port_counters *sum);
