#include "top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "port_text.h"
#include "value.h"

/* Columns stand in the order of their worth: a narrow terminal cuts the last ones off. */

/* Lines that stand around the tables: the title, headers, gaps, a "... more" for the
 * ports, and the last one of the screen, which stays empty. */
enum { LINES_AROUND = 9, WORKERS_MIN = 4, DROPS_MIN = 3, PORTS_MIN = 3 };

static void rate_cell(struct table *table, double per_second)
{
	struct strbuf text = STRBUF_INIT;

	style_rate(&text, per_second);
	table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
	strbuf_fini(&text);
}

static double traffic(const json_t *port)
{
	return value_real(json_object_get(port, "rx"), "bits-per-s") +
	       value_real(json_object_get(port, "tx"), "bits-per-s");
}

static void draw_title(const struct style *style, const json_t *rates, struct strbuf *out)
{
	static const char *const directions[] = {"rx", "tx"};
	struct strbuf line = STRBUF_INIT;
	json_t *port;
	size_t i;

	strbuf_printf(&line, "vswitchd %s  up ", value_str(rates, "version"));
	style_seconds(&line, value_count(rates, "uptime-s"));
	for (unsigned d = 0; d < 2; d++) {
		double packets = 0, bits = 0;

		json_array_foreach(json_object_get(rates, "ports"), i, port)
		{
			const json_t *n = json_object_get(port, directions[d]);

			packets += value_real(n, "packets-per-s");
			bits += value_real(n, "bits-per-s");
		}
		strbuf_printf(&line, "   %s ", directions[d]);
		style_rate_of(&line, packets, "pps");
		strbuf_putc(&line, ' ');
		style_rate_of(&line, bits, "bit/s");
	}
	style_puts(style, out, COLOR_BOLD, strbuf_str(&line));
	strbuf_puts(out, "\n\n");
	strbuf_fini(&line);
}

static void draw_more(const struct style *style, size_t n, const char *what, struct strbuf *out)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_printf(&line, "... and %zu more %s", n, what);
	style_puts(style, out, COLOR_DIM, strbuf_str(&line));
	strbuf_putc(out, '\n');
	strbuf_fini(&line);
}

/* "||||||||    " */
static void bar(char text[21], double percent)
{
	for (int i = 0; i < 20; i++)
		text[i] = percent >= 5 * i + 2.5 ? '|' : ' ';
	text[20] = '\0';
}

static void draw_workers(const struct style *style, json_t *workers, size_t max, struct strbuf *out)
{
	static const struct table_column columns[] = {{"WORKER", true}, {"BUSY", true},
		{"CPU", true}, {"PACKETS/S", true}, {"SLEEPS/S", true}, {"", false}};
	struct table *table = table_create(style, columns, 6);
	json_t *worker;
	char text[21];
	size_t i;

	json_array_foreach(workers, i, worker)
	{
		double busy = value_real(worker, "busy-percent");
		enum color color = busy >= 95 ? COLOR_RED : busy >= 75 ? COLOR_YELLOW : COLOR_GREEN;

		if (i == max)
			break;
		bar(text, busy);
		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(worker, "id"));
		table_cell(table, COLOR_NONE, "%.1f %%", busy);
		table_cell(table, COLOR_NONE, "%.0f %%", value_real(worker, "cpu-percent"));
		rate_cell(table, value_real(worker, "packets-per-s"));
		rate_cell(table, value_real(worker, "sleeps-per-s"));
		table_cell(table, color, "%s", text);
	}
	table_print(table, 0, out);
	table_destroy(table);
	if (json_array_size(workers) > max)
		draw_more(style, json_array_size(workers) - max, "workers", out);
}

static int by_traffic(const void *a, const void *b)
{
	double x = traffic(*(json_t *const *)a), y = traffic(*(json_t *const *)b);

	if (x != y)
		return x > y ? -1 : 1;
	return strverscmp(
		value_str(*(json_t *const *)a, "name"), value_str(*(json_t *const *)b, "name"));
}

static void port_row(struct table *table, const json_t *port)
{
	const json_t *rx = json_object_get(port, "rx"), *tx = json_object_get(port, "tx");
	const char *state = value_str(port, "state");
	double drops = value_real(rx, "drops-per-s") + value_real(tx, "drops-per-s");
	struct strbuf text = STRBUF_INIT;

	table_cell(table, COLOR_NONE, "%s", value_str(port, "name"));
	table_cell(table, port_state_color(state), "%s", state);
	rate_cell(table, value_real(rx, "packets-per-s"));
	rate_cell(table, value_real(rx, "bits-per-s"));
	rate_cell(table, value_real(tx, "packets-per-s"));
	rate_cell(table, value_real(tx, "bits-per-s"));
	style_rate(&text, drops);
	table_cell(table, drops > 0 ? COLOR_RED : COLOR_NONE, "%s", strbuf_str(&text));
	table_cell(table, COLOR_NONE, "%s", value_str(port, "bridge"));
	strbuf_fini(&text);
}

/* 'max' 0: all of them, by name. */
static void draw_ports(const struct style *style, json_t *ports, size_t max, struct strbuf *out)
{
	static const struct table_column columns[] = {{"PORT", false}, {"STATE", false},
		{"RX PPS", true}, {"RX BIT/S", true}, {"TX PPS", true}, {"TX BIT/S", true},
		{"DROPS/S", true}, {"BRIDGE", false}};
	struct table *table = table_create(style, columns, 8);
	size_t n = json_array_size(ports), i;
	json_t **order = calloc(n + 1, sizeof *order), *port;

	if (!order)
		abort();
	json_array_foreach(ports, i, port) order[i] = port;
	if (max)
		qsort(order, n, sizeof *order, by_traffic);
	for (i = 0; i < n && (!max || i < max); i++)
		port_row(table, order[i]);
	strbuf_putc(out, '\n');
	table_print(table, 0, out);
	if (i < n)
		draw_more(style, n - i, "ports", out);
	table_destroy(table);
	free(order);
}

static void draw_drops(const struct style *style, json_t *drops, size_t max, struct strbuf *out)
{
	static const struct table_column columns[] = {{"DROPS OF", false}, {"PER S", true},
		{"COUNT", true}, {"REASON", false}, {"ABOUT", false}};
	struct table *table = table_create(style, columns, 5);
	json_t *drop;
	size_t i;

	json_array_foreach(drops, i, drop)
	{
		if (i == max)
			break;
		table_cell(table, COLOR_NONE, "%s", value_str(drop, "port"));
		rate_cell(table, value_real(drop, "per-s"));
		table_count(table, value_count(drop, "count"));
		table_cell(table, COLOR_RED, "%s", value_str(drop, "reason"));
		table_cell(table, COLOR_NONE, "%s", value_str(drop, "about"));
	}
	if (i)
		strbuf_putc(out, '\n');
	table_print(table, 0, out);
	table_destroy(table);
	if (json_array_size(drops) > max)
		draw_more(style, json_array_size(drops) - max, "reasons", out);
}

/* Take up to a third of 'room' for 'n' rows, but at least 'min' of them.  How many
 * rows to show; one line more tells of the others. */
static size_t take(size_t *room, size_t n, size_t min)
{
	size_t most = *room / 3 > min ? *room / 3 : min;
	size_t shown = n < most ? n : most, lines = shown + (shown < n);

	*room -= lines < *room ? lines : *room;
	return shown;
}

void top_draw(const struct style *style, const json_t *rates, unsigned rows, struct strbuf *out)
{
	struct style inner = *style;
	struct strbuf text = STRBUF_INIT;
	json_t *workers = json_object_get(rates, "workers");
	json_t *ports = json_object_get(rates, "ports");
	json_t *drops = json_object_get(rates, "drops");
	size_t n_workers = SIZE_MAX, n_drops = SIZE_MAX, n_ports = 0;

	if (rows) {
		size_t room = rows > LINES_AROUND ? rows - LINES_AROUND : 0;

		n_workers = take(&room, json_array_size(workers), WORKERS_MIN);
		n_drops = take(&room, json_array_size(drops), DROPS_MIN);
		n_ports = room > PORTS_MIN ? room : PORTS_MIN;
	}
	/* Lines are cut, not folded: a picture's height must not depend on them. */
	inner.width = 0;
	draw_title(&inner, rates, &text);
	draw_workers(&inner, workers, n_workers, &text);
	draw_ports(&inner, ports, n_ports, &text);
	draw_drops(&inner, drops, n_drops, &text);
	top_clip(out, strbuf_str(&text), style->width, "\n");
	strbuf_fini(&text);
}

void top_clip(struct strbuf *out, const char *text, unsigned width, const char *end)
{
	unsigned at = 0;

	for (; *text; text++) {
		if (*text == '\033') {
			size_t len = strcspn(text, "m");

			strbuf_printf(out, "%.*sm", (int)len, text);
			text += len;
		} else if (*text == '\n') {
			strbuf_puts(out, end);
			at = 0;
		} else {
			at += (*text & 0xc0) != 0x80;
			if (!width || at <= width)
				strbuf_putc(out, *text);
		}
	}
}
