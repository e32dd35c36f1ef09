#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { LOG_LINE_MAX = 1024 };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};
_Static_assert(sizeof(level_names) / sizeof(level_names[0]) == LOG_LEVEL_N, "a name per level");

static const char *const level_colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

static struct log_module *modules; /* sorted by name; filled by constructors only */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static int sink_fd = STDERR_FILENO;
static char *sink_path;

void log_module_register(struct log_module *m)
{
	struct log_module **pos = &modules;

	while (*pos && strcmp((*pos)->name, m->name) < 0)
		pos = &(*pos)->next;
	m->next = *pos;
	*pos = m;
}

int log_level_parse(const char *word, enum log_level *level)
{
	for (int i = 0; i < LOG_LEVEL_N; i++) {
		if (!strcmp(word, level_names[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_set_level(const char *module, enum log_level level)
{
	int err = module ? -ENOENT : 0;

	for (struct log_module *m = modules; m; m = m->next) {
		if (!module || !strcmp(module, m->name)) {
			__atomic_store_n(&m->level, (int)level, __ATOMIC_RELAXED);
			err = 0;
		}
	}
	return err;
}

void log_each_module(void (*fn)(const char *module, enum log_level level, void *arg), void *arg)
{
	for (struct log_module *m = modules; m; m = m->next) {
		if (m->next && !strcmp(m->next->name, m->name))
			continue;
		fn(m->name, (enum log_level)__atomic_load_n(&m->level, __ATOMIC_RELAXED), arg);
	}
}

bool log_rate_pass(struct log_rate *r)
{
	uint64_t now = clock_now_ns();
	uint64_t next = __atomic_load_n(&r->next_ns, __ATOMIC_RELAXED);

	if (now < next || !__atomic_compare_exchange_n(&r->next_ns, &next, now + 200000000u, false,
				  __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&r->left_out, 1, __ATOMIC_RELAXED);
		return false;
	}
	return true;
}

void log_write(struct log_module *m, enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	struct timespec ts;
	struct tm tm;
	int saved_errno = errno;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);

	pthread_mutex_lock(&sink_lock);
	bool colour = isatty(sink_fd);
	size_t n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n,
		".%03ld %s%-5s%s %s: ", ts.tv_nsec / 1000000, colour ? level_colours[level] : "",
		level_names[level], colour && level_colours[level][0] ? "\033[0m" : "", m->name);

	va_list ap;
	va_start(ap, fmt);
	errno = saved_errno;
	int len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (len > 0)
		n += (size_t)len < sizeof(line) - n - 1 ? (size_t)len : sizeof(line) - n - 2;
	line[n++] = '\n';
	ssize_t done = write(sink_fd, line, n);
	(void)done; /* a full disk must not stop the switch */
	pthread_mutex_unlock(&sink_lock);
	errno = saved_errno;
}

int log_open(const char *path)
{
	int fd = STDERR_FILENO;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0)
			return -errno;
	}
	char *copy = path ? strdup(path) : NULL;

	pthread_mutex_lock(&sink_lock);
	if (sink_fd != STDERR_FILENO)
		close(sink_fd);
	sink_fd = fd;
	free(sink_path);
	sink_path = copy;
	pthread_mutex_unlock(&sink_lock);
	return 0;
}

int log_reopen(void)
{
	char *path = sink_path ? strdup(sink_path) : NULL;
	int err = path ? log_open(path) : 0;

	free(path);
	return err;
}
