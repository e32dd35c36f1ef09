#include "held.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "must.h"
#include "switch_limits.h"

enum { NEXT_LEN = 40 };

static void forget_parts(struct held *h, size_t *all_bytes)
{
	*all_bytes -= h->bytes;
	h->bytes = 0;
	json_decref(h->parts);
	h->parts = NULL;
}

void held_fini(struct held *h, size_t *all_bytes)
{
	json_decref(h->answer);
	h->answer = NULL;
	forget_parts(h, all_bytes);
}

/* ---- an answer in pages ---- */

void held_answer(struct held *h, json_t *answer)
{
	json_decref(h->answer);
	h->answer = answer;
	h->at = 0;
	h->serial++;
}

static void put_json(struct strbuf *out, const json_t *value)
{
	char *text = must(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));

	strbuf_puts(out, text);
	free(text);
}

/* The object with entries 'from' and following; the number of the first that found no room. */
static size_t put_entries(
	const json_t *answer, size_t from, size_t limit, size_t bytes, struct strbuf *out)
{
	size_t start = out->len, first = 0, at = from;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)answer, key, value)
	{
		size_t n = json_array_size(value);

		strbuf_printf(out, "%s\"%s\":", out->len == start ? "{" : ",", key);
		if (!json_is_array(value)) {
			put_json(out, value);
			continue;
		}
		strbuf_putc(out, '[');
		for (bool any = false; at >= first && at < first + n && at < from + limit &&
				       (at == from || out->len - start < bytes);
			any = true) {
			if (any)
				strbuf_putc(out, ',');
			put_json(out, json_array_get(value, at++ - first));
		}
		strbuf_putc(out, ']');
		first += n;
	}
	return at;
}

static size_t count_entries(const json_t *answer)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)answer, key, value) n += json_array_size(value);
	return n;
}

static void next_text(const struct held *h, char text[NEXT_LEN])
{
	snprintf(text, NEXT_LEN, "%u-%zu", h->serial, h->at);
}

bool held_continues(const struct held *h, const char *after)
{
	char text[NEXT_LEN];

	next_text(h, text);
	return h->answer && h->at && !strcmp(text, after);
}

void held_page(struct held *h, size_t limit, size_t bytes, struct strbuf *out)
{
	char text[NEXT_LEN];

	h->at = put_entries(h->answer, h->at, limit, bytes, out);
	if (h->at < count_entries(h->answer)) {
		next_text(h, text);
		strbuf_printf(out, ",\"next\":\"%s\"}", text);
		return;
	}
	strbuf_putc(out, '}');
	json_decref(h->answer);
	h->answer = NULL;
}

void held_cut(const json_t *answer, size_t bytes, struct strbuf *out)
{
	size_t n = put_entries(answer, 0, SIZE_MAX, bytes, out), all = count_entries(answer);

	if (n < all)
		strbuf_printf(out, ",\"more\":%zu", all - n);
	strbuf_putc(out, '}');
}

/* ---- a document in parts ---- */

int held_part(struct held *h, json_t *part, size_t bytes, size_t *all_bytes)
{
	if (*all_bytes + bytes > LIMITS_PARTS_BYTES)
		return -ENOSPC;
	if (!h->parts)
		h->parts = must(json_array());
	must_do(json_array_append(h->parts, part));
	h->bytes += bytes;
	*all_bytes += bytes;
	return (int)json_array_size(h->parts);
}

/* Lists are put one behind the other; of what is no list the last one holds. */
static void join(json_t *document, const json_t *part)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)part, key, value)
	{
		json_t *so_far = json_object_get(document, key);

		if (json_is_array(so_far) && json_is_array(value))
			must_do(json_array_extend(so_far, value));
		else if (json_is_array(value))
			must_do(json_object_set_new(document, key, must(json_copy(value))));
		else
			must_do(json_object_set(document, key, value));
	}
}

json_t *held_join(struct held *h, size_t n, size_t *all_bytes)
{
	json_t *document = NULL, *part;
	size_t i;

	if (n && n == json_array_size(h->parts)) {
		document = must(json_object());
		json_array_foreach(h->parts, i, part) join(document, part);
	}
	forget_parts(h, all_bytes);
	return document;
}
