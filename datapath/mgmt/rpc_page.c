#include "rpc_page.h"

#include <errno.h>
#include <stdarg.h>

#include "must.h"
#include "schema.h"
#include "switch_limits.h"

int rpc_page_params(struct rpc_call *call, struct rpc_page *page)
{
	const json_t *limit = json_object_get(call->params, "limit");

	*page = (struct rpc_page){.call = call};
	if (rpc_opt_text(call, "after", &page->after))
		return -EINVAL;
	if (!limit && page->after)
		return refuse(
			&call->refusal, REFUSED_PARAMS, "after", "'after' is without 'limit'");
	if (!limit)
		return 0;
	json_int_t n = json_integer_value(limit);
	if (n < 1 || n > LIMITS_PAGE_ENTRIES)
		return refuse(&call->refusal, REFUSED_PARAMS, "limit",
			"'limit' is not a number from 1 to %d", LIMITS_PAGE_ENTRIES);
	page->limit = (size_t)n;
	return 0;
}

void rpc_page_begin(struct rpc_page *page)
{
	strbuf_puts(&page->call->text, page->limit ? "{\"list\":[" : "[");
}

bool rpc_page_full(const struct rpc_page *page)
{
	size_t len = page->call->text.len;

	if (!page->limit) /* too long already */
		return len >= LIMITS_TEXT_BYTES;
	return page->n >= page->limit || len >= LIMITS_PAGE_BYTES;
}

void rpc_page_add(struct rpc_page *page, json_t *entry)
{
	char *text = must(json_dumps(entry, JSON_COMPACT | JSON_REAL_PRECISION(9)));

	if (page->n++)
		strbuf_putc(&page->call->text, ',');
	strbuf_puts(&page->call->text, text);
	free(text);
	json_decref(entry);
}

void rpc_page_text(struct rpc_page *page, const char *fmt, ...)
{
	va_list ap;

	if (page->n++)
		strbuf_putc(&page->call->text, ',');
	va_start(ap, fmt);
	strbuf_vprintf(&page->call->text, fmt, ap);
	va_end(ap);
}

void rpc_page_end(struct rpc_page *page, const char *next)
{
	struct strbuf *text = &page->call->text;

	strbuf_putc(text, ']');
	if (page->limit && next) /* names have no character that JSON would escape */
		strbuf_printf(text, ",\"next\":\"%s\"", next);
	if (page->limit)
		strbuf_putc(text, '}');
}
