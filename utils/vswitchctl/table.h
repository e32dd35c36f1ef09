/* table.h - text for people: columns, colours, numbers.
 *
 * Everything is appended to a strbuf, so that a command's output is written at
 * once and tests can compare it.  What a style says is decided once, by where
 * the output goes: colours, separators and folding only for a terminal, so that
 * what a script reads is plain and one line per row.
 *
 * Cells are given row by row.  Bytes that could steer a terminal are shown as
 * '?': names and reasons come from elsewhere.  Widths count UTF-8 characters.
 *
 * Threads: one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "strbuf.h"

enum color { COLOR_NONE, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_DIM, COLOR_BOLD };

struct style {
	bool color;
	bool human;	/* 1.2 M */
	bool thousands; /* 1,234,567 */
	unsigned width; /* of the terminal; 0: lines of any length */
};

/* What the file descriptor and the environment (NO_COLOR, TERM) call for. */
struct style style_detect(int fd);

/* Append 'text' in a colour, where the style has any. */
void style_puts(const struct style *style, struct strbuf *out, enum color color, const char *text);

/* Append a count: exact with separators, or rounded: "1.2 M". */
void style_count(const struct style *style, struct strbuf *out, uint64_t n);
/* Append bytes: exact with separators, or rounded: "3.4 GB". */
void style_bytes(const struct style *style, struct strbuf *out, uint64_t n);
/* Append a rate, always rounded to three digits: "1.20 M", "9.61 G", "0". */
void style_rate(struct strbuf *out, double per_second);
/* The same with a unit: "1.20 Mpps", "0 pps". */
void style_rate_of(struct strbuf *out, double per_second, const char *unit);
/* Append a time: "42 s", "3 h 12 min", "5 d 1 h". */
void style_seconds(struct strbuf *out, uint64_t seconds);

struct table_column {
	const char *title; /* NULL in the first one: no header */
	bool right;	   /* aligned: numbers */
};

struct table;

/* 'columns' are borrowed and outlive the table.  The last column folds at the
 * width of the terminal. */
struct table *table_create(
	const struct style *style, const struct table_column *columns, unsigned n_columns);
void table_destroy(struct table *table);

/* The next cell. */
void table_cell(struct table *table, enum color color, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_count(struct table *table, uint64_t n);
void table_bytes(struct table *table, uint64_t n);

/* Append the header and the rows, each after 'indent' blanks; nothing where
 * there is no row. */
void table_print(const struct table *table, unsigned indent, struct strbuf *out);

/* The same for one of several tables that shall look like one: 'widths', zeroes before the
 * first, has those of the columns so far; they grow where a row needs it.  The header is
 * printed with the first row of all. */
enum { TABLE_COLUMNS_MAX = 16 };
void table_print_part(const struct table *table, size_t *widths, struct strbuf *out);

/* Append 'text' as a paragraph: folded at 'width' (0: not), its lines after the
 * first 'indent' blanks in; the first one starts where the caller is. */
void text_fold(struct strbuf *out, const char *text, unsigned indent, unsigned width);
