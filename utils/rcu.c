/* How it works: the control thread appends to 'pending' and wakes the grace
 * thread, which takes the whole list, calls synchronize_rcu() and passes the
 * list on to 'ripe', then kicks an eventfd in the control thread's loop.  Many
 * deferrals thus share one grace period. */
#include "rcu.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif

/* liburcu is not instrumented: tell the thread sanitizer about the edge from a
 * reader's quiescent state to the end of the grace period. */
#ifdef RCU_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
static int tsan_tag;
#define tsan_acquire() __tsan_acquire(&tsan_tag)
#define tsan_release() __tsan_release(&tsan_tag)
#else
#define tsan_acquire() ((void)0)
#define tsan_release() ((void)0)
#endif

struct rcu_item {
	struct rcu_item *next;
	rcu_fn fn;
	void *arg;
};

struct rcu_queue {
	struct rcu_item *head;
	struct rcu_item **tail;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_t thread;
	struct rcu_queue pending;
	struct rcu_queue ripe;
	struct event *ripe_ev;
	int ripe_fd;
	bool running;
	bool stop;
} grace = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER, .ripe_fd = -1};

static void queue_init(struct rcu_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_append(struct rcu_queue *q, struct rcu_queue *from)
{
	if (!from->head)
		return;
	*q->tail = from->head;
	q->tail = from->tail;
	queue_init(from);
}

static void *grace_main(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "vs-grace");
	pthread_mutex_lock(&grace.lock);
	for (;;) {
		while (!grace.pending.head && !grace.stop)
			pthread_cond_wait(&grace.cond, &grace.lock);
		if (!grace.pending.head)
			break;

		struct rcu_queue mine;
		queue_init(&mine);
		queue_append(&mine, &grace.pending);
		pthread_mutex_unlock(&grace.lock);

		synchronize_rcu();
		tsan_acquire();

		pthread_mutex_lock(&grace.lock);
		queue_append(&grace.ripe, &mine);
		uint64_t one = 1;
		ssize_t n = write(grace.ripe_fd, &one, sizeof(one));
		(void)n; /* only fails when already signalled 2^64 times */
	}
	pthread_mutex_unlock(&grace.lock);
	return NULL;
}

static void grace_run_ripe(evutil_socket_t fd, short what, void *arg)
{
	struct rcu_queue mine;
	uint64_t count;

	(void)what;
	(void)arg;
	ssize_t n = read(fd, &count, sizeof(count));
	(void)n;
	queue_init(&mine);
	pthread_mutex_lock(&grace.lock);
	queue_append(&mine, &grace.ripe);
	pthread_mutex_unlock(&grace.lock);

	for (struct rcu_item *it = mine.head, *next; it; it = next) {
		next = it->next;
		it->fn(it->arg);
		free(it);
	}
}

int rcu_init(struct event_base *base)
{
	int err;

	assert(!grace.running);
	queue_init(&grace.pending);
	queue_init(&grace.ripe);
	grace.stop = false;
	grace.ripe_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (grace.ripe_fd < 0)
		return -errno;
	grace.ripe_ev = event_new(base, grace.ripe_fd, EV_READ | EV_PERSIST, grace_run_ripe, NULL);
	err = -ENOMEM;
	if (!grace.ripe_ev)
		goto close_fd;
	if (event_add(grace.ripe_ev, NULL))
		goto free_event;
	err = -pthread_create(&grace.thread, NULL, grace_main, NULL);
	if (err)
		goto free_event;
	grace.running = true;
	return 0;

free_event:
	event_free(grace.ripe_ev);
close_fd:
	close(grace.ripe_fd);
	return err;
}

void rcu_fini(void)
{
	if (!grace.running)
		return;
	do { /* a callback may defer again */
		pthread_mutex_lock(&grace.lock);
		grace.stop = true;
		pthread_cond_signal(&grace.cond);
		pthread_mutex_unlock(&grace.lock);
		pthread_join(grace.thread, NULL);
		grace_run_ripe(grace.ripe_fd, 0, NULL);
		if (!grace.pending.head)
			break;
	} while (!pthread_create(&grace.thread, NULL, grace_main, NULL));
	event_free(grace.ripe_ev);
	close(grace.ripe_fd);
	grace.running = false;
}

void rcu_defer(rcu_fn fn, void *arg)
{
	struct rcu_item *it = malloc(sizeof(*it));

	if (!it)
		abort();
	*it = (struct rcu_item){.fn = fn, .arg = arg};
	pthread_mutex_lock(&grace.lock);
	*grace.pending.tail = it;
	grace.pending.tail = &it->next;
	pthread_cond_signal(&grace.cond);
	pthread_mutex_unlock(&grace.lock);
}

void rcu_reader_register(void)
{
	rcu_register_thread();
}

void rcu_reader_unregister(void)
{
	tsan_release();
	rcu_unregister_thread();
}

void rcu_quiescent(void)
{
	tsan_release();
	rcu_quiescent_state();
}

void rcu_offline(void)
{
	tsan_release();
	rcu_thread_offline();
}

void rcu_online(void)
{
	rcu_thread_online();
}
