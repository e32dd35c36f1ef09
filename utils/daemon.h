/* daemon.h - what a daemon does at its start: one instance per directory, a pid
 * file, going to the background.
 *
 * Threads: before any other thread exists. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Create the directory (mode 0755) where it is missing.  0 or -errno. */
int daemon_make_dir(const char *path);

/* Lock 'path' and write our pid into it.  The lock lasts as long as the process.
 * 0; -EBUSY with *holder set where another process has it; another -errno. */
int daemon_pidfile(const char *path, pid_t *holder);

/* The same for all mount namespaces that share our network namespace, so that 'rundir',
 * by which a switch knows its devices again, is ours alone there.  0; -EBUSY with *holder
 * set (0 where it is in another process namespace); another -errno. */
int daemon_claim(const char *rundir, pid_t *holder);

/* Does a switch that runs in our network namespace have that claim?  *holder as above.
 * Any time, any thread. */
bool daemon_claimed(const char *rundir, pid_t *holder);

/* Readable when somebody asks for our claim, who is to be let go by the second; -1: none. */
int daemon_claim_fd(void);
void daemon_claim_asked(void);

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
