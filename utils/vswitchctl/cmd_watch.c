#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "port_text.h"
#include "value.h"

/* "12:00:01.123  port p1  waiting  link=false mtu=1500" */
static void print_event(struct cli *cli, json_t *event)
{
	const char *state = value_str(event, "state"), *key;
	struct strbuf rest = STRBUF_INIT;
	struct timespec now;
	struct tm tm;
	char clock[16];
	json_t *value;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	strbuf_printf(&cli->out, "%s.%03ld  ", clock, now.tv_nsec / 1000000);
	strbuf_printf(&rest, "%s %s  ", value_str(event, "event"), value_str(event, "name"));
	style_puts(&cli->style, &cli->out, COLOR_NONE, strbuf_str(&rest));
	style_puts(&cli->style, &cli->out, port_state_color(state), state);
	strbuf_reset(&rest);
	json_object_foreach(event, key, value)
	{
		if (!strcmp(key, "event") || !strcmp(key, "name") || !strcmp(key, "state"))
			continue;
		strbuf_printf(&rest, "%s%s=", rest.len ? " " : "  ", key);
		value_text(&rest, value);
	}
	style_puts(&cli->style, &cli->out, COLOR_NONE, strbuf_str(&rest));
	strbuf_putc(&cli->out, '\n');
	strbuf_fini(&rest);
}

static void print_json(struct cli *cli, json_t *event)
{
	char *line = json_dumps(event, JSON_COMPACT);

	if (line)
		strbuf_printf(&cli->out, "%s\n", line);
	free(line);
}

static int run_watch(struct cli *cli, const struct call *call)
{
	json_t *result = cli_call(cli, "watch", NULL), *event, *error;
	int status = CLI_DONE;

	if (!result)
		return CLI_REFUSED;
	json_decref(result);
	while (status == CLI_DONE) {
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
		.more = "With --json each line is a document of its own. The time-out holds for "
			"the "
			"daemon's first answer only.",
		.method = "watch",
		.run = run_watch,
	},
};

const struct noun noun_watch = {
	.name = "watch",
	.about = "Events: ports that come up, go down, change.",
	.commands = watch_commands,
	.n_commands = 1,
};
