/* mgmt.h - the management part of the switch as main.c sees it: loads the stored
 * configuration, makes the dataplane so, and serves RUNDIR/vswitchd.sock.
 *
 *	config    the desired state            store      the same, on disk
 *	reconcile makes the dataplane so       commit     takes changes through all three
 *	rpc       requests and answers         rpc_server clients
 *
 * Threads: control (the thread that runs 'base'). */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "strbuf.h"

struct dataplane;
struct event_base;
struct mgmt;

struct mgmt_conf {
	const char *rundir; /* exists, and is this process's alone; NULL: no socket (tests) */
	const char *db;	    /* a path or ":memory:" */
	const char *group;  /* who may use the socket besides its owner; NULL: the process's */
	bool no_kernel;	    /* the dataplane has none: bridges get no internal port (tests) */
	const struct config_env *env; /* NULL: the system's */
};

/* 0; -errno with 'why' a sentence.  Ports that cannot work are no failure. */
int mgmt_create(struct event_base *base, struct dataplane *dp, const struct mgmt_conf *conf,
	struct mgmt **mgmt, struct strbuf *why);

/* No new clients and requests; done(arg) once every change that was asked for is stored
 * and answered. */
void mgmt_stop(struct mgmt *m, void (*done)(void *arg), void *arg);

/* After mgmt_stop() is done, and before the dataplane stops.  Without mgmt_stop() it waits
 * for the disk, and who waits for an answer gets none. */
void mgmt_destroy(struct mgmt *m);
