/* worker.h - the threads that move packets.
 *
 * A worker polls the receive queues that it was given, runs each burst to
 * completion, and sleeps when all of them are quiet.  Every queue is by itself
 * either busy (polled) or armed (its descriptor waits in the worker's epoll set);
 * a thousand armed queues cost nothing.  See worker.c for how sleep and wake-up
 * fit together.
 *
 * Threads: calls are the control thread's unless they say otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "port.h"

struct event_base;
struct workers;

struct workers_conf {
	unsigned n;	  /* 1 .. LANES_MAX */
	const int *cpus;  /* n of them, -1 for any; or NULL */
	uint64_t spin_ns; /* how long a quiet queue is polled before it is armed */
	lane_enter_fn enter;
};

/* Counters of one worker since start or the last reset. */
struct worker_stats {
	uint64_t packets;     /* received */
	uint64_t bursts;      /* polls that found packets */
	uint64_t polls;	      /* all polls of queues */
	uint64_t busy_cycles; /* spent on polls that found packets */
	uint64_t poll_cycles; /* spent on polls that found none */
	uint64_t total_cycles;
	uint64_t sleeps;
	uint64_t wakeups; /* sleeps that an event ended */
	uint64_t armed;	  /* times a queue went quiet */
	unsigned queues;  /* now */
	unsigned queues_busy;
	unsigned queues_unwatched; /* always busy, as their descriptor cannot be waited for */
	int cpu;		   /* pinned to, or -1 */
	bool stuck;		   /* the watchdog has not seen it come round */
	uint64_t cpu_ns;	   /* processor time used by the thread */
};

/* Start the threads; they run with no queues.  0 or -errno. */
int workers_create(
	struct event_base *base, const struct workers_conf *conf, struct workers **workers);

/* Stop and join; every queue must have been removed. */
void workers_destroy(struct workers *w);

unsigned workers_count(const struct workers *w);

/* Run fn(worker's lane, arg) on worker 'id', then done(arg) on the control thread. */
typedef void (*worker_fn)(struct lane *lane, void *arg);
void workers_call(struct workers *w, unsigned id, worker_fn fn, void (*done)(void *arg), void *arg);

/* Give a port's queues to workers: each to the one with fewest. */
void workers_add_port(struct workers *w, struct port *port);

/* Take a port's queues back; done(arg) runs once no worker polls any of them. */
void workers_remove_port(struct workers *w, struct port *port, void (*done)(void *arg), void *arg);

/* Since the last reset. */
void workers_stats(const struct workers *w, unsigned id, struct worker_stats *stats);
void workers_stats_reset(struct workers *w);
