#include "closer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLOSER_THREADS = 8 };

struct closer_item {
	struct closer_item *next;
	int fd;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct closer_item *items;
	unsigned threads, idle;
} closer = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void *closer_main(void *arg)
{
	pthread_setname_np(pthread_self(), "vs-closer");
	pthread_mutex_lock(&closer.lock);
	for (;;) {
		while (!closer.items) {
			closer.idle++;
			pthread_cond_wait(&closer.cond, &closer.lock);
			closer.idle--;
		}
		struct closer_item *it = closer.items;
		closer.items = it->next;
		pthread_mutex_unlock(&closer.lock);
		close(it->fd);
		free(it);
		pthread_mutex_lock(&closer.lock);
	}
	return arg;
}

/* Another thread, where none is free; false where there is none at all. */
static bool closer_staff(void)
{
	pthread_t thread;

	if (!closer.idle && closer.threads < CLOSER_THREADS &&
		!pthread_create(&thread, NULL, closer_main, NULL)) {
		pthread_detach(thread);
		closer.threads++;
	}
	return closer.threads;
}

void closer_close(int fd)
{
	struct closer_item *it = malloc(sizeof(*it));

	pthread_mutex_lock(&closer.lock);
	if (it && closer_staff()) {
		*it = (struct closer_item){.next = closer.items, .fd = fd};
		closer.items = it;
		fd = -1;
		it = NULL;
		pthread_cond_signal(&closer.cond);
	}
	pthread_mutex_unlock(&closer.lock);
	free(it);
	if (fd >= 0)
		close(fd); /* no thread to be had: wait after all */
}
