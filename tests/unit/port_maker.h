/* port_maker.h - ports that are made and opened again and again while calls fail.
 *
 * The kernel's interfaces are those of a network namespace of the test's process.
 *
 * Threads: the test's. */
#pragma once

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "closer.h"
#include "fail_each.h"
#include "lane.h"
#include "log.h"
#include "netlink.h"
#include "port.h"
#include "strbuf.h"

enum { REFUSALS_MAX = 10000, CLOSE_JOBS = 64 /* more than threads */ };

#define OWNER "/run/failure"

static struct env {
	struct event_base *base;
	struct netlink *nl;   /* the ports' */
	struct netlink *look; /* the test's */
	struct lane lane;
	char dir[64], file[96], record[96];
	struct strbuf why;
} env;

/* What is made: a port, or of one that is made already its connection to the device. */
struct maker {
	struct port_conf conf;
	struct port *port, *peer;
};

static void on_link(const struct netlink_link *l, bool deleted, void *arg)
{
}

static void enter(struct lane *lane, struct port *port, struct packet **pkts, unsigned n)
{
	port_free_all(lane, pkts, n);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void pass_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void on_passed(void *arg)
{
}

/* A thread keeps memory, and when the next one is needed depends on the kernel: start all. */
static void start_closers(void)
{
	static struct closer_job jobs[CLOSE_JOBS];

	pthread_mutex_lock(&gate);
	for (unsigned i = 0; i < CLOSE_JOBS; i++) {
		jobs[i] = (struct closer_job){.work = pass_gate, .done = on_passed};
		closer_run(&jobs[i]);
	}
	pthread_mutex_unlock(&gate);
	while (!closer_is_idle())
		event_base_loop(env.base, EVLOOP_NONBLOCK);
}

static int setup(void **state)
{
	memset(&env, 0, sizeof(env));
	env.base = fail_event_base();
	assert_int_equal(closer_init(env.base), 0);
	start_closers();
	assert_int_equal(netlink_create(env.base, on_link, NULL, &env.nl), 0);
	assert_int_equal(netlink_create(env.base, on_link, NULL, &env.look), 0);
	assert_int_equal(lane_init(&env.lane, 0, enter), 0);
	strcpy(env.dir, "/tmp/vswitch-failure-XXXXXX");
	assert_non_null(mkdtemp(env.dir));
	snprintf(env.file, sizeof(env.file), "%s/in.pcap", env.dir);
	snprintf(env.record, sizeof(env.record), "%s/out.pcap", env.dir);
	for (int i = 0; i < 1000; i++) /* there is room: to tell a reason takes no memory */
		strbuf_putc(&env.why, ' ');
	return 0;
}

static int teardown(void **state)
{
	strbuf_fini(&env.why);
	lane_fini(&env.lane);
	netlink_destroy(env.look);
	netlink_destroy(env.nl);
	closer_fini();
	event_base_free(env.base);
	unlink(env.file);
	unlink(env.record);
	rmdir(env.dir);
	return 0;
}

static void on_event(struct port *port, void *arg)
{
}

/* The ends of a patch open and close each other by way of their owner. */
static void on_present(struct port *port, void *arg)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(port_open(port, &why), 0);
}

static void on_gone(struct port *port, void *arg)
{
	port_close(port, false);
}

static const struct port_events events = {
	.gone = on_gone, .present = on_present, .changed = on_event, .released = on_event};

static int make_port(void *arg)
{
	const struct port_env penv = {
		.base = env.base, .netlink = env.nl, .n_lanes = 2, .owner = OWNER};
	struct maker *m = arg;

	strbuf_reset(&env.why);
	return port_create(&m->conf, &penv, &events, NULL, &m->port, &env.why);
}

static inline int open_port(void *arg)
{
	struct maker *m = arg;

	strbuf_reset(&env.why);
	return port_open(m->port, &env.why);
}

static inline void close_port(void *arg)
{
	struct port *port = ((struct maker *)arg)->port;

	port_close(port, true);
	while (port->releasing || !closer_is_idle())
		event_base_loop(env.base, EVLOOP_NONBLOCK);
}

static void destroy_port(void *arg)
{
	port_destroy(((struct maker *)arg)->port);
}

static inline void check_made(void *arg)
{
	struct maker *m = arg;

	assert_ptr_equal(port_lookup(m->conf.name), m->port);
	assert_int_equal(open_port(m), 0);
	close_port(m);
}

static inline void check_absent(void *arg)
{
	assert_null(port_lookup(((struct maker *)arg)->conf.name));
}

static inline void check_closed(void *arg)
{
	struct maker *m = arg;

	assert_false(m->port->opened);
	assert_int_equal(m->port->n_rxqs, 0);
}

static inline struct maker maker(const char *name, const struct port_ops *ops)
{
	struct maker m = {.conf = {.ops = ops}};

	strcpy(m.conf.name, name);
	return m;
}

/* ---- the kernel's interfaces ---- */

static inline struct netlink_link link_of(const char *name)
{
	struct netlink_link l;

	assert_int_equal(netlink_link_get(env.look, name, &l), 0);
	return l;
}

static inline void check_up(void *arg)
{
	struct maker *m = arg;
	struct netlink_link l = link_of(m->conf.name);

	assert_int_equal(l.ifindex, m->port->ifindex);
	assert_in_range(l.mtu, 1400, 1408); /* it may have room for tags */
	assert_int_equal(m->port->mtu, 1400);
	assert_true(m->port->n_rxqs > 0);
	if (m->conf.ops != &port_internal_ops)
		assert_true(l.flags & IFF_UP);
}

/* A tap that somebody else made: a descriptor that keeps it. */
static inline int host_tap(const char *name, bool persistent)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	assert_true(fd >= 0);
	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
	if (persistent)
		assert_int_equal(ioctl(fd, TUNSETPERSIST, 1ul), 0);
	return fd;
}

/* Not up, of the MTU it was made with, and its frames reach the host's stack. */
static inline void assert_given_back(void)
{
	struct netlink_before before = {.mtu = 77};
	struct netlink_link l = link_of("h0");

	assert_int_equal(l.mtu, 1500);
	assert_false(l.flags & (IFF_UP | IFF_PROMISC));
	assert_int_equal(netlink_barrier_add(env.look, l.ifindex, &before), 0);
	assert_false(before.had_qdisc);
	assert_int_equal(before.mtu, 77); /* else it was blocked by someone before */
	assert_int_equal(netlink_barrier_del(env.look, l.ifindex, &before), 0);
}

static inline void check_given_back(void *arg)
{
	check_closed(arg);
	assert_given_back();
}

/* Making a port, then opening one that was made.  'opened' sees that it works, 'closed'
 * that a refusal has left the device alone.  Returns the refusals of opening. */
static inline unsigned fail_port(
	struct maker *m, void (*opened)(void *arg), void (*closed)(void *arg))
{
	struct subject make = {.make = make_port,
		.check = check_made,
		.unmake = destroy_port,
		.refused = check_absent,
		.slow = m->conf.ops->kernel_interface,
		.arg = m};
	struct subject open = {.make = open_port,
		.check = opened,
		.unmake = close_port,
		.refused = closed,
		/* to give a device back takes requests to the kernel, and these memory */
		.single = closed == check_given_back || m->conf.ops == &port_internal_ops,
		.slow = m->conf.ops->kernel_interface,
		.arg = m};
	unsigned refusals;

	assert_in_range(fail_each(&make, FAIL_ALLOC), 2, REFUSALS_MAX);
	fail_each(&make, FAIL_SYSCALL);
	assert_int_equal(make_port(m), 0);
	refusals = fail_each(&open, FAIL_ALLOC) + fail_each(&open, FAIL_SYSCALL);
	destroy_port(m);
	return refusals;
}

static void be_quiet(int severity, const char *text)
{
}

/* What main() does before its tests run; false where that fails. */
static bool ports_prepare(void)
{
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		perror("no network namespace");
		return false;
	}
	tzset(); /* what time stamps need is there from now on */
	event_set_log_callback(be_quiet);
	return !log_open("/dev/null");
}
