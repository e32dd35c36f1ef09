/* rcu.h - read-copy-update over liburcu's QSBR flavour.
 *
 * Workers are readers: registered threads that pass rcu_quiescent() once per
 * poll loop and go rcu_offline() before they sleep.  The control thread is the
 * only writer: it publishes with rcu_set(), and hands what it took out of sight
 * to rcu_defer(), whose callback runs later on the control thread itself, after
 * every worker has passed a quiescent state.  The control thread never blocks.
 *
 * A grace thread waits for readers in the control thread's stead.
 *
 * Threads: as each call says. */
#pragma once

struct event_base;

typedef void (*rcu_fn)(void *arg);

/* Pointers that readers follow: load with rcu_get(), publish with rcu_set(). */
#define rcu_get(ptr)	  __atomic_load_n(&(ptr), __ATOMIC_ACQUIRE)
#define rcu_set(ptr, val) __atomic_store_n(&(ptr), (val), __ATOMIC_RELEASE)

/* Start and stop the grace thread; callbacks run from 'base'.  Control thread.
 * rcu_fini() waits for readers and runs what is still deferred; call it after
 * every reader has unregistered. */
int rcu_init(struct event_base *base);
void rcu_fini(void);

/* Run fn(arg) on the control thread once every reader has passed a quiescent
 * state.  Callbacks run in the order they were given.  Control thread. */
void rcu_defer(rcu_fn fn, void *arg);

/* Reader side. */
void rcu_reader_register(void);
void rcu_reader_unregister(void);
void rcu_quiescent(void);
void rcu_offline(void);
void rcu_online(void);
