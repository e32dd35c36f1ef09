/* top.h - the picture that the command top shows.
 *
 * Threads: one. */
#pragma once

#include <jansson.h>

#include "table.h"

/* Append the picture of 'rates' (rates.h).  'rows' bounds its height: the
 * busiest ports are kept; 0 shows all, in the order of their names.  A line is
 * cut where the style has a width. */
void top_draw(const struct style *style, const json_t *rates, unsigned rows, struct strbuf *out);

/* Append 'text' with each line cut to 'width' characters, escape sequences not
 * counted, and with 'end' after each line. */
void top_clip(struct strbuf *out, const char *text, unsigned width, const char *end);
