/* tap.h - what the files about taps share: port_tap.c (the life of a port), tap_io.c
 * (frames), tap_away.c (devices in other network namespaces).  Nobody else includes it.
 *
 * Threads: as each call says; control thread where it says nothing. */
#pragma once

#include "closer.h"
#include "netlink.h"
#include "netns.h"
#include "tap_dev.h"

struct event;

enum { TAP_MARK_MAX = 64, TAP_ALIAS_MAX = 192 };

/* Where the device of a tap is, if that is not our own network namespace. */
struct tap_away {
	struct list link; /* while it is away, or to be opened again */
	bool now;
	struct netns_id id;
	int nsid;      /* as last seen: only a hint; -1: none */
	int reopen_fd; /* between close and open: the namespace where it was left; or -1 */

	/* The namespace that our queues were opened in, and so keep alive; path NULL: ours. */
	struct netns pinned;
	struct list pin_link;
	bool lost; /* it is gone but for us, and the device with it */
};

struct tap {
	struct port *port;
	struct event_base *base;
	struct netlink *nl;
	struct netns_id home; /* our own network namespace */
	struct hash_seed key;
	char mark[TAP_MARK_MAX];
	const char *owner; /* as in port_env */

	struct tap_dev dev;
	struct rxq rxqs[PORT_QUEUES_MAX];
	bool ours;
	bool was_up;		     /* of one that is not ours */
	uint32_t before_mtu;	     /* likewise; 0: not changed */
	uint64_t dropped;	     /* by the device, as counted so far */
	struct netlink_link refused; /* as it was when it could not be opened; 0: absent */

	int gone_fd; /* eventfd: a worker saw the device go */
	struct event *gone_ev;

	struct tap_away away;

	struct closer_job release;
	enum tap_release how;
};

/* ---- port_tap.c ---- */

/* Open the queues of the device 'l', which is in the calling thread's namespace.  -errno
 * with 'why'. */
int tap_open_existing(struct tap *t, const struct netlink_link *l, struct strbuf *why);

/* Look at the device again, wherever it is, and report what has changed. */
void tap_follow(struct tap *t);

/* ---- tap_away.c ---- */

/* The mark of a device of ours; a prefix of it that says no more than that it is some
 * instance's. */
#define TAP_MARK_PREFIX "vswitch tap"
void tap_mark(struct hash_seed key, const char *name, char mark[TAP_MARK_MAX]);

/* Its alias: the mark, and which switch it belongs to. */
void tap_alias(const struct tap *t, char alias[TAP_ALIAS_MAX]);
bool tap_alias_has_mark(const char *alias, const char *mark);

/* The device as it is now, wherever that is; l->ifindex is 0 while it is away.  -ENODEV:
 * there is none any more; another -errno: nothing can be said about it now. */
int tap_see(struct tap *t, struct netlink_link *l);

/* Begin to open the port. */
void tap_away_init(struct tap *t);

/* Find a device with our mark that is not in our namespace under the port's name, and open
 * it.  -ENOENT: there is none; another -errno with 'why'. */
int tap_away_open(struct tap *t, struct netlink_link *l, struct strbuf *why);

/* Try to open the port again in a second: nobody tells when another program lets go of
 * a device that is down, or away. */
void tap_away_retry(struct tap *t);

/* The port is being closed; 'keep': and may be opened again. */
void tap_away_close(struct tap *t, bool keep);
void tap_away_fini(struct tap *t); /* its memory goes */

/* Call fn(nl, l, arg), on another thread, with requests going to where the device 'l' is. */
int tap_away_inside(struct tap *t,
	int (*fn)(struct netlink *nl, const struct netlink_link *l, void *arg), void *arg);

/* ---- tap_io.c: on workers ---- */

unsigned tap_rx(struct rxq *rxq, struct lane *lane, struct packet **pkts, unsigned max);
void tap_tx(struct port *port, struct lane *lane, struct packet **pkts, unsigned n);
