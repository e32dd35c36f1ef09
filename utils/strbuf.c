#include "strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void strbuf_reserve(struct strbuf *sb, size_t extra)
{
	size_t need = sb->len + extra + 1;

	if (need <= sb->cap) {
		assert(sb->str);
		return;
	}
	size_t cap = sb->cap ? sb->cap : 64;
	while (cap < need)
		cap *= 2;
	char *str = realloc(sb->str, cap);
	if (!str)
		abort();
	sb->str = str;
	sb->cap = cap;
}

void strbuf_fini(struct strbuf *sb)
{
	free(sb->str);
	*sb = STRBUF_INIT;
}

void strbuf_cut(struct strbuf *sb, size_t len)
{
	assert(len <= sb->len);
	sb->len = len;
	if (sb->str)
		sb->str[len] = '\0';
}

void strbuf_reset(struct strbuf *sb)
{
	strbuf_cut(sb, 0);
}

void strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_reserve(sb, 1);
	sb->str[sb->len++] = c;
	sb->str[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *s)
{
	size_t n = strlen(s);

	strbuf_reserve(sb, n);
	memcpy(sb->str + sb->len, s, n + 1);
	sb->len += n;
}

void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0) {
		strbuf_reserve(sb, (size_t)n);
		vsnprintf(sb->str + sb->len, (size_t)n + 1, fmt, again);
		sb->len += (size_t)n;
	}
	va_end(again);
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(sb, fmt, ap);
	va_end(ap);
}

const char *strbuf_str(const struct strbuf *sb)
{
	return sb->str ? sb->str : "";
}

char *strbuf_steal(struct strbuf *sb)
{
	if (!sb->str)
		strbuf_puts(sb, "");
	char *str = sb->str;

	*sb = STRBUF_INIT;
	return str;
}
