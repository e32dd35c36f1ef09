#include "refusal.h"

#include <errno.h>

void refusal_fini(struct refusal *r)
{
	strbuf_fini(&r->text);
	strbuf_fini(&r->word);
	r->code = 0;
}

/* Cut to 'max' bytes without splitting a UTF-8 character, and keep it one line. */
static void clip(struct strbuf *sb, size_t max)
{
	if (sb->len > max) {
		while (max && ((unsigned char)sb->str[max] & 0xc0) == 0x80)
			max--;
		sb->len = max;
		sb->str[max] = '\0';
		strbuf_puts(sb, "...");
	}
	for (size_t i = 0; i < sb->len; i++)
		if ((unsigned char)sb->str[i] < ' ' || sb->str[i] == 0x7f)
			sb->str[i] = '?';
}

int refuse(struct refusal *r, int code, const char *word, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	clip(&text, REFUSAL_TEXT_MAX);
	struct strbuf copy = STRBUF_INIT;
	if (word)
		strbuf_puts(&copy, word);
	clip(&copy, REFUSAL_WORD_MAX);
	refusal_fini(r);
	*r = (struct refusal){.code = code, .text = text, .word = copy};
	return -EINVAL;
}

void refusal_prefix(struct refusal *r, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	strbuf_printf(&text, ": %s", strbuf_str(&r->text));
	clip(&text, REFUSAL_TEXT_MAX);
	strbuf_fini(&r->text);
	r->text = text;
}
