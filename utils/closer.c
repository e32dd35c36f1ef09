/* How it works: jobs wait in one queue for whichever thread is free.  A job that has a
 * 'done' goes on to a second queue, which the event loop empties when the eventfd says
 * so. */
#include "closer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { CLOSER_THREADS = 16 };

struct job_queue {
	struct closer_job *head;
	struct closer_job **tail;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct job_queue waiting, finished;
	unsigned n_waiting;
	unsigned threads;
	unsigned idle; /* threads that have no job */
	unsigned owed; /* calls of 'done' that are still to come; control's */
	struct event *finished_ev;
	int finished_fd;
} closer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.cond = PTHREAD_COND_INITIALIZER,
	.waiting = {.tail = &closer.waiting.head},
	.finished = {.tail = &closer.finished.head},
	.finished_fd = -1,
};

static void queue_put(struct job_queue *q, struct closer_job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct closer_job *queue_take(struct job_queue *q)
{
	struct closer_job *job = q->head;

	if (!job)
		return NULL;
	q->head = job->next;
	if (!q->head)
		q->tail = &q->head;
	return job;
}

/* The lock is held before and after, and not in between.  A job that has no 'done' frees
 * itself. */
static void job_do(struct closer_job *job)
{
	bool owed = job->done;
	uint64_t one = 1;
	ssize_t n;

	pthread_mutex_unlock(&closer.lock);
	job->work(job->arg);
	pthread_mutex_lock(&closer.lock);
	if (!owed)
		return;
	queue_put(&closer.finished, job);
	n = write(closer.finished_fd, &one, sizeof(one));
	(void)n; /* fails only when it has been told 2^64 times */
}

static void *closer_main(void *arg)
{
	pthread_setname_np(pthread_self(), "vs-closer");
	pthread_mutex_lock(&closer.lock);
	for (;;) {
		while (!closer.waiting.head)
			pthread_cond_wait(&closer.cond, &closer.lock);
		struct closer_job *job = queue_take(&closer.waiting);
		closer.n_waiting--;
		closer.idle--;
		job_do(job);
		closer.idle++;
	}
	return arg;
}

/* Another thread, where none is free for one more job; false where there is none at all. */
static bool closer_staff(void)
{
	sigset_t all, old;
	pthread_t thread;

	if (closer.idle > closer.n_waiting || closer.threads == CLOSER_THREADS)
		return true;
	sigfillset(&all); /* signals are for other threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (!pthread_create(&thread, NULL, closer_main, NULL)) {
		pthread_detach(thread);
		closer.threads++;
		closer.idle++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return closer.threads;
}

static void closer_put(struct closer_job *job)
{
	pthread_mutex_lock(&closer.lock);
	if (closer_staff()) {
		queue_put(&closer.waiting, job);
		closer.n_waiting++;
		pthread_cond_signal(&closer.cond);
	} else {
		job_do(job); /* no thread to be had: wait after all */
	}
	pthread_mutex_unlock(&closer.lock);
}

struct close_job {
	struct closer_job job;
	int fd;
};

static void close_fd(void *arg)
{
	struct close_job *c = arg;

	close(c->fd);
	free(c);
}

void closer_close(int fd)
{
	struct close_job *c = malloc(sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	*c = (struct close_job){.job = {.work = close_fd, .arg = c}, .fd = fd};
	closer_put(&c->job);
}

void closer_run(struct closer_job *job)
{
	assert(closer.finished_ev && job->done);
	closer.owed++;
	closer_put(job);
}

bool closer_is_idle(void)
{
	pthread_mutex_lock(&closer.lock);
	bool idle = !closer.n_waiting && closer.idle == closer.threads && !closer.finished.head;
	pthread_mutex_unlock(&closer.lock);
	return idle;
}

static void closer_tell(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n;
	for (;;) {
		pthread_mutex_lock(&closer.lock);
		struct closer_job *job = queue_take(&closer.finished);
		pthread_mutex_unlock(&closer.lock);
		if (!job)
			return;
		closer.owed--;
		job->done(job->arg);
	}
}

int closer_init(struct event_base *base)
{
	assert(!closer.finished_ev);
	closer.finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (closer.finished_fd < 0)
		return -errno;
	closer.finished_ev =
		event_new(base, closer.finished_fd, EV_READ | EV_PERSIST, closer_tell, NULL);
	if (closer.finished_ev && !event_add(closer.finished_ev, NULL))
		return 0;
	closer_fini();
	return -ENOMEM;
}

void closer_fini(void)
{
	assert(!closer.owed);
	if (closer.finished_ev)
		event_free(closer.finished_ev);
	if (closer.finished_fd >= 0)
		close(closer.finished_fd);
	closer.finished_ev = NULL;
	closer.finished_fd = -1;
}
