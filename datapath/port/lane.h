/* lane.h - what one worker carries along while it moves packets.
 *
 * A lane is a worker as the layers below it see it: its number, its packet
 * memory, its idea of now, and the ports for which it holds packets to send.
 * Every port has one port_lane per lane, so that counting and collecting
 * packets needs no atomics and no shared cache lines.
 *
 * Threads: a lane belongs to one worker; the control thread reads counters. */
#pragma once

#include <stdint.h>

#include "arena.h"
#include "drop.h"
#include "iobatch.h"

struct port;
struct lane;

enum {
	LANES_MAX = 16,	      /* workers, at most */
	SIZE_CLASSES = 8,     /* see size_class_name() */
	PATCH_HOPS_MAX = 8,   /* patch ports that one packet may cross; see port_patch.c */
	LANE_CUTS_MAX = 2048, /* segments that are made in software in one burst, all copies of
				 them counted: some ms; 320 KB, a burst of TSO to one port, are
				 600 of an MSS of 536 */
};

/* Written by the lane's worker only; read by anyone with relaxed loads. */
struct port_counters {
	uint64_t rx_packets; /* frames as received; a TSO frame counts once */
	uint64_t rx_bytes;
	uint64_t rx_gso; /* of rx_packets, those that ask for segmentation */
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_gso;
	uint64_t tx_segmented; /* cut in software because the port could not */
	uint64_t tx_checksummed;
	uint64_t rx_size[SIZE_CLASSES];
	uint64_t tx_size[SIZE_CLASSES];
	uint64_t drops[DROP_N];
};

/* A port's part that belongs to one lane. */
struct port_lane {
	struct port_counters count;
	struct port *port;
	struct port_lane *next_dirty;
	bool dirty; /* on the lane's list */
	unsigned n; /* packets waiting in 'pkts' */
	struct packet *pkts[BATCH_MAX];
} __attribute__((aligned(64)));

/* Where packets enter the pipeline: 'pkts' came in through 'port'.  Consumes them. */
typedef void (*lane_enter_fn)(
	struct lane *lane, struct port *port, struct packet **pkts, unsigned n);

struct lane {
	unsigned id;
	uint64_t now_ns; /* read once per burst */
	uint64_t now_ms;
	struct port_lane *dirty; /* ports with packets waiting */
	unsigned burst;		 /* frames that this burst began with */
	unsigned crossings;	 /* of patch ports by them and their copies */
	unsigned cuts_left;	 /* of LANE_CUTS_MAX */
	lane_enter_fn enter;
	struct arena arena;
	struct iobatch io;
};

/* Counters are read while they are written: plain 64-bit words, relaxed. */
static inline void count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline uint64_t count_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* -ENOMEM.  'enter' is where patch ports hand packets on. */
int lane_init(struct lane *lane, unsigned id, lane_enter_fn enter);
void lane_fini(struct lane *lane);

/* 'n' frames that came in are about to enter. */
static inline void lane_begin_burst(struct lane *lane, unsigned n)
{
	lane->burst = n;
	lane->crossings = 0;
	lane->cuts_left = LANE_CUTS_MAX;
}

/* Send everything that waits; ends with no packet held. */
void lane_flush(struct lane *lane);

/* The class of a frame length: up to 64, 127, 255, 511, 1023, 1518, 9018, more. */
static inline unsigned size_class(uint32_t len)
{
	if (len <= 64)
		return 0;
	if (len < 1024)
		return len < 128 ? 1 : len < 256 ? 2 : len < 512 ? 3 : 4;
	return len <= 1518 ? 5 : len <= 9018 ? 6 : 7;
}

/* "<=64", "65-127", … ">9018". */
const char *size_class_name(unsigned size_class);
