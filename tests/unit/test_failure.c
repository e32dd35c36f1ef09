/* The packet path's constructors when memory or the system fails, at every place by turns:
 * an error comes back, nothing stays behind, and the next attempt succeeds. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "bridge.h"
#include "clock.h"
#include "dataplane.h"
#include "fail_each.h"
#include "log.h"
#include "pipeline.h"
#include "port_sim.h"
#include "rcu.h"

enum { PATIENCE_MS = 20000, WORKERS = 2 };

/* ---- memory of packets and addresses ---- */

static int make_lane(void *arg)
{
	return lane_init(arg, 0, pipeline_enter);
}

static void check_lane(void *arg)
{
	struct lane *lane = arg;
	struct packet *p = arena_alloc(&lane->arena);
	uint8_t *buffer = arena_buffer(&lane->arena);

	assert_non_null(p);
	assert_non_null(buffer);
	memset(p->data, 1, PACKET_HEAD_FIRST);
	buffer[ARENA_BUFFER_LEN - 1] = 1;
	arena_free(&lane->arena, p);
	arena_release(&lane->arena);
}

static void unmake_lane(void *arg)
{
	lane_fini(arg);
}

static void lane_and_its_arena(void **state)
{
	static struct lane lane;
	const struct subject s = {
		.make = make_lane, .check = check_lane, .unmake = unmake_lane, .arg = &lane};

	assert_in_range(fail_each(&s, FAIL_ALLOC), 2, 1000);
}

static struct eth_addr address(uint8_t last)
{
	return (struct eth_addr){.b = {2, 0, 0, 0, 0, last}};
}

static int make_fdb(void *arg)
{
	return fdb_create(64, arg);
}

static void check_fdb(void *arg)
{
	struct fdb *fdb = *(struct fdb **)arg;

	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(fdb_learn(fdb, address((uint8_t)i), 1, 3, 1000), FDB_LEARNED);
	assert_int_equal(fdb_lookup(fdb, address(63), 1), 3);
}

static void unmake_fdb(void *arg)
{
	fdb_destroy(*(struct fdb **)arg);
}

static void mac_table(void **state)
{
	struct fdb *fdb;
	const struct subject s = {
		.make = make_fdb, .check = check_fdb, .unmake = unmake_fdb, .arg = &fdb};

	assert_in_range(fail_each(&s, FAIL_ALLOC), 4, 1000);
}

static void mac_table_that_cannot_grow_stays_as_it_was(void **state)
{
	enum { ALLOCATIONS = 4 }; /* of a table; then the old one is put aside, which aborts */
	struct event_base *base = fail_event_base();
	struct fdb *fdb;

	assert_int_equal(rcu_init(base), 0);
	assert_int_equal(fdb_create(4, &fdb), 0);
	for (uint8_t i = 0; i < 4; i++)
		fdb_learn(fdb, address(i), 1, 3, 1000);
	for (unsigned n = 1; n <= ALLOCATIONS; n++) {
		fail_arm(FAIL_ALLOC, n, false);
		int rc = fdb_set_max_entries(fdb, 64);
		assert_non_null(fail_disarm());
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(fdb_stats(fdb).entries, 4);
		assert_int_equal(fdb_stats(fdb).max_entries, 4);
		for (uint8_t i = 0; i < 4; i++)
			assert_int_equal(fdb_lookup(fdb, address(i), 1), 3);
	}
	assert_int_equal(fdb_set_max_entries(fdb, 64), 0);
	assert_int_equal(fdb_learn(fdb, address(9), 1, 3, 1000), FDB_LEARNED);
	fdb_destroy(fdb);
	rcu_fini();
	event_base_free(base);
}

static int make_bridge(void *arg)
{
	struct bridge_conf conf = {.name = "br0", .mac_age_s = 300, .mac_limit = 64};

	return bridge_create(&conf, arg);
}

static void check_bridge(void *arg)
{
	struct bridge *b = *(struct bridge **)arg;

	check_fdb(&b->fdb);
	assert_null(bridge_port_by_index(b, 0));
}

static void unmake_bridge(void *arg)
{
	bridge_destroy(*(struct bridge **)arg);
}

static void bridge(void **state)
{
	struct bridge *b;
	const struct subject s = {
		.make = make_bridge, .check = check_bridge, .unmake = unmake_bridge, .arg = &b};

	assert_in_range(fail_each(&s, FAIL_ALLOC), 6, 1000);
}

/* ---- threads ---- */

struct threads {
	struct event_base *base;
	struct workers *workers;
	struct dataplane *dp;
	unsigned done;
	bool kernel;
};

static void run_until(struct threads *t, unsigned done)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (t->done < done) {
		event_base_loop(t->base, EVLOOP_NONBLOCK);
		assert_true(clock_now_ms() < end_ms);
	}
}

static void note_done(void *arg)
{
	((struct threads *)arg)->done++;
}

static int make_rcu(void *arg)
{
	return rcu_init(((struct threads *)arg)->base);
}

static void check_rcu(void *arg)
{
	struct threads *t = arg;

	t->done = 0;
	rcu_defer(note_done, t);
	rcu_defer(note_done, t);
	run_until(t, 2);
}

static void unmake_rcu(void *arg)
{
	rcu_fini();
}

static int make_workers(void *arg)
{
	struct threads *t = arg;
	struct workers_conf conf = {.n = WORKERS, .enter = pipeline_enter};

	return workers_create(t->base, &conf, &t->workers);
}

static void on_worker(struct lane *lane, void *arg)
{
	check_lane(lane);
}

static void check_workers(void *arg)
{
	struct threads *t = arg;

	t->done = 0;
	assert_int_equal(workers_count(t->workers), WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		workers_call(t->workers, i, on_worker, note_done, t);
	run_until(t, WORKERS);
}

static void unmake_workers(void *arg)
{
	workers_destroy(((struct threads *)arg)->workers);
}

static int make_dataplane(void *arg)
{
	struct threads *t = arg;
	struct dataplane_conf conf = {.base = t->base,
		.workers = {.n = WORKERS, .enter = pipeline_enter},
		.kernel = t->kernel};

	return dataplane_create(&conf, &t->dp);
}

static const struct port *add_port(struct dataplane *dp, const char *name, uint16_t ofport)
{
	static const struct bport_conf trunk = {
		.vlan = {.mode = VLAN_TRUNK, .all_trunks = true, .all_cvlans = true}};
	struct port_conf conf = {.ops = &port_sim_ops};
	struct strbuf why = STRBUF_INIT;

	strcpy(conf.name, name);
	assert_int_equal(dataplane_port_add(dp, "br0", ofport, &conf, &trunk, &why), 0);
	return dataplane_port_lookup(dp, name)->port;
}

/* A frame goes from one port to another. */
static void check_dataplane(void *arg)
{
	static const uint8_t f[64] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct bridge_conf conf = {.name = "br0", .mac_age_s = 300, .mac_limit = 64};
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	struct threads *t = arg;

	assert_int_equal(dataplane_bridge_add(t->dp, &conf), 0);
	struct port *a = (struct port *)add_port(t->dp, "a", 1);
	struct port *b = (struct port *)add_port(t->dp, "b", 2);
	t->done = 0;
	dataplane_sync(t->dp, note_done, t);
	run_until(t, 1);
	assert_int_equal(sim_port_inject(a, f, sizeof(f), NULL), 0);
	while (sim_port_take(b, NULL, 0, NULL) < 0) {
		event_base_loop(t->base, EVLOOP_NONBLOCK);
		assert_true(clock_now_ms() < end_ms);
	}
}

static void unmake_dataplane(void *arg)
{
	struct threads *t = arg;

	t->done = 0;
	dataplane_stop(t->dp, false, note_done, t);
	run_until(t, 1);
	dataplane_destroy(t->dp);
}

/* Both kinds of failure; how many of each were refused at least. */
static void fail_threads(const struct subject *s, unsigned allocs, unsigned syscalls)
{
	struct threads *t = s->arg;

	t->base = fail_event_base();
	assert_in_range(fail_each(s, FAIL_ALLOC), allocs, 10000);
	assert_in_range(fail_each(s, FAIL_SYSCALL), syscalls, 10000);
	event_base_free(t->base);
}

static void grace_periods(void **state)
{
	struct threads t = {0};
	const struct subject s = {
		.make = make_rcu, .check = check_rcu, .unmake = unmake_rcu, .arg = &t};

	fail_threads(&s, 2, 6);
}

static void workers(void **state)
{
	struct threads t = {0};
	const struct subject s = {
		.make = make_workers, .check = check_workers, .unmake = unmake_workers, .arg = &t};

	fail_threads(&s, 16, 20);
}

static void dataplane(void **state)
{
	struct threads t = {0};
	const struct subject s = {.make = make_dataplane,
		.check = check_dataplane,
		.unmake = unmake_dataplane,
		.arg = &t};

	fail_threads(&s, 24, 26);
}

static void dataplane_with_the_kernels_links(void **state)
{
	struct threads t = {.kernel = true};
	const struct subject s = {.make = make_dataplane,
		.check = check_dataplane,
		.unmake = unmake_dataplane,
		.arg = &t};

	fail_threads(&s, 40, 40);
}

static void be_quiet(int severity, const char *text)
{
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lane_and_its_arena),
		cmocka_unit_test(mac_table),
		cmocka_unit_test(mac_table_that_cannot_grow_stays_as_it_was),
		cmocka_unit_test(bridge),
		cmocka_unit_test(grace_periods),
		cmocka_unit_test(workers),
		cmocka_unit_test(dataplane),
		cmocka_unit_test(dataplane_with_the_kernels_links),
	};

	tzset(); /* what time stamps need is there from now on */
	assert(!log_open("/dev/null"));
	event_set_log_callback(be_quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
