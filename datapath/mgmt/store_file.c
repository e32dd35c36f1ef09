#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_view.h"
#include "wire.h"

enum {
	HEADER_LEN = 100, /* SQLite file format, section 1.3 */
	HEADER_USER_VERSION = 60,
	HEADER_APPLICATION_ID = 68,
	BUSY_MS = 2000,
};

const struct store_migration store_migrations[] = {
	{1, "CREATE TABLE object ("
	    " owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL,"
	    " PRIMARY KEY (owner, kind, name)) STRICT, WITHOUT ROWID;"
	    "CREATE TABLE failure (n INTEGER NOT NULL) STRICT;"
	    "INSERT INTO failure VALUES (0);"},
	{2, "CREATE TABLE revision (n INTEGER NOT NULL) STRICT;"
	    "INSERT INTO revision VALUES (0);"},
	{3, "CREATE TABLE secret (bytes BLOB NOT NULL) STRICT;"
	    "INSERT INTO secret VALUES (randomblob(16));"},
	{STORE_SCHEMA, NULL},
};

static int newest(const struct store_migration *m)
{
	int to = 0;

	for (; m->sql; m++)
		to = m->to;
	return to;
}

/* ---- before SQLite: the file, its lock, its header ---- */

static int identify(struct store_file *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	return 0;
}

static bool same_file(const struct store_file *a, const struct store_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

bool store_file_in_place(const struct store_file *f, const char *path)
{
	struct stat st;

	return f->lock_fd < 0 ||
	       (!stat(path, &st) && st.st_dev == f->device && st.st_ino == f->inode);
}

static int open_and_lock(const char *path, const struct store_file *existing, struct store_file *f,
	struct strbuf *why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (existing ? 0 : O_CREAT), 0640);

	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		f->read_only = true;
	}
	if (fd < 0) {
		int err = errno;

		strbuf_printf(why, "database %s: %s", path, strerror(err));
		return -err;
	}
	if (identify(f, fd) || (existing && !same_file(f, existing))) {
		close(fd);
		strbuf_printf(why, "database %s is another file than it was", path);
		return -ESTALE;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		strbuf_printf(why, "database %s is in use by another process", path);
		return -EBUSY;
	}
	f->lock_fd = fd;
	return 0;
}

/* A file that SQLite keeps beside the database, where a link leads to. */
static bool side_file(const char *path, const char *suffix, struct stat *st)
{
	char real[PATH_MAX], name[PATH_MAX + 16];

	snprintf(name, sizeof(name), "%s%s", realpath(path, real) ? real : path, suffix);
	return !stat(name, st);
}

/* 0 where absent. */
static long long side_file_size(const char *path, const char *suffix)
{
	struct stat st;

	return side_file(path, suffix, &st) ? (long long)st.st_size : 0;
}

static int check_owner(
	const char *path, uint32_t id, uint32_t version, int known, struct strbuf *why)
{
	if (id != STORE_APPLICATION_ID || !version) {
		strbuf_printf(why, "database %s belongs to another program", path);
		return -EPROTO;
	}
	if (version > (uint32_t)known) {
		strbuf_printf(why,
			"database %s was written by a newer version (schema %u, this one knows %d)",
			path, version, known);
		return -EPROTO;
	}
	return 0;
}

/* What plain reads tell of a file. */
enum looks {
	LOOKS_EMPTY, /* nothing is in it yet */
	LOOKS_OURS,
	LOOKS_UNWRITTEN, /* a crash cut its first transaction short, if there is a journal */
	LOOKS_DAMAGED,	 /* a journal may mend it */
};

static int not_a_database(const char *path, struct strbuf *why)
{
	strbuf_printf(why, "database %s is not an SQLite database", path);
	return -EPROTO;
}

/* -EPROTO where the file is not ours. */
static int check_header(const char *path, int fd, int known, enum looks *looks, struct strbuf *why)
{
	static const uint8_t unwritten[HEADER_LEN];
	uint8_t h[HEADER_LEN] = {0};
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		strbuf_printf(why, "database %s is not a file", path);
		return -EPROTO;
	}
	*looks = LOOKS_EMPTY;
	if (!st.st_size)
		return 0;
	*looks = LOOKS_OURS;
	if (pread(fd, h, sizeof(h), 0) == sizeof(h) && !memcmp(h, "SQLite format 3", 16))
		return check_owner(path, wire_u32(h + HEADER_APPLICATION_ID),
			wire_u32(h + HEADER_USER_VERSION), known, why);
	*looks = memcmp(h, unwritten, sizeof(h)) ? LOOKS_DAMAGED : LOOKS_UNWRITTEN;
	return side_file_size(path, "-journal") > 0 ? 0 : not_a_database(path, why);
}

/* ---- with SQLite ---- */

static int sql_error(sqlite3 *db, const char *path, const char *what, int code, struct strbuf *why)
{
	strbuf_printf(why, "database %s: %s: %s", path, what,
		db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int connect(const char *name, int flags, const char *path, sqlite3 **out, struct strbuf *why)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(name, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (!rc)
		rc = sqlite3_exec(db, "PRAGMA user_version", NULL, NULL, NULL);
	if (rc) {
		rc = sql_error(db, path, "cannot be opened", rc, why);
		sqlite3_close(db);
		return rc;
	}
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	*out = db;
	return 0;
}

/* Without its log, which is empty, where SQLite cannot make the files that it shares a log
 * with: on a read-only file system. */
static int connect_immutable(const char *path, sqlite3 **out, struct strbuf *why)
{
	struct strbuf uri = STRBUF_INIT;

	if (side_file_size(path, "-wal") > 0) {
		strbuf_printf(why,
			"database %s is on a read-only file system, and its log is not empty: "
			"make it writable once",
			path);
		return -EROFS;
	}
	strbuf_puts(&uri, "file:");
	for (const char *c = path; *c; c++) {
		if (strchr("?#%", *c))
			strbuf_printf(&uri, "%%%02x", (unsigned char)*c);
		else
			strbuf_putc(&uri, *c);
	}
	strbuf_puts(&uri, "?immutable=1");
	int rc = connect(strbuf_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, path, out, why);
	strbuf_fini(&uri);
	return rc;
}

static int connect_for_reading(const char *path, sqlite3 **out, struct strbuf *why)
{
	size_t len = why->len;
	int rc = connect(path, SQLITE_OPEN_READONLY, path, out, why);

	if (rc != -EIO)
		return rc;
	why->len = len; /* what the second attempt says is better */
	return connect_immutable(path, out, why);
}

/* The answer is cut to 'size'. */
static int query_text(sqlite3 *db, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	out[0] = '\0';
	if (rc)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		rc = text ? SQLITE_OK : SQLITE_NOMEM;
		snprintf(out, size, "%s", text ? text : "");
	}
	sqlite3_finalize(st);
	return rc;
}

static int query_int(sqlite3 *db, const char *sql, int *out)
{
	char text[24];
	int rc = query_text(db, sql, text, sizeof(text));

	*out = atoi(text);
	return rc;
}

static int check_view(
	sqlite3 *db, const char *path, enum looks looks, int known, struct strbuf *why)
{
	int rc, pages, id = 0, version = 0;
	char answer[200];

	rc = query_int(db, "PRAGMA application_id", &id);
	if (!rc)
		rc = query_int(db, "PRAGMA user_version", &version);
	if (rc)
		return rc;
	/* The journal takes back the first transaction; of ours, if all bears that out. */
	if (!id && !version && !query_int(db, "PRAGMA page_count", &pages) && !pages)
		return looks == LOOKS_DAMAGED ? not_a_database(path, why) : 0;
	rc = check_owner(path, (uint32_t)id, (uint32_t)version, known, why);
	if (rc)
		return rc;
	rc = query_text(db, "PRAGMA quick_check(1)", answer, sizeof(answer));
	if (!rc && strcmp(answer, "ok")) {
		strbuf_printf(why, "database %s is damaged: %s", path, answer);
		return -EUCLEAN;
	}
	return rc;
}

/* Owner and pages as they are with what a crash left beside the file, all without writing:
 * SQLite writes to whatever file it finds a journal for. */
static int check_content(const char *path, enum looks looks, int known, struct strbuf *why)
{
	sqlite3 *db;
	int rc = store_view_open(path, &db);

	if (!rc)
		rc = check_view(db, path, looks, known, why);
	if (rc > 0)
		rc = sql_error(db, path,
			(rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB
				? "is damaged"
				: "cannot be checked",
			rc, why);
	sqlite3_close(db);
	return rc;
}

/* All steps from the version that the file has, as one transaction. */
static int migrate(
	struct store_file *f, const char *path, const struct store_migration *m, struct strbuf *why)
{
	sqlite3 *db = f->db;
	char pragma[80];
	int version, tables, known = newest(m);

	int rc = query_int(db, "PRAGMA user_version", &version);
	if (!rc)
		rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc)
		return sql_error(db, path, "cannot be read", rc, why);
	if ((!version && tables) || version > known) { /* a journal hid it from the header check */
		strbuf_printf(why, "database %s belongs to another program or version", path);
		return -EPROTO;
	}
	f->schema = version;
	if (version == known)
		return 0;
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (; !rc && m->sql; m++)
		if (m->to > version)
			rc = sqlite3_exec(db, m->sql, NULL, NULL, NULL);
	snprintf(pragma, sizeof(pragma), "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		STORE_APPLICATION_ID, known);
	if (!rc)
		rc = sqlite3_exec(db, pragma, NULL, NULL, NULL);
	if (rc) {
		rc = sql_error(db, path, "cannot be brought to this version", rc, why);
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	f->schema = known;
	return 0;
}

static int open_for_writing(struct store_file *f, const char *path,
	const struct store_migration *migrations, struct strbuf *why)
{
	int rc = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, path, &f->db, why);

	if (rc)
		return rc;
	/* No file of shared memory, and nobody else gets in. */
	rc = sqlite3_exec(f->db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
	if (rc)
		return sql_error(f->db, path, "cannot be locked", rc, why);
	/* The schema first: a new file says whose it is from its first transaction on. */
	rc = migrate(f, path, migrations, why);
	if (rc)
		return rc;
	rc = sqlite3_exec(
		f->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL);
	return rc ? sql_error(f->db, path, "cannot be written", rc, why) : 0;
}

static int open_for_reading(struct store_file *f, const char *path,
	const struct store_migration *migrations, struct strbuf *why)
{
	int rc = connect_for_reading(path, &f->db, why);

	if (rc)
		return rc;
	rc = query_int(f->db, "PRAGMA user_version", &f->schema);
	if (rc)
		return sql_error(f->db, path, "cannot be read", rc, why);
	if (f->schema != newest(migrations)) {
		strbuf_printf(why, "database %s is read-only and of an older version", path);
		return -EROFS;
	}
	return 0;
}

void store_file_note_log(struct store_file *f, const char *path)
{
	struct stat st;

	f->log.known = f->lock_fd >= 0 && !f->read_only && side_file(path, "-wal", &st);
	if (!f->log.known)
		return;
	f->log.device = st.st_dev;
	f->log.inode = st.st_ino;
	f->log.size = st.st_size;
}

/* SQLite never makes it shorter: it begins anew by writing over it. */
enum store_file_log store_file_look_at_log(const struct store_file *f, const char *path)
{
	struct stat st;

	if (!f->log.known)
		return STORE_FILE_LOG_SAFE;
	if (!side_file(path, "-wal", &st) || st.st_dev != f->log.device ||
		st.st_ino != f->log.inode)
		return STORE_FILE_LOG_GONE;
	return st.st_size < f->log.size ? STORE_FILE_LOG_CUT : STORE_FILE_LOG_SAFE;
}

int store_file_save_log(struct store_file *f)
{
	return sqlite3_wal_checkpoint_v2(f->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Some pages of a commit without the others would be worse than none. */
void store_file_abandon_log(struct store_file *f)
{
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

int store_file_open(const char *path, const struct store_migration *migrations,
	const struct store_file *existing, struct store_file *f, struct strbuf *why)
{
	bool memory = !strcmp(path, ":memory:");
	enum looks looks = LOOKS_EMPTY;
	int rc = 0, known = newest(migrations);

	*f = (struct store_file){.lock_fd = -1};
	if (!memory)
		rc = open_and_lock(path, existing, f, why);
	if (!rc && !memory)
		rc = check_header(path, f->lock_fd, known, &looks, why);
	if (!rc && looks != LOOKS_EMPTY)
		rc = check_content(path, looks, known, why);
	if (!rc)
		rc = f->read_only ? open_for_reading(f, path, migrations, why)
				  : open_for_writing(f, path, migrations, why);
	if (rc)
		store_file_close(f);
	else
		store_file_note_log(f, path);
	return rc;
}

void store_file_close(struct store_file *f)
{
	sqlite3_close(f->db);
	if (f->lock_fd >= 0)
		close(f->lock_fd); /* last: closing any descriptor drops SQLite's own locks */
	*f = (struct store_file){.lock_fd = -1};
}
