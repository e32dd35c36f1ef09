/* Workers by themselves: the watchdog, and the wake-ups of queues that go quiet and are
 * sent to at the same time.
 *
 * A lost wake-up shows when nothing follows it, so each sender waits until what it has sent
 * is received before it sends again, after a pause of about the time for which a quiet
 * queue is polled. */
#include "worker_priv.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "port_sim.h"
#include "rng.h"
#include "rx_copy.h"

enum {
	WORKERS = 2,
	PORTS = 6,
	QUEUES = 2, /* of a socket port */
	SENDERS = 3,
	FRAME_LEN = 60,
	SPIN_NS = 3000,
	PATIENCE_MS = 20000,
	DEAR_MS = 4,
};

/* ---- the watchdog's logic ---- */

static char *read_log(FILE *f)
{
	static char text[4096];

	rewind(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	return text;
}

static unsigned occurrences(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

/* Look 'times' times; with 'step', the worker has come round before each. */
static void look(struct worker *w, unsigned times, unsigned step)
{
	while (times--) {
		w->count.loops += step;
		worker_watch(w);
	}
}

static void look_asleep(struct worker *w)
{
	w->count.sleeping = 1;
	look(w, 1, 0);
	w->count.sleeping = 0;
}

/* What the watchdog says is in the file that is returned. */
static FILE *log_to_file(void)
{
	char path[] = "/tmp/vswitch-worker-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(log_open(path), 0);
	unlink(path);
	return fdopen(fd, "r");
}

static void worker_that_comes_round_or_sleeps_is_not_stuck(void **state)
{
	struct worker w = {.lane.id = 7};
	FILE *f = log_to_file();

	look(&w, 20, 1);
	w.count.sleeping = 1;
	look(&w, 20, 0);
	w.count.sleeping = 0;
	look(&w, 2, 0); /* woken, and busy with its first round */
	look(&w, 1, 1);
	look(&w, 2, 0);
	look_asleep(&w);
	look(&w, 2, 0);
	assert_string_equal(read_log(f), "");
	assert_int_equal(log_open(NULL), 0);
	fclose(f);
}

static void stuck_worker_is_told_of_once_and_when_it_is_over(void **state)
{
	struct worker w = {.lane.id = 7};
	FILE *f = log_to_file();

	look(&w, 3, 1);
	for (unsigned hang = 1; hang <= 2; hang++) {
		look(&w, 2, 0);
		assert_int_equal(occurrences(read_log(f), "has not come round"), hang - 1);
		look(&w, 1, 0);
		assert_int_equal(
			occurrences(read_log(f), "worker 7: has not come round for 3 s"), hang);
		look(&w, 6, 0);
		assert_int_equal(occurrences(read_log(f), "has not come round"), hang);
		assert_int_equal(occurrences(read_log(f), "moving again"), hang - 1);
		if (hang == 1)
			look(&w, 1, 1);
		else
			look_asleep(&w);
		look(&w, 6, 1);
		assert_int_equal(
			occurrences(read_log(f), "worker 7: moving again after 9 s"), hang);
	}
	assert_int_equal(occurrences(read_log(f), "\n"), 4);
	assert_int_equal(log_open(NULL), 0);
	fclose(f);
}

/* ---- a port of socket pairs: what is sent to the one end comes in at the other ---- */

struct pair_port {
	struct rxq rxqs[QUEUES];
	int out[QUEUES];
};

static int pair_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	p->priv = calloc(1, sizeof(struct pair_port));
	return p->priv ? 0 : -ENOMEM;
}

static void pair_destroy(struct port *p)
{
	free(p->priv);
}

static int pair_open(struct port *p, struct strbuf *why)
{
	struct pair_port *pp = p->priv;

	for (unsigned i = 0; i < QUEUES; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
			return -errno;
		pp->rxqs[i] = (struct rxq){.fd = fds[0]};
		pp->out[i] = fds[1];
	}
	p->rxqs = pp->rxqs;
	p->n_rxqs = QUEUES;
	return 0;
}

static void pair_close(struct port *p, bool removed)
{
	struct pair_port *pp = p->priv;

	for (unsigned i = 0; i < QUEUES; i++) {
		close(pp->rxqs[i].fd);
		close(pp->out[i]);
	}
}

static unsigned pair_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	uint8_t frame[FRAME_LEN];
	unsigned n = 0;

	while (n < max && recv(q->fd, frame, sizeof(frame), 0) == FRAME_LEN) {
		pkts[n] = rx_copy(q->port, lane, frame, sizeof(frame), NULL);
		assert(pkts[n]);
		n++;
	}
	return n;
}

static void pair_tx(struct port *p, struct lane *lane, struct packet **pkts, unsigned n)
{
	port_free_all(lane, pkts, n);
}

static const struct port_ops pair_ops = {
	.type = "pair",
	.create = pair_create,
	.destroy = pair_destroy,
	.open = pair_open,
	.close = pair_close,
	.rx = pair_rx,
	.tx = pair_tx,
};

/* ---- the stress ---- */

struct target {
	struct port *port;
	uint64_t received; /* atomic */
	uint64_t sent;	   /* its sender's */
};

struct sender {
	pthread_t thread;
	struct world *world;
	unsigned id, rounds;
	const char *wrong;
};

static struct world {
	struct event_base *base;
	struct workers *workers;
	struct target targets[PORTS]; /* the i-th is for sender i % SENDERS */
	struct sender senders[SENDERS];
	unsigned running; /* atomic: senders */
	unsigned done;
	uint64_t seed;
	const struct port *dear; /* atomic: its frames cost DEAR_MS each */
	uint64_t dear_ns;	 /* atomic: what they have cost */
} world;

static void burn(unsigned n)
{
	uint64_t start = clock_thread_ns();

	while (clock_thread_ns() - start < (uint64_t)n * DEAR_MS * 1000000)
		clock_relax();
	__atomic_fetch_add(&world.dear_ns, clock_thread_ns() - start, __ATOMIC_RELAXED);
}

static void enter(struct lane *lane, struct port *port, struct packet **pkts, unsigned n)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (world.targets[i].port == port)
			__atomic_fetch_add(&world.targets[i].received, n, __ATOMIC_RELEASE);
	if (port == __atomic_load_n(&world.dear, __ATOMIC_RELAXED))
		burn(n);
	port_free_all(lane, pkts, n);
}

static void note_done(void *arg)
{
	world.done++;
}

static void wait_done(unsigned n)
{
	while (world.done < n)
		event_base_loop(world.base, EVLOOP_ONCE);
	world.done = 0;
}

static struct port *add_port(const char *name, const struct port_ops *ops)
{
	const struct port_env env = {.base = world.base, .n_lanes = WORKERS};
	struct port_conf conf = {.ops = ops};
	struct strbuf why = STRBUF_INIT;
	struct port *port;

	snprintf(conf.name, sizeof(conf.name), "%s", name);
	assert_int_equal(port_create(&conf, &env, NULL, NULL, &port, &why), 0);
	assert_int_equal(port_open(port, &why), 0);
	workers_add_port(world.workers, port);
	return port;
}

static void del_port(struct port *port)
{
	workers_remove_port(world.workers, port, note_done, NULL);
	wait_done(1);
	port_close(port, true);
	port_destroy(port);
}

/* Half of the ports are sockets, half in memory. */
static int setup(void **state)
{
	struct workers_conf conf = {.n = WORKERS, .spin_ns = SPIN_NS, .enter = enter};

	memset(&world, 0, sizeof(world));
	world.seed = rng_init("worker").state;
	world.base = event_base_new();
	assert_non_null(world.base);
	assert_int_equal(workers_create(world.base, &conf, &world.workers), 0);
	for (unsigned i = 0; i < PORTS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", i);
		world.targets[i].port = add_port(name, i % 2 ? &port_sim_ops : &pair_ops);
	}
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < PORTS; i++)
		del_port(world.targets[i].port);
	workers_destroy(world.workers);
	event_base_free(world.base);
	return 0;
}

static bool send_frame(struct target *t, unsigned queue)
{
	static const uint8_t frame[FRAME_LEN] = {2};
	struct pair_port *pp = t->port->priv;

	t->sent++;
	if (t->port->ops == &port_sim_ops)
		return !sim_port_inject(t->port, frame, sizeof(frame), NULL);
	return send(pp->out[queue], frame, sizeof(frame), 0) == FRAME_LEN;
}

static bool await(const struct target *t)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (__atomic_load_n(&t->received, __ATOMIC_ACQUIRE) < t->sent) {
		if (clock_now_ms() > end_ms)
			return false;
		sched_yield();
	}
	return true;
}

/* Up to three times as long as a queue is polled. */
static void pause_a_little(struct rng *rng)
{
	uint64_t end_ns = clock_now_ns() + rng_below(rng, 3 * SPIN_NS);

	while (clock_now_ns() < end_ns)
		clock_relax();
}

static void *sender_main(void *arg)
{
	struct sender *s = arg;
	struct rng rng = {s->world->seed + s->id};

	for (unsigned i = 0; i < s->rounds && !s->wrong; i++) {
		unsigned n = 1 + rng_below(&rng, 3);
		unsigned which = s->id + SENDERS * rng_below(&rng, PORTS / SENDERS);
		struct target *t = &s->world->targets[which];

		while (n-- && !s->wrong)
			if (!send_frame(t, rng_below(&rng, QUEUES)))
				s->wrong = "a frame could not be sent";
		if (!s->wrong && !await(t))
			s->wrong = "a frame was not received: its wake-up is lost";
		pause_a_little(&rng);
	}
	__atomic_fetch_sub(&s->world->running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void senders_start(unsigned rounds)
{
	__atomic_store_n(&world.running, SENDERS, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < SENDERS; i++) {
		struct sender *s = &world.senders[i];

		*s = (struct sender){.world = &world, .id = i, .rounds = rounds};
		assert_int_equal(pthread_create(&s->thread, NULL, sender_main, s), 0);
	}
}

static bool senders_run(void)
{
	return __atomic_load_n(&world.running, __ATOMIC_ACQUIRE) > 0;
}

static void senders_join(void)
{
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(world.senders[i].thread, NULL);
	for (unsigned i = 0; i < SENDERS; i++)
		if (world.senders[i].wrong)
			fail_msg("sender %u: %s", i, world.senders[i].wrong);
	for (unsigned i = 0; i < PORTS; i++)
		assert_int_equal(world.targets[i].received, world.targets[i].sent);
}

static struct worker_stats stats(unsigned id)
{
	struct worker_stats s;

	workers_stats(world.workers, id, &s);
	return s;
}

static void no_wake_up_is_lost_between_the_last_poll_and_the_arming(void **state)
{
	senders_start(5000);
	senders_join();
	for (unsigned i = 0; i < WORKERS; i++) { /* or nothing was tried */
		assert_true(stats(i).armed > 500);
		assert_true(stats(i).wakeups > 100);
	}
}

/* The part of a second that was spent on the frames of the dear port. */
static double dear_share(void)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t before = __atomic_load_n(&world.dear_ns, __ATOMIC_RELAXED), ns;

	while ((ns = clock_now_ns() - start_ns) < 1000000000)
		sched_yield();
	return (double)(__atomic_load_n(&world.dear_ns, __ATOMIC_RELAXED) - before) / (double)ns;
}

/* Where each frame takes the worker long, its port has a quarter of the worker's time, as
 * long as others send.  By itself it has all that there is. */
static void port_of_dear_frames_leaves_time_to_others(void **state)
{
	static const uint8_t data[FRAME_LEN] = {2};
	const struct sim_frame frame = {.data = data, .len = sizeof(data)};
	struct port *dear = add_port("dear", &port_sim_ops);
	struct target *other = NULL;

	__atomic_store_n(&world.dear, dear, __ATOMIC_RELAXED);
	workers_remove_port(world.workers, dear, note_done, NULL);
	wait_done(1);
	sim_port_source(dear, &frame, 1);
	workers_add_port(world.workers, dear);
	for (unsigned i = 0; i < PORTS; i++)
		if (world.targets[i].port->rxqs[0].worker == dear->rxqs[0].worker)
			other = &world.targets[i];
	assert_non_null(other);
	double alone = dear_share();
	assert_true(send_frame(other, 0) && await(other));
	double beside = dear_share();
	printf("of the time: %.2f alone, %.2f beside others\n", alone, beside);
	assert_true(beside < 0.4);
	clock_warp_ms(5000);
	assert_true(dear_share() > 1.3 * beside);
	del_port(dear);
}

/* A worker that is never idle still looks at the queues that are armed. */
static void no_wake_up_is_lost_beside_queues_that_are_always_busy(void **state)
{
	static const uint8_t data[FRAME_LEN] = {2};
	const struct sim_frame frame = {.data = data, .len = sizeof(data)};
	struct port *busy[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		busy[i] = add_port(i ? "busy1" : "busy0", &port_sim_ops);
		workers_remove_port(world.workers, busy[i], note_done, NULL);
		wait_done(1);
		sim_port_source(busy[i], &frame, 1);
	}
	for (unsigned i = 0; i < WORKERS; i++) /* one each: both have as many queues */
		workers_add_port(world.workers, busy[i]);
	assert_int_not_equal(busy[0]->rxqs[0].worker, busy[1]->rxqs[0].worker);
	senders_start(300);
	senders_join();
	for (unsigned i = 0; i < WORKERS; i++)
		del_port(busy[i]);
}

/* Queues go from one worker to the other while they are sent to. */
static void no_wake_up_is_lost_while_queues_change_hands(void **state)
{
	struct rng rng = {world.seed + SENDERS};
	unsigned moves = 0, there[WORKERS] = {0};

	senders_start(2000);
	while (senders_run()) {
		struct port *port = world.targets[rng_below(&rng, PORTS)].port;

		workers_remove_port(world.workers, port, note_done, NULL);
		wait_done(1);
		workers_add_port(world.workers, port);
		there[port->rxqs[0].worker]++;
		moves++;
	}
	senders_join();
	assert_true(moves > 20);
	assert_true(there[0] && there[1]);
}

/* ---- a worker that hangs ---- */

static sem_t hold;

static void hang(struct lane *lane, void *arg)
{
	while (sem_wait(&hold) && errno == EINTR)
		;
}

static void turn_until_stuck(bool stuck)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (stats(0).stuck != stuck) {
		event_base_loop(world.base, EVLOOP_ONCE); /* the watchdog's timer ends it */
		assert_false(stats(1).stuck);
		assert_true(clock_now_ms() < end_ms);
	}
}

static void hanging_worker_is_seen_and_the_other_goes_on(void **state)
{
	assert_int_equal(sem_init(&hold, 0, 0), 0);
	log_set_level("workers", LOG_LEVEL_ERROR);
	workers_call(world.workers, 0, hang, note_done, NULL);
	turn_until_stuck(true);
	for (unsigned i = 0; i < PORTS; i++) {
		struct target *t = &world.targets[i];

		if (t->port->ops != &port_sim_ops || t->port->rxqs[0].worker != 1)
			continue;
		assert_true(send_frame(t, 0));
		assert_true(await(t));
	}
	sem_post(&hold);
	wait_done(1);
	turn_until_stuck(false);
	log_set_level("workers", LOG_LEVEL_INFO);
	sem_destroy(&hold);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_that_comes_round_or_sleeps_is_not_stuck),
		cmocka_unit_test(stuck_worker_is_told_of_once_and_when_it_is_over),
		T(no_wake_up_is_lost_between_the_last_poll_and_the_arming),
		T(no_wake_up_is_lost_beside_queues_that_are_always_busy),
		T(port_of_dear_frames_leaves_time_to_others),
		T(no_wake_up_is_lost_while_queues_change_hands),
		T(hanging_worker_is_seen_and_the_other_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
