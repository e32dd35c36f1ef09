/* value.h - read JSON of the daemon, which may lack any key, and show it.
 *
 * What is absent or of another type reads as "", 0 or false: a newer or older
 * daemon must not break the command line.
 *
 * Threads: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "table.h"

const char *value_str(const json_t *object, const char *key);
uint64_t value_count(const json_t *object, const char *key);
double value_real(const json_t *object, const char *key);
bool value_bool(const json_t *object, const char *key);

/* A new array with the elements of 'array' sorted by the keys, NULL at the end:
 * numbers by size, text with its numbers by size (p2 before p10). */
json_t *value_sorted(json_t *array, const char *const *keys);

/* The element of 'array' whose 'key' is the text 'name', or NULL.  Borrowed. */
json_t *value_find(const json_t *array, const char *key, const char *name);

/* Append a value in one line: lists parted by blanks, objects as KEY=VALUE. */
void value_text(struct strbuf *out, const json_t *value);

/* Append a line per key, "  KEY  VALUE", but for the keys of 'skip', NULL at the
 * end.  A "state" is coloured and followed by its "why". */
void value_block(const struct style *style, struct strbuf *out, const json_t *object,
	const char *const *skip);
