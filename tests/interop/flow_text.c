/* flow_text KIND - reads a flow, group or meter from each line and prints it again, or
 * "error: " and why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_mod.h"
#include "group_mod.h"
#include "meter_mod.h"

static const struct action_limits limits = {
	.n_tables = FLOW_TABLES_MAX,
	.groups_max = (uint32_t)GROUP_ID_MAX,
	.meters_max = (uint32_t)METER_ID_MAX,
};

static int flow(const char *line, struct strbuf *out, struct strbuf *why)
{
	struct flow_mod fm;
	int err;

	flow_mod_init(&fm);
	err = flow_mod_parse(&fm, FLOW_ADD, &limits, line, why);
	if (!err)
		flow_print(&fm, NULL, out);
	flow_mod_fini(&fm);
	return err;
}

static int group(const char *line, struct strbuf *out, struct strbuf *why)
{
	struct group_mod gm;
	int err;

	group_mod_init(&gm);
	err = group_mod_parse(&gm, GROUP_ADD, &limits, line, why);
	if (!err)
		group_print(&gm, out);
	group_mod_fini(&gm);
	return err;
}

static int meter(const char *line, struct strbuf *out, struct strbuf *why)
{
	struct meter_mod mm;
	int err = meter_mod_parse(&mm, METER_ADD, &limits, line, why);

	if (!err)
		meter_print(&mm, out);
	return err;
}

static const struct {
	const char *name;
	int (*read)(const char *line, struct strbuf *out, struct strbuf *why);
} kinds[] = {{"flow", flow}, {"group", group}, {"meter", meter}};

static void answer(unsigned kind, const char *line)
{
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;

	if (kinds[kind].read(line, &out, &why))
		printf("error: %s\n", strbuf_str(&why));
	else
		printf("%s\n", strbuf_str(&out));
	strbuf_fini(&out);
	strbuf_fini(&why);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	unsigned kind = 0;

	while (kind < 3 && (argc != 2 || strcmp(argv[1], kinds[kind].name) != 0))
		kind++;
	if (kind == 3) {
		fprintf(stderr, "usage: flow_text flow|group|meter\n");
		return 2;
	}
	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		answer(kind, line);
	}
	free(line);
	return 0;
}
