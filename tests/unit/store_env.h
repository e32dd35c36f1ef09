/* store_env.h - a store on real files, what is in it and what a crash would leave of it.
 *
 * Threads: the test's. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sqlite3.h>

#include "store.h"
#include "strbuf.h"

struct env {
	struct event_base *base;
	char dir[64];
	char path[96];
	bool done;
	int error;
	char why[160];
};

static inline int env_setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	strcpy(e->dir, "/tmp/vswitch-store-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	snprintf(e->path, sizeof(e->path), "%s/a.db", e->dir);
	e->base = event_base_new();
	*state = e;
	return 0;
}

static inline int env_teardown(void **state)
{
	struct env *e = *state;
	char cmd[128];

	event_base_free(e->base);
	snprintf(cmd, sizeof(cmd), "rm -r %s", e->dir);
	assert_int_equal(system(cmd), 0);
	free(e);
	return 0;
}

static inline struct store *open_path(struct env *e, const char *path)
{
	struct store_conf conf = {.base = e->base, .path = path, .owner = "local"};
	struct strbuf why = STRBUF_INIT;
	struct store *s = NULL;

	if (store_open(&conf, &s, &why))
		fail_msg("%s", strbuf_str(&why));
	strbuf_fini(&why);
	return s;
}

static inline int refuses(struct env *e, const char *path, const char *part)
{
	struct store_conf conf = {.base = e->base, .path = path, .owner = "local"};
	struct strbuf why = STRBUF_INIT;
	struct store *s = NULL;
	int rc = store_open(&conf, &s, &why);

	assert_int_not_equal(rc, 0);
	assert_null(s);
	if (!strstr(strbuf_str(&why), part))
		fail_msg("'%s' does not say '%s'", strbuf_str(&why), part);
	strbuf_fini(&why);
	return rc;
}

static inline void on_done(void *arg, int error, const char *why)
{
	struct env *e = arg;

	e->done = true;
	e->error = error;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

static inline int commit(struct env *e, struct store *s, struct store_group *g)
{
	e->done = false;
	store_commit(s, g, on_done, e);
	while (!e->done)
		event_base_loop(e->base, EVLOOP_ONCE);
	store_group_fini(g);
	return e->error;
}

static inline int commit_one(struct env *e, struct store *s, const char *name, const char *json)
{
	struct store_group g = {0};

	store_group_add(&g, CONFIG_PORT, name, json);
	return commit(e, s, &g);
}

static inline void print_row(enum config_kind kind, const char *name, const char *json, void *arg)
{
	strbuf_printf(arg, "%s:%s=%s;", config_kind_name(kind), name, json);
}

/* All rows as text. */
static inline char *contents(struct store *s)
{
	struct strbuf rows = STRBUF_INIT, why = STRBUF_INIT;

	assert_int_equal(store_load(s, print_row, &rows, &why), 0);
	strbuf_putc(&rows, '.');
	return strbuf_steal(&rows);
}

static inline void check_contents(struct env *e, const char *path, const char *expected)
{
	struct store *s = open_path(e, path);
	char *rows = contents(s);

	assert_string_equal(rows, expected);
	free(rows);
	store_close(s);
}

static inline void copy_file(const char *from, const char *to, const char *suffix)
{
	struct strbuf cmd = STRBUF_INIT;

	strbuf_printf(&cmd, "rm -f %s%s; test ! -e %s%s || cp %s%s %s%s", to, suffix, from, suffix,
		from, suffix, to, suffix);
	assert_int_equal(system(strbuf_str(&cmd)), 0);
	strbuf_fini(&cmd);
}

/* What a crash would leave: the files as they are now. */
static inline void crash_copy(const char *from, const char *to)
{
	copy_file(from, to, "");
	copy_file(from, to, "-wal");
	copy_file(from, to, "-journal");
}

static inline void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static inline uint64_t file_hash(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint64_t h = 1469598103934665603u;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		h = (h ^ (uint64_t)c) * 1099511628211u;
	fclose(f);
	return h;
}
