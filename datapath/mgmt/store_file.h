/* store_file.h - opening a database file that may be new, old, newer, damaged, another
 * program's, read-only, or in use.
 *
 * Before SQLite may write to the file it is looked at: its header by plain reads, then its
 * owner and its pages as they are with the journal or log that a crash left beside it
 * (store_view.h).  What is refused is left as it is, byte for byte, and so are the files
 * beside it.  A lock (flock) is held as long as the file is open.
 *
 * Threads: one owner at a time. */
#pragma once

#include <sqlite3.h>

#include "store.h"

struct store_file {
	sqlite3 *db;
	int lock_fd; /* -1: ":memory:" */
	bool read_only;
	int schema;
	uint64_t device, inode; /* of the file */
	struct {
		bool known; /* there is one */
		uint64_t device, inode;
		int64_t size;
	} log; /* of SQLite's, beside the file, as it was last seen */
};

/* Where 'existing' is not NULL, the path must lead to that very file (its device and inode),
 * and none is made: -ESTALE where it does not.  0; -errno with 'why' a whole sentence.  -EBUSY: in
 * use; -EUCLEAN: damaged; -EPROTO: newer or another program's. */
int store_file_open(const char *path, const struct store_migration *migrations,
	const struct store_file *existing, struct store_file *f, struct strbuf *why);
/* Does 'path' still lead to the open file?  True for ":memory:". */
bool store_file_in_place(const struct store_file *f, const char *path);

/* Note what log there is now; after opening (store_file_open() does it) and each commit. */
void store_file_note_log(struct store_file *f, const char *path);

enum store_file_log {
	STORE_FILE_LOG_SAFE, /* in place, or none is known */
	STORE_FILE_LOG_GONE, /* its name is: what is in it can only be had from the open one */
	STORE_FILE_LOG_CUT,  /* it is shorter than it was */
};

enum store_file_log store_file_look_at_log(const struct store_file *f, const char *path);

/* Bring what the log holds that lost its name into the file.  An SQLite result code. */
int store_file_save_log(struct store_file *f);
/* Leave file and log as they are, also when closing: part of the log is lost. */
void store_file_abandon_log(struct store_file *f);

void store_file_close(struct store_file *f);
