/* daemon.h - what a daemon does at its start: one instance per directory, a pid
 * file, going to the background.
 *
 * Threads: before any other thread exists. */
#pragma once

#include <sys/types.h>

/* Create the directory (mode 0755) where it is missing.  0 or -errno. */
int daemon_make_dir(const char *path);

/* Lock 'path' and write our pid into it.  The lock lasts as long as the process.
 * 0; -EBUSY with *holder set where another process has it; another -errno. */
int daemon_pidfile(const char *path, pid_t *holder);

/* Go to the background.  Returns in the child; the parent waits for
 * daemon_ready() and exits with 0, or with 1 where the child died before.  The
 * child is a session of its own with '/' as directory; stdin and stdout are
 * closed, stderr stays until daemon_ready().  0 or -errno. */
int daemon_detach(void);

/* Tell the waiting parent that all is well; nothing where there is none.  With
 * 'close_stderr' messages to the terminal end here. */
void daemon_ready(int close_stderr);

/* As many descriptors as the system lets us have. */
void daemon_raise_fd_limit(void);
