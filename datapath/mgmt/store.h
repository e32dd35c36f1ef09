/* store.h - the configuration on disk, in SQLite, so that a change is durable before it
 * is acknowledged.
 *
 * One row per object and owner.  A commit is a group of rows that becomes durable as
 * one SQLite transaction (WAL, synchronous=FULL) in a thread of the store's own, so
 * that an fsync holds up nobody; the control thread is told through its event loop.
 * One commit is under way at a time; what comes meanwhile is the caller's to collect.
 *
 * A commit that fails (disk full, read-only, I/O error) leaves nothing behind, also not
 * after a crash, and later ones can succeed.  Opening refuses a file that is damaged,
 * newer than this program, or another program's, and leaves it as it is; a file that
 * cannot be written is read, and commits fail until it can.  Two stores never share a
 * file.
 *
 * Threads: control; the store's own inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config_keys.h"
#include "strbuf.h"

struct event_base;
struct store;

enum {
	STORE_APPLICATION_ID = 0x76737763, /* "vswc" */
	STORE_SCHEMA = 3,
	STORE_SECRET_LEN = 16,
};

/* SQL that takes the schema from the version before to 'to'; ended by 'sql' of NULL. */
struct store_migration {
	int to;
	const char *sql;
};

extern const struct store_migration store_migrations[];

struct store_conf {
	struct event_base *base;
	const char *path;			  /* ":memory:" keeps nothing */
	const char *owner;			  /* of the rows that are read and written */
	const struct store_migration *migrations; /* NULL: store_migrations */
};

/* A row to write, or with 'json' NULL to take away. */
struct store_row {
	enum config_kind kind;
	char *name;
	char *json;
};

/* Rows of one commit, in order; the last of several with one name holds. */
struct store_group {
	struct store_row *rows;
	size_t n, cap;
	uint64_t revision; /* of the configuration with these rows */
};

struct store_stats {
	int schema;
	uint64_t revision; /* as it was when the store was loaded */
	uint64_t commits;  /* that succeeded */
	uint64_t failed;
	uint64_t logs_lost;   /* removed or replaced under us, and what they held saved */
	char last_error[160]; /* "" while none failed */
};

/* 0; -errno with 'why' a whole sentence for people. */
int store_open(const struct store_conf *conf, struct store **store, struct strbuf *why);

/* Finishes the commit under way and does not tell its 'done'. */
void store_close(struct store *s);

/* fn() for every row of the owner, and the revision into the stats; kinds in their order, names
 * sorted.  Before the first commit.  -EIO with 'why'. */
typedef void (*store_row_fn)(enum config_kind kind, const char *name, const char *json, void *arg);
int store_load(struct store *s, store_row_fn fn, void *arg, struct strbuf *why);

/* Random bytes that are this database's own, for as long as there is the database.
 * Before the first commit.  -EIO with 'why'. */
int store_secret(struct store *s, uint8_t secret[STORE_SECRET_LEN], struct strbuf *why);

/* Copies name and json. */
void store_group_add(
	struct store_group *g, enum config_kind kind, const char *name, const char *json);
void store_group_fini(struct store_group *g);

/* Make 'group' durable (its rows are moved out of it).  done() runs in the event loop:
 * error 0, or -errno with the reason; nothing of the group was stored then.  Asserts
 * that no commit is under way. */
typedef void (*store_done_fn)(void *arg, int error, const char *why);
void store_commit(struct store *s, struct store_group *group, store_done_fn done, void *arg);

struct store_stats store_stats(struct store *s);
