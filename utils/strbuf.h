/* strbuf.h - a growing string for messages and output.
 *
 * Always NUL-terminated.  Growth aborts on out of memory: these strings are
 * small and belong to the control plane.  Not for the fast path.
 *
 * Threads: none of its own; one owner at a time. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *str; /* NULL until something is written; use strbuf_str() to read */
	size_t len;
	size_t cap;
};

#define STRBUF_INIT ((struct strbuf){0})

void strbuf_fini(struct strbuf *sb);
void strbuf_reset(struct strbuf *sb);

/* Keep the first 'len' bytes; there are at least as many. */
void strbuf_cut(struct strbuf *sb, size_t len);

void strbuf_putc(struct strbuf *sb, char c);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));
void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), nonnull(2)));

/* The text, "" when empty.  Borrowed; valid until the next write. */
const char *strbuf_str(const struct strbuf *sb);

/* Take the text; the caller frees it with free().  'sb' is empty after. */
char *strbuf_steal(struct strbuf *sb);
