#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum {
	LOG_LINE_MAX = 1024, /* less than PIPE_BUF: a pipe that has room takes it whole */
	RATE_NS = 200000000, /* between two messages of one call site */
};

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
static unsigned long sink_lost; /* messages that it did not take */

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

static bool rate_pass(struct log_rate *r)
{
	uint64_t now = clock_now_ns();
	uint64_t next = __atomic_load_n(&r->next_ns, __ATOMIC_RELAXED);

	if (now < next || !__atomic_compare_exchange_n(&r->next_ns, &next, now + RATE_NS, false,
				  __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&r->left_out, 1, __ATOMIC_RELAXED);
		return false;
	}
	return true;
}

/* ---- writing; with the lock ---- */

static size_t line_begin(char line[LOG_LINE_MAX], const char *module, enum log_level level)
{
	bool colour = isatty(sink_fd);
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = strftime(line, LOG_LINE_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, LOG_LINE_MAX - n,
		".%03ld %s%-5s%s %s: ", ts.tv_nsec / 1000000, colour ? level_colours[level] : "",
		level_names[level], colour && level_colours[level][0] ? "\033[0m" : "", module);
	return n;
}

static bool line_write(const char *line, size_t n)
{
	struct pollfd pfd = {.fd = sink_fd, .events = POLLOUT};

	return poll(&pfd, 1, 0) == 1 && write(sink_fd, line, n) == (ssize_t)n;
}

/* Before a message: that others before it were lost. */
static bool tell_lost(void)
{
	char line[LOG_LINE_MAX];
	size_t n = line_begin(line, "log", LOG_LEVEL_WARN);

	n += (size_t)snprintf(
		line + n, sizeof(line) - n, "%lu messages lost, nobody took them\n", sink_lost);
	if (!line_write(line, n))
		return false;
	sink_lost = 0;
	return true;
}

static void message_write(const struct log_module *m, enum log_level level, uint64_t left_out,
	const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX], end[48] = "\n";
	int saved_errno = errno;

	if (left_out)
		snprintf(end, sizeof(end), " (%llu more left out)\n", (unsigned long long)left_out);
	pthread_mutex_lock(&sink_lock);
	size_t n = line_begin(line, m->name, level), room = sizeof(line) - n - strlen(end);

	errno = saved_errno; /* for %m */
	int len = vsnprintf(line + n, room, fmt, ap);
	if (len > 0)
		n += (size_t)len < room ? (size_t)len : room - 1;
	memcpy(line + n, end, strlen(end));
	if ((sink_lost && !tell_lost()) || !line_write(line, n + strlen(end)))
		sink_lost++;
	pthread_mutex_unlock(&sink_lock);
	errno = saved_errno;
}

void log_write(struct log_module *m, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message_write(m, level, 0, fmt, ap);
	va_end(ap);
}

void log_write_rl(
	struct log_module *m, enum log_level level, struct log_rate *rate, const char *fmt, ...)
{
	va_list ap;

	if (!rate_pass(rate))
		return;
	va_start(ap, fmt);
	message_write(m, level, __atomic_exchange_n(&rate->left_out, 0, __ATOMIC_RELAXED), fmt, ap);
	va_end(ap);
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
