/* The store on real files: what lasts, and what is no database of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_env.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
