#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "clock.h"
#include "pages.h"
#include "rates.h"
#include "screen.h"
#include "top.h"
#include "value.h"

static const struct command_option top_options[] = {
	{"-n", "N", NULL, "show N times, then end; without a terminal once by default"},
	{"-d", "S", NULL, "seconds from one to the next, 1 by default"},
	{0},
};

/* Look at everything.  false after telling an error. */
static bool look(struct cli *cli, struct snapshot *s)
{
	*s = (struct snapshot){0};
	if ((s->status = cli_call(cli, "status", NULL)) &&
		(s->ports = pages_all(cli, "port.list", NULL)) &&
		(s->workers = cli_call(cli, "worker.stats", NULL)) &&
		(s->drops = pages_all(cli, "drops", NULL)) &&
		(s->stats = pages_all(cli, "port.stats", NULL))) {
		s->at_ns = clock_now_ns();
		return true;
	}
	snapshot_fini(s);
	return false;
}

static void wait_until(uint64_t deadline_ns)
{
	for (uint64_t now; (now = clock_now_ns()) < deadline_ns;) {
		uint64_t ns = deadline_ns - now;
		struct timespec rest = {
			.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

		nanosleep(&rest, NULL);
	}
}

static void draw(struct cli *cli, const json_t *rates)
{
	struct strbuf picture = STRBUF_INIT;
	unsigned rows;

	screen_size(&cli->style.width, &rows);
	top_draw(&cli->style, rates, rows, &picture);
	screen_draw(strbuf_str(&picture));
	strbuf_fini(&picture);
}

/* Wait for the next look, drawing again for a new size.  false: the user quits. */
static bool wait_on_screen(struct cli *cli, const json_t *rates, uint64_t deadline_ns)
{
	for (;;)
		switch (screen_wait(deadline_ns)) {
		case SCREEN_TIME:
			return true;
		case SCREEN_QUIT:
			return false;
		case SCREEN_RESIZED:
			if (rates)
				draw(cli, rates);
			break;
		}
}

struct top {
	double interval_s;
	unsigned long times; /* 0: until the user quits */
	bool screen;
	json_t *rates; /* of the picture that stands; NULL: none does */
};

static int show(struct cli *cli, struct top *top, bool first)
{
	if (top->screen) {
		draw(cli, top->rates);
		return CLI_DONE;
	}
	if (cli->globals.json) {
		cli_json(cli, top->rates);
	} else {
		if (!first)
			strbuf_putc(&cli->out, '\n');
		top_draw(&cli->style, top->rates, 0, &cli->out);
	}
	return cli_flush(cli, CLI_DONE);
}

static int loop(struct cli *cli, struct top *top)
{
	struct snapshot then, now;
	int status = CLI_DONE;

	if (!look(cli, &then))
		return CLI_REFUSED;
	if (top->screen)
		screen_draw("counting ...\n");
	for (unsigned long i = 0; status == CLI_DONE && (!top->times || i < top->times); i++) {
		uint64_t next_ns = then.at_ns + (uint64_t)(top->interval_s * 1e9);

		if (!top->screen)
			wait_until(next_ns);
		else if (!wait_on_screen(cli, top->rates, next_ns))
			break;
		if (!look(cli, &now)) {
			status = CLI_REFUSED;
			break;
		}
		json_decref(top->rates);
		top->rates = rates_between(&then, &now);
		snapshot_fini(&then);
		then = now;
		status = show(cli, top, i == 0);
	}
	snapshot_fini(&then);
	return status;
}

static int run_top(struct cli *cli, const struct call *call)
{
	const char *n = call_option(call, "-n"), *d = call_option(call, "-d");
	struct top top = {.interval_s = 1};
	double times = 0;

	if ((n && (!word_number(n, 1, 1e9, &times) || strchr(n, '.'))) ||
		(d && !word_number(d, 0.1, 3600, &top.interval_s))) {
		cli_error(cli,
			client_error(CLIENT_LOCAL, "top: '%s' is not %s", n && times < 1 ? n : d,
				n && times < 1 ? "a number of times" : "0.1 to 3600 seconds"));
		return CLI_USAGE;
	}
	top.times = (unsigned long)times;
	/* Told how often, the pictures are to be kept. */
	top.screen = !n && !cli->globals.json && screen_open();
	if (!top.screen && !n)
		top.times = 1;

	int status = loop(cli, &top);

	if (top.screen)
		screen_close();
	json_decref(top.rates);
	return status;
}

static const struct command top_commands[] = {
	{
		.about = "Show rates of ports and workers and rising drops, live.",
		.more = "On a terminal the picture is drawn anew every second until q is pressed, "
			"the "
			"busiest ports first. Elsewhere, or with --json, it is printed once, after "
			"one "
			"second of counting. BUSY is the part of the time that a worker spent on "
			"packets, CPU what the kernel accounts to it.\n\n"
			"The document is {\"version\", \"uptime-s\", \"seconds\", \"ports\": "
			"[{\"name\", "
			"\"bridge\", \"state\", \"rx\": {\"packets-per-s\", \"bits-per-s\", "
			"\"drops-per-s\"}, \"tx\": {...}}], \"workers\": [{\"id\", "
			"\"busy-percent\", "
			"\"cpu-percent\", \"packets-per-s\", \"sleeps-per-s\"}], \"drops\": "
			"[{\"port\", "
			"\"reason\", \"about\", \"per-s\", \"count\"}]}; with -n N, N documents.",
		.options = top_options,
		.run = run_top,
	},
};

const struct noun noun_top = {
	.name = "top",
	.about = "Rates and load, live.",
	.commands = top_commands,
	.n_commands = 1,
};
