#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1;
static int claim_fd = -1;

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

/* Whoever has the name: is it one of us, and not a stranger who wants us not to start? */
static bool is_one_of_us(const struct sockaddr_un *sa, socklen_t len, pid_t *holder)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t cred_len = sizeof(cred);
	bool ours = fd >= 0 && !connect(fd, (const struct sockaddr *)sa, len) &&
		    !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) &&
		    cred.uid == geteuid();

	if (fd >= 0)
		close(fd);
	*holder = cred.pid;
	return ours;
}

/* An abstract socket: its name is one network namespace's, and goes with its process.
 * The length of the address, or -ENAMETOOLONG. */
static int claim_address(const char *rundir, struct sockaddr_un *sa)
{
	int n;

	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(sa->sun_path + 1, sizeof(sa->sun_path) - 1, "vswitchd:%s", rundir);
	if (n >= (int)sizeof(sa->sun_path) - 1)
		return -ENAMETOOLONG;
	return (int)offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

int daemon_claim(const char *rundir, pid_t *holder)
{
	struct sockaddr_un sa;
	int len = claim_address(rundir, &sa), fd, err;

	if (len < 0)
		return len;
	for (int i = 0; i < 2; i++) { /* whoever had it may just have ended */
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		if (!bind(fd, (struct sockaddr *)&sa, (socklen_t)len) && !listen(fd, SOMAXCONN)) {
			claim_fd = fd; /* open to the end: it is the claim */
			return 0;
		}
		err = -errno;
		close(fd);
		if (err != -EADDRINUSE)
			return err;
		if (is_one_of_us(&sa, (socklen_t)len, holder))
			return -EBUSY;
	}
	return 0;
}

bool daemon_claimed(const char *rundir, pid_t *holder)
{
	struct sockaddr_un sa;
	int len = claim_address(rundir, &sa);

	return len > 0 && is_one_of_us(&sa, (socklen_t)len, holder);
}

int daemon_claim_fd(void)
{
	return claim_fd;
}

void daemon_claim_asked(void)
{
	int fd = accept(claim_fd, NULL, NULL);

	if (fd >= 0)
		close(fd);
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
