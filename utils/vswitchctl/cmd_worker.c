#include <inttypes.h>

#include "cli.h"
#include "value.h"

static void print_stats(struct cli *cli, const struct call *call, json_t *result)
{
	static const struct table_column columns[] = {{"WORKER", true}, {"CPU", true},
		{"QUEUES", true}, {"POLLED", true}, {"BUSY", true}, {"PACKETS", true},
		{"PER BURST", true}, {"CYCLES", true}, {"SLEEPS", true}, {"WAKEUPS", true},
		{"STUCK", true}, {"CPU TIME", true}, {"OVER", true}};
	static const char *const keys[] = {"id", NULL};
	struct table *table = table_create(&cli->style, columns, 13);
	json_t *workers = value_sorted(result, keys), *worker;
	struct strbuf text = STRBUF_INIT;
	size_t i;

	json_array_foreach(workers, i, worker)
	{
		bool stuck = value_bool(worker, "stuck");
		bool unwatched = value_count(worker, "queues-unwatched");
		const json_t *cpu = json_object_get(worker, "cpu");

		table_cell(table, COLOR_NONE, "%" PRIu64, value_count(worker, "id"));
		/* Below 0 or null where the worker is not tied to one. */
		if (json_is_integer(cpu) && json_integer_value(cpu) >= 0)
			table_cell(table, COLOR_NONE, "%" PRIu64, value_count(worker, "cpu"));
		else
			table_cell(table, COLOR_NONE, "any");
		table_count(table, value_count(worker, "queues"));
		table_cell(table, unwatched ? COLOR_RED : COLOR_NONE, "%" PRIu64 "%s",
			value_count(worker, "queues-busy"), unwatched ? "!" : "");
		table_cell(table, COLOR_NONE, "%.1f %%", value_real(worker, "busy-percent"));
		table_count(table, value_count(worker, "packets"));
		table_cell(table, COLOR_NONE, "%.1f", value_real(worker, "packets-per-burst"));
		table_cell(table, COLOR_NONE, "%.0f", value_real(worker, "cycles-per-packet"));
		table_count(table, value_count(worker, "sleeps"));
		table_count(table, value_count(worker, "wakeups"));
		table_cell(table, stuck ? COLOR_RED : COLOR_NONE, stuck ? "yes" : "no");
		table_cell(table, COLOR_NONE, "%.1f s", value_real(worker, "cpu-s"));
		strbuf_reset(&text);
		style_seconds(&text, (uint64_t)value_real(worker, "seconds"));
		table_cell(table, COLOR_NONE, "%s", strbuf_str(&text));
	}
	table_print(table, 0, &cli->out);
	table_destroy(table);
	strbuf_fini(&text);
	json_decref(workers);
}

static const struct command worker_commands[] = {
	{
		.verb = "stats",
		.about = "Show what the forwarding threads did since the last reset.",
		.more = "QUEUES are served by the worker, POLLED those of them busy now, with ! "
			"where some cannot be waited for and are polled all the time; BUSY is the "
			"part of the time spent on packets, CYCLES the cost of one packet. OVER is "
			"the "
			"time counted. STUCK: the worker has not come round for "
			"seconds.",
		.method = "worker.stats",
		.print = print_stats,
	},
	{
		.verb = "reset",
		.about = "Count from zero.",
		.method = "worker.reset",
	},
};

const struct noun noun_worker = {
	.name = "worker",
	.about = "Workers: the threads that forward.",
	.commands = worker_commands,
	.n_commands = sizeof worker_commands / sizeof *worker_commands,
	.bare = "stats",
};
