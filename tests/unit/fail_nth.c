/* How it works: a function defined in the program is found before that of a library, by
 * the libraries too.  What is found next is the sanitizer's, where there is one, since
 * that stands in the program as well and would be passed over; else the C library's.
 *
 * This file is built without sanitizers: it runs before they are set up. */
#include "fail_nth.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static __thread struct {
	bool armed, stays;
	enum fail_kind kind;
	unsigned left;
	const char *failed;
} plan;

static long n_blocks, n_maps;

void fail_arm(enum fail_kind kind, unsigned n, bool stays)
{
	plan.kind = kind;
	plan.left = n;
	plan.stays = stays;
	plan.failed = NULL;
	plan.armed = true;
}

const char *fail_disarm(void)
{
	plan.armed = false;
	return plan.failed;
}

/* Shall this call fail?  Then errno is set. */
static bool fails_now(const char *name, int err)
{
	if (plan.left)
		plan.left--;
	if (plan.left || (plan.failed && !plan.stays))
		return false;
	if (!plan.failed)
		plan.failed = name;
	errno = err;
	return true;
}

static bool call_fails(const char *name, int err)
{
	if (!plan.armed || plan.kind < FAIL_SYSCALL || !fails_now(name, err))
		return false;
	if (plan.kind == FAIL_DEATH)
		raise(SIGKILL);
	return true;
}

/* Of the program, as the linker names them. */
extern const char __executable_start, etext;

/* 'caller' is an address in the code that wants memory. */
static bool alloc_fails(const char *name, const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	bool own = at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;

	return plan.armed && (plan.kind == FAIL_ALLOC || (plan.kind == FAIL_OWN_ALLOC && own)) &&
	       fails_now(name, ENOMEM);
}

static long count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	long n = 0;

	if (!d)
		abort();
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct fail_held fail_held(void)
{
	return (struct fail_held){
		.fds = count_fds(), /* first: it allocates for a while */
		.blocks = __atomic_load_n(&n_blocks, __ATOMIC_RELAXED),
		.maps = __atomic_load_n(&n_maps, __ATOMIC_RELAXED),
	};
}

static void count(long *counter, long n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* ---- memory ---- */

/* The C library's under the names that it keeps for this purpose: dlsym() allocates. */
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t n, size_t len);
extern void *__libc_realloc(void *old, size_t len);
extern void *__libc_memalign(size_t align, size_t len);
extern void __libc_free(void *mem);

/* The sanitizers'; NULL without. */
extern void *__interceptor_malloc(size_t len) __attribute__((weak));
extern void *__interceptor_calloc(size_t n, size_t len) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t len) __attribute__((weak));
extern void *__interceptor_aligned_alloc(size_t align, size_t len) __attribute__((weak));
extern void __interceptor_free(void *mem) __attribute__((weak));

static void *allocate(const char *name, size_t len, const void *caller)
{
	if (alloc_fails(name, caller))
		return NULL;
	void *mem = __interceptor_malloc ? __interceptor_malloc(len) : __libc_malloc(len);
	count(&n_blocks, mem != NULL);
	return mem;
}

void *malloc(size_t len)
{
	return allocate("malloc", len, __builtin_return_address(0));
}

void *calloc(size_t n, size_t len)
{
	if (alloc_fails("calloc", __builtin_return_address(0)))
		return NULL;
	void *mem = __interceptor_calloc ? __interceptor_calloc(n, len) : __libc_calloc(n, len);
	count(&n_blocks, mem != NULL);
	return mem;
}

void *realloc(void *old, size_t len)
{
	if (alloc_fails("realloc", __builtin_return_address(0)))
		return NULL;
	void *mem =
		__interceptor_realloc ? __interceptor_realloc(old, len) : __libc_realloc(old, len);
	if (!old)
		count(&n_blocks, mem != NULL);
	else if (!mem && !len)
		count(&n_blocks, -1);
	return mem;
}

void *aligned_alloc(size_t align, size_t len)
{
	if (alloc_fails("aligned_alloc", __builtin_return_address(0)))
		return NULL;
	void *mem = __interceptor_aligned_alloc ? __interceptor_aligned_alloc(align, len)
						: __libc_memalign(align, len);
	count(&n_blocks, mem != NULL);
	return mem;
}

void free(void *mem)
{
	int saved = errno; /* which free() does not touch */

	count(&n_blocks, -(mem != NULL));
	if (__interceptor_free)
		__interceptor_free(mem);
	else
		__libc_free(mem);
	errno = saved;
}

/* The sanitizers' would not come by malloc(). */
char *strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy = allocate("strdup", len, __builtin_return_address(0));

	return copy ? memcpy(copy, s, len) : NULL;
}

/* ---- system calls ---- */

/* next_NAME() is the function that NAME stands before.  'symbol' is its name for the linker:
 * that of the variant with 64-bit offsets, where there is one. */
#define NEXT(name, symbol)                                                                         \
	extern __typeof__(name) __interceptor_##symbol __attribute__((weak));                      \
	static __typeof__(&name) next_##name(void)                                                 \
	{                                                                                          \
		static void *found;                                                                \
		void *fn = __atomic_load_n(&found, __ATOMIC_RELAXED);                              \
                                                                                                   \
		if (!fn) {                                                                         \
			fn = __interceptor_##symbol ? (void *)__interceptor_##symbol               \
						    : dlsym(RTLD_NEXT, #symbol);                   \
			if (!fn)                                                                   \
				abort();                                                           \
			__atomic_store_n(&found, fn, __ATOMIC_RELAXED);                            \
		}                                                                                  \
		return (__typeof__(&name))fn;                                                      \
	}

/* A function with these parameters that is passed on as it is, or fails with 'err'. */
#define STAND_BEFORE(ret, name, symbol, err, params, args)                                         \
	NEXT(name, symbol)                                                                         \
	ret name params                                                                            \
	{                                                                                          \
		return call_fails(#name, err) ? -1 : next_##name() args;                           \
	}

NEXT(mmap, mmap64)
void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t ofs)
{
	if (alloc_fails("mmap", __builtin_return_address(0)))
		return MAP_FAILED;
	void *mem = next_mmap()(at, len, prot, flags, fd, ofs);
	count(&n_maps, mem != MAP_FAILED);
	return mem;
}

NEXT(munmap, munmap)
int munmap(void *mem, size_t len)
{
	count(&n_maps, -1);
	return next_munmap()(mem, len);
}

NEXT(open, open64)
int open(const char *path, int flags, ...)
{
	va_list ap;

	if (call_fails("open", EMFILE))
		return -1;
	va_start(ap, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return next_open()(path, flags, mode);
}

NEXT(fcntl, fcntl64)
int fcntl(int fd, int op, ...)
{
	va_list ap;

	if (call_fails("fcntl", EMFILE))
		return -1;
	va_start(ap, op);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return next_fcntl()(fd, op, arg);
}

NEXT(ioctl, ioctl)
int ioctl(int fd, unsigned long op, ...)
{
	va_list ap;

	if (call_fails("ioctl", ENOMEM))
		return -1;
	va_start(ap, op);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return next_ioctl()(fd, op, arg);
}

NEXT(pthread_create, pthread_create)
int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
	void *(*fn)(void *), void *restrict arg)
{
	return call_fails("pthread_create", EAGAIN) ? EAGAIN
						    : next_pthread_create()(thread, attr, fn, arg);
}

/* Of those that have no function of their own only bpf() fails, as where a signal comes. */
NEXT(syscall, syscall)
long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	if (number == SYS_bpf && call_fails("bpf", EAGAIN))
		return -1;
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return next_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

STAND_BEFORE(int, eventfd, eventfd, EMFILE, (unsigned n, int flags), (n, flags))
STAND_BEFORE(int, timerfd_create, timerfd_create, EMFILE, (int clock, int flags), (clock, flags))
STAND_BEFORE(int, epoll_create1, epoll_create1, EMFILE, (int flags), (flags))
STAND_BEFORE(int, epoll_ctl, epoll_ctl, ENOSPC, (int ep, int op, int fd, struct epoll_event *ev),
	(ep, op, fd, ev))
STAND_BEFORE(
	int, socket, socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
STAND_BEFORE(
	int, bind, bind, ENOMEM, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len))
STAND_BEFORE(int, listen, listen, EADDRINUSE, (int fd, int backlog), (fd, backlog))
STAND_BEFORE(int, setsockopt, setsockopt, ENOMEM,
	(int fd, int level, int option, const void *value, socklen_t len),
	(fd, level, option, value, len))
STAND_BEFORE(int, getsockopt, getsockopt, ENOMEM,
	(int fd, int level, int option, void *restrict value, socklen_t *restrict len),
	(fd, level, option, value, len))
STAND_BEFORE(ssize_t, sendmsg, sendmsg, ENOBUFS, (int fd, const struct msghdr *m, int flags),
	(fd, m, flags))
STAND_BEFORE(
	ssize_t, recvmsg, recvmsg, ENOBUFS, (int fd, struct msghdr *m, int flags), (fd, m, flags))
STAND_BEFORE(int, flock, flock, ENOLCK, (int fd, int op), (fd, op))
STAND_BEFORE(int, fstat, fstat64, EIO, (int fd, struct stat *st), (fd, st))
STAND_BEFORE(int, fchmod, fchmod, EROFS, (int fd, mode_t mode), (fd, mode))
STAND_BEFORE(int, chmod, chmod, EROFS, (const char *path, mode_t mode), (path, mode))
STAND_BEFORE(int, chown, chown, EROFS, (const char *path, uid_t uid, gid_t gid), (path, uid, gid))
STAND_BEFORE(int, ftruncate, ftruncate64, EIO, (int fd, off_t len), (fd, len))
STAND_BEFORE(int, fdatasync, fdatasync, EIO, (int fd), (fd))
STAND_BEFORE(ssize_t, pread, pread64, EIO, (int fd, void *buf, size_t len, off_t ofs),
	(fd, buf, len, ofs))
STAND_BEFORE(ssize_t, pwrite, pwrite64, ENOSPC, (int fd, const void *buf, size_t len, off_t ofs),
	(fd, buf, len, ofs))
