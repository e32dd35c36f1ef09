/* log.h - messages for people, by level and module, to stderr, a file or syslog.
 *
 *	LOG_MODULE(netdev);            once per .c file, before use
 *	log_warn("port %s: device vanished", name);
 *
 * Form: lower case, subject first, no full stop.  What a peer or a guest can
 * trigger goes through the _rl form (at most about 5 per second per call site;
 * the number left out is told with the next).  Never per packet.
 *
 * Nobody waits for whoever reads the messages: what a full pipe or terminal does not
 * take at once is lost, and how many were is told once it takes some again.
 *
 * Threads: any. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_N };

struct log_module {
	const char *name;
	int level; /* enum log_level; changed at run time */
	struct log_module *next;
};

struct log_rate {
	uint64_t next_ns;
	uint64_t left_out;
};

#define LOG_MODULE(id)                                                                             \
	static struct log_module log_this_module = {.name = #id, .level = LOG_LEVEL_INFO};         \
	__attribute__((constructor)) static void log_register_##id(void)                           \
	{                                                                                          \
		log_module_register(&log_this_module);                                             \
	}                                                                                          \
	static inline void log_register_##id(void)

#define log_at(lvl, ...)                                                                           \
	do {                                                                                       \
		if (__atomic_load_n(&log_this_module.level, __ATOMIC_RELAXED) >= (int)(lvl))       \
			log_write(&log_this_module, lvl, __VA_ARGS__);                             \
	} while (0)

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#define log_warn_rl(...)                                                                           \
	do {                                                                                       \
		static struct log_rate log_rate_here;                                              \
		if (__atomic_load_n(&log_this_module.level, __ATOMIC_RELAXED) >=                   \
			(int)LOG_LEVEL_WARN)                                                       \
			log_write_rl(                                                              \
				&log_this_module, LOG_LEVEL_WARN, &log_rate_here, __VA_ARGS__);    \
	} while (0)

void log_module_register(struct log_module *m);
void log_write(struct log_module *m, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_write_rl(struct log_module *m, enum log_level level, struct log_rate *rate,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "error", "warn", "info", "debug"; -EINVAL for another word. */
int log_level_parse(const char *word, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Set one module's level, or every module's where 'module' is NULL.
 * -ENOENT where no module has that name. */
int log_set_level(const char *module, enum log_level level);

/* Call 'fn' for each module, in order of name. */
void log_each_module(void (*fn)(const char *module, enum log_level level, void *arg), void *arg);

/* Where messages go: NULL is stderr.  0, or -errno from opening 'path'.
 * log_reopen() opens the same path again, for log rotation. */
int log_open(const char *path);
int log_reopen(void);
