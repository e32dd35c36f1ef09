/* mgmt_priv.h - the management part as its own files see it. */
#pragma once

#include "commit.h"
#include "dataplane.h"
#include "mgmt.h"
#include "reconcile.h"
#include "rpc_server.h"
#include "rpc_turn.h"
#include "store.h"
#include "watch.h"

struct mgmt {
	struct event_base *base;
	struct dataplane *dp;
	struct config *config;
	struct reconcile *rec;
	struct store *store;
	struct committer *committer;
	struct watch *watch;
	struct rpc_turns *turns;
	struct rpc_server *server; /* NULL: nobody listens (tests) */
	char *rundir, *database;
	uint64_t start_ms;
	uint64_t workers_reset_ms; /* when their counters began */
	size_t parts_bytes;	   /* of documents that connections hold; held.h */
	unsigned unreadable;	   /* rows of the store that could not be used */
	void (*stopped)(void *arg);
	void *stopped_arg;
};
