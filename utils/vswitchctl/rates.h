/* rates.h - what a switch does per second, from two looks at its counters.
 *
 * Threads: any. */
#pragma once

#include <stdint.h>

#include <jansson.h>

/* One look: results of the methods of these names. */
struct snapshot {
	uint64_t at_ns;
	json_t *status;
	json_t *ports;	 /* port.list */
	json_t *stats;	 /* port.stats */
	json_t *workers; /* worker.stats */
	json_t *drops;
};

void snapshot_fini(struct snapshot *snapshot);

/* A document, the caller's:
 *
 *	{"version", "uptime-s", "seconds",
 *	 "ports": [{"name", "bridge", "state",
 *		    "rx": {"packets-per-s", "bits-per-s", "drops-per-s"}, "tx": {...}}],
 *	 "workers": [{"id", "busy-percent", "cpu-percent", "packets-per-s", "sleeps-per-s"}],
 *	 "drops": [{"port", "reason", "about", "per-s", "count"}]}
 *
 * Ports are sorted by name, drops are those that rose, most first.  A counter
 * that fell was reset in between, and counts from zero. */
json_t *rates_between(const struct snapshot *then, const struct snapshot *now);
