/* tables.h - the rules of a bridge: up to 254 tables, and how they are changed.
 *
 * A change is a flow-mod of OpenFlow 1.3.5 sections 6.4 and 7.3.4.1:
 *
 *	add       replaces the rule of the same match and priority: with its counters, but not
 *	          its age; nobody is told that it went
 *	modify    puts other instructions into rules that are there: cookie, timeouts, flags,
 *	          counters and age stay; where there is none, nothing happens
 *	delete    says so of each rule that asked for it (FLOW_SEND_FLOW_REM)
 *
 * Changes come in transactions, all or none.  Workers see each rule come and go by itself
 * while the transaction is applied; after a grace period none meets an old rule.
 *
 * Timeouts are looked at once a second, at the rules that may be due.
 *
 * Limits: 'rules_max' of all tables together; one more is refused as TABLE_FULL.
 *
 * Threads: control; lookups are workers', within an RCU read side.
 * Ownership: the tables own their rules. */
#pragma once

#include "rule.h"

struct tables;

/* What rules must refer to; NULL: any number will do. */
struct tables_env {
	bool (*group_exists)(void *arg, uint32_t group);
	bool (*meter_exists)(void *arg, uint32_t meter);
	/* The rule is out of its table, though workers may still be at it; it is the callee's
	 * now, which counts what they have counted, tells who asked, and destroys it after a
	 * grace period.  NULL: the last is done here. */
	void (*retired)(void *arg, struct rule *r, enum rule_removed reason);
	void *arg;
};

struct tables_conf {
	unsigned n_lanes;
	unsigned rules_max;
	uint8_t n_tables; /* 1 to FLOW_TABLES_MAX */
	struct tables_env env;
};

int tables_create(const struct tables_conf *conf, struct tables **tables); /* 0 or -ENOMEM */
void tables_destroy(struct tables *t);					   /* no worker sees them */

/* One transaction, of checked flow-mods (flow_mod.h).  0, or OF_ERROR() of the change at
 * *culprit (may be NULL), with 'why', and nothing is changed; -ENOMEM likewise. */
int tables_change(struct tables *t, const struct flow_mod *fms, unsigned n, uint64_t now_ms,
	unsigned *culprit, struct strbuf *why);

/* Every rule that the selection (a FLOW_DELETE, or FLOW_DELETE_STRICT) chooses, by table,
 * in no order within one; false from 'fn' ends it.  'fn' changes no table. */
void tables_visit(const struct tables *t, const struct flow_mod *which,
	bool (*fn)(struct rule *r, void *arg), void *arg);

/* What refers to a group or meter that goes, goes with it (sections 6.5, 6.6). */
void tables_group_deleted(struct tables *t, uint32_t group);
void tables_meter_deleted(struct tables *t, uint32_t meter);

/* Remove the rules whose timeouts are over. */
void tables_expire(struct tables *t, uint64_t now_ms);

unsigned tables_count(const struct tables *t, uint8_t table); /* FLOW_TABLE_ALL: of all */
uint8_t tables_n(const struct tables *t);

/* Rises with every change that a lookup could tell.  Any thread. */
uint64_t tables_version(const struct tables *t);

/* The rule of that table that the key meets; NULL.  Worker. */
struct rule *tables_lookup(const struct tables *t, uint8_t table, const struct flow_key *key);

/* The rules of a table as a classifier, for trace and for the fields that it looks at. */
const struct classifier *tables_classifier(const struct tables *t, uint8_t table);
