/* tables_priv.h - what tables.c (tables, rules in and out, timeouts) and tables_change.c
 * (transactions) share.  Nobody else includes it. */
#pragma once

#include "tables.h"

enum { WHEEL_SLOTS = 4096 /* seconds; who is due later is looked at in between */ };

struct tables {
	struct tables_conf conf;
	unsigned n_rules;
	uint64_t version;
	struct classifier *cls[FLOW_TABLES_MAX]; /* RCU; made when the first rule comes */
	uint64_t wheel_s;			 /* up to there it has been looked at */
	struct list wheel[WHEEL_SLOTS];
};

/* Make the table, if it is not there yet.  0 or -ENOMEM. */
int table_make(struct tables *t, uint8_t table);

/* Put a rule in, in the place of 'old' where that is not NULL.  0 or -ENOMEM; with an old
 * one always 0. */
int table_put(struct tables *t, struct rule *old, struct rule *r);
void table_take(struct tables *t, struct rule *r);

/* It was taken or replaced, and is no longer needed for undoing. */
void table_retire(struct tables *t, struct rule *r, enum rule_removed reason);

/* Rules of which some are going to be changed; free g->rules. */
struct gather {
	const struct flow_mod *fm; /* NULL: all */
	uint32_t meter;		   /* 0: any */
	struct rule **rules;
	unsigned n, cap;
	int rc;
};

/* 0 or -ENOMEM, and there is nothing to free. */
int tables_gather(const struct tables *t, struct gather *g);
