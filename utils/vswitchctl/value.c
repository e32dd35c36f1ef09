#include "value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "port_text.h"

const char *value_str(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

uint64_t value_count(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

double value_real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool value_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int compare(const void *a, const void *b, void *keys)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	for (const char *const *key = keys; *key; key++) {
		const json_t *p = json_object_get(x, *key), *q = json_object_get(y, *key);
		double n = json_number_value(p), m = json_number_value(q);
		int order = json_is_string(p) && json_is_string(q)
				    ? strverscmp(json_string_value(p), json_string_value(q))
				    : (n > m) - (n < m);

		if (order)
			return order;
	}
	return 0;
}

json_t *value_sorted(json_t *array, const char *const *keys)
{
	size_t n = json_array_size(array), i;
	json_t **elements = calloc(n + 1, sizeof *elements), *element, *sorted = json_array();

	if (!elements || !sorted)
		abort();
	json_array_foreach(array, i, element) elements[i] = element;
	qsort_r(elements, n, sizeof *elements, compare, (void *)keys);
	for (i = 0; i < n; i++)
		json_array_append(sorted, elements[i]);
	free(elements);
	return sorted;
}

json_t *value_find(const json_t *array, const char *key, const char *name)
{
	json_t *element;
	size_t i;

	json_array_foreach(
		array, i, element) if (!strcmp(value_str(element, key), name)) return element;
	return NULL;
}

static void list_text(struct strbuf *out, const json_t *list)
{
	json_t *element;
	size_t i;

	json_array_foreach(list, i, element)
	{
		if (i)
			strbuf_putc(out, ' ');
		value_text(out, element);
	}
}

static void object_text(struct strbuf *out, const json_t *object)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		strbuf_printf(out, "%s%s=", gap, key);
		value_text(out, value);
		gap = " ";
	}
}

void value_text(struct strbuf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		object_text(out, value);
		break;
	case JSON_ARRAY:
		list_text(out, value);
		break;
	case JSON_STRING:
		strbuf_puts(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		strbuf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		strbuf_printf(out, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
		strbuf_puts(out, "true");
		break;
	case JSON_FALSE:
		strbuf_puts(out, "false");
		break;
	case JSON_NULL:
		strbuf_puts(out, "-");
		break;
	}
}

static bool skipped(const char *const *skip, const char *key)
{
	for (; skip && *skip; skip++)
		if (!strcmp(*skip, key))
			return true;
	return false;
}

/* A member of a member is "fdb.entries", and an external id is named as it is set. */
static void block_rows(
	struct table *table, const char *prefix, const json_t *object, const char *const *skip)
{
	struct strbuf name = STRBUF_INIT, text = STRBUF_INIT;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		enum color color = COLOR_NONE;

		if (skipped(skip, key))
			continue;
		strbuf_reset(&name);
		strbuf_reset(&text);
		if (json_is_object(value)) {
			bool ids = !strcmp(key, "external-ids");

			strbuf_printf(&name, "%s%s.", prefix, ids ? "external-id" : key);
			block_rows(table, strbuf_str(&name), value, NULL);
			continue;
		}
		strbuf_printf(&name, "%s%s", prefix, key);
		value_text(&text, value);
		if (!text.len)
			strbuf_putc(&text, '-');
		if (!strcmp(strbuf_str(&name), "state")) {
			color = port_state_color(value_str(object, key));
			if (*value_str(object, "why"))
				strbuf_printf(&text, ": %s", value_str(object, "why"));
		}
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&name));
		table_cell(table, color, "%s", strbuf_str(&text));
	}
	strbuf_fini(&name);
	strbuf_fini(&text);
}

void value_block(const struct style *style, struct strbuf *out, const json_t *object,
	const char *const *skip)
{
	static const struct table_column columns[] = {{0}, {0}};
	struct table *table = table_create(style, columns, 2);

	block_rows(table, "", object, skip);
	table_print(table, 2, out);
	table_destroy(table);
}
