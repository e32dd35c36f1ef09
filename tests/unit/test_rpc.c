/* The management part as a whole: text in, text out. */
#include <signal.h>
#include <sys/resource.h>

#include "rpc_env.h"
#include "switch_limits.h"

/* ---- tests: requests and answers ---- */

static void what_is_no_request_is_answered_as_json_rpc_says(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"foo", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"},
		{"{\"a\":1,\"a\":2}", "\"code\":-32700,"},
		{"[]", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"},
		{"7", "\"code\":-32600,"},
		{"[7]", "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"},
		{"{\"id\":1}", "\"id\":1,\"error\":{\"code\":-32600,"},
		{"{\"id\":1,\"method\":5}", "\"code\":-32600,"},
		{"{\"id\":[],\"method\":\"version\"}", "\"id\":null,\"error\":{\"code\":-32600,"},
		{"{\"id\":1,\"jsonrpc\":\"1.0\",\"method\":\"version\"}", "\"code\":-32600,"},
		{"{\"id\":1,\"method\":\"version\",\"more\":1}", "\"code\":-32600,"},
		{"{\"id\":\"a\",\"method\":\"nix\"}", "\"id\":\"a\",\"error\":{\"code\":-32601,"},
		{"{\"id\":1,\"method\":\"version\",\"params\":[1]}", "\"code\":-32602,"},
		{"{\"id\":1,\"method\":\"version\",\"params\":{\"a\":1}}",
			"\"message\":\"unknown parameter 'a'\",\"data\":{\"word\":\"a\"}"},
		{"{\"id\":1,\"method\":\"version\"}",
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"version\":\"" VSWITCH_VERSION
			"\",\"protocol\":1}}\n"},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"version\",\"params\":{}}",
			"\"id\":null,\"result\":"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_says(*state, cases[i].in, cases[i].out);
	assert_string_equal(ask(*state, "{\"method\":\"version\"}"), "");
	assert_string_equal(ask(*state, "[{\"method\":\"version\"}]"), "");
}

static void answers_come_in_the_order_of_requests(void **state)
{
	struct env *e = *state;
	char line[160], *at;

	say(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	say(e, "{\"id\":2,\"method\":\"version\"}"); /* is ready at once, and waits */
	assert_string_equal(strbuf_str(&e->out), "");
	for (int i = 3; i < 300; i++) {
		snprintf(line, sizeof(line),
			"{\"id\":%d,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\","
			"\"name\":"
			"\"p%d\",\"type\":\"patch\",\"peer\":\"%s\"}}",
			i, i, i % 10 ? "nobody" : "-");
		say(e, line);
	}
	WAIT(e, !rpc_session_pending(e->session));
	at = e->out.str;
	for (int i = 1; i < 300; i++) {
		int id = 0;

		assert_int_equal(sscanf(at, "{\"jsonrpc\":\"2.0\",\"id\":%d,", &id), 1);
		assert_int_equal(id, i);
		/* refused by itself, in the middle of those that share a commit */
		assert_true(!strncmp(strchr(at, ',') + 1 + strcspn(strchr(at, ',') + 1, ",") + 1,
			i >= 3 && i % 10 == 0 ? "\"error\"" : "\"result\"", 7));
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	/* far fewer commits than requests */
	const char *status = ask(e, "{\"id\":1,\"method\":\"status\"}");
	int commits = atoi(strstr(status, "\"commits\":") + 10);
	assert_true(commits >= 1 && commits < 100);
}

static void batch_is_all_or_none(void **state)
{
	struct env *e = *state;

	add_basics(e);
	char *before = export_text(e);
	const char *answer = ask(e,
		"[{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}},"
		"{\"id\":2,\"method\":\"port.set\",\"params\":{\"name\":\"q\",\"tag\":9}},"
		"{\"id\":3,\"method\":\"port.set\",\"params\":{\"name\":\"nobody\",\"tag\":9}},"
		"{\"id\":4,\"method\":\"worker.reset\"},{\"id\":5,\"method\":\"version\"}]");
	assert_non_null(strstr(answer, "\"id\":1,\"error\":{\"code\":7"));
	assert_non_null(strstr(answer, "\"id\":2,\"error\":{\"code\":7"));
	assert_non_null(strstr(answer, "\"id\":3,\"error\":{\"code\":2"));
	assert_non_null(strstr(answer, "\"id\":4,\"error\":{\"code\":7"));
	assert_non_null(strstr(answer, "\"id\":5,\"result\""));
	char *after = export_text(e);
	assert_string_equal(before, after);
	free(after);
	assert_null(dataplane_bridge_lookup(e->dp, "br1"));

	/* one that is no request at all stops the changes, too */
	answer = ask(e, "[{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}},"
			"{\"id\":2,\"method\":\"nix\"}]");
	assert_non_null(strstr(answer, "\"id\":1,\"error\":{\"code\":7"));
	assert_non_null(strstr(answer, "\"id\":2,\"error\":{\"code\":-32601"));

	/* the check of the whole blames the one that did it */
	answer = ask(e, "[{\"id\":1,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
			"\"02:00:00:00:00:02\",\"port\":\"q\"}},"
			"{\"id\":2,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
			"\"02:00:00:00:00:03\",\"port\":\"nobody\"}}]");
	assert_non_null(strstr(answer, "\"id\":1,\"error\":{\"code\":7"));
	assert_non_null(strstr(answer, "\"id\":2,\"error\":{\"code\":2"));
	after = export_text(e);
	assert_string_equal(before, after);
	free(after);
	free(before);

	/* what looks sees what the batch did */
	answer = ask(e, "[{\"id\":1,\"method\":\"bridge.list\",\"params\":{\"name\":\"br1\"}},"
			"{\"id\":2,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}}]");
	assert_non_null(strstr(answer, "\"id\":1,\"result\":[{\"name\":\"br1\""));
}

static void every_looking_method_answers(void **state)
{
	struct env *e = *state;

	add_basics(e);
	check_says(e, "{\"id\":1,\"method\":\"bridge.list\"}", "\"ports\":[\"p\",\"q\"]");
	check_says(e, "{\"id\":1,\"method\":\"port.list\"}", "\"state\":\"up\"");
	check_says(e, "{\"id\":1,\"method\":\"port.list\",\"params\":{\"name\":\"x\"}}",
		"\"code\":2,");
	check_says(e, "{\"id\":1,\"method\":\"port.list\",\"params\":{\"bridge\":\"x\"}}",
		"\"code\":2,");
	check_says(e, "{\"id\":1,\"method\":\"port.stats\",\"params\":{\"name\":\"q\"}}",
		"\"result\":[{\"name\":\"q\",\"bridge\":\"br0\",\"rx\":{\"packets\":0,");
	check_says(e, "{\"id\":1,\"method\":\"drops\"}", "\"result\":[]");
	check_says(e, "{\"id\":1,\"method\":\"drops\",\"params\":{\"port\":\"q\",\"all\":true}}",
		"{\"port\":\"q\",\"reason\":\"rx_too_short\",\"about\":");
	check_says(e, "{\"id\":1,\"method\":\"worker.stats\"}", "\"result\":[{\"id\":0,");
	OK(e, "{\"id\":1,\"method\":\"worker.reset\"}");
	check_says(e, "{\"id\":1,\"method\":\"log.list\"}", "{\"module\":\"store\",\"level\":");
	check_says(e, "{\"id\":1,\"method\":\"log.set\",\"params\":{\"level\":\"loud\"}}",
		"level: loud is not one of error, warn, info, debug");
	check_says(e,
		"{\"id\":1,\"method\":\"log.set\",\"params\":{\"level\":\"info\",\"module\":"
		"\"x\"}}",
		"\"code\":2,");
	OK(e, "{\"id\":1,\"method\":\"log.set\",\"params\":{\"level\":\"info\",\"module\":"
	      "\"store\"}}");
	check_says(e, "{\"id\":1,\"method\":\"schema\"}",
		"{\"key\":\"tag\",\"value\":\"VLAN\",\"min\":1,\"max\":4094,\"about\":");
	check_says(
		e, "{\"id\":1,\"method\":\"status\"}", "{\"name\":\"static-addresses\",\"now\":1,");
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.list\",\"params\":{\"bridge\":\"br0\",\"vlan\":3}}",
		"\"result\":[{\"mac\":\"02:00:00:00:00:01\",\"vlan\":3,\"port\":\"p\",\"static\":"
		"true,\"age-s\":0}]");
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.list\",\"params\":{\"bridge\":\"br0\",\"vlan\":0}}",
		"\"result\":[]");
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.list\",\"params\":{\"bridge\":\"br0\",\"port\":\"q\"}}",
		"\"result\":[]");
	check_says(e, "{\"id\":1,\"method\":\"fdb.list\",\"params\":{\"bridge\":\"x\"}}",
		"\"code\":2,");
}

/* ---- tests: the dataplane follows ---- */

static void dataplane_is_as_configured(void **state)
{
	struct env *e = *state;

	add_basics(e);
	const struct dp_port *p = dataplane_port_lookup(e->dp, "p");
	assert_non_null(p);
	assert_int_equal(p->ofport, 1);
	assert_int_equal(address_port(e, "br0", "02:00:00:00:00:01", 3), p->bport->index);
	check_says(e, "{\"id\":1,\"method\":\"port.set\",\"params\":{\"name\":\"p\",\"tag\":7}}",
		"\"vlan-mode\":\"access\"");
	assert_int_equal(p->bport->conf.vlan.tag, 7);
	OK(e, "{\"id\":1,\"method\":\"bridge.set\",\"params\":{\"name\":\"br0\",\"mac-age\":5}}");
	assert_int_equal(dataplane_bridge_lookup(e->dp, "br0")->conf.mac_age_s, 5);
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.del\",\"params\":{\"bridge\":\"br0\",\"mac\":"
		"\"02:00:00:00:00:01\"}}",
		"{\"removed\":1}");
	assert_int_equal(address_port(e, "br0", "02:00:00:00:00:01", 3), FDB_NONE);
	OK(e, "{\"id\":1,\"method\":\"bridge.del\",\"params\":{\"name\":\"br0\"}}");
	assert_null(dataplane_port_lookup(e->dp, "p"));
	assert_null(dataplane_bridge_lookup(e->dp, "br0"));
}

static void learned_addresses_are_flushed_and_deleted(void **state)
{
	struct env *e = *state;
	struct eth_addr a = {{2, 0, 0, 0, 0, 9}}, b = {{2, 0, 0, 0, 0, 8}};

	add_basics(e);
	struct fdb *fdb = dataplane_bridge_lookup(e->dp, "br0")->fdb;
	uint32_t q = dataplane_port_lookup(e->dp, "q")->bport->index;
	fdb_learn(fdb, a, 0, q, clock_now_ms());
	fdb_learn(fdb, a, 4, q, clock_now_ms());
	fdb_learn(fdb, b, 4, q, clock_now_ms());
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.flush\",\"params\":{\"bridge\":\"br0\",\"vlan\":0}}",
		"{\"removed\":1}");
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.del\",\"params\":{\"bridge\":\"br0\",\"mac\":"
		"\"02:00:00:00:00:08\"}}",
		"{\"removed\":1}");
	check_says(e, "{\"id\":1,\"method\":\"fdb.flush\",\"params\":{\"bridge\":\"br0\"}}",
		"{\"removed\":1}");
	assert_int_equal(fdb_stats(fdb).entries, 1); /* the static one */
}

/* A port becomes another one by config.apply; its addresses follow it. */
static void replaced_port_keeps_its_addresses(void **state)
{
	struct env *e = *state;

	add_basics(e);
	OK(e, "{\"id\":1,\"method\":\"config.apply\",\"params\":{\"document\":{\"version\":1,"
	      "\"bridges\":[{\"name\":\"br0\"}],\"ports\":[{\"name\":\"p\",\"bridge\":\"br0\","
	      "\"type\":\"patch\",\"peer\":\"z\",\"ofport\":77}],\"fdb\":[{\"bridge\":\"br0\","
	      "\"mac\":\"02:00:00:00:00:01\",\"port\":\"p\",\"vlan\":3}]}}}");
	const struct dp_port *p = dataplane_port_lookup(e->dp, "p");
	assert_non_null(p);
	assert_int_equal(p->ofport, 77);
	assert_int_equal(address_port(e, "br0", "02:00:00:00:00:01", 3), p->bport->index);
	assert_null(dataplane_port_lookup(e->dp, "q"));
}

static void what_the_system_refuses_leaves_no_trace(void **state)
{
	struct env *e = *state;

	add_basics(e);
	char *before = export_text(e);
	check_says(e,
		"{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"c\","
		"\"type\":\"pcap\",\"file\":\"/no/such/file\"}}",
		"\"error\":{\"code\":5,\"message\":\"port c: ");
	assert_null(dataplane_port_lookup(e->dp, "c"));
	/* in a batch that also removes, replaces, changes and adds */
	check_says(e,
		"[{\"id\":1,\"method\":\"port.del\",\"params\":{\"name\":\"q\"}},"
		"{\"id\":2,\"method\":\"port.set\",\"params\":{\"name\":\"p\",\"tag\":5}},"
		"{\"id\":3,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}},"
		"{\"id\":4,\"method\":\"port.add\",\"params\":{\"bridge\":\"br1\",\"name\":\"q\","
		"\"type\":\"patch\",\"peer\":\"p\"}},"
		"{\"id\":5,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"c\","
		"\"type\":\"pcap\",\"file\":\"/no/such/file\"}}]",
		"\"id\":5,\"error\":{\"code\":5,");
	char *after = export_text(e);
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_null(dataplane_bridge_lookup(e->dp, "br1"));
	assert_null(dataplane_port_lookup(e->dp, "c"));
	assert_int_equal(dataplane_port_lookup(e->dp, "p")->bport->conf.vlan.tag, 0);
	const struct dp_port *q = dataplane_port_lookup(e->dp, "q");
	assert_non_null(q);
	assert_string_equal(q->bport->bridge->conf.name, "br0");
	check_says(e, "{\"id\":1,\"method\":\"status\"}", "\"commits\":4,");
}

static void limit_is_refused_as_such(void **state)
{
	struct env *e = *state;

	add_basics(e);
	OK(e, "{\"id\":1,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
	      "\"02:00:00:00:00:02\",\"port\":\"p\"}}");
	check_says(e,
		"{\"id\":1,\"method\":\"bridge.set\",\"params\":{\"name\":\"br0\",\"mac-limit\":1}"
		"}",
		"\"code\":6,");
	OK(e, "{\"id\":1,\"method\":\"bridge.set\",\"params\":{\"name\":\"br0\",\"mac-limit\":2}}");
	check_says(e,
		"{\"id\":1,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
		"\"02:00:00:00:00:03\",\"port\":\"p\"}}",
		"\"code\":6,");
}

/* ---- tests: the store ---- */

static void restart_brings_everything_back(void **state)
{
	struct env *e = *state;

	add_basics(e);
	char *before = export_text(e);
	stop(e, false);
	start(e, false);
	char *after = export_text(e);
	assert_string_equal(before, after);
	free(before);
	free(after);
	const struct dp_port *p = dataplane_port_lookup(e->dp, "p");
	assert_int_equal(p->state, DP_PORT_UP);
	assert_int_equal(address_port(e, "br0", "02:00:00:00:00:01", 3), p->bport->index);
}

static void port_that_fails_at_start_stops_no_other(void **state)
{
	struct env *e = *state;
	char line[400], file[80];

	add_basics(e);
	snprintf(file, sizeof(file), "%s/a.pcap", e->dir);
	/* an empty capture: magic, version 2.4, no zone, no accuracy, 64 KB, Ethernet */
	static const uint32_t header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	FILE *f = fopen(file, "wb");
	assert_int_equal(fwrite(header, sizeof(header), 1, f), 1);
	fclose(f);
	snprintf(line, sizeof(line),
		"[{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"a\","
		"\"type\":\"pcap\",\"file\":\"%s\"}},{\"id\":2,\"method\":\"fdb.add\",\"params\":"
		"{\"bridge\":\"br0\",\"mac\":\"02:00:00:00:00:0a\",\"port\":\"a\"}}]",
		file);
	OK(e, line);
	stop(e, true);
	unlink(file);
	start(e, false);
	check_says(e, "{\"id\":1,\"method\":\"port.list\",\"params\":{\"name\":\"a\"}}",
		"\"state\":\"failed\"");
	check_says(e, "{\"id\":1,\"method\":\"port.list\",\"params\":{\"name\":\"p\"}}",
		"\"state\":\"up\"");
	/* a port that does not work has its addresses all the same */
	assert_int_equal(address_port(e, "br0", "02:00:00:00:00:0a", 0),
		dataplane_port_lookup(e->dp, "a")->bport->index);
	OK(e, "{\"id\":1,\"method\":\"port.del\",\"params\":{\"name\":\"a\"}}");
}

static rlim_t limit_file_size(rlim_t size)
{
	struct rlimit old, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = size, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return old.rlim_cur;
}

/* No file may grow: the database cannot be written. */
static void what_cannot_be_stored_is_undone_and_disturbs_nobody(void **state)
{
	struct env *e = *state;

	add_basics(e);
	char *before = export_text(e);
	const struct dp_port *q = dataplane_port_lookup(e->dp, "q");
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);

	limit_file_size(1);
	const char *answer = ask(e,
		"[{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}},"
		"{\"id\":2,\"method\":\"port.del\",\"params\":{\"name\":\"q\"}},"
		"{\"id\":3,\"method\":\"port.set\",\"params\":{\"name\":\"p\",\"isolated\":true}},"
		"{\"id\":4,\"method\":\"port.add\",\"params\":{\"bridge\":\"br1\",\"name\":\"r\","
		"\"type\":\"patch\",\"peer\":\"s\"}}]");
	char *copy = strdup(answer);
	check_says(e, "{\"id\":1,\"method\":\"version\"}", "\"result\"");
	limit_file_size(old.rlim_cur);
	for (int id = 1; id <= 4; id++) {
		char part[60];

		snprintf(part, sizeof(part),
			"\"id\":%d,\"error\":{\"code\":4,\"message\":\"not stored", id);
		if (!strstr(copy, part))
			fail_msg("%s has no %s", copy, part);
	}
	free(copy);
	char *after = export_text(e);
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_null(dataplane_bridge_lookup(e->dp, "br1"));
	assert_null(dataplane_port_lookup(e->dp, "r"));
	assert_false(dataplane_port_lookup(e->dp, "p")->bport->conf.isolated);
	/* the port that was to be deleted was never touched */
	assert_ptr_equal(dataplane_port_lookup(e->dp, "q"), q);
	assert_int_equal(q->state, DP_PORT_UP);
	check_says(e, "{\"id\":1,\"method\":\"status\"}", "\"failed\":1,\"last-error\":\"");
	OK(e, "{\"id\":1,\"method\":\"port.del\",\"params\":{\"name\":\"q\"}}");
	assert_null(dataplane_port_lookup(e->dp, "q"));
}

/* Requests that share a commit with one that changes nothing, on a disk that fails. */
static void request_without_a_change_is_not_refused_for_others(void **state)
{
	struct env *e = *state;
	struct rlimit old;

	add_basics(e);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit_file_size(1);
	strbuf_reset(&e->out);
	say(e, "{\"id\":1,\"method\":\"config.export\"}");
	say(e, "{\"id\":2,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\"}}");
	say(e, "{\"id\":3,\"method\":\"port.del\",\"params\":{\"name\":\"x\",\"if-exists\":true}}");
	say(e, "{\"id\":4,\"method\":\"bridge.add\",\"params\":{\"name\":\"br1\",\"may-exist\":"
	       "true}}");
	WAIT(e, !rpc_session_pending(e->session));
	limit_file_size(old.rlim_cur);
	if (!strstr(strbuf_str(&e->out), "\"id\":1,\"result\":{\"version\":1,"))
		fail_msg("%s", strbuf_str(&e->out));
	assert_non_null(strstr(strbuf_str(&e->out), "\"id\":2,\"error\":{\"code\":4,"));
	assert_non_null(strstr(strbuf_str(&e->out), "\"id\":3,\"result\":{\"removed\":false}"));
	/* it relied on br1, so it has something to store after all */
	assert_non_null(strstr(strbuf_str(&e->out), "\"id\":4,\"error\":{\"code\":4,"));
	check_says(e, "{\"id\":1,\"method\":\"bridge.list\",\"params\":{\"name\":\"br1\"}}",
		"\"code\":2,");
}

static void stopping_finishes_what_was_asked(void **state)
{
	struct env *e = *state;

	say(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	stop(e, true);
	assert_non_null(strstr(strbuf_str(&e->out), "\"id\":1,\"result\""));
	start(e, false);
	OK(e, "{\"id\":1,\"method\":\"bridge.list\",\"params\":{\"name\":\"br0\"}}");
	/* and without mercy: no answer, no crash, and the store is sound */
	say(e, "{\"id\":2,\"method\":\"bridge.add\",\"params\":{\"name\":\"br2\"}}");
	turn(e);
	say(e, "{\"id\":3,\"method\":\"bridge.add\",\"params\":{\"name\":\"br3\"}}");
	stop(e, false);
	start(e, false);
	check_says(e, "{\"id\":1,\"method\":\"bridge.list\",\"params\":{\"name\":\"br3\"}}",
		"\"code\":2,");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_no_request_is_answered_as_json_rpc_says),
		T(answers_come_in_the_order_of_requests),
		T(batch_is_all_or_none),
		T(every_looking_method_answers),
		T(dataplane_is_as_configured),
		T(learned_addresses_are_flushed_and_deleted),
		T(replaced_port_keeps_its_addresses),
		T(what_the_system_refuses_leaves_no_trace),
		T(limit_is_refused_as_such),
		T(restart_brings_everything_back),
		T(port_that_fails_at_start_stops_no_other),
		T(what_cannot_be_stored_is_undone_and_disturbs_nobody),
		T(request_without_a_change_is_not_refused_for_others),
		T(stopping_finishes_what_was_asked),
	};

	signal(SIGXFSZ, SIG_IGN); /* for stderr, where that is a file; the store minds itself */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
