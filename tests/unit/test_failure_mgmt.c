/* The management part when memory or the system fails while it starts, at every place by
 * turns: an error comes back, nothing stays behind, the database keeps what it had, and
 * the next attempt succeeds. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "dataplane.h"
#include "fail_each.h"
#include "log.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"
#include "store.h"
#include "strbuf.h"

enum { REFUSALS_MAX = 100000 };

struct env {
	struct event_base *base;
	char dir[64], db[96], socket[96];
	const char *path; /* of the database: 'db', or ":memory:" */
	const char *rows; /* what is in it */
	bool fresh;	  /* it is made anew each time */
	struct store *store;
	struct dataplane *dp;
	struct mgmt *mgmt;
	struct strbuf why, out;
	bool done;
};

static const char three_rows[] = "bridge:b={\"name\":\"b\",\"dpid\":\"0000020202020202\","
				 "\"mac\":\"02:02:02:02:02:02\",\"mac-limit\":16};"
				 "port:p={\"name\":\"p\",\"bridge\":\"b\",\"type\":\"patch\","
				 "\"ofport\":1,\"peer\":\"q\"};"
				 "fdb:b 02:00:00:00:00:01 vlan 3={\"bridge\":\"b\",\"mac\":"
				 "\"02:00:00:00:00:01\",\"vlan\":3,\"port\":\"p\"};.";

/* Who waits in vain is stopped by the test's time limit. */
static void turn(struct env *e)
{
	event_base_loop(e->base, EVLOOP_ONCE);
}

static void on_done(void *arg)
{
	((struct env *)arg)->done = true;
}

static void wait_done(struct env *e)
{
	while (!e->done)
		turn(e);
}

/* To tell a reason takes no memory: there is room already. */
static void reserve(struct strbuf *sb)
{
	for (int i = 0; i < 1000; i++)
		strbuf_putc(sb, ' ');
}

static struct env *env_init(const char *dir)
{
	static struct env e;

	memset(&e, 0, sizeof(e));
	snprintf(e.dir, sizeof(e.dir), "%s", dir);
	snprintf(e.db, sizeof(e.db), "%s/a.db", dir);
	snprintf(e.socket, sizeof(e.socket), "%s/vswitchd.sock", dir);
	e.path = e.db;
	e.base = fail_event_base();
	reserve(&e.why);
	reserve(&e.out);
	return &e;
}

static void env_fini(struct env *e)
{
	event_base_free(e->base);
	strbuf_fini(&e->why);
	strbuf_fini(&e->out);
}

static int setup(void **state)
{
	char dir[] = "/dev/shm/vswitch-failure-XXXXXX"; /* where an fsync costs nothing */

	assert_non_null(mkdtemp(dir));
	*state = env_init(dir);
	return 0;
}

static void remove_db(const struct env *e)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[128];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", e->db, suffixes[i]);
		unlink(path);
	}
}

static int teardown(void **state)
{
	struct env *e = *state;

	env_fini(e);
	remove_db(e);
	unlink(e->socket);
	assert_int_equal(rmdir(e->dir), 0);
	return 0;
}

/* ---- the store ---- */

static int make_store(void *arg)
{
	struct env *e = arg;
	struct store_conf conf = {.base = e->base, .path = e->path, .owner = "local"};

	strbuf_reset(&e->why);
	if (e->fresh)
		remove_db(e);
	int rc = store_open(&conf, &e->store, &e->why);
	assert_true(!rc || e->why.len);
	return rc;
}

static void unmake_store(void *arg)
{
	store_close(((struct env *)arg)->store);
}

static void print_row(enum config_kind kind, const char *name, const char *json, void *arg)
{
	strbuf_printf(arg, "%s:%s=%s;", config_kind_name(kind), name, json);
}

static void on_stored(void *arg, int error, const char *why)
{
	struct env *e = arg;

	assert_int_equal(error, 0);
	e->done = true;
}

static void commit(struct env *e, const char *name, const char *json)
{
	struct store_group g = {0};

	store_group_add(&g, CONFIG_PORT, name, json);
	e->done = false;
	store_commit(e->store, &g, on_stored, e);
	wait_done(e);
}

static void check_store(void *arg)
{
	struct env *e = arg;

	strbuf_reset(&e->out);
	assert_int_equal(store_load(e->store, print_row, &e->out, &e->why), 0);
	strbuf_putc(&e->out, '.');
	assert_string_equal(strbuf_str(&e->out), e->rows);
	commit(e, "new", "{}");
	commit(e, "new", NULL);
}

static struct subject store_subject(struct env *e)
{
	return (struct subject){.make = make_store,
		.check = check_store,
		.unmake = unmake_store,
		.single = true, /* SQLite would wait for better times */
		.slow = true,
		.arg = e};
}

static void store_in_memory(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	e->path = ":memory:";
	e->rows = ".";
	assert_in_range(fail_each(&s, FAIL_OWN_ALLOC), 3, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 2, REFUSALS_MAX);
}

static void store_in_a_new_file(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	e->fresh = true;
	e->rows = ".";
	assert_in_range(fail_each(&s, FAIL_OWN_ALLOC), 3, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 20, REFUSALS_MAX);
}

static void fill_db(struct env *e)
{
	struct store_group g = {0};
	const char *row = three_rows;

	assert_int_equal(make_store(e), 0);
	for (enum config_kind kind = CONFIG_BRIDGE; kind < CONFIG_KINDS; kind++) {
		const char *name = strchr(row, ':') + 1, *json = strchr(row, '=') + 1;
		const char *end = strstr(row, "};") + 1;
		char name_text[64], json_text[160];

		snprintf(name_text, sizeof(name_text), "%.*s", (int)(json - 1 - name), name);
		snprintf(json_text, sizeof(json_text), "%.*s", (int)(end - json), json);
		store_group_add(&g, kind, name_text, json_text);
		row = end + 1;
	}
	e->done = false;
	store_commit(e->store, &g, on_stored, e);
	wait_done(e);
	store_close(e->store);
	e->rows = three_rows;
}

static void store_of_an_existing_file(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	fill_db(e);
	assert_in_range(fail_each(&s, FAIL_ALLOC), 80, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 30, REFUSALS_MAX);
}

/* ---- all of it ---- */

static bool interface_exists(const char *name)
{
	return false;
}

static void random_mac(uint8_t mac[6])
{
	memset(mac, 2, 6);
}

static const struct config_env env_fake = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static void make_dataplane(struct env *e)
{
	struct dataplane_conf conf = {
		.base = e->base, .workers = {.n = 1, .enter = pipeline_enter}};

	assert_int_equal(dataplane_create(&conf, &e->dp), 0);
}

static void empty_dataplane(struct env *e, bool stop)
{
	e->done = false;
	if (stop)
		dataplane_stop(e->dp, false, on_done, e);
	else
		dataplane_sync(e->dp, on_done, e);
	wait_done(e);
}

static int make_mgmt(void *arg)
{
	struct env *e = arg;
	struct mgmt_conf conf = {
		.rundir = e->dir, .db = e->path, .no_kernel = true, .env = &env_fake};

	strbuf_reset(&e->why);
	if (e->fresh)
		remove_db(e);
	return mgmt_create(e->base, e->dp, &conf, &e->mgmt, &e->why);
}

static void unmake_mgmt(void *arg)
{
	struct env *e = arg;

	e->done = false;
	mgmt_stop(e->mgmt, on_done, e);
	wait_done(e);
	mgmt_destroy(e->mgmt);
	empty_dataplane(e, true);
}

static void on_send(void *arg, const char *line, size_t len)
{
	strbuf_printf(&((struct env *)arg)->out, "%.*s", (int)len, line);
}

static bool on_ready(void *arg)
{
	return true;
}

static void on_answered(void *arg)
{
}

static const char *ask(struct env *e, const char *line)
{
	static const struct rpc_session_ops ops = {
		.send = on_send, .ready = on_ready, .answered = on_answered};
	struct rpc_session *s;

	strbuf_reset(&e->out);
	rpc_session_create(e->mgmt, &ops, e, &s);
	rpc_session_line(s, line, strlen(line));
	while (rpc_session_pending(s))
		turn(e);
	rpc_session_destroy(s);
	return strbuf_str(&e->out);
}

/* A client can connect, and a change is made and taken back. */
static void check_mgmt(void *arg)
{
	struct env *e = arg;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sa.sun_path, e->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	while (strstr(ask(e, "{\"id\":1,\"method\":\"status\"}"), "\"clients\":{\"now\":1"))
		turn(e); /* accepted, and gone */
	assert_non_null(strstr(ask(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":"
				      "\"x\",\"mac-limit\":16}}"),
		"\"result\""));
	assert_non_null(dataplane_bridge_lookup(e->dp, "x"));
	assert_non_null(
		strstr(ask(e, "{\"id\":1,\"method\":\"bridge.del\",\"params\":{\"name\":\"x\"}}"),
			"\"result\""));
}

/* Nobody could connect in vain. */
static void check_no_socket(void *arg)
{
	struct stat st;

	assert_int_equal(stat(((struct env *)arg)->socket, &st), -1);
	empty_dataplane(arg, false);
}

static void fail_mgmt(struct env *e, unsigned allocs, unsigned syscalls)
{
	const struct subject s = {.make = make_mgmt,
		.check = check_mgmt,
		.unmake = unmake_mgmt,
		.refused = check_no_socket,
		.single = true,
		.slow = true,
		.arg = e};

	make_dataplane(e);
	assert_in_range(fail_each(&s, FAIL_OWN_ALLOC), allocs, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), syscalls, REFUSALS_MAX);
	empty_dataplane(e, true);
	dataplane_destroy(e->dp);
}

static void management_with_a_new_database(void **state)
{
	struct env *e = *state;

	e->fresh = true;
	fail_mgmt(e, 15, 30);
}

static void management_that_keeps_nothing(void **state)
{
	struct env *e = *state;

	e->path = ":memory:";
	fail_mgmt(e, 15, 8);
}

/* ---- with a stored configuration ---- */

static void check_stored(void *arg)
{
	const char *document = ask(arg, "{\"id\":1,\"method\":\"config.export\"}");

	for (const char *at = three_rows; *at != '.'; at = strstr(at, "};") + 2) {
		const char *json = strchr(at, '=') + 1;
		char text[200];

		snprintf(text, sizeof(text), "%.*s", (int)(strstr(json, "};") + 1 - json), json);
		assert_non_null(strstr(document, text));
	}
	check_mgmt(arg);
}

/* Where an object is being read, out of memory ends the process (must.h): so that happens
 * in one of its own, which goes through the allocations until it is ended.  What it may
 * not do is to go on with less than was stored. */
struct progress {
	unsigned n, refused;
	bool armed, over;
};

static void child_main(struct env *e, struct progress *p)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	setenv("CMOCKA_TEST_ABORT", "1", true); /* not on to the parent's next test */
	event_reinit(e->base);
	make_dataplane(e);
	while (!p->over) {
		p->armed = true;
		fail_arm(FAIL_OWN_ALLOC, ++p->n, false);
		int rc = make_mgmt(e);
		const char *failed = fail_disarm();
		p->armed = false;
		p->over = !failed;
		assert_true(!rc || failed);
		if (rc) {
			p->refused++;
			check_no_socket(e);
		} else {
			check_stored(e);
			unmake_mgmt(e);
		}
	}
	_exit(0); /* with all that it holds */
}

static void fail_allocs_in_children(struct env *e)
{
	struct progress *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	while (!p->over) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (!child)
			child_main(e, p);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && p->armed)
			p->refused++;
		else if (status || !p->over)
			fail_msg("failure %u: status %x", p->n, (unsigned)status);
	}
	assert_in_range(p->refused, 100, REFUSALS_MAX);
	munmap(p, sizeof(*p));
}

/* The first of all tests: a process without other threads is forked. */
static void stored_configuration_is_read_whole_or_not_at_all(void **state)
{
	struct env *e = *state;
	const struct subject s = {.make = make_mgmt,
		.check = check_stored,
		.unmake = unmake_mgmt,
		.refused = check_no_socket,
		.single = true,
		.slow = true,
		.arg = e};

	fill_db(e);
	fail_allocs_in_children(e);
	make_dataplane(e);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 20, REFUSALS_MAX);
	empty_dataplane(e, true);
	dataplane_destroy(e->dp);
	assert_int_equal(make_store(e), 0);
	check_store(e);
	unmake_store(e);
}

static void be_quiet(int severity, const char *text)
{
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(stored_configuration_is_read_whole_or_not_at_all),
		T(store_in_memory),
		T(store_in_a_new_file),
		T(store_of_an_existing_file),
		T(management_that_keeps_nothing),
		T(management_with_a_new_database),
	};

	tzset(); /* what time stamps need is there from now on */
	assert(!log_open("/dev/null"));
	event_set_log_callback(be_quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
