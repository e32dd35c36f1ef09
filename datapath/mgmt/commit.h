/* commit.h - takes requests to change the configuration through all they must pass:
 *
 *	validate -> dataplane: what can be refused -> store -> dataplane: removals
 *		-> every worker goes by it -> answer
 *
 * Why the dataplane comes before the store: only trying tells whether the system takes
 * a device, and taking back a device that was just added is easy and disturbs nobody,
 * whereas taking back a stored row needs a second write that can fail as well, and then
 * a refused change would come to life at the next start.  Removals come after the
 * store, because they cannot be refused and cannot be taken back without a gap.  A
 * crash in between leaves at most a device that the next start does not know; an
 * acknowledged change is always in the store.
 *
 * A request is one transaction, all or none.  While one group of requests is on its
 * way to the disk the next collect, and go together; each is refused by itself, but
 * when the disk refuses, the whole group is undone, the youngest first.
 *
 * Threads: control. */
#pragma once

#include "change.h"
#include "list.h"

struct committer;
struct dataplane;
struct event_base;
struct reconcile;
struct store;

struct commit_op {
	change_fn fn;
	const json_t *params; /* borrowed until done */
	json_t *result;	      /* set when the request succeeded; the owner's to release */
};

struct commit_request {
	struct commit_op *ops; /* the caller's, until done */
	size_t n;
	void (*done)(struct commit_request *rq);

	struct refusal refusal; /* code 0: done */
	size_t failed;		/* the op that was refused; n: all of them */

	/* private */
	struct list link;
	struct config_tx tx;
	uint64_t revision; /* of the configuration with this change; 0: it changed nothing */
	bool again;	   /* had nothing to store, in a group that failed */
};

struct commit_conf {
	struct event_base *base;
	struct config *config;
	struct dataplane *dp;
	struct reconcile *rec;
	struct store *store;
	/* A request changed the configuration, is durable and met by every worker.  Before
	 * its done(). */
	void (*changed)(const struct config_tx *tx, uint64_t revision, void *arg);
	void *arg;
};

struct commit_stats {
	size_t waiting; /* requests not yet looked at */
	size_t under_way;
	uint64_t groups; /* groups sent to the store */
	/* Of the configuration, one more with each request that changed it; durable, it
	 * goes on from where it was before a restart. */
	uint64_t revision;
};

int committer_create(const struct commit_conf *conf, struct committer **c); /* 0 or -ENOMEM */

/* The store is closed already.  What still waits is refused; what waits for the workers
 * is done when they are. */
void committer_destroy(struct committer *c);

/* 'rq' stays valid until its done(), which runs from the event loop. */
void committer_submit(struct committer *c, struct commit_request *rq);

/* Call idle(arg) once nothing waits and nothing is under way. */
void committer_drain(struct committer *c, void (*idle)(void *arg), void *arg);

struct commit_stats committer_stats(const struct committer *c);
