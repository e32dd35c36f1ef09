/* rule.h - a rule of a table, and what is counted for it.
 *
 * A rule does not change once it is in a table: to modify one is to put another in its
 * place.  What is counted goes on with the new one, so it lies in an object of its own that
 * both hold.
 *
 * Threads: control makes and frees; workers read a rule within an RCU read side, and each
 * adds to its own line of the counters.
 * Ownership: the table (tables.h) owns its rules; a rule and those that replaced it own
 * their counters together. */
#pragma once

#include "classifier.h"
#include "flow_mod.h"
#include "lane.h"
#include "list.h"

/* OFPRR_*, with their values (OpenFlow 1.3.5 section 7.4.2). */
enum rule_removed {
	RULE_IDLE_TIMEOUT,
	RULE_HARD_TIMEOUT,
	RULE_DELETED,
	RULE_GROUP_DELETED,
	RULE_METER_DELETED,
	RULE_REPLACED, /* by an addition: nobody is told */
};

struct rule_line {
	uint64_t packets, bytes;
};

struct rule_counters {
	unsigned refs; /* rules; control's */
	uint64_t created_ms;
	uint64_t used_ms;	/* relaxed: when a packet last met it, within a second */
	struct rule_line reset; /* what is not told any more */
	struct rule_line lanes[];
};

struct rule {
	struct cls_rule cls;
	struct list timed; /* of those with a timeout that are due in the same second */
	struct rule_counters *counters;
	struct instructions ins;
	uint64_t cookie;
	uint64_t due_ms;		     /* the timeouts are looked at then */
	uint16_t flags;			     /* FLOW_* */
	uint16_t idle_timeout, hard_timeout; /* s; 0: none */
	uint8_t table;
};

static inline struct rule *rule_of(const struct cls_rule *r)
{
	return (struct rule *)((char *)(uintptr_t)r - offsetof(struct rule, cls));
}

/* As an addition says, with counters of its own that begin at 'now_ms'.  0 or -ENOMEM. */
int rule_create(const struct flow_mod *fm, uint8_t table, unsigned n_lanes, uint64_t now_ms,
	struct rule **rule);
/* What is to take the place of 'old': its match, cookie, timeouts, flags and counters with
 * the instructions of 'fm'.  0 or -ENOMEM. */
int rule_create_modified(
	const struct rule *old, const struct instructions *ins, struct rule **rule);
void rule_destroy(struct rule *r); /* in no table, and no worker has it */

/* Take over what was counted for 'old', which 'r' replaces. */
void rule_inherit_counters(struct rule *r, struct rule *old);
void rule_reset_counters(struct rule *r, unsigned n_lanes);

/* Sum over all workers. */
struct rule_line rule_counted(const struct rule *r, unsigned n_lanes);

/* Does one of its actions, of either list, send to the port, or to the group? */
bool rule_outputs_to(const struct rule *r, uint32_t port);
bool rule_uses_group(const struct rule *r, uint32_t group);

/* Back to text and messages.  The copy's lists are the caller's: flow_mod_fini().  0 or
 * -ENOMEM. */
int rule_describe(const struct rule *r, struct flow_mod *fm);
