/* netns.h - network namespaces other than the one that this process lives in.
 *
 * A namespace is told by its number (the inode of its file in nsfs): unique while
 * somebody holds it, given to another one afterwards.
 *
 * Visible are those that are mounted somewhere ('ip netns', container engines) and
 * those that a process lives in.  One that is held by nothing but a descriptor or a
 * socket of somebody, or from within another process namespace, cannot be seen.
 *
 * Threads: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netns_id {
	uint64_t dev, ino;
};

struct netns {
	struct netns_id id;
	char *path; /* by which it can be opened, as long as whatever is there holds it */
};

static inline bool netns_id_equal(struct netns_id a, struct netns_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

/* That of the calling thread, of a descriptor, of what is at a path.  0 or -errno. */
int netns_self(struct netns_id *id);
int netns_of_fd(int fd, struct netns_id *id);
int netns_of_path(const char *path, struct netns_id *id);

/* A descriptor of the namespace at ns->path; -ESTALE where that is another one now. */
int netns_open(const struct netns *ns);

/* All visible ones, each once, mounted ones first; takes milliseconds where there are
 * thousands of processes.  0 or -errno; netns_list_free() frees it. */
int netns_list(struct netns **list, size_t *n);
void netns_list_free(struct netns *list, size_t n);

/* Call fn(arg) in the namespace that 'fd' is of, on a thread made for that, and wait.
 * What fn() answers, or -errno where it could not be called. */
int netns_run(int fd, int (*fn)(void *arg), void *arg);
