/* store_view.h - a database file as SQLite will see it once it has taken up what a crash
 * left beside it (a journal to roll back, a log to go on from), with nothing written: not to
 * the file, not to the journal or the log, and no file is made.
 *
 * So a file can be looked at through and through before SQLite may touch it.
 *
 * Bounds: memory for what a journal rolls back, not more than the journal holds; a file that
 * a journal would make larger than 64 GiB is not shown (SQLITE_FULL).
 *
 * Threads: one owner at a time per view.  No other connection of this process may have the
 * file open: closing a view drops that one's locks. */
#pragma once

#include <sqlite3.h>

/* An SQLite result code.  '*db' is to be closed with sqlite3_close(), also after a failure. */
int store_view_open(const char *path, sqlite3 **db);
