/* classifier.h - a table of rules: which one, of those that match a key, has the highest
 * priority?
 *
 * Fast with one rule, with a million rules of few masks, and with a thousand masks; what
 * it costs depends on the rules and never on the keys that are looked up.  How, is told
 * at the top of classifier.c.
 *
 * The table does not own its rules: a rule is embedded in the caller's object, which may
 * be freed one grace period after it was removed.
 *
 * Bounds: a lookup makes at most CLS_PROBES_MAX hash probes.  A probe compares at most
 * CLS_CHAIN_MAX rules, of different matches, or for a time after changes twice as many, as long
 * as the masks allow for that: where more than CLS_PROBES_MAX of them have nothing in common,
 * the rules that are left over are compared one by one (max_chain tells), of which each takes
 * some 2 ns, also to insert another one.  Insertion never fails for that.  Of rules of the
 * same match only the highest is seen by lookups.  The number of rules is the caller's to limit.
 *
 * Costs, on a virtual machine's 2.1 GHz processor (bench/micro, best of several runs): a
 * lookup among 1 rule 5 ns, 32 rules 18 ns, 1,000 rules of 20 masks 41 ns; of 1,000 masks, all
 * different, 90 to 250 ns, and 2 us where no two of them have a bit in common.  A change takes
 * 1 to 3 us, in the mean 30 us with masks of that kind.  Now and then one plans the table anew,
 * which takes control 1 us for each rule (there 7 us) and readers nothing; and when a million
 * rules of one mask outgrow their hash table, control is busy for 0.2 s.  A rule takes some 150
 * to 350 bytes of memory, with struct cls_rule.
 *
 * Threads: one writer, control.  Readers are workers within an RCU read side: they never
 * wait, and see each change as a whole (a rule is there or not; replacing one by
 * classifier_replace() is never seen as absence).  A lookup beside several changes may meet
 * some of them and not others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mini_match.h"

enum {
	CLS_PROBES_MAX = 128,
	CLS_CHAIN_MAX = 16,
	CLS_PRIORITY_MAX = 65535,
	CLS_RULE_WORDS = 4, /* those of more take memory of their own */
};

struct classifier;
struct cls_group;
struct cls_mask;
struct cls_priorities;

/* Not to be moved or copied once it is initialised. */
struct cls_rule {
	struct mini_match match;
	uint32_t priority;
	uint32_t hash;			    /* of its values under its group's mask */
	uint64_t words[2 * CLS_RULE_WORDS]; /* of a match that has no more */
	/* control's */
	struct cls_group *group; /* in which it lies; NULL: in no table */
	struct cls_mask *mask;
	struct cls_priorities *same; /* all rules of its match; NULL: it is the only one */
};

/* The match is copied.  0 or -ENOMEM. */
int cls_rule_init(struct cls_rule *r, const struct match *match, uint32_t priority);
void cls_rule_fini(struct cls_rule *r); /* in no table, a grace period after it was in one */
void cls_rule_match(const struct cls_rule *r, struct match *match); /* back to its long form */

/* 0 or -ENOMEM. */
int classifier_create(struct classifier **cls);
void classifier_destroy(struct classifier *cls); /* empty, and no reader has it */

/* No rule of the same match and priority is there.  0 or -ENOMEM (nothing changed). */
int classifier_insert(struct classifier *cls, struct cls_rule *r);
void classifier_remove(struct classifier *cls, struct cls_rule *r);
/* 'r' takes the place of 'old', which has the same match and priority.  Does not fail. */
void classifier_replace(struct classifier *cls, struct cls_rule *old, struct cls_rule *r);
unsigned classifier_count(const struct classifier *cls);

/* The rule with that match and priority (a strict modify or delete); NULL. */
struct cls_rule *classifier_find(
	const struct classifier *cls, const struct match *match, uint32_t priority);
/* Some rule of that priority that a packet could match as well as 'match' (OpenFlow 1.3.5
 * section 6.4, OFPFF_CHECK_OVERLAP); NULL. */
struct cls_rule *classifier_overlapping(
	const struct classifier *cls, const struct match *match, uint32_t priority);

/* Every rule that 'within' covers (a loose modify or delete; NULL: all), in no order.  The
 * one that the callback has may be removed or replaced by it, no other, and none inserted;
 * false from it ends the walk. */
typedef bool (*classifier_visit_fn)(struct cls_rule *r, void *arg);
void classifier_visit(
	struct classifier *cls, const struct match *within, classifier_visit_fn fn, void *arg);

/* The rule for the key; NULL where none matches.  Among rules of equal priority, which
 * overlap only where the caller lets them, any.  Reader. */
struct cls_rule *classifier_lookup(const struct classifier *cls, const struct flow_key *key);

/* Every rule that matches the key, in falling priority; at most 'max' of them.  How many.
 * For trace; control. */
unsigned classifier_lookup_all(const struct classifier *cls, const struct flow_key *key,
	struct cls_rule **rules, unsigned max);

/* The bits that some rule looks at, rounded up to whole bytes: counted by rule, so that it
 * narrows when the last one goes.  Control. */
const struct flow_key *classifier_fields(const struct classifier *cls);

struct classifier_stats {
	unsigned rules;
	unsigned groups;    /* hash tables that a lookup may have to probe, unless "linear" */
	unsigned masks;	    /* different ones among the rules */
	unsigned max_chain; /* rules that one probe may have to compare, at most */
	size_t bytes;	    /* of memory, without that of rules */
	const char *form;   /* "empty", "linear", "hash", "groups": what a lookup does */
};
struct classifier_stats classifier_stats(const struct classifier *cls);
