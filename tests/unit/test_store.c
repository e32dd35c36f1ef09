/* The store on real files, and on a disk that fails at the n-th write. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sqlite3.h>

#include "store.h"

/* ---- a disk that fails: an SQLite VFS over the system's ---- */

struct shim_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

enum fault { FAULT_FULL, FAULT_SYNC };

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	int countdown; /* operations until the failure; 0: none */
	bool stays;    /* and all after it */
	bool failing;
	unsigned ops;
	enum fault fault;
} shim;

static bool shim_fails(void)
{
	shim.ops++;
	if (shim.failing)
		return true;
	if (!shim.countdown || --shim.countdown)
		return false;
	shim.failing = shim.stays;
	return true;
}

#define REAL(f) (((struct shim_file *)(f))->real)

static int shim_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int shim_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
	return REAL(f)->pMethods->xRead(REAL(f), buf, n, at);
}

static int shim_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
	if (shim.fault == FAULT_FULL && shim_fails())
		return SQLITE_FULL;
	return REAL(f)->pMethods->xWrite(REAL(f), buf, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (shim.fault == FAULT_FULL && shim_fails())
		return SQLITE_IOERR_TRUNCATE;
	return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
	if (shim.fault == FAULT_SYNC && shim_fails())
		return SQLITE_IOERR_FSYNC;
	return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int shim_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int shim_reserved(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int shim_traits(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int shim_shm_unmap(sqlite3_file *f, int del)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), del);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_traits,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct shim_file *file = (struct shim_file *)f;

	file->real = (sqlite3_file *)(file + 1);
	int rc = shim.real->xOpen(shim.real, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods ? &shim_methods : NULL;
	return rc;
}

static void shim_install(void)
{
	shim.real = sqlite3_vfs_find(NULL);
	shim.vfs = *shim.real;
	shim.vfs.zName = "shim";
	shim.vfs.szOsFile = (int)sizeof(struct shim_file) + shim.real->szOsFile;
	shim.vfs.xOpen = shim_open;
	assert_int_equal(sqlite3_vfs_register(&shim.vfs, 1), SQLITE_OK);
}

static void shim_remove(void)
{
	sqlite3_vfs_unregister(&shim.vfs);
}

static void shim_arm(enum fault fault, int n, bool stays)
{
	shim.fault = fault;
	shim.countdown = n;
	shim.stays = stays;
	shim.failing = false;
	shim.ops = 0;
}

/* ---- what the tests share ---- */

struct env {
	struct event_base *base;
	char dir[64];
	char path[96];
	bool done;
	int error;
	char why[160];
};

static int env_setup(void **state)
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

static int env_teardown(void **state)
{
	struct env *e = *state;
	char cmd[128];

	event_base_free(e->base);
	snprintf(cmd, sizeof(cmd), "rm -r %s", e->dir);
	assert_int_equal(system(cmd), 0);
	free(e);
	return 0;
}

static struct store *open_path(struct env *e, const char *path)
{
	struct store_conf conf = {.base = e->base, .path = path, .owner = "local"};
	struct strbuf why = STRBUF_INIT;
	struct store *s = NULL;

	if (store_open(&conf, &s, &why))
		fail_msg("%s", strbuf_str(&why));
	strbuf_fini(&why);
	return s;
}

static int refuses(struct env *e, const char *path, const char *part)
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

static void on_done(void *arg, int error, const char *why)
{
	struct env *e = arg;

	e->done = true;
	e->error = error;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

static int commit(struct env *e, struct store *s, struct store_group *g)
{
	e->done = false;
	store_commit(s, g, on_done, e);
	while (!e->done)
		event_base_loop(e->base, EVLOOP_ONCE);
	store_group_fini(g);
	return e->error;
}

static int commit_one(struct env *e, struct store *s, const char *name, const char *json)
{
	struct store_group g = {0};

	store_group_add(&g, CONFIG_PORT, name, json);
	return commit(e, s, &g);
}

static void print_row(enum config_kind kind, const char *name, const char *json, void *arg)
{
	strbuf_printf(arg, "%s:%s=%s;", config_kind_name(kind), name, json);
}

/* All rows as text. */
static char *contents(struct store *s)
{
	struct strbuf rows = STRBUF_INIT, why = STRBUF_INIT;

	assert_int_equal(store_load(s, print_row, &rows, &why), 0);
	strbuf_putc(&rows, '.');
	return strbuf_steal(&rows);
}

static void check_contents(struct env *e, const char *path, const char *expected)
{
	struct store *s = open_path(e, path);
	char *rows = contents(s);

	assert_string_equal(rows, expected);
	free(rows);
	store_close(s);
}

static void copy_file(const char *from, const char *to, const char *suffix)
{
	struct strbuf cmd = STRBUF_INIT;

	strbuf_printf(&cmd, "rm -f %s%s; test ! -e %s%s || cp %s%s %s%s", to, suffix, from, suffix,
		from, suffix, to, suffix);
	assert_int_equal(system(strbuf_str(&cmd)), 0);
	strbuf_fini(&cmd);
}

/* What a crash would leave: the files as they are now. */
static void crash_copy(const char *from, const char *to)
{
	copy_file(from, to, "");
	copy_file(from, to, "-wal");
	copy_file(from, to, "-journal");
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static uint64_t file_hash(const char *path)
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

/* ---- tests ---- */

static void what_was_committed_is_there_after_a_crash(void **state)
{
	struct env *e = *state;
	struct store *s = open_path(e, e->path);
	struct store_group g = {0};
	char copy[128];

	store_group_add(&g, CONFIG_PORT, "b", "2");
	store_group_add(&g, CONFIG_BRIDGE, "x", "9");
	store_group_add(&g, CONFIG_PORT, "a", "1");
	store_group_add(&g, CONFIG_PORT, "b", "3"); /* the last of one name holds */
	assert_int_equal(commit(e, s, &g), 0);
	assert_int_equal(commit_one(e, s, "c", "4"), 0);
	assert_int_equal(commit_one(e, s, "a", NULL), 0);
	snprintf(copy, sizeof(copy), "%s/copy.db", e->dir);
	crash_copy(e->path, copy);
	check_contents(e, copy, "bridge:x=9;port:b=3;port:c=4;.");
	assert_int_equal(store_stats(s).commits, 3);
	store_close(s);
	check_contents(e, e->path, "bridge:x=9;port:b=3;port:c=4;.");
}

static void memory_store_keeps_nothing(void **state)
{
	struct env *e = *state;
	struct store *s = open_path(e, ":memory:");

	assert_int_equal(commit_one(e, s, "a", "1"), 0);
	store_close(s);
	check_contents(e, ":memory:", ".");
}

static void two_stores_never_share_a_file(void **state)
{
	struct env *e = *state;
	struct store *s = open_path(e, e->path);

	assert_int_equal(refuses(e, e->path, "in use"), -EBUSY);
	assert_int_equal(commit_one(e, s, "a", "1"), 0);
	assert_int_equal(refuses(e, e->path, "in use"), -EBUSY);
	store_close(s);
	check_contents(e, e->path, "port:a=1;.");
}

static void rows_of_another_owner_are_left_alone(void **state)
{
	struct env *e = *state;
	struct store *s = open_path(e, e->path);

	assert_int_equal(commit_one(e, s, "a", "1"), 0);
	store_close(s);
	sql(e->path, "INSERT INTO object VALUES ('other', 'port', 'a', '7')");
	s = open_path(e, e->path);
	assert_int_equal(commit_one(e, s, "a", NULL), 0);
	store_close(s);
	check_contents(e, e->path, ".");
	sql(e->path, "UPDATE object SET owner = 'local' WHERE owner = 'other'");
	check_contents(e, e->path, "port:a=7;.");
}

static void text_file_is_refused_and_untouched(void **state)
{
	struct env *e = *state;
	FILE *f = fopen(e->path, "w");

	fputs("this is my shopping list, and it is longer than one hundred bytes, so that it is "
	      "as long as the header of a database\n",
		f);
	fclose(f);
	uint64_t before = file_hash(e->path);
	assert_int_equal(refuses(e, e->path, "not an SQLite database"), -EPROTO);
	assert_true(file_hash(e->path) == before);
}

static void foreign_database_is_refused_and_untouched(void **state)
{
	struct env *e = *state;

	sql(e->path, "CREATE TABLE contacts (name TEXT)");
	uint64_t before = file_hash(e->path);
	assert_int_equal(refuses(e, e->path, "another program"), -EPROTO);
	assert_true(file_hash(e->path) == before);
}

static void newer_database_is_refused_and_untouched(void **state)
{
	struct env *e = *state;

	store_close(open_path(e, e->path));
	sql(e->path, "PRAGMA user_version=99");
	uint64_t before = file_hash(e->path);
	assert_int_equal(refuses(e, e->path, "newer version (schema 99"), -EPROTO);
	assert_true(file_hash(e->path) == before);
}

static void damaged_database_is_refused_and_untouched(void **state)
{
	struct env *e = *state;
	struct store *s = open_path(e, e->path);
	struct store_group g = {0};
	struct stat st;
	char name[32];

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "port%d", i);
		store_group_add(&g, CONFIG_PORT, name, "{\"some\": \"text that fills pages\"}");
	}
	assert_int_equal(commit(e, s, &g), 0);
	store_close(s);
	assert_int_equal(stat(e->path, &st), 0);
	int fd = open(e->path, O_WRONLY);
	static const char rubbish[3000] = {1, 2, 3};
	for (off_t at = st.st_size / 3; at < st.st_size; at += st.st_size / 4)
		assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at), sizeof(rubbish));
	close(fd);
	uint64_t before = file_hash(e->path);
	assert_int_equal(refuses(e, e->path, "is damaged"), -EUCLEAN);
	assert_true(file_hash(e->path) == before);
}

static void folder_in_the_files_place_is_refused(void **state)
{
	struct env *e = *state;

	assert_int_equal(mkdir(e->path, 0755), 0);
	assert_int_equal(refuses(e, e->path, "Is a directory"), -EISDIR);
	rmdir(e->path);
	snprintf(e->path, sizeof(e->path), "%s/no/a.db", e->dir);
	assert_int_equal(refuses(e, e->path, "No such file"), -ENOENT);
}

static void each_database_has_a_secret_that_it_keeps(void **state)
{
	uint8_t first[STORE_SECRET_LEN], again[STORE_SECRET_LEN], other[STORE_SECRET_LEN];
	struct strbuf why = STRBUF_INIT;
	struct env *e = *state;
	struct store *s = open_path(e, e->path);

	assert_int_equal(store_secret(s, first, &why), 0);
	store_close(s);
	s = open_path(e, e->path);
	assert_int_equal(store_secret(s, again, &why), 0);
	store_close(s);
	assert_memory_equal(first, again, sizeof(first));
	s = open_path(e, ":memory:");
	assert_int_equal(store_secret(s, other, &why), 0);
	store_close(s);
	assert_memory_not_equal(first, other, sizeof(first));

	sql(e->path, "DELETE FROM secret");
	s = open_path(e, e->path);
	assert_int_equal(store_secret(s, again, &why), -EIO);
	assert_non_null(strstr(strbuf_str(&why), "secret"));
	store_close(s);
	strbuf_fini(&why);
}

/* A version 0.5 of our own, so to speak: the table lacked its owner. */
static void older_schema_is_brought_up_in_one_step_each(void **state)
{
	static const struct store_migration first[] = {
		{1, "CREATE TABLE object (kind TEXT, name TEXT, json TEXT)"}, {1, NULL}};
	static const struct store_migration both[] = {
		{1, "CREATE TABLE object (kind TEXT, name TEXT, json TEXT)"},
		{2, "ALTER TABLE object RENAME TO o1;"
		    "CREATE TABLE object (owner TEXT, kind TEXT, name TEXT, json TEXT,"
		    " PRIMARY KEY (owner, kind, name));"
		    "INSERT INTO object SELECT 'local', kind, name, json FROM o1; DROP TABLE o1;"
		    "CREATE TABLE failure (n INTEGER); INSERT INTO failure VALUES (0);"
		    "CREATE TABLE revision (n INTEGER); INSERT INTO revision VALUES (7)"},
		{2, NULL}};
	struct env *e = *state;
	struct store_conf conf = {
		.base = e->base, .path = e->path, .owner = "local", .migrations = first};
	struct strbuf why = STRBUF_INIT;
	struct store *s;

	assert_int_equal(store_open(&conf, &s, &why), 0);
	assert_int_equal(store_stats(s).schema, 1);
	store_close(s);
	sql(e->path, "INSERT INTO object VALUES ('port', 'a', '1')");

	conf.migrations = both;
	assert_int_equal(store_open(&conf, &s, &why), 0);
	assert_int_equal(store_stats(s).schema, 2);
	char *rows = contents(s);
	assert_string_equal(rows, "port:a=1;.");
	free(rows);
	assert_int_equal(store_stats(s).revision, 7);
	assert_int_equal(commit_one(e, s, "b", "2"), 0);
	store_close(s);

	conf.migrations = first; /* and the old program refuses the new file */
	assert_int_not_equal(store_open(&conf, &s, &why), 0);
	assert_non_null(strstr(strbuf_str(&why), "newer version"));
	strbuf_fini(&why);
}

/* A migration that fails half-way has changed nothing. */
static void failed_migration_leaves_the_old_version(void **state)
{
	static const struct store_migration bad[] = {{STORE_SCHEMA, ""},
		{STORE_SCHEMA + 1, "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)"},
		{STORE_SCHEMA + 1, NULL}};
	struct env *e = *state;
	struct store_conf conf = {
		.base = e->base, .path = e->path, .owner = "local", .migrations = bad};
	struct strbuf why = STRBUF_INIT;
	struct store *s = open_path(e, e->path);

	assert_int_equal(commit_one(e, s, "a", "1"), 0);
	store_close(s);
	assert_int_not_equal(store_open(&conf, &s, &why), 0);
	assert_non_null(strstr(strbuf_str(&why), "nowhere"));
	strbuf_fini(&why);
	check_contents(e, e->path, "port:a=1;.");
}

/* For every n: the n-th operation on the disk fails during a commit.  The commit says so
 * or is done; a crash right after shows the one or the other, and the next commit works. */
static void fail_each(struct env *e, enum fault fault, bool stays)
{
	unsigned refused = 0;

	for (int n = 1;; n++) {
		char copy[128];

		snprintf(e->path, sizeof(e->path), "%s/n%d.db", e->dir, n);
		snprintf(copy, sizeof(copy), "%s/copy.db", e->dir);
		shim_arm(fault, 0, false);
		struct store *s = open_path(e, e->path);
		assert_int_equal(commit_one(e, s, "a", "1"), 0);

		struct store_group g = {0};
		store_group_add(&g, CONFIG_PORT, "a", "2");
		store_group_add(&g, CONFIG_PORT, "b", "3");
		shim_arm(fault, n, stays);
		int rc = commit(e, s, &g);
		bool reached = !shim.countdown;
		shim_arm(fault, 0, false);
		assert_true(rc == 0 || rc == -ENOSPC || rc == -EIO);
		if (rc) {
			refused++;
			assert_true(e->why[0]);
			assert_int_equal(store_stats(s).failed, 1);
			assert_string_equal(store_stats(s).last_error, e->why);
		}
		crash_copy(e->path, copy);
		check_contents(e, copy, rc ? "port:a=1;." : "port:a=2;port:b=3;.");
		assert_int_equal(commit_one(e, s, "c", "4"), 0);
		store_close(s);
		check_contents(
			e, e->path, rc ? "port:a=1;port:c=4;." : "port:a=2;port:b=3;port:c=4;.");
		if (!reached)
			break;
	}
	assert_true(refused > 0);
}

static void commit_survives_each_failing_write(void **state)
{
	shim_install();
	fail_each(*state, FAULT_FULL, false);
	shim_remove();
}

static void commit_survives_a_disk_that_stays_full(void **state)
{
	shim_install();
	fail_each(*state, FAULT_FULL, true);
	shim_remove();
}

static void commit_survives_a_failing_sync(void **state)
{
	shim_install();
	fail_each(*state, FAULT_SYNC, false);
	shim_remove();
}

static void commit_survives_a_disk_that_never_syncs_again(void **state)
{
	shim_install();
	fail_each(*state, FAULT_SYNC, true);
	shim_remove();
}

/* Opening fails at the n-th write: refused with words, and works once the disk does. */
static void opening_survives_each_failing_write(void **state)
{
	struct env *e = *state;

	shim_install();
	for (int n = 1;; n++) {
		struct store_conf conf = {.base = e->base, .path = e->path, .owner = "local"};
		struct strbuf why = STRBUF_INIT;
		struct store *s = NULL;

		snprintf(e->path, sizeof(e->path), "%s/o%d.db", e->dir, n);
		shim_arm(FAULT_FULL, n, true);
		int rc = store_open(&conf, &s, &why);
		bool reached = !shim.countdown;
		assert_true(rc ? why.len > 0 : s != NULL);
		store_close(s);
		shim_arm(FAULT_FULL, 0, false);
		strbuf_fini(&why);
		check_contents(e, e->path, ".");
		if (!reached)
			break;
	}
	shim_remove();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_committed_is_there_after_a_crash),
		T(memory_store_keeps_nothing),
		T(two_stores_never_share_a_file),
		T(rows_of_another_owner_are_left_alone),
		T(text_file_is_refused_and_untouched),
		T(foreign_database_is_refused_and_untouched),
		T(newer_database_is_refused_and_untouched),
		T(damaged_database_is_refused_and_untouched),
		T(folder_in_the_files_place_is_refused),
		T(each_database_has_a_secret_that_it_keeps),
		T(older_schema_is_brought_up_in_one_step_each),
		T(failed_migration_leaves_the_old_version),
		T(commit_survives_each_failing_write),
		T(commit_survives_a_disk_that_stays_full),
		T(commit_survives_a_failing_sync),
		T(commit_survives_a_disk_that_never_syncs_again),
		T(opening_survives_each_failing_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
