/* What a crash leaves beside a database: ours is recovered; a file that is damaged or
 * somebody else's stays as it is, and so does what lies beside it. */
#include <errno.h>
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

enum { ROWS = 4000, PAGE = 4096 };

static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

struct env {
	char dir[32], ours[64], foreign[64], crashed[64];
	struct event_base *base;
};

static void sql_on(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL))
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
}

static sqlite3 *sql_open(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db = sql_open(path);

	sql_on(db, text);
	sqlite3_close(db);
}

static int try_open(struct env *e, const char *path, struct store **s, struct strbuf *why)
{
	struct store_conf conf = {.base = e->base, .path = path, .owner = "local"};

	*s = NULL;
	return store_open(&conf, s, why);
}

static void sum_row(enum config_kind kind, const char *name, const char *json, void *arg)
{
	unsigned long *sum = arg;

	sum[0]++;
	sum[1] += strlen(json);
}

/* The store opens, and has so many rows with texts of so many bytes together. */
static void check_rows(struct env *e, const char *path, unsigned long n, unsigned long bytes)
{
	struct strbuf why = STRBUF_INIT;
	unsigned long sum[2] = {0};
	struct store *s;

	if (try_open(e, path, &s, &why))
		fail_msg("%s", strbuf_str(&why));
	assert_int_equal(store_load(s, sum_row, sum, &why), 0);
	assert_int_equal(sum[0], n);
	assert_int_equal(sum[1], bytes);
	store_close(s);
	strbuf_fini(&why);
}

static char *read_whole(const char *path, const char *suffix, size_t *len)
{
	char name[80];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	f = fopen(name, "rb");
	*len = 0;
	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	char *text = malloc(*len + 1);
	assert_int_equal(fread(text, 1, *len, f), *len);
	fclose(f);
	return text;
}

static void write_whole(const char *path, const char *suffix, const char *text, size_t len)
{
	char name[80];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	f = fopen(name, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* The file and those beside it as they are now, as a kill would leave them. */
static void crash_copy(const char *from, const char *to)
{
	for (size_t i = 0; i < 3; i++) {
		size_t len;
		char *text = read_whole(from, suffixes[i], &len);

		if (text)
			write_whole(to, suffixes[i], text, len);
		free(text);
	}
}

/* Refused with these words and the name of the file, and nothing was changed or made. */
static void check_refused(struct env *e, const char *path, int error, const char *part)
{
	struct strbuf why = STRBUF_INIT;
	char *before[4];
	size_t len[4];
	struct store *s;

	for (size_t i = 0; i < 4; i++)
		before[i] = read_whole(path, suffixes[i], &len[i]);
	assert_int_equal(try_open(e, path, &s, &why), error);
	if (!strstr(strbuf_str(&why), part) || !strstr(strbuf_str(&why), path))
		fail_msg("'%s' does not say '%s'", strbuf_str(&why), part);
	for (size_t i = 0; i < 4; i++) {
		size_t now_len;
		char *now = read_whole(path, suffixes[i], &now_len);

		assert_int_equal(!now, !before[i]);
		assert_int_equal(now_len, len[i]);
		if (now && memcmp(now, before[i], len[i]))
			fail_msg("%s%s was changed", path, suffixes[i]);
		free(now);
		free(before[i]);
	}
	strbuf_fini(&why);
}

/* ---- what there is to begin with ---- */

#define FILL(TABLE)                                                                                \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "          \
	"INSERT INTO " TABLE " SELECT 'local', 'port', printf('p%05d', i), "                       \
	"printf('%.200c', 'a') FROM n;"
#define HOT "PRAGMA cache_size=2; PRAGMA journal_mode=DELETE; BEGIN IMMEDIATE;"

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct strbuf why = STRBUF_INIT;
	struct store *s;

	strcpy(e->dir, "/tmp/vs-journal-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	snprintf(e->ours, sizeof(e->ours), "%s/ours.db", e->dir);
	snprintf(e->foreign, sizeof(e->foreign), "%s/foreign.db", e->dir);
	snprintf(e->crashed, sizeof(e->crashed), "%s/crashed.db", e->dir);
	e->base = event_base_new();
	assert_int_equal(try_open(e, e->ours, &s, &why), 0);
	store_close(s);
	sql(e->ours, FILL("object") "PRAGMA journal_mode=DELETE");
	sql(e->foreign, "CREATE TABLE object (owner, kind, name, json);" FILL("object"));
	strbuf_fini(&why);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	char command[64];

	event_base_free(e->base);
	snprintf(command, sizeof(command), "rm -r %s", e->dir);
	free(e);
	return system(command);
}

/* Killed within a transaction that has begun to write to the file. */
static void crash_within(const char *path, const char *change, const char *to)
{
	sqlite3 *db = sql_open(path);
	char *before, *after;
	size_t len, len_after;

	sql_on(db, HOT);
	before = read_whole(path, "", &len);
	sql_on(db, change);
	after = read_whole(path, "", &len_after);
	assert_true(len != len_after || memcmp(before, after, len));
	free(before);
	free(after);
	before = read_whole(path, "-journal", &len);
	assert_true(len > 512 && before[0]);
	free(before);
	crash_copy(path, to);
	sqlite3_close(db);
}

static void damage(const char *path, size_t page)
{
	size_t len;
	char *text = read_whole(path, "", &len);

	assert_true(len > (page + 1) * PAGE);
	memset(text + page * PAGE, 0x5a, PAGE);
	write_whole(path, "", text, len);
	free(text);
}

/* ---- tests ---- */

static void our_journal_is_rolled_back(void **state)
{
	struct env *e = *state;

	crash_within(e->ours, "UPDATE object SET json = 'new'", e->crashed);
	check_rows(e, e->crashed, ROWS, ROWS * 200ul);
	crash_within(e->ours, "DELETE FROM object", e->crashed);
	check_rows(e, e->crashed, ROWS, ROWS * 200ul);
}

static void our_journal_mends_the_header(void **state)
{
	struct env *e = *state;
	size_t len;

	crash_within(e->ours, "PRAGMA user_version=2; UPDATE object SET json = 'new'", e->crashed);
	char *text = read_whole(e->crashed, "", &len);
	memset(text, 'x', 512);
	write_whole(e->crashed, "", text, len);
	free(text);
	check_rows(e, e->crashed, ROWS, ROWS * 200ul);
}

/* The file was cut, and the journal has not all of what is lost. */
static void our_journal_that_cannot_mend_is_refused(void **state)
{
	struct env *e = *state;

	crash_within(e->ours, "UPDATE object SET json = 'new'", e->crashed);
	assert_int_equal(truncate(e->crashed, 3 * PAGE), 0);
	check_refused(e, e->crashed, -EUCLEAN, "damaged");
}

static void first_transaction_that_was_cut_short_is_none(void **state)
{
	struct env *e = *state;
	char path[80];

	snprintf(path, sizeof(path), "%s/new.db", e->dir);
	crash_within(
		path, "CREATE TABLE object (owner, kind, name, json);" FILL("object"), e->crashed);
	check_rows(e, e->crashed, 0, 0);
}

/* As after a kill in the last moment: the whole file is there, and the journal yet. */
static void first_transaction_without_its_last_step_is_none(void **state)
{
	struct env *e = *state;
	char path[80];
	size_t len;

	snprintf(path, sizeof(path), "%s/new.db", e->dir);
	crash_within(
		path, "CREATE TABLE object (owner, kind, name, json);" FILL("object"), e->crashed);
	char *text = read_whole(e->ours, "", &len);
	write_whole(e->crashed, "", text, len);
	free(text);
	check_rows(e, e->crashed, 0, 0);
}

static void foreign_database_with_a_journal_is_refused(void **state)
{
	struct env *e = *state;

	crash_within(e->foreign, "UPDATE object SET json = 'new'", e->crashed);
	check_refused(e, e->crashed, -EPROTO, "belongs to another program");
}

static void foreign_first_transaction_is_refused(void **state)
{
	struct env *e = *state;
	char path[80];
	size_t len;

	snprintf(path, sizeof(path), "%s/new.db", e->dir);
	crash_within(
		path, "CREATE TABLE object (owner, kind, name, json);" FILL("object"), e->crashed);
	char *text = read_whole(e->foreign, "", &len);
	write_whole(e->crashed, "", text, len);
	check_refused(e, e->crashed, -EPROTO, "belongs to another program");
	memset(text, 'x', 512);
	write_whole(e->crashed, "", text, len);
	check_refused(e, e->crashed, -EPROTO, "not an SQLite database");
	write_whole(e->crashed, "", "hello\n", 6);
	check_refused(e, e->crashed, -EPROTO, "not an SQLite database");
	free(text);
}

/* The header is ours, but another program's journal came to lie beside it. */
static void foreign_journal_is_refused(void **state)
{
	struct env *e = *state;
	size_t len;

	crash_within(
		e->foreign, "PRAGMA user_version=1; UPDATE object SET json = 'new'", e->crashed);
	char *text = read_whole(e->ours, "", &len);
	write_whole(e->crashed, "", text, len);
	free(text);
	check_refused(e, e->crashed, -EPROTO, "belongs to another program");
}

static void damaged_page_with_a_journal_is_refused(void **state)
{
	struct env *e = *state;

	crash_within(e->ours, "UPDATE object SET json = 'new' WHERE name < 'p01000'", e->crashed);
	damage(e->crashed, 150);
	check_refused(e, e->crashed, -EUCLEAN, "damaged");
}

static void newer_version_with_a_journal_is_refused(void **state)
{
	struct env *e = *state;

	sql(e->ours, "PRAGMA user_version=9999");
	crash_within(e->ours, "UPDATE object SET json = 'new'", e->crashed);
	check_refused(e, e->crashed, -EPROTO, "newer version (schema 9999");
}

/* ---- the same with a log ---- */

static void crash_with_log(const char *path, const char *change, const char *to)
{
	sqlite3 *db = sql_open(path);

	sql_on(db, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
	sql_on(db, change);
	crash_copy(path, to);
	sqlite3_close(db);
}

static void our_log_is_taken_up(void **state)
{
	struct env *e = *state;

	crash_with_log(e->ours, "UPDATE object SET json = 'new'", e->crashed);
	check_rows(e, e->crashed, ROWS, ROWS * 3ul);
}

static void newer_version_in_the_log_is_refused(void **state)
{
	struct env *e = *state;

	crash_with_log(e->ours, "PRAGMA user_version=9999", e->crashed);
	check_refused(e, e->crashed, -EPROTO, "newer version (schema 9999");
}

static void another_owner_in_the_log_is_refused(void **state)
{
	struct env *e = *state;

	crash_with_log(e->ours, "PRAGMA application_id=1", e->crashed);
	check_refused(e, e->crashed, -EPROTO, "belongs to another program");
}

static void damaged_page_with_a_log_is_refused(void **state)
{
	struct env *e = *state;

	crash_with_log(e->ours, "UPDATE object SET json = 'new' WHERE name < 'p01000'", e->crashed);
	damage(e->crashed, 150);
	check_refused(e, e->crashed, -EUCLEAN, "damaged");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(our_journal_is_rolled_back),
		TEST(our_journal_mends_the_header),
		TEST(our_journal_that_cannot_mend_is_refused),
		TEST(first_transaction_that_was_cut_short_is_none),
		TEST(first_transaction_without_its_last_step_is_none),
		TEST(foreign_database_with_a_journal_is_refused),
		TEST(foreign_first_transaction_is_refused),
		TEST(foreign_journal_is_refused),
		TEST(damaged_page_with_a_journal_is_refused),
		TEST(newer_version_with_a_journal_is_refused),
		TEST(our_log_is_taken_up),
		TEST(newer_version_in_the_log_is_refused),
		TEST(another_owner_in_the_log_is_refused),
		TEST(damaged_page_with_a_log_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
