#include "port_text.h"

#include <inttypes.h>
#include <string.h>

#include "value.h"

enum color port_state_color(const char *state)
{
	return !strcmp(state, "up")	   ? COLOR_GREEN
	       : !strcmp(state, "waiting") ? COLOR_YELLOW
	       : !strcmp(state, "failed")  ? COLOR_RED
					   : COLOR_NONE;
}

void port_vlan_text(struct strbuf *out, const json_t *port)
{
	uint64_t tag = value_count(port, "tag");
	const char *mode = value_str(port, "vlan-mode");
	const json_t *trunks = json_object_get(port, "trunks");
	bool all = !trunks || json_is_null(trunks) || !*value_str(port, "trunks");

	if (!*mode)
		mode = tag ? "access" : "trunk";
	strbuf_puts(out, mode);
	if (tag)
		strbuf_printf(out, " %" PRIu64, tag);
	if (!strcmp(mode, "access"))
		return;
	if (!strcmp(mode, "dot1q-tunnel")) {
		if (*value_str(port, "cvlans"))
			strbuf_printf(out, ", cvlans %s", value_str(port, "cvlans"));
		return;
	}
	strbuf_puts(out, tag ? ", " : " ");
	strbuf_puts(out, all ? "all" : value_str(port, "trunks"));
}

/* How a key shows among the details; the ones not listed do not. */
static const struct detail {
	const char *key;
	const char *usual; /* the value that is not worth a word; for absent ones "" */
	const char *fmt;   /* "%s" is the value */
} details[] = {
	{"peer", "", "peer %s"},
	{"file", "", "replays %s"},
	{"record", "", "records %s"},
	{"loop", "false", "in a loop"},
	{"rate", "0", "at %s/s"},
	{"queues", "1", "%s queues"},
	{"isolated", "false", "isolated"},
	{"priority-tags", "never", "priority tags %s"},
	{"storm-broadcast", "0", "broadcast up to %s/s"},
	{"storm-multicast", "0", "multicast up to %s/s"},
	{"storm-unknown", "0", "unknown up to %s/s"},
	{"mac-limit", "0", "up to %s MACs"},
	{"offload", "true", "no offload"},
};

static void put_detail(struct strbuf *out, const struct detail *detail, const char *value)
{
	const char *at = strstr(detail->fmt, "%s");

	if (!at)
		strbuf_puts(out, detail->fmt);
	else
		strbuf_printf(out, "%.*s%s%s", (int)(at - detail->fmt), detail->fmt, value, at + 2);
}

void port_details_text(struct strbuf *out, const json_t *port)
{
	struct strbuf value = STRBUF_INIT;
	const char *gap = "", *why = value_str(port, "why");

	if (*why && strcmp(value_str(port, "state"), "up")) {
		strbuf_puts(out, why);
		gap = "; ";
	}
	for (unsigned i = 0; i < sizeof details / sizeof *details; i++) {
		json_t *set = json_object_get(port, details[i].key);

		if (!set || json_is_null(set))
			continue;
		strbuf_reset(&value);
		value_text(&value, set);
		if (!value.len || !strcmp(strbuf_str(&value), details[i].usual))
			continue;
		strbuf_puts(out, gap);
		put_detail(out, &details[i], strbuf_str(&value));
		gap = ", ";
	}
	/* Where a manager names the machine behind the port, that says most. */
	const json_t *ids = json_object_get(port, "external-ids");

	if (json_object_size(ids)) {
		strbuf_puts(out, gap);
		value_text(out, ids);
	}
	strbuf_fini(&value);
}
