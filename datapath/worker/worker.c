/* The poll loop.
 *
 * A queue is in one of two states.  Busy: it is on the worker's list, and each
 * round of the loop takes one burst from it.  Armed: it is off the list, and its
 * descriptor waits in the epoll set, one-shot.  A queue that found nothing for a
 * while is armed; the event that ends the wait makes it busy again.
 *
 * How long a quiet queue is polled depends on how it has behaved: where the mean
 * gap between its bursts is longer than 'spin_ns', polling would not catch the
 * next burst either, and it is armed at once.
 *
 * No wake-up is lost: the descriptors are level-triggered, so that epoll_ctl(MOD)
 * finds what arrived between the last empty poll and the arming.  A queue without
 * a descriptor stays busy; so does, until it succeeds, one whose descriptor the kernel
 * does not take into the set (fs.epoll.max_user_watches), which keeps a processor busy
 * and is therefore told.
 *
 * A round takes as long as its bursts, and one frame that is flooded to a thousand
 * ports may take a millisecond.  A queue whose burst took longer than BURST_US gets
 * smaller ones, so that the others have their turn, until they are short again.
 *
 * Where a burst takes more than SLOW_US all the same, of the thread's own time, its queue
 * is slow for a while.  All slow queues together have a quarter of the worker's time, as
 * long as others are heard of: after such a burst none of them is polled for three times
 * what it took, and they take turns.  What comes too fast for that, their devices drop.  So
 * whoever sends what is dear pays for it: others seldom meet one of its bursts, each of
 * which is bounded (lane.h), and hardly ever two in a row.  Rejected: to share out time
 * among all queues; it would hold back those that are busy with what is cheap, to no one's
 * gain, since between short bursts all others have their turn anyhow.
 *
 * A queue that was asleep goes to the front, or it would wait for a round.
 *
 * With no busy queue the worker goes offline for RCU and sleeps in epoll_wait();
 * the control thread's calls wake it through an eventfd in the same set.  While
 * busy, it looks at the set every EPOLL_PERIOD_NS, so that an armed queue is not
 * starved by a busy one. */
#include "worker_priv.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "rcu.h"

LOG_MODULE(worker);

enum {
	EPOLL_PERIOD_NS = 30000,
	EPOLL_EVENTS = 64,
	BURST_US = 500,
	SLOW_US = 2 * BURST_US, /* what a burst that grows and shrinks by BURST_US stays below */
	SLOW_REST = 3,		/* times what the burst took */
	SLOW_FOR_NS = 1000000000,
	OTHERS_FOR_NS = 2000000000, /* longer than between two pings */
	GAP_WEIGHT_SHIFT = 3,	    /* the mean gap takes in 1/8 of each new one */
	WATCH_AGAIN_NS = 1000000000,
};

/* An error that waits at the descriptor keeps it readable until rx() has taken it. */
static void queue_note_events(struct rxq *q, uint32_t events)
{
	if (events & EPOLLERR)
		q->error = true;
}

static void queue_wake(struct worker *w, struct rxq *q)
{
	q->armed = false;
	list_add_head(&w->busy, &q->link);
	count_add(&w->count.queues_busy, 1);
}

static void queue_note_unwatched(struct worker *w, struct rxq *q, int err)
{
	if (!q->watch_again_ns) {
		count_add(&w->count.queues_unwatched, 1);
		log_warn("port %s: queue %u cannot be waited for and is polled all the time: %s",
			q->port->conf.name, q->index, strerror(err));
	}
	q->watch_again_ns = w->lane.now_ns + WATCH_AGAIN_NS;
}

static void queue_forget_unwatched(struct worker *w, struct rxq *q)
{
	if (q->watch_again_ns)
		count_add(&w->count.queues_unwatched, -1ull);
	q->watch_again_ns = 0;
}

/* Let the descriptor's next event tell; false where it cannot. */
static bool queue_watch(struct worker *w, struct rxq *q)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = q};

	if (q->fd < 0 || w->lane.now_ns < q->watch_again_ns)
		return false;
	if (epoll_ctl(w->epoll_fd, q->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, q->fd, &ev)) {
		queue_note_unwatched(w, q, errno);
		return false;
	}
	queue_forget_unwatched(w, q);
	q->watched = true;
	return true;
}

void worker_queue_add(struct worker *w, struct rxq *q)
{
	q->burst = BATCH_MAX;
	q->gap_ns = 0;
	q->suspect_until_ns = q->slow_until_ns = 0;
	q->watch_again_ns = 0;
	q->watched = false;
	q->last_rx_ns = w->lane.now_ns;
	q->armed = queue_watch(w, q);
	if (!q->armed)
		queue_wake(w, q);
}

void worker_queue_del(struct worker *w, struct rxq *q)
{
	if (!q->armed)
		count_add(&w->count.queues_busy, -1ull);
	list_del(&q->link);
	if (q->watched)
		epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, q->fd, NULL);
	queue_forget_unwatched(w, q);
	q->watched = false;
}

static void queue_arm(struct worker *w, struct rxq *q)
{
	if (!queue_watch(w, q))
		return;
	list_del(&q->link);
	q->armed = true;
	count_add(&w->count.armed, 1);
	count_add(&w->count.queues_busy, -1ull);
}

static void queue_note_burst(struct rxq *q, uint64_t now_ns)
{
	uint64_t gap = now_ns - q->last_rx_ns;

	q->gap_ns += (gap >> GAP_WEIGHT_SHIFT) - (q->gap_ns >> GAP_WEIGHT_SHIFT);
	q->last_rx_ns = now_ns;
}

/* A burst of 'n' frames took so long. */
static void queue_fit_burst(const struct worker *w, struct rxq *q, unsigned n, uint64_t cycles)
{
	if (cycles > w->burst_cycles)
		q->burst = n > 1 ? n / 2 : 1;
	else if (n == q->burst)
		q->burst = 2 * n < BATCH_MAX ? 2 * n : BATCH_MAX;
}

/* Is it slow, and not its turn? */
static bool queue_rests(const struct worker *w, const struct rxq *q)
{
	return w->lane.now_ns < q->slow_until_ns && w->lane.now_ns < w->slow_turn_ns &&
	       w->lane.now_ns < w->others_until_ns;
}

/* A burst has taken 'cpu_ns' of the thread's time. */
static void queue_charge(struct worker *w, struct rxq *q, uint64_t cpu_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (cpu_ns <= SLOW_US * 1000)
		return;
	q->suspect_until_ns = q->slow_until_ns = now_ns + SLOW_FOR_NS;
	w->slow_turn_ns = now_ns + SLOW_REST * cpu_ns;
	w->slow_last = q;
	w->slow_served = q;
}

static unsigned queue_poll(struct worker *w, struct rxq *q)
{
	struct packet *pkts[BATCH_MAX];
	struct lane *lane = &w->lane;
	unsigned n = port_receive(q, lane, pkts, q->burst);

	if (n) {
		queue_note_burst(q, lane->now_ns);
		lane_begin_burst(lane, n);
		lane->enter(lane, q->port, pkts, n);
		lane_flush(lane);
		count_add(&w->count.packets, n);
		count_add(&w->count.bursts, 1);
	} else {
		uint64_t quiet = lane->now_ns - q->last_rx_ns;

		if (q->gap_ns > w->spin_ns || quiet > w->spin_ns)
			queue_arm(w, q);
	}
	arena_release(&lane->arena);
	return n;
}

/* A queue's turn.  That the clock says that a burst was long may be because the thread did
 * not run: only then the thread's own time is asked for, which is dear, from the next
 * burst on. */
static void queue_take_turn(struct worker *w, struct rxq *q)
{
	uint64_t start = clock_cycles(), took;
	bool timed = w->lane.now_ns < q->suspect_until_ns;
	uint64_t cpu_ns = timed ? clock_thread_ns() : 0;
	unsigned n = queue_poll(w, q);

	took = clock_cycles() - start;
	count_add(&w->count.polls, 1);
	count_add(n ? &w->count.busy_cycles : &w->count.poll_cycles, took);
	if (!n)
		return;
	queue_fit_burst(w, q, n, took);
	if (q != w->slow_last)
		w->others_until_ns = w->lane.now_ns + OTHERS_FOR_NS;
	if (took <= w->burst_cycles * (SLOW_US / BURST_US))
		return;
	if (timed)
		queue_charge(w, q, clock_thread_ns() - cpu_ns);
	else
		q->suspect_until_ns = w->lane.now_ns + SLOW_FOR_NS;
}

/* One round over the busy queues. */
static void worker_poll(struct worker *w)
{
	struct list *it, *tmp;

	list_for_each_safe (it, tmp, &w->busy) {
		struct rxq *q = container_of(it, struct rxq, link);

		w->lane.now_ns = clock_now_ns();
		w->lane.now_ms = w->lane.now_ns / 1000000u;
		if (!queue_rests(w, q))
			queue_take_turn(w, q);
	}
	if (w->slow_served) { /* it had frames, so it is still on the list */
		list_del(&w->slow_served->link);
		list_add_tail(&w->busy, &w->slow_served->link);
		w->slow_served = NULL;
	}
}

static void worker_run_calls(struct worker *w)
{
	struct worker_call *c = call_queue_take_all(&w->calls);

	while (c) {
		struct worker_call *next = c->next;

		c->fn(&w->lane, c->arg);
		workers_call_finished(w->workers, c);
		c = next;
	}
}

/* Make the queues whose wait has ended busy, and run what control asked for. */
static void worker_take_events(struct worker *w, const struct epoll_event *events, int n)
{
	bool called = false;

	for (int i = 0; i < n; i++) {
		struct rxq *q = events[i].data.ptr;

		if (!q) {
			called = true;
			continue;
		}
		queue_note_events(q, events[i].events);
		queue_wake(w, q);
	}
	if (called)
		worker_run_calls(w); /* last: it may take queues away */
}

static void worker_glance(struct worker *w)
{
	struct epoll_event events[EPOLL_EVENTS];

	worker_take_events(w, events, epoll_wait(w->epoll_fd, events, EPOLL_EVENTS, 0));
}

static void worker_sleep(struct worker *w)
{
	struct epoll_event events[EPOLL_EVENTS];

	count_add(&w->count.sleeps, 1);
	__atomic_store_n(&w->count.sleeping, 1, __ATOMIC_RELAXED);
	rcu_offline();
	int n = epoll_wait(w->epoll_fd, events, EPOLL_EVENTS, -1);
	rcu_online();
	__atomic_store_n(&w->count.sleeping, 0, __ATOMIC_RELAXED);
	w->lane.now_ns = clock_now_ns();
	if (n > 0)
		count_add(&w->count.wakeups, 1);
	worker_take_events(w, events, n);
}

static void worker_pin(const struct worker *w)
{
	cpu_set_t set;

	if (w->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		log_warn("worker %u: cannot run on cpu %d", w->lane.id, w->cpu);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint64_t last_epoll_ns = 0;
	char name[16];

	snprintf(name, sizeof(name), "vs-worker%u", w->lane.id);
	pthread_setname_np(pthread_self(), name);
	worker_pin(w);
	w->burst_cycles = clock_cycles_hz() / 1000000 * BURST_US;
	rcu_reader_register();
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		count_add(&w->count.loops, 1);
		worker_poll(w);
		rcu_quiescent();
		if (list_empty(&w->busy)) {
			worker_sleep(w);
		} else if (w->lane.now_ns - last_epoll_ns > EPOLL_PERIOD_NS) {
			worker_glance(w);
			last_epoll_ns = w->lane.now_ns;
		}
	}
	rcu_reader_unregister();
	return NULL;
}
