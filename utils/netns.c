#include "netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct netns_id id_of(const struct stat *st)
{
	return (struct netns_id){.dev = st->st_dev, .ino = st->st_ino};
}

int netns_of_fd(int fd, struct netns_id *id)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*id = id_of(&st);
	return 0;
}

int netns_of_path(const char *path, struct netns_id *id)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	*id = id_of(&st);
	return 0;
}

int netns_self(struct netns_id *id)
{
	return netns_of_path("/proc/thread-self/ns/net", id);
}

int netns_open(const struct netns *ns)
{
	int fd = open(ns->path, O_RDONLY | O_CLOEXEC);
	struct netns_id id = {0};
	int rc;

	if (fd < 0)
		return -errno;
	rc = netns_of_fd(fd, &id);
	if (!rc && netns_id_equal(id, ns->id))
		return fd;
	close(fd);
	return rc ? rc : -ESTALE;
}

/* ---- which there are ---- */

struct found {
	struct netns *v;
	size_t n, cap;
};

static bool found_has(const struct found *f, struct netns_id id)
{
	for (size_t i = f->n; i--;)
		if (netns_id_equal(f->v[i].id, id))
			return true;
	return false;
}

/* Also 0 where there is nothing at the path any more. */
static int found_put(struct found *f, const char *path)
{
	struct netns_id id = {0};

	if (netns_of_path(path, &id) || found_has(f, id))
		return 0;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 16;
		struct netns *v = realloc(f->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		f->v = v;
		f->cap = cap;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	f->v[f->n++] = (struct netns){.id = id, .path = copy};
	return 0;
}

/* proc(5): space, tab, newline and backslash are written as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		unsigned c;

		if (*s == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
			*out++ = (char)c;
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static int find_mounted(struct found *f)
{
	FILE *in = fopen("/proc/thread-self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!in)
		return -errno;
	while (!rc && getline(&line, &size, in) > 0) {
		/* id, parent, device, root of the mount, where it is, … */
		char *root, *path, *save = NULL;

		strtok_r(line, " ", &save);
		strtok_r(NULL, " ", &save);
		strtok_r(NULL, " ", &save);
		root = strtok_r(NULL, " ", &save);
		path = strtok_r(NULL, " ", &save);
		if (!path || strncmp(root, "net:[", 5))
			continue;
		unescape(path);
		rc = found_put(f, path);
	}
	free(line);
	fclose(in);
	return rc;
}

static int find_lived_in(struct found *f)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	int rc = 0;

	if (!proc)
		return -errno;
	while (!rc && (e = readdir(proc))) {
		char path[sizeof(e->d_name) + sizeof("/proc//ns/net")];

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		rc = found_put(f, path);
	}
	closedir(proc);
	return rc;
}

int netns_list(struct netns **list, size_t *n)
{
	struct found f = {0};
	int rc = find_mounted(&f);

	if (!rc)
		rc = find_lived_in(&f);
	if (rc) {
		netns_list_free(f.v, f.n);
		return rc;
	}
	*list = f.v;
	*n = f.n;
	return 0;
}

void netns_list_free(struct netns *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].path);
	free(list);
}

/* ---- being in one ---- */

struct visit {
	int fd;
	int (*fn)(void *arg);
	void *arg;
	int rc;
};

static void *visit_main(void *arg)
{
	struct visit *v = arg;

	pthread_setname_np(pthread_self(), "vs-netns");
	v->rc = setns(v->fd, CLONE_NEWNET) ? -errno : v->fn(v->arg);
	return NULL;
}

int netns_run(int fd, int (*fn)(void *arg), void *arg)
{
	struct visit v = {.fd = fd, .fn = fn, .arg = arg};
	sigset_t all, old;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = -pthread_create(&thread, NULL, visit_main, &v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return rc;
	pthread_join(thread, NULL);
	return v.rc;
}
