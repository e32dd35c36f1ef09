#include "table.h"

#include <inttypes.h>
#include <stdio.h>

/* "1,234,567" */
static void put_exact(const struct style *style, struct strbuf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n);

	for (int i = 0; i < len; i++) {
		if (i && style->thousands && (len - i) % 3 == 0)
			strbuf_putc(out, ',');
		strbuf_putc(out, digits[i]);
	}
}

/* Scale by 1000 until the number prints with three digits, rounding included:
 * 999,950 is "1.00 M", not "1000 k". */
static void put_scaled(struct strbuf *out, double n, const char *unit)
{
	static const char prefixes[] = " kMGTPE";
	unsigned i = 0;

	for (; n >= 999.5 && prefixes[i + 1]; i++)
		n /= 1000;
	int decimals = i && n < 9.995 ? 2 : i && n < 99.95 ? 1 : 0;

	strbuf_printf(out, "%.*f", decimals, n);
	if (i || *unit)
		strbuf_putc(out, ' ');
	if (i)
		strbuf_putc(out, prefixes[i]);
	strbuf_puts(out, unit);
}

void style_count(const struct style *style, struct strbuf *out, uint64_t n)
{
	if (style->human)
		put_scaled(out, (double)n, "");
	else
		put_exact(style, out, n);
}

void style_bytes(const struct style *style, struct strbuf *out, uint64_t n)
{
	if (style->human)
		put_scaled(out, (double)n, "B");
	else
		put_exact(style, out, n);
}

void style_rate(struct strbuf *out, double per_second)
{
	put_scaled(out, per_second, "");
}

void style_rate_of(struct strbuf *out, double per_second, const char *unit)
{
	put_scaled(out, per_second, unit);
}

void style_seconds(struct strbuf *out, uint64_t s)
{
	if (s < 120)
		strbuf_printf(out, "%" PRIu64 " s", s);
	else if (s < 7200)
		strbuf_printf(out, "%" PRIu64 " min", s / 60);
	else if (s < 172800)
		strbuf_printf(out, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else
		strbuf_printf(out, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
}
