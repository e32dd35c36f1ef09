/* The control side of the workers: threads, calls, queues given and taken back,
 * statistics, the watchdog. */
#include "worker_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "rcu.h"

LOG_MODULE(workers);

enum { WATCHDOG_S = 3 };

struct workers {
	unsigned n;
	struct worker *workers;
	struct call_queue finished;
	struct event *finished_ev;
	struct event *watchdog_ev;
};

/* ---- calls ---- */

int call_queue_init(struct call_queue *q)
{
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		return -errno;
	pthread_mutex_init(&q->lock, NULL);
	q->head = NULL;
	q->tail = &q->head;
	return 0;
}

void call_queue_fini(struct call_queue *q)
{
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
}

void call_queue_put(struct call_queue *q, struct worker_call *c)
{
	uint64_t one = 1;

	c->next = NULL;
	pthread_mutex_lock(&q->lock);
	*q->tail = c;
	q->tail = &c->next;
	pthread_mutex_unlock(&q->lock);
	ssize_t n = write(q->fd, &one, sizeof(one));
	(void)n; /* fails only when it is signalled already */
}

struct worker_call *call_queue_take_all(struct call_queue *q)
{
	uint64_t count;
	ssize_t n = read(q->fd, &count, sizeof(count));

	(void)n; /* before the take, so that a later put signals again */
	pthread_mutex_lock(&q->lock);
	struct worker_call *c = q->head;
	q->head = NULL;
	q->tail = &q->head;
	pthread_mutex_unlock(&q->lock);
	return c;
}

void workers_call_finished(struct workers *w, struct worker_call *c)
{
	call_queue_put(&w->finished, c);
}

static void workers_run_finished(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	struct worker_call *c = call_queue_take_all(&w->finished);

	while (c) {
		struct worker_call *next = c->next;

		if (c->done)
			c->done(c->arg);
		free(c);
		c = next;
	}
}

void workers_call(struct workers *w, unsigned id, worker_fn fn, void (*done)(void *arg), void *arg)
{
	struct worker_call *c = malloc(sizeof(*c));

	if (!c)
		abort();
	*c = (struct worker_call){.workers = w, .fn = fn, .done = done, .arg = arg};
	call_queue_put(&w->workers[id].calls, c);
}

/* ---- queues ---- */

struct queue_move {
	struct rxq *q;
	struct worker *worker;
	struct port_removal *removal;
};

struct port_removal {
	unsigned left;
	void (*done)(void *arg);
	void *arg;
};

static void queue_add_on_worker(struct lane *lane, void *arg)
{
	struct queue_move *m = arg;

	(void)lane;
	worker_queue_add(m->worker, m->q);
}

static void queue_del_on_worker(struct lane *lane, void *arg)
{
	struct queue_move *m = arg;

	(void)lane;
	worker_queue_del(m->worker, m->q);
}

static void queue_deleted(void *arg)
{
	struct queue_move *m = arg;
	struct port_removal *r = m->removal;

	free(m);
	if (--r->left)
		return;
	r->done(r->arg);
	free(r);
}

static struct queue_move *queue_move_create(struct rxq *q, struct worker *worker)
{
	struct queue_move *m = malloc(sizeof(*m));

	if (!m)
		abort();
	*m = (struct queue_move){.q = q, .worker = worker};
	return m;
}

void workers_add_port(struct workers *w, struct port *port)
{
	for (unsigned i = 0; i < port->n_rxqs; i++) {
		struct worker *least = &w->workers[0];

		for (unsigned j = 1; j < w->n; j++) {
			if (w->workers[j].n_queues < least->n_queues)
				least = &w->workers[j];
		}
		least->n_queues++;
		port->rxqs[i].worker = least->lane.id;
		workers_call(w, least->lane.id, queue_add_on_worker, free,
			queue_move_create(&port->rxqs[i], least));
	}
}

void workers_remove_port(struct workers *w, struct port *port, void (*done)(void *arg), void *arg)
{
	if (!port->n_rxqs) {
		rcu_defer(done, arg);
		return;
	}
	struct port_removal *r = malloc(sizeof(*r));
	if (!r)
		abort();
	*r = (struct port_removal){.left = port->n_rxqs, .done = done, .arg = arg};
	for (unsigned i = 0; i < port->n_rxqs; i++) {
		struct worker *worker = &w->workers[port->rxqs[i].worker];
		struct queue_move *m = queue_move_create(&port->rxqs[i], worker);

		m->removal = r;
		worker->n_queues--;
		workers_call(w, worker->lane.id, queue_del_on_worker, queue_deleted, m);
	}
}

/* ---- watchdog ---- */

void worker_watch(struct worker *w)
{
	uint64_t loops = count_get(&w->count.loops);

	if (loops != w->seen_loops || count_get(&w->count.sleeping)) {
		if (w->stuck_s >= WATCHDOG_S)
			log_info("worker %u: moving again after %u s", w->lane.id, w->stuck_s);
		w->seen_loops = loops;
		w->stuck_s = 0;
		return;
	}
	if (++w->stuck_s == WATCHDOG_S)
		log_warn("worker %u: has not come round for %d s", w->lane.id, WATCHDOG_S);
}

static void workers_watch(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;

	for (unsigned i = 0; i < w->n; i++)
		worker_watch(&w->workers[i]);
}

/* ---- life ---- */

static int worker_start(struct workers *ws, unsigned id, const struct workers_conf *conf)
{
	struct worker *w = &ws->workers[id];
	struct epoll_event ev = {.events = EPOLLIN};
	int err = lane_init(&w->lane, id, conf->enter);

	if (err)
		return err;
	w->workers = ws;
	w->cpu = conf->cpus ? conf->cpus[id] : -1;
	w->spin_ns = conf->spin_ns;
	w->base_cycles = clock_cycles();
	w->lane.now_ns = clock_now_ns();
	list_init(&w->busy);
	err = call_queue_init(&w->calls);
	if (err)
		goto fini_lane;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->calls.fd, &ev)) {
		err = -errno;
		goto close_epoll;
	}
	err = -pthread_create(&w->thread, NULL, worker_main, w);
	if (err)
		goto close_epoll;
	return 0;

close_epoll:
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	call_queue_fini(&w->calls);
fini_lane:
	lane_fini(&w->lane);
	return err;
}

static void worker_stop(struct worker *w)
{
	uint64_t one = 1;

	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	ssize_t n = write(w->calls.fd, &one, sizeof(one));
	(void)n;
	pthread_join(w->thread, NULL);
	close(w->epoll_fd);
	call_queue_fini(&w->calls);
	lane_fini(&w->lane);
}

int workers_create(struct event_base *base, const struct workers_conf *conf, struct workers **out)
{
	struct timeval second = {.tv_sec = 1};
	struct workers *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return err;
	w->workers = calloc(conf->n, sizeof(*w->workers));
	if (!w->workers)
		goto free_self;
	err = call_queue_init(&w->finished);
	if (err)
		goto free_workers;
	err = -ENOMEM;
	w->finished_ev =
		event_new(base, w->finished.fd, EV_READ | EV_PERSIST, workers_run_finished, w);
	w->watchdog_ev = event_new(base, -1, EV_PERSIST, workers_watch, w);
	if (!w->finished_ev || !w->watchdog_ev || event_add(w->finished_ev, NULL) ||
		event_add(w->watchdog_ev, &second))
		goto free_events;
	for (w->n = 0; w->n < conf->n; w->n++) {
		err = worker_start(w, w->n, conf);
		if (err)
			goto stop;
	}
	*out = w;
	return 0;

stop:
	while (w->n)
		worker_stop(&w->workers[--w->n]);
free_events:
	if (w->watchdog_ev)
		event_free(w->watchdog_ev);
	if (w->finished_ev)
		event_free(w->finished_ev);
	call_queue_fini(&w->finished);
free_workers:
	free(w->workers);
free_self:
	free(w);
	return err;
}

void workers_destroy(struct workers *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->n; i++)
		worker_stop(&w->workers[i]);
	workers_run_finished(-1, 0, w);
	event_free(w->watchdog_ev);
	event_free(w->finished_ev);
	call_queue_fini(&w->finished);
	free(w->workers);
	free(w);
}

unsigned workers_count(const struct workers *w)
{
	return w->n;
}

/* ---- statistics ---- */

static uint64_t worker_cpu_ns(const struct worker *w)
{
	clockid_t id;
	struct timespec ts;

	if (pthread_getcpuclockid(w->thread, &id) || clock_gettime(id, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void workers_stats(const struct workers *ws, unsigned id, struct worker_stats *s)
{
	const struct worker *w = &ws->workers[id];
	const struct worker_count *c = &w->count, *b = &w->base;

	*s = (struct worker_stats){
		.packets = count_get(&c->packets) - b->packets,
		.bursts = count_get(&c->bursts) - b->bursts,
		.polls = count_get(&c->polls) - b->polls,
		.busy_cycles = count_get(&c->busy_cycles) - b->busy_cycles,
		.poll_cycles = count_get(&c->poll_cycles) - b->poll_cycles,
		.total_cycles = clock_cycles() - w->base_cycles,
		.sleeps = count_get(&c->sleeps) - b->sleeps,
		.wakeups = count_get(&c->wakeups) - b->wakeups,
		.armed = count_get(&c->armed) - b->armed,
		.queues = w->n_queues,
		.queues_busy = (unsigned)count_get(&c->queues_busy),
		.queues_unwatched = (unsigned)count_get(&c->queues_unwatched),
		.cpu = w->cpu,
		.stuck = w->stuck_s >= WATCHDOG_S,
		.cpu_ns = worker_cpu_ns(w) - w->base_cpu_ns,
	};
}

void workers_stats_reset(struct workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++) {
		struct worker *w = &ws->workers[i];
		const uint64_t *in = (const uint64_t *)&w->count;
		uint64_t *out = (uint64_t *)&w->base;

		for (size_t j = 0; j < sizeof(w->base) / sizeof(*out); j++)
			out[j] = count_get(&in[j]);
		w->base_cycles = clock_cycles();
		w->base_cpu_ns = worker_cpu_ns(w);
	}
}
