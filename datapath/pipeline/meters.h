/* meters.h - the meters of a bridge (OpenFlow 1.3.5 section 5.7).
 *
 * Every packet that meets a meter is measured against each of its bands; of those whose rate
 * is exceeded, the one with the highest rate applies: it drops, or raises the drop
 * precedence of the DSCP.  A band lets a burst of 'burst_size' pass, without one that of a
 * second.  A frame that asks for segmentation is measured as what it will be on the wire.
 *
 * A meter is modified by putting another in its place: its counters go on, its bands begin
 * anew.
 *
 * Threads: control changes; workers look up and measure within an RCU read side, all of them
 * against the same buckets.
 * Ownership: the set owns its meters. */
#pragma once

#include "lane.h"
#include "meter_mod.h"
#include "rule.h"
#include "token_bucket.h"

struct meters;

struct meter_counters {
	unsigned refs; /* control's */
	uint64_t created_ms;
	struct meter_lane {
		struct rule_line in, bands[METER_BANDS_MAX];
	} lanes[];
};

struct meter {
	struct meter *next; /* RCU: of the same slot */
	struct meter_mod mod;
	struct meter_counters *counters;
	struct token_rate rates[METER_BANDS_MAX];
	struct token_bucket buckets[METER_BANDS_MAX];
};

/* What becomes of a packet. */
struct meter_verdict {
	bool drop;
	uint8_t raise; /* the drop precedence, by so much; 0: not at all */
};

struct meters_conf {
	unsigned n_lanes;
	unsigned max; /* meters; one more is refused as OUT_OF_METERS */
};

int meters_create(const struct meters_conf *conf, struct meters **meters); /* 0 or -ENOMEM */
void meters_destroy(struct meters *ms);					   /* no worker sees them */

/* A checked change.  0, or OF_ERROR() with 'why', or -ENOMEM, and nothing is changed.  Rules
 * that refer to a meter that is deleted are the caller's to remove, before. */
int meters_change(
	struct meters *ms, const struct meter_mod *mm, uint64_t now_ms, struct strbuf *why);

struct meter *meters_lookup(const struct meters *ms, uint32_t id); /* any thread; NULL */
unsigned meters_count(const struct meters *ms);
/* In the order of their numbers; false from 'fn' ends it.  Control. */
void meters_visit(const struct meters *ms, bool (*fn)(struct meter *m, void *arg), void *arg);

/* Sum over all workers. */
struct meter_lane meter_counted(const struct meter *m, unsigned n_lanes);

/* Measure a packet of 'frames' frames with 'bytes' bytes in all.  Worker. */
struct meter_verdict meter_measure(
	struct meter *m, const struct lane *lane, uint32_t frames, uint64_t bytes);
