/* rpc_turn.h - how long answering may hold the control thread before others are served.
 *
 * All clients together have TURN_MS in each round of the event loop.  Who has more to
 * answer than that waits for the next round, and then does a part of it, however small,
 * also where the time is used up: so none of them starves, and timers, netlink and other
 * clients are served in between.
 *
 * Threads: control. */
#pragma once

#include <stdbool.h>

#include "list.h"

struct event_base;
struct rpc_turns;

/* One who takes turns; the caller's memory. */
struct rpc_turn {
	struct list link; /* points at itself: does not wait */
	void (*go)(void *arg);
	void *arg;
};

int rpc_turns_create(struct event_base *base, struct rpc_turns **turns); /* 0 or -ENOMEM */
void rpc_turns_destroy(struct rpc_turns *t);				 /* nobody waits */

/* Is the time of this round used up?  The first one to ask begins it. */
bool rpc_turns_over(struct rpc_turns *t);

void rpc_turn_init(struct rpc_turn *w, void (*go)(void *arg), void *arg);

/* Call go(arg) in the next round, once. */
void rpc_turn_wait(struct rpc_turns *t, struct rpc_turn *w);
void rpc_turn_cancel(struct rpc_turn *w);
bool rpc_turn_waits(const struct rpc_turn *w);
