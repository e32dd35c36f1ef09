/* worker_priv.h - one worker, shared by the poll loop (worker.c) and the control
 * side (workers.c). */
#pragma once

#include <pthread.h>

#include "worker.h"

/* A function to run on a worker, and what to run on control afterwards. */
struct worker_call {
	struct worker_call *next;
	struct workers *workers;
	worker_fn fn;
	void (*done)(void *arg);
	void *arg;
};

struct call_queue {
	pthread_mutex_t lock;
	struct worker_call *head;
	struct worker_call **tail;
	int fd; /* eventfd, readable while calls wait */
};

/* Written by the worker with relaxed stores. */
struct worker_count {
	uint64_t loops;
	uint64_t packets, bursts, polls;
	uint64_t busy_cycles, poll_cycles;
	uint64_t sleeps, wakeups, armed;
	uint64_t queues_busy;
	uint64_t queues_unwatched;
	uint64_t sleeping; /* 1 while in epoll_wait */
};

struct worker {
	struct lane lane;
	pthread_t thread;
	int cpu;
	int epoll_fd;
	bool stop; /* atomic */
	uint64_t spin_ns;
	uint64_t burst_cycles;
	struct call_queue calls;
	struct list busy;	     /* queues that are polled */
	uint64_t slow_turn_ns;	     /* no slow queue is polled before */
	uint64_t others_until_ns;    /* others are heard of: slow ones wait for their turn */
	struct rxq *slow_served;     /* in this round */
	const struct rxq *slow_last; /* only compared with */
	struct worker_count count;

	/* control's */
	struct workers *workers;
	unsigned n_queues;
	struct worker_count base; /* at the last reset */
	uint64_t base_cycles;
	uint64_t base_cpu_ns;
	uint64_t seen_loops; /* watchdog */
	unsigned stuck_s;
};

int call_queue_init(struct call_queue *q);
void call_queue_fini(struct call_queue *q);
void call_queue_put(struct call_queue *q, struct worker_call *c);
struct worker_call *call_queue_take_all(struct call_queue *q);

/* Hand a finished call back to the control thread. */
void workers_call_finished(struct workers *w, struct worker_call *c);

/* The watchdog's look at one worker, once a second. */
void worker_watch(struct worker *w);

/* The thread's body; 'arg' is the worker. */
void *worker_main(void *arg);

/* Start and stop polling a queue; run on the worker. */
void worker_queue_add(struct worker *w, struct rxq *q);
void worker_queue_del(struct worker *w, struct rxq *q);
