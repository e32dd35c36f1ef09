/* store_maker.h - a database that is opened again and again while calls fail.
 *
 * Threads: the test's. */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "fail_each.h"
#include "log.h"
#include "store.h"
#include "strbuf.h"

struct dataplane;
struct mgmt;

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

static void be_quiet(int severity, const char *text)
{
}

/* What main() does before its tests run; false where that fails. */
static bool stores_prepare(void)
{
	tzset(); /* what time stamps need is there from now on */
	event_set_log_callback(be_quiet);
	return !log_open("/dev/null");
}
