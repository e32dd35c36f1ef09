/* How it works: the first one who asks for the time sets a timer of no time at all, which
 * the event loop comes to in its next round, after it has looked at all descriptors. */
#include "rpc_turn.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <event2/event.h>

#include "clock.h"
#include "must.h"

enum { TURN_MS = 20 };

struct rpc_turns {
	struct event *next_ev;
	struct list waiting;
	uint64_t end_ns; /* of this round's time; 0: nobody has asked for any */
};

static void begin(struct rpc_turns *t)
{
	static const struct timeval at_once;

	if (t->end_ns)
		return;
	t->end_ns = clock_now_ns() + TURN_MS * 1000000ull;
	must_do(event_add(t->next_ev, &at_once));
}

bool rpc_turns_over(struct rpc_turns *t)
{
	begin(t);
	return clock_now_ns() >= t->end_ns;
}

static void next_round(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_turns *t = arg;
	struct list now, *l;

	t->end_ns = 0;
	list_init(&now); /* who waits from here on waits for the next round */
	while ((l = list_pop(&t->waiting)))
		list_add_tail(&now, l);
	while ((l = list_pop(&now))) {
		struct rpc_turn *w = container_of(l, struct rpc_turn, link);

		w->go(w->arg);
	}
	l = list_pop(&t->waiting); /* the first one had most of the time */
	if (l)
		list_add_tail(&t->waiting, l);
}

int rpc_turns_create(struct event_base *base, struct rpc_turns **out)
{
	struct rpc_turns *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	list_init(&t->waiting);
	t->next_ev = event_new(base, -1, 0, next_round, t);
	if (!t->next_ev) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void rpc_turns_destroy(struct rpc_turns *t)
{
	if (!t)
		return;
	assert(list_empty(&t->waiting));
	event_free(t->next_ev);
	free(t);
}

void rpc_turn_init(struct rpc_turn *w, void (*go)(void *arg), void *arg)
{
	*w = (struct rpc_turn){.go = go, .arg = arg};
	list_init(&w->link);
}

void rpc_turn_wait(struct rpc_turns *t, struct rpc_turn *w)
{
	assert(!rpc_turn_waits(w));
	list_add_tail(&t->waiting, &w->link);
	begin(t);
}

void rpc_turn_cancel(struct rpc_turn *w)
{
	list_del(&w->link);
}

bool rpc_turn_waits(const struct rpc_turn *w)
{
	return !list_empty(&w->link);
}
