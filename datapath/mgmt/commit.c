#include "commit.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "clock.h"
#include "dataplane.h"
#include "must.h"
#include "reconcile.h"
#include "store.h"

enum {
	GROUP_MAX = 1024,
	GROUP_MS = 20, /* the control thread has other duties, too */
};

/* Requests that share one commit. */
struct group {
	struct list link;	     /* in committer.groups */
	struct committer *committer; /* NULL: gone */
	struct list requests;	     /* in order */
	bool hold;		     /* the next group waits until this one is done */
};

struct committer {
	struct commit_conf conf;
	struct event *run_ev;
	struct list waiting;
	struct list groups;
	struct group *storing; /* the one at the store */
	bool holding;
	struct commit_stats stats;
	uint64_t revision; /* given out; ahead of stats.revision while a group is stored */
	void (*idle)(void *arg);
	void *idle_arg;
};

static void committer_run(evutil_socket_t fd, short what, void *arg);

int committer_create(const struct commit_conf *conf, struct committer **out)
{
	struct committer *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->revision = c->stats.revision = store_stats(conf->store).revision;
	list_init(&c->waiting);
	list_init(&c->groups);
	c->run_ev = event_new(conf->base, -1, 0, committer_run, c);
	if (!c->run_ev) {
		free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

struct commit_stats committer_stats(const struct committer *c)
{
	return c->stats;
}

static void maybe_idle(struct committer *c)
{
	if (c->idle && !c->stats.waiting && !c->stats.under_way) {
		void (*idle)(void *arg) = c->idle;

		c->idle = NULL;
		idle(c->idle_arg);
	}
}

void committer_drain(struct committer *c, void (*idle)(void *arg), void *arg)
{
	c->idle = idle;
	c->idle_arg = arg;
	maybe_idle(c);
}

void committer_submit(struct committer *c, struct commit_request *rq)
{
	rq->again = false;
	list_add_tail(&c->waiting, &rq->link);
	c->stats.waiting++;
	/* not at once: what other clients sent in the same round goes with it */
	event_active(c->run_ev, EV_TIMEOUT, 0);
}

/* ---- one request ---- */

static void forget_results(struct commit_request *rq)
{
	for (size_t i = 0; i < rq->n; i++) {
		json_decref(rq->ops[i].result);
		rq->ops[i].result = NULL;
	}
}

/* On the configuration only; undone where refused. */
static int request_change(struct committer *c, struct commit_request *rq)
{
	config_tx_init(c->conf.config, &rq->tx);
	for (rq->failed = 0; rq->failed < rq->n; rq->failed++) {
		struct commit_op *op = &rq->ops[rq->failed];

		rq->tx.op = rq->failed;
		if (op->fn(&rq->tx, op->params, &op->result, &rq->refusal))
			goto undo;
	}
	if (!config_tx_check(&rq->tx, &rq->refusal))
		return 0;
	rq->failed = rq->tx.culprit;
undo:
	config_tx_undo(&rq->tx);
	return -EINVAL;
}

/* *touched: the dataplane was changed and changed back. */
static int request_try(struct committer *c, struct commit_request *rq, bool *touched)
{
	*touched = false;
	if (!request_change(c, rq)) {
		if (!reconcile_prepare(c->conf.rec, &rq->tx, &rq->refusal))
			return 0;
		rq->failed = rq->tx.culprit;
		config_tx_undo(&rq->tx);
		reconcile_restore(c->conf.rec, &rq->tx);
		*touched = true;
	}
	config_tx_fini(&rq->tx);
	forget_results(rq);
	return -EINVAL;
}

static void request_rows(struct committer *c, struct commit_request *rq, struct store_group *rows)
{
	size_t before = rows->n;

	for (size_t i = 0; i < rq->tx.n; i++) {
		const struct config_change *ch = &rq->tx.changes[i];
		char *text;

		if (!config_change_is_one(ch))
			continue;
		text = ch->new ? must(json_dumps(ch->new, JSON_COMPACT)) : NULL;
		store_group_add(rows, ch->kind, ch->name, text);
		free(text);
	}
	rq->revision = rows->n > before ? ++c->revision : 0;
	rows->revision = c->revision;
}

/* ---- a group ---- */

static void group_synced(void *arg)
{
	struct group *g = arg;
	struct committer *c = g->committer;

	list_del(&g->link);
	if (c && g->hold) {
		c->holding = false;
		event_active(c->run_ev, EV_TIMEOUT, 0);
	}
	for (struct list *l = list_pop(&g->requests); l; l = list_pop(&g->requests)) {
		struct commit_request *rq = container_of(l, struct commit_request, link);

		if (c)
			c->stats.under_way--;
		if (c && !rq->refusal.code && rq->revision)
			c->conf.changed(&rq->tx, rq->revision, c->conf.arg);
		config_tx_fini(&rq->tx);
		rq->done(rq);
	}
	free(g);
	if (c)
		maybe_idle(c);
}

/* The disk refused.  Requests that had nothing to store are tried again: what they
 * relied on may be among what is undone. */
static void group_undo(struct group *g, const char *why)
{
	struct committer *c = g->committer;
	struct list *it, *prev, *front = c->waiting.next;

	for (it = g->requests.prev; it != &g->requests; it = prev) {
		struct commit_request *rq = container_of(it, struct commit_request, link);

		prev = it->prev;
		if (rq->refusal.code)
			continue;
		bool had_rows = rq->tx.n;
		config_tx_undo(&rq->tx);
		reconcile_restore(c->conf.rec, &rq->tx);
		forget_results(rq);
		if (had_rows || rq->again) {
			rq->failed = rq->n;
			refuse(&rq->refusal, REFUSED_STORE, NULL, "not stored, nothing changed: %s",
				why);
			continue;
		}
		config_tx_fini(&rq->tx);
		list_del(&rq->link);
		rq->again = true;
		list_add_before(front, &rq->link);
		front = &rq->link;
		c->stats.waiting++;
		c->stats.under_way--;
	}
}

static void group_stored(void *arg, int error, const char *why)
{
	struct committer *c = arg;
	struct group *g = c->storing;
	struct list *it;

	c->storing = NULL;
	g->hold |= error != 0;
	if (error) /* only one group is at the store: these numbers are free again */
		c->revision = c->stats.revision;
	c->stats.revision = c->revision;
	if (error)
		group_undo(g, why);
	else
		list_for_each (it, &g->requests)
			reconcile_finish(
				c->conf.rec, &container_of(it, struct commit_request, link)->tx);
	c->holding = g->hold;
	dataplane_sync(c->conf.dp, group_synced, g);
	if (!list_empty(&c->waiting))
		event_active(c->run_ev, EV_TIMEOUT, 0);
}

/* Take waiting requests into a group while there is time; refused ones are answered.
 * After one whose ports were tried and taken back the group ends, and nothing goes on
 * before these ports have let go of their devices: a second attempt at once would find
 * them closing, and could not be refused for the same good reason. */
static void group_collect(struct committer *c, struct group *g, struct store_group *rows)
{
	uint64_t end_ms = clock_now_ms() + GROUP_MS;
	bool again = container_of(c->waiting.next, struct commit_request, link)->again;
	unsigned max = again ? 1 : GROUP_MAX; /* this time it goes alone */

	for (unsigned n = 0; n < max && !g->hold && !list_empty(&c->waiting); n++) {
		struct commit_request *rq =
			container_of(c->waiting.next, struct commit_request, link);

		if (rq->again != again || (n && clock_now_ms() >= end_ms))
			break;
		list_del(&rq->link);
		c->stats.waiting--;
		if (request_try(c, rq, &g->hold) && !g->hold) {
			rq->done(rq);
			continue;
		}
		c->stats.under_way++;
		list_add_tail(&g->requests, &rq->link);
		if (!rq->refusal.code)
			request_rows(c, rq, rows);
	}
}

static void committer_run(evutil_socket_t fd, short what, void *arg)
{
	struct committer *c = arg;
	struct store_group rows = {0};

	if (c->storing || c->holding || list_empty(&c->waiting))
		return;
	struct group *g = must(calloc(1, sizeof(*g)));
	g->committer = c;
	list_init(&g->requests);
	list_add_tail(&c->groups, &g->link);
	group_collect(c, g, &rows);
	c->storing = g;
	if (rows.n) {
		c->stats.groups++;
		store_commit(c->conf.store, &rows, group_stored, c);
	} else {
		group_stored(c, 0, "");
	}
	store_group_fini(&rows);
}

void committer_destroy(struct committer *c)
{
	struct list *it;

	if (!c)
		return;
	list_for_each (it, &c->groups)
		container_of(it, struct group, link)->committer = NULL;
	/* 'groups' goes with us: leave a ring of groups only */
	list_del(&c->groups);
	if (c->storing)
		group_synced(c->storing);
	for (struct list *l = list_pop(&c->waiting); l; l = list_pop(&c->waiting)) {
		struct commit_request *rq = container_of(l, struct commit_request, link);

		refuse(&rq->refusal, REFUSED_STORE, NULL, "not stored: the switch is stopping");
		rq->done(rq);
	}
	event_free(c->run_ev);
	free(c);
}
