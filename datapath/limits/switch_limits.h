/* switch_limits.h - every table of the switch that traffic, a guest, a peer or a client can
 * fill: how large it gets, how large it is by default, which counter tells, and what
 * happens when it is full.
 *
 * The numbers are defined where the tables are; this is the one place that lists them.
 * 'vswitchctl status' shows the list with what is in use now (mgmt/rpc_status.c).
 *
 * Threads: constant; any. */
#pragma once

#include "arena.h"
#include "bridge.h"
#include "fdb.h"
#include "lane.h"
#include "port.h"
#include "pring.h"

enum limit_id {
	LIMIT_BRIDGES,
	LIMIT_PORTS,
	LIMIT_BRIDGE_PORTS,
	LIMIT_STATIC_ADDRESSES,
	LIMIT_EXTERNAL_IDS,
	LIMIT_CONFIG_BYTES,
	LIMIT_MAC_TABLE,
	LIMIT_PACKETS,
	LIMIT_CUTS,
	LIMIT_FRAME_SEGMENTS,
	LIMIT_TX_BATCH,
	LIMIT_RX_RINGS,
	LIMIT_PATCH_HOPS,
	LIMIT_PATCH_CROSSINGS,
	LIMIT_CLIENTS,
	LIMIT_REQUEST_BYTES,
	LIMIT_PAGE_ENTRIES,
	LIMIT_DOCUMENT_BYTES,
	LIMIT_BATCH_CALLS,
	LIMIT_CLIENT_REQUESTS,
	LIMIT_CLIENT_OUTPUT,
	LIMIT_WATCH_NAMES,
	LIMIT_N
};

/* What a management client can fill. */
enum {
	LIMITS_CLIENTS = 64,
	LIMITS_TEXT_BYTES = 16 << 20,	     /* one request, one answer */
	LIMITS_PAGE_ENTRIES = 65536,	     /* of a list, in one answer */
	LIMITS_PAGE_BYTES = 4 << 20,	     /* a page that is so long has no further entry */
	LIMITS_BATCH_CALLS = 65536,	     /* of one request */
	LIMITS_CLIENT_REQUESTS = 1024,	     /* read but not yet answered, per client */
	LIMITS_CLIENT_OUTPUT = 1 << 20,	     /* answered but not yet taken: no further ones */
	LIMITS_EVENT_BYTES = 1 << 20,	     /* the same: no further events, they are counted */
	LIMITS_EVENT_CHANGES = 64,	     /* listed in one event; the others are counted */
	LIMITS_WATCH_NAMES = 1024,	     /* that one client watches, ports, and again bridges */
	LIMITS_CLIENT_STALL_S = 30,	     /* takes nothing for so long: cut off */
	LIMITS_CLIENT_IDLE_S = 5,	     /* says nothing for so long: may lose its place */
	LIMITS_BRIDGES = 1024,		     /* each has a MAC table and an internal port */
	LIMITS_PORTS = 65536,		     /* of all bridges together */
	LIMITS_STATIC_ADDRESSES = 262144,    /* of all bridges together */
	LIMITS_EXTERNAL_IDS_BYTES = 4 << 20, /* keys and values, of all objects together */
	/* Of all objects as JSON.  Bridges, ports and addresses in full number with every key
	 * at its longest, but lists of VLANs and paths, and external-ids in full are 100 MB. */
	LIMITS_CONFIG_BYTES = 128 << 20,
	/* So much in parts, with what is between the objects, and defaults that are given. */
	LIMITS_PARTS_BYTES = 160 << 20,
};

struct limit {
	const char *name;
	uint64_t max;
	uint64_t def;	     /* where it can be set: when it is not; else the same as max */
	const char *counter; /* what tells that it was reached, or "" */
	const char *about;   /* what it holds and what happens when it is full */
};

static const struct limit limits[LIMIT_N] = {
	[LIMIT_BRIDGES] = {"bridges", LIMITS_BRIDGES, LIMITS_BRIDGES, "",
		"bridges; a further one is refused"},
	[LIMIT_PORTS] = {"ports", LIMITS_PORTS, LIMITS_PORTS, "",
		"ports of all bridges; a further one is refused"},
	[LIMIT_BRIDGE_PORTS] = {"bridge-ports", BRIDGE_PORTS_MAX, BRIDGE_PORTS_MAX, "",
		"ports of one bridge, its internal one included; a further one is refused; "
		"'now' is the fullest bridge"},
	[LIMIT_STATIC_ADDRESSES] = {"static-addresses", LIMITS_STATIC_ADDRESSES,
		LIMITS_STATIC_ADDRESSES, "", "static MAC addresses; a further one is refused"},
	[LIMIT_EXTERNAL_IDS] = {"external-ids-bytes", LIMITS_EXTERNAL_IDS_BYTES,
		LIMITS_EXTERNAL_IDS_BYTES, "",
		"keys and values of the external-ids of all objects; what makes it more is "
		"refused"},
	[LIMIT_CONFIG_BYTES] = {"configuration-bytes", LIMITS_CONFIG_BYTES, LIMITS_CONFIG_BYTES, "",
		"text of all objects of the configuration; what makes it more is refused"},
	[LIMIT_MAC_TABLE] = {"mac-table", FDB_ENTRIES_MAX, FDB_ENTRIES_DEFAULT,
		"bridge list: fdb.evicted, fdb.refused-by-limit",
		"addresses of one bridge (mac-limit); the port with most loses its oldest; "
		"'now' is the fullest bridge"},
	[LIMIT_PACKETS] = {"worker-packets", ARENA_PACKETS, ARENA_PACKETS,
		"drops: rx_no_buffers, tx_no_buffers, tx_full",
		"packet descriptors of one worker; copies beyond are dropped"},
	[LIMIT_CUTS] = {"burst-segments", LANE_CUTS_MAX, LANE_CUTS_MAX, "drops: rx_cut_budget",
		"segments that a worker makes in one burst, all copies counted; copies beyond are "
		"dropped"},
	[LIMIT_FRAME_SEGMENTS] = {"frame-segments", PACKET_SEGMENTS_MAX, PACKET_SEGMENTS_MAX,
		"drops: rx_too_many_segments", "segments of one frame; one of more is dropped"},
	[LIMIT_TX_BATCH] = {"tx-batch", BATCH_MAX, BATCH_MAX, "drops: tx_full",
		"packets collected per port and worker; a full batch is sent at once"},
	[LIMIT_RX_RINGS] = {"rx-ring-bytes", PRING_BYTES_MAX, PRING_BYTES_MAX, "",
		"kernel memory for the receive rings of netdev ports; queues opened later have "
		"none and take frames by system calls"},
	[LIMIT_PATCH_HOPS] = {"patch-hops", PATCH_HOPS_MAX, PATCH_HOPS_MAX, "drops: rx_patch_loop",
		"patch ports that one packet may cross; then it is dropped"},
	[LIMIT_PATCH_CROSSINGS] = {"patch-crossings", LIMITS_PORTS, LIMITS_PORTS,
		"drops: rx_patch_loop",
		"patch ports that a frame and its copies may cross together: as many as there "
		"are; then they are dropped"},
	[LIMIT_CLIENTS] = {"clients", LIMITS_CLIENTS, LIMITS_CLIENTS,
		"status: clients.refused, clients.closed-idle",
		"management connections; a further one takes the place of the one that has said "
		"nothing for longest (5 s or more, nothing asked, no watch), else it is told so "
		"and closed"},
	[LIMIT_REQUEST_BYTES] = {"text-bytes", LIMITS_TEXT_BYTES, LIMITS_TEXT_BYTES, "",
		"one request or answer; a longer request ends the connection, a longer answer is "
		"an error"},
	[LIMIT_PAGE_ENTRIES] = {"page-entries", LIMITS_PAGE_ENTRIES, LIMITS_PAGE_ENTRIES, "",
		"entries of a list that one call asks for with 'limit'; of what is longer than "
		"4 MiB a page has less"},
	[LIMIT_DOCUMENT_BYTES] = {"document-bytes", LIMITS_PARTS_BYTES, LIMITS_PARTS_BYTES, "",
		"parts of documents that clients have given (config.part) and not yet applied; "
		"a further one is refused"},
	[LIMIT_BATCH_CALLS] = {"batch-calls", LIMITS_BATCH_CALLS, LIMITS_BATCH_CALLS, "",
		"calls of one batch; a longer one is refused as a whole"},
	[LIMIT_CLIENT_REQUESTS] = {"client-requests", LIMITS_CLIENT_REQUESTS,
		LIMITS_CLIENT_REQUESTS, "",
		"requests of one client not yet answered, and at most 16 MiB of them; no more is "
		"read from it meanwhile"},
	[LIMIT_CLIENT_OUTPUT] = {"client-output-bytes", LIMITS_EVENT_BYTES, LIMITS_EVENT_BYTES,
		"status: clients.cut-off, clients.events-missed",
		"answers and events that a client has not taken; it is answered no further, and "
		"cut off after half a minute; a client that watches is told how many events it "
		"missed"},
	[LIMIT_WATCH_NAMES] = {"watch-names", LIMITS_WATCH_NAMES, LIMITS_WATCH_NAMES, "",
		"ports, or bridges, that one client watches by name; a further one is refused"},
};
