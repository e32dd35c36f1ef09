/* The management part when memory or the system fails while it starts, at every place by
 * turns: an error comes back, nothing stays behind, the database keeps what it had, and
 * the next attempt succeeds. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "dataplane.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"
#include "store_maker.h"

static void on_done(void *arg)
{
	((struct env *)arg)->done = true;
}

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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(stored_configuration_is_read_whole_or_not_at_all),
		T(management_that_keeps_nothing),
		T(management_with_a_new_database),
	};

	return stores_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
