#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1;

int daemon_make_dir(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0755))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* The file, locked; -EBUSY or another -errno. */
static int pidfile_lock(const char *path, pid_t *holder)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char text[32];

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		*holder = (pid_t)atoi(text);
		close(fd);
		return err;
	}
	return fd;
}

/* Is the open file still the one of that name?  Its last holder removes it. */
static bool file_is_at(int fd, const char *path)
{
	struct stat ours, named;

	return !fstat(fd, &ours) && !stat(path, &named) && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

int daemon_pidfile(const char *path, pid_t *holder)
{
	char text[32];
	int fd;

	while ((fd = pidfile_lock(path, holder)) >= 0 && !file_is_at(fd, path))
		close(fd);
	if (fd < 0)
		return fd;
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) {
		int err = -errno;

		close(fd);
		return err;
	}
	return 0; /* the descriptor stays open: it is the lock */
}

static int wait_until_ready(int fd, pid_t child)
{
	char ok = 1;
	ssize_t n;
	int status;

	do {
		n = read(fd, &ok, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	waitpid(child, &status, 0);
	return 1;
}

int daemon_detach(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		close(fds[1]);
		_exit(wait_until_ready(fds[0], pid));
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	if (chdir("/"))
		return -errno;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
	return 0;
}

void daemon_ready(int close_stderr)
{
	if (ready_fd < 0)
		return;
	if (close_stderr) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0) {
			dup2(null, STDERR_FILENO);
			close(null);
		}
	}
	ssize_t n = write(ready_fd, "\0", 1);
	(void)n; /* a parent that went away does not mind */
	close(ready_fd);
	ready_fd = -1;
}

void daemon_raise_fd_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}
