#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GAP = 2, FOLD_MIN = 20 };

struct cell {
	enum color color;
	char *text;
};

struct table {
	struct style style;
	const struct table_column *columns;
	unsigned n_columns;
	struct cell *cells;
	size_t n_cells;
	size_t cap;
};

static const char *const color_codes[] = {
	[COLOR_NONE] = "",
	[COLOR_RED] = "\033[31m",
	[COLOR_GREEN] = "\033[32m",
	[COLOR_YELLOW] = "\033[33m",
	[COLOR_DIM] = "\033[2m",
	[COLOR_BOLD] = "\033[1m",
};

struct style style_detect(int fd)
{
	struct style style = {0};
	struct winsize size;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(fd))
		return style;
	style.thousands = true;
	style.color = (!no_color || !*no_color) && term && strcmp(term, "dumb");
	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		style.width = size.ws_col;
	return style;
}

/* The characters of a text, without the second and later bytes of each. */
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void put_clean(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		strbuf_putc(out, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void put_blanks(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_putc(out, ' ');
}

void style_puts(const struct style *style, struct strbuf *out, enum color color, const char *text)
{
	bool colored = style->color && color != COLOR_NONE && *text;

	if (colored)
		strbuf_puts(out, color_codes[color]);
	put_clean(out, text);
	if (colored)
		strbuf_puts(out, "\033[0m");
}

struct table *table_create(
	const struct style *style, const struct table_column *columns, unsigned n_columns)
{
	struct table *table = calloc(1, sizeof *table);

	if (!table)
		abort();
	table->style = *style;
	table->columns = columns;
	table->n_columns = n_columns;
	return table;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

static void table_add(struct table *table, enum color color, char *text)
{
	if (table->n_cells == table->cap) {
		table->cap = table->cap ? 2 * table->cap : 64;
		table->cells = realloc(table->cells, table->cap * sizeof *table->cells);
		if (!table->cells)
			abort();
	}
	table->cells[table->n_cells++] = (struct cell){color, text};
}

void table_cell(struct table *table, enum color color, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	table_add(table, color, strbuf_steal(&text));
}

void table_count(struct table *table, uint64_t n)
{
	struct strbuf text = STRBUF_INIT;

	style_count(&table->style, &text, n);
	table_add(table, COLOR_NONE, strbuf_steal(&text));
}

void table_bytes(struct table *table, uint64_t n)
{
	struct strbuf text = STRBUF_INIT;

	style_bytes(&table->style, &text, n);
	table_add(table, COLOR_NONE, strbuf_steal(&text));
}

void text_fold(struct strbuf *out, const char *text, unsigned indent, unsigned width)
{
	size_t room = width > indent + FOLD_MIN ? width - indent : width ? FOLD_MIN : SIZE_MAX;
	size_t at = 0;

	while (*text) {
		size_t bytes = strcspn(text, " ");
		char word[256];

		/* A longer word than this is cut in two; no width is that large. */
		if (bytes >= sizeof word)
			bytes = sizeof word - 1;
		memcpy(word, text, bytes);
		word[bytes] = '\0';

		size_t chars = text_width(word);

		if (at && at + 1 + chars > room) {
			strbuf_putc(out, '\n');
			put_blanks(out, indent);
			at = 0;
		}
		if (at) {
			strbuf_putc(out, ' ');
			at++;
		}
		put_clean(out, word);
		at += chars;
		text += bytes;
		text += strspn(text, " ");
	}
}

/* What is printed: a table, and where to. */
struct print {
	const struct table *table;
	const size_t *widths; /* of its columns */
	struct strbuf *out;
};

static void print_cell(
	const struct print *print, const struct cell *cell, unsigned column, size_t at)
{
	const struct table *table = print->table;
	struct strbuf *out = print->out;
	size_t blanks = print->widths[column] - text_width(cell->text);
	bool last = column + 1 == table->n_columns, right = table->columns[column].right;

	if (right)
		put_blanks(out, blanks);
	if (last && !right && table->style.width) {
		if (table->style.color)
			strbuf_puts(out, color_codes[cell->color]);
		text_fold(out, cell->text, (unsigned)at, table->style.width);
		if (table->style.color && cell->color != COLOR_NONE)
			strbuf_puts(out, "\033[0m");
	} else {
		style_puts(&table->style, out, cell->color, cell->text);
	}
	if (!last && !right)
		put_blanks(out, blanks);
	if (!last)
		put_blanks(out, GAP);
}

/* One row: n_columns cells.  Trailing blanks are cut, for empty last cells. */
static void print_row(const struct print *print, const struct cell *row, unsigned indent)
{
	struct strbuf *out = print->out;
	size_t at = indent;

	put_blanks(out, indent);
	for (unsigned c = 0; c < print->table->n_columns; c++) {
		print_cell(print, &row[c], c, at);
		at += print->widths[c] + GAP;
	}
	while (out->len && out->str[out->len - 1] == ' ')
		out->str[--out->len] = '\0';
	strbuf_putc(out, '\n');
}

static void print_rows(
	const struct table *table, unsigned indent, size_t *widths, struct strbuf *out)
{
	bool first = !widths[0], titled = table->columns[0].title != NULL;
	struct cell header[TABLE_COLUMNS_MAX];
	unsigned n = table->n_columns;
	struct print print = {table, widths, out};

	assert(n > 0 && n <= TABLE_COLUMNS_MAX);
	if (!table->n_cells)
		return;
	for (unsigned c = 0; titled && first && c < n; c++) {
		header[c] = (struct cell){COLOR_BOLD, (char *)table->columns[c].title};
		widths[c] = text_width(header[c].text);
	}
	for (size_t i = 0; i < table->n_cells; i++)
		if (text_width(table->cells[i].text) > widths[i % n])
			widths[i % n] = text_width(table->cells[i].text);
	if (titled && first)
		print_row(&print, header, indent);
	for (size_t i = 0; i + n <= table->n_cells; i += n)
		print_row(&print, &table->cells[i], indent);
}

void table_print(const struct table *table, unsigned indent, struct strbuf *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};

	print_rows(table, indent, widths, out);
}

void table_print_part(const struct table *table, size_t *widths, struct strbuf *out)
{
	print_rows(table, 0, widths, out);
}
