#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "port_text.h"
#include "value.h"

static const struct command_option watch_options[] = {
	{"--now", NULL, "now", "begin with the state of the moment"},
	{"-n", "N", NULL, "end after N events"},
	{0},
};

/* When it happened, by the daemon's clock: the time of day on a terminal, else the date too. */
static void put_time(struct cli *cli, const json_t *event)
{
	double at = value_real(event, "time");
	time_t seconds = (time_t)at;
	unsigned ms = (unsigned)((at - (double)seconds) * 1000 + 0.5);
	struct strbuf line = STRBUF_INIT;
	struct tm tm;
	char text[32];

	localtime_r(&seconds, &tm);
	strftime(text, sizeof text, cli->style.color || cli->style.width ? "%T" : "%FT%T", &tm);
	strbuf_printf(&line, "%s.%03u", text, ms > 999 ? 999 : ms);
	style_puts(&cli->style, &cli->out, COLOR_DIM, strbuf_str(&line));
	strbuf_puts(&cli->out, "  ");
	strbuf_fini(&line);
}

static void put(struct cli *cli, enum color color, const char *text)
{
	style_puts(&cli->style, &cli->out, color, text);
}

/* "port p1  waiting: device absent" */
static void put_port(struct cli *cli, const json_t *event)
{
	const char *state = value_str(event, "state"), *why = value_str(event, "why");
	struct strbuf text = STRBUF_INIT;

	put(cli, !strcmp(state, "removed") ? COLOR_RED : port_state_color(state), state);
	if (*why)
		strbuf_printf(&text, ": %s", why);
	if (!strcmp(state, "up"))
		strbuf_printf(&text, ", link %s, MTU %" PRIu64,
			value_bool(event, "link") ? "up" : "down", value_count(event, "mtu"));
	put(cli, COLOR_NONE, strbuf_str(&text));
	strbuf_fini(&text);
}

static void put_link(struct cli *cli, const json_t *event)
{
	bool up = value_bool(event, "link");

	put(cli, up ? COLOR_GREEN : COLOR_YELLOW, up ? "link up" : "link down");
}

static void put_mtu(struct cli *cli, const json_t *event)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "MTU %" PRIu64 " -> %" PRIu64, value_count(event, "before"),
		value_count(event, "mtu"));
	put(cli, COLOR_NONE, strbuf_str(&text));
	strbuf_fini(&text);
}

static void put_bridge(struct cli *cli, const json_t *event)
{
	bool present = value_bool(event, "present");

	put(cli, present ? COLOR_GREEN : COLOR_RED,
		value_bool(event, "now") ? "is there"
		: present		 ? "added"
					 : "removed");
}

/* "+120 rx_storm_broadcast, 340 in all: the port's broadcast limit" */
static void put_drops(struct cli *cli, const json_t *event)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_puts(&text, "+");
	style_count(&cli->style, &text, value_count(event, "new"));
	strbuf_printf(&text, " %s", value_str(event, "reason"));
	put(cli, COLOR_RED, strbuf_str(&text));
	strbuf_reset(&text);
	strbuf_puts(&text, ", ");
	style_count(&cli->style, &text, value_count(event, "count"));
	strbuf_printf(&text, " in all: %s", value_str(event, "about"));
	put(cli, COLOR_NONE, strbuf_str(&text));
	strbuf_fini(&text);
}

/* "set port p1 (tag 10 -> 20, isolated true)" */
static void put_change(struct strbuf *text, const json_t *change)
{
	const char *key, *gap = " (";
	json_t *pair;

	strbuf_printf(text, "%s %s %s", value_str(change, "action"), value_str(change, "kind"),
		value_str(change, "name"));
	if (strcmp(value_str(change, "action"), "set"))
		return;
	json_object_foreach(json_object_get(change, "keys"), key, pair)
	{
		const json_t *old = json_array_get(pair, 0), *now = json_array_get(pair, 1);

		strbuf_printf(text, "%s%s ", gap, key);
		if (!json_is_null(old) && old)
			value_text(text, old);
		if (!json_is_null(old) && old)
			strbuf_puts(text, " -> ");
		if (now)
			value_text(text, now);
		gap = ", ";
	}
	if (strcmp(gap, " ("))
		strbuf_putc(text, ')');
}

static void put_config(struct cli *cli, const json_t *event)
{
	struct strbuf text = STRBUF_INIT;
	json_t *change;
	size_t i;

	strbuf_printf(&text, "revision %" PRIu64, value_count(event, "revision"));
	json_array_foreach(json_object_get(event, "changes"), i, change)
	{
		strbuf_puts(&text, i ? ", " : ": ");
		put_change(&text, change);
	}
	if (value_count(event, "more"))
		strbuf_printf(&text, " and %" PRIu64 " more", value_count(event, "more"));
	put(cli, COLOR_NONE, strbuf_str(&text));
	strbuf_fini(&text);
}

static void put_missed(struct cli *cli, const json_t *event)
{
	struct strbuf text = STRBUF_INIT;

	style_count(&cli->style, &text, value_count(event, "count"));
	strbuf_puts(&text, value_count(event, "count") == 1 ? " event was" : " events were");
	strbuf_puts(&text, " missed here");
	put(cli, COLOR_YELLOW, strbuf_str(&text));
	strbuf_fini(&text);
}

/* What the newer daemon's event of a kind that is not known here says. */
static void put_unknown(struct cli *cli, const json_t *event)
{
	struct strbuf text = STRBUF_INIT;

	value_text(&text, event);
	put(cli, COLOR_NONE, strbuf_str(&text));
	strbuf_fini(&text);
}

static const struct event_text {
	const char *kind, *about; /* what the name is one of */
	void (*put)(struct cli *cli, const json_t *event);
} texts[] = {
	{"port", "port ", put_port},
	{"link", "port ", put_link},
	{"mtu", "port ", put_mtu},
	{"bridge", "bridge ", put_bridge},
	{"drops", "port ", put_drops},
	{"config", "configuration", put_config},
	{"missed", NULL, put_missed},
	{NULL, NULL, put_unknown},
};

static void print_event(struct cli *cli, const json_t *event)
{
	const struct event_text *t = texts;
	struct strbuf head = STRBUF_INIT;

	while (t->kind && strcmp(t->kind, value_str(event, "event")))
		t++;
	put_time(cli, event);
	if (t->about) {
		strbuf_printf(&head, "%s%s  ", t->about, value_str(event, "name"));
		put(cli, COLOR_NONE, strbuf_str(&head));
	}
	t->put(cli, event);
	strbuf_putc(&cli->out, '\n');
	strbuf_fini(&head);
}

static void print_json(struct cli *cli, const json_t *event)
{
	char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(13));

	if (line)
		strbuf_printf(&cli->out, "%s\n", line);
	free(line);
}

static int run_watch(struct cli *cli, const struct call *call)
{
	const char *n = call_option(call, "-n");
	double times = 0;
	json_t *event, *error;
	int status = CLI_DONE;

	if (n && (!word_number(n, 1, 1e9, &times) || strchr(n, '.'))) {
		cli_error(cli,
			client_error(CLIENT_LOCAL, "watch: '%s' is not a number of events", n));
		return CLI_USAGE;
	}
	json_t *result = cli_call(cli, "watch", call->params);
	if (!result)
		return CLI_REFUSED;
	json_decref(result);
	for (uint64_t i = 0; status == CLI_DONE && (!n || i < (uint64_t)times); i++) {
		event = client_event(cli->client, &error);
		if (!event)
			return cli_error(cli, error);
		if (cli->globals.json)
			print_json(cli, event);
		else
			print_event(cli, event);
		json_decref(event);
		status = cli_flush(cli, CLI_DONE);
	}
	return status;
}

static const struct command watch_commands[] = {
	{
		.about = "Print events as they happen, a line each, until interrupted.",
		.more = "The kinds of events are: port, a port was added, is ready, waits for its "
			"device, failed, or was removed; link, it went up or down; mtu, it "
			"changed; bridge, one was added or removed; drops, how many packets a port "
			"dropped in the last second, by reason; config, the configuration changed, "
			"with its new revision.\n\n"
			"PORT is one name or several with commas; it need not exist yet. With "
			"PORT or bridge=, only what concerns them is printed; of the "
			"configuration, every change that touches them.\n\n"
			"Whoever reads too slowly misses events and is told how many. With --json "
			"each line is a document of its own. The time-out holds for the daemon's "
			"first answer only.",
		.args = {{"PORT", "port", ARG_PORT, true}},
		.keys = KEYS_WATCH,
		.options = watch_options,
		.run = run_watch,
	},
};

const struct noun noun_watch = {
	.name = "watch",
	.about = "Events: what happens to ports, bridges, the configuration.",
	.commands = watch_commands,
	.n_commands = 1,
};
