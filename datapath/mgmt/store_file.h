/* store_file.h - opening a database file that may be new, old, newer, damaged, another
 * program's, read-only, or in use.
 *
 * Before SQLite may write to the file it is looked at: its header by plain reads, its
 * pages by a read-only connection.  A lock (flock) is held as long as the file is open.
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
};

/* 0; -errno with 'why' a whole sentence.  -EBUSY: in use; -EUCLEAN: damaged; -EPROTO:
 * newer or another program's. */
int store_file_open(const char *path, const struct store_migration *migrations,
	struct store_file *f, struct strbuf *why);
void store_file_close(struct store_file *f);
