/* How it works: the control thread hands a group of rows over under a mutex and wakes
 * the store thread, which writes them in one SQLite transaction, puts the outcome back
 * under the mutex and kicks an eventfd in the event loop.
 *
 * When COMMIT fails in its fsync, the pages with their commit mark may be in the log
 * all the same, and a crash now would bring a refused change back.  So a failed commit
 * is followed by another small one (the counter 'failure'), which overwrites the log
 * from the same place on.  Where that fails, too, no change is taken until it works.
 *
 * What was committed lately is in the log only, so before each commit the log is looked at:
 * where somebody took it away or put another in its place, all that it holds is brought into
 * the database first, from the open one, and a new log begun.  Where it was cut short, part
 * of that is lost, and no change is taken any more: it would be lost with the rest. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "must.h"
#include "store_file.h"

LOG_MODULE(store);

struct store {
	struct event *done_ev;
	int done_fd;
	store_done_fn done;
	void *done_arg;
	bool busy; /* the control thread's view: from store_commit() to done() */

	char *path, *owner;
	const struct store_migration *migrations;
	struct store_file file;	 /* the store thread's once it runs */
	struct store_file first; /* what it was when the store was opened: which file, no more */
	bool doubtful;		 /* a failed commit has not been overwritten; see the top */
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool has_work, stop; /* under the lock from here on */
	struct store_group work;
	int error; /* of the last commit */
	char why[160];
	struct store_stats stats;
};

/* ---- groups ---- */

void store_group_add(
	struct store_group *g, enum config_kind kind, const char *name, const char *json)
{
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 8;
		g->rows = must(realloc(g->rows, g->cap * sizeof(*g->rows)));
	}
	g->rows[g->n++] = (struct store_row){
		.kind = kind, .name = must(strdup(name)), .json = json ? must(strdup(json)) : NULL};
}

void store_group_fini(struct store_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->rows[i].name);
		free(g->rows[i].json);
	}
	free(g->rows);
	*g = (struct store_group){0};
}

/* ---- on the store thread ---- */

static int write_row(
	sqlite3_stmt *put, sqlite3_stmt *del, const char *owner, const struct store_row *row)
{
	sqlite3_stmt *st = row->json ? put : del;

	sqlite3_reset(st);
	sqlite3_bind_text(st, 1, owner, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, config_kind_name(row->kind), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, row->name, -1, SQLITE_STATIC);
	if (row->json)
		sqlite3_bind_text(st, 4, row->json, -1, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_revision(sqlite3 *db, uint64_t revision)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "UPDATE revision SET n = %" PRIu64, revision);
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int write_rows(struct store *s, const struct store_group *g)
{
	sqlite3 *db = s->file.db;
	sqlite3_stmt *put = NULL, *del = NULL;

	int rc = sqlite3_prepare_v2(db,
		"INSERT INTO object (owner, kind, name, json) VALUES (?, ?, ?, ?)"
		" ON CONFLICT (owner, kind, name) DO UPDATE SET json = excluded.json",
		-1, &put, NULL);
	if (!rc)
		rc = sqlite3_prepare_v2(db,
			"DELETE FROM object WHERE owner = ? AND kind = ? AND name = ?", -1, &del,
			NULL);
	for (size_t i = 0; !rc && i < g->n; i++)
		rc = write_row(put, del, s->owner, &g->rows[i]);
	sqlite3_finalize(put);
	sqlite3_finalize(del);
	return rc || !g->revision ? rc : write_revision(db, g->revision);
}

static int sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EROFS;
	default:
		return -EIO;
	}
}

/* What the system said to the write that failed, or 0.  SQLite does not note it for a
 * COMMIT, but the log that was written to has it. */
static int system_errno(sqlite3 *db, int rc)
{
	sqlite3_file *log = NULL;
	int err = sqlite3_system_errno(db);

	if (!err && (rc & 0xff) == SQLITE_IOERR &&
		!sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) && log &&
		log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &err);
	return err;
}

static void describe(sqlite3 *db, int rc, char *why, size_t len)
{
	int err = system_errno(db, rc);

	if (err)
		snprintf(why, len, "%s (%s)", sqlite3_errmsg(db), strerror(err));
	else
		snprintf(why, len, "%s", sqlite3_errmsg(db));
}

/* The file could not be written when it was opened; perhaps it can by now. */
static void reopen(struct store *s)
{
	struct strbuf why = STRBUF_INIT;
	struct store_file file;

	/* closed first: the lock is ours alone, and a second connection would not get it */
	store_file_close(&s->file);
	if (store_file_open(s->path, s->migrations, &s->first, &file, &why))
		log_error("%s", strbuf_str(&why));
	else
		s->file = file;
	strbuf_fini(&why);
}

/* A file that SQLite could not open for writing, if only at that moment, it just reads from
 * then on: the database, which shows here, or its log, which shows when one begins. */
static bool writable(const struct store *s)
{
	return s->file.db && !s->file.read_only && !sqlite3_db_readonly(s->file.db, "main");
}

static int begin(struct store *s)
{
	int rc = SQLITE_READONLY;

	if (writable(s))
		rc = sqlite3_exec(s->file.db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if ((rc & 0xff) != SQLITE_READONLY)
		return rc;
	reopen(s);
	return writable(s) ? sqlite3_exec(s->file.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) : rc;
}

static int overwrite_failure(struct store *s)
{
	int rc = sqlite3_exec(s->file.db, "UPDATE failure SET n = n + 1", NULL, NULL, NULL);

	s->doubtful = rc != SQLITE_OK;
	return rc;
}

/* The log lost its name: save what it holds, and go on with a new one.  SQLite takes away
 * what has its name when it closes. */
static int renew_log(struct store *s, char *why, size_t len)
{
	int rc = store_file_save_log(&s->file);

	if (rc) {
		snprintf(why, len, "the log of %s is gone, and cannot be saved: %s", s->path,
			sqlite3_errmsg(s->file.db));
		return sqlite_errno(rc);
	}
	log_warn(
		"database %s: its log was removed or replaced, all that it held is saved", s->path);
	pthread_mutex_lock(&s->lock);
	s->stats.logs_lost++;
	pthread_mutex_unlock(&s->lock);
	reopen(s);
	return 0;
}

static int check_log(struct store *s, char *why, size_t len)
{
	if (!s->file.db)
		return 0;
	switch (store_file_look_at_log(&s->file, s->path)) {
	case STORE_FILE_LOG_GONE:
		return renew_log(s, why, len);
	case STORE_FILE_LOG_CUT:
		store_file_abandon_log(&s->file);
		snprintf(why, len, "the log of %s was cut short: export the configuration, restart",
			s->path);
		return -ESTALE;
	default:
		return 0;
	}
}

static int commit_group(struct store *s, const struct store_group *g, char *why, size_t len)
{
	sqlite3 *db;
	int rc;

	/* What is written to a file that has lost its name is lost with the process. */
	if (!store_file_in_place(&s->file, s->path)) {
		snprintf(why, len, "%s is gone or another file by now", s->path);
		return -ESTALE;
	}
	rc = check_log(s, why, len);
	if (rc)
		return rc;
	rc = s->doubtful && writable(s) ? overwrite_failure(s) : SQLITE_OK;
	if (!rc)
		rc = begin(s);
	db = s->file.db;
	if (!writable(s)) {
		snprintf(why, len, "%s cannot be written", s->path);
		return -EROFS;
	}
	if (!rc)
		rc = write_rows(s, g);
	if (!rc)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (!rc) {
		store_file_note_log(&s->file, s->path);
		return 0;
	}
	describe(db, rc, why, len);
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	overwrite_failure(s);
	return sqlite_errno(rc);
}

static void finish(struct store *s, int error, const char *why)
{
	uint64_t one = 1;

	s->error = error;
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (error) {
		s->stats.failed++;
		snprintf(s->stats.last_error, sizeof(s->stats.last_error), "%s", why);
	} else {
		s->stats.commits++;
	}
	if (write(s->done_fd, &one, sizeof(one)) != sizeof(one))
		abort(); /* an eventfd at 1 takes another 1 */
}

static void *store_main(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->has_work && !s->stop)
			pthread_cond_wait(&s->cond, &s->lock);
		if (!s->has_work)
			break;
		struct store_group work = s->work;
		s->work = (struct store_group){0};
		s->has_work = false;
		pthread_mutex_unlock(&s->lock);

		char why[sizeof(s->why)] = "";
		int error = commit_group(s, &work, why, sizeof(why));
		store_group_fini(&work);

		pthread_mutex_lock(&s->lock);
		finish(s, error, why);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- on the control thread ---- */

static void store_done(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;
	char why[sizeof(s->why)];
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&s->lock);
	int error = s->error;
	memcpy(why, s->why, sizeof(why));
	pthread_mutex_unlock(&s->lock);
	s->busy = false;
	if (error)
		log_error("database %s: a change could not be stored: %s", s->path, why);
	s->done(s->done_arg, error, why);
}

void store_commit(struct store *s, struct store_group *group, store_done_fn done, void *arg)
{
	assert(!s->busy);
	s->busy = true;
	s->done = done;
	s->done_arg = arg;
	pthread_mutex_lock(&s->lock);
	s->work = *group;
	s->has_work = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
	*group = (struct store_group){0};
}

struct store_stats store_stats(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct store_stats stats = s->stats;
	pthread_mutex_unlock(&s->lock);
	return stats;
}

static int load_kind(struct store *s, enum config_kind kind, store_row_fn fn, void *arg)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->file.db,
		"SELECT name, json FROM object WHERE owner = ? AND kind = ? ORDER BY name", -1, &st,
		NULL);

	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, s->owner, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, config_kind_name(kind), -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);
		const char *json = (const char *)sqlite3_column_text(st, 1);

		if (!name || !json) { /* out of memory: the columns are not null */
			rc = SQLITE_NOMEM;
			break;
		}
		fn(kind, name, json, arg);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int load_revision(struct store *s)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->file.db, "SELECT n FROM revision", -1, &st, NULL);

	if (rc)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		s->stats.revision = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_load(struct store *s, store_row_fn fn, void *arg, struct strbuf *why)
{
	assert(!s->busy);
	int rc = load_revision(s);
	for (int kind = 0; !rc && kind < CONFIG_KINDS; kind++)
		rc = load_kind(s, kind, fn, arg);
	if (!rc)
		return 0;
	strbuf_printf(why, "database %s cannot be read: %s", s->path, sqlite3_errmsg(s->file.db));
	return -EIO;
}

int store_secret(struct store *s, uint8_t secret[STORE_SECRET_LEN], struct strbuf *why)
{
	sqlite3_stmt *st = NULL;
	const void *bytes = NULL;

	assert(!s->busy);
	if (!sqlite3_prepare_v2(s->file.db, "SELECT bytes FROM secret", -1, &st, NULL) &&
		sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == STORE_SECRET_LEN)
		bytes = sqlite3_column_blob(st, 0);
	if (bytes)
		memcpy(secret, bytes, STORE_SECRET_LEN);
	else
		strbuf_printf(why, "database %s: its secret cannot be read: %s", s->path,
			sqlite3_errmsg(s->file.db));
	sqlite3_finalize(st);
	return bytes ? 0 : -EIO;
}

/* Signals are for other threads; SIGXFSZ (file size limit) shall be a failed write. */
static int start_thread(struct store *s)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&s->thread, NULL, store_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static int no_memory(const char *path, struct strbuf *why)
{
	strbuf_printf(why, "database %s: %s", path, strerror(ENOMEM));
	return -ENOMEM;
}

int store_open(const struct store_conf *conf, struct store **out, struct strbuf *why)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return no_memory(conf->path, why);
	s->path = strdup(conf->path);
	s->owner = strdup(conf->owner);
	s->migrations = conf->migrations ? conf->migrations : store_migrations;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->cond, NULL);
	if (!s->path || !s->owner) {
		rc = no_memory(conf->path, why);
		goto free_self;
	}
	rc = store_file_open(s->path, s->migrations, NULL, &s->file, why);
	if (rc)
		goto free_self;
	if (s->file.read_only)
		log_warn("database %s is read-only: changes will be refused", s->path);
	s->first = (struct store_file){.device = s->file.device, .inode = s->file.inode};
	s->stats.schema = s->file.schema;
	s->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->done_fd < 0) {
		rc = -errno;
		goto close_file;
	}
	s->done_ev = event_new(conf->base, s->done_fd, EV_READ | EV_PERSIST, store_done, s);
	rc = s->done_ev && !event_add(s->done_ev, NULL) ? start_thread(s) : -ENOMEM;
	if (rc)
		goto close_fd;
	*out = s;
	return 0;

close_fd:
	if (s->done_ev)
		event_free(s->done_ev);
	close(s->done_fd);
close_file:
	strbuf_printf(why, "database %s: %s", s->path, strerror(-rc));
	store_file_close(&s->file);
free_self:
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->lock);
	free(s->owner);
	free(s->path);
	free(s);
	return rc;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	store_group_fini(&s->work);
	event_free(s->done_ev);
	close(s->done_fd);
	store_file_close(&s->file);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->lock);
	free(s->owner);
	free(s->path);
	free(s);
}
