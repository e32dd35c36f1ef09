/* The management part as a whole: text in, text out, over a real dataplane (without
 * kernel) and a real store; and its socket. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "dataplane.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"
#include "strbuf.h"
#include "switch_limits.h"

enum { PATIENCE_MS = 20000 };

struct env {
	struct event_base *base;
	struct dataplane *dp;
	struct mgmt *mgmt;
	struct rpc_session *session;
	struct strbuf out; /* what the session said */
	char dir[64], db[96], socket[96];
	bool done;
};

/* ---- the switch ---- */

static bool interface_exists(const char *name)
{
	return false;
}

static void random_mac(uint8_t mac[6])
{
	static uint8_t n;

	memset(mac, 2, 6);
	mac[5] = ++n;
}

static const struct config_env env_fake = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static void on_done(void *arg)
{
	((struct env *)arg)->done = true;
}

static void turn(struct env *e)
{
	event_base_loop(e->base, EVLOOP_NONBLOCK);
}

/* Run the loop until 'cond'; a test that waits in vain fails. */
#define WAIT(e, cond)                                                                              \
	do {                                                                                       \
		uint64_t end_ms = clock_now_ms() + PATIENCE_MS;                                    \
		while (!(cond)) {                                                                  \
			turn(e);                                                                   \
			if (clock_now_ms() > end_ms)                                               \
				fail_msg("waited in vain for " #cond);                             \
		}                                                                                  \
	} while (0)

static void on_send(void *arg, const char *line, size_t len)
{
	struct env *e = arg;

	strbuf_printf(&e->out, "%.*s", (int)len, line);
}

static bool on_ready(void *arg)
{
	return true;
}

static void on_answered(void *arg)
{
}

static bool on_event(void *arg, const char *line, size_t len)
{
	return false;
}

static const struct rpc_session_ops session_ops = {
	.send = on_send, .ready = on_ready, .answered = on_answered, .event = on_event};

static void start(struct env *e, bool with_socket)
{
	struct dataplane_conf conf = {
		.base = e->base, .workers = {.n = 1, .spin_ns = 1000, .enter = pipeline_enter}};
	struct mgmt_conf mconf = {.db = e->db,
		.rundir = with_socket ? e->dir : NULL,
		.no_kernel = true,
		.env = &env_fake};
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(dataplane_create(&conf, &e->dp), 0);
	if (mgmt_create(e->base, e->dp, &mconf, &e->mgmt, &why))
		fail_msg("%s", strbuf_str(&why));
	rpc_session_create(e->mgmt, &session_ops, e, &e->session);
}

static void stop(struct env *e, bool gracefully)
{
	if (gracefully) {
		e->done = false;
		mgmt_stop(e->mgmt, on_done, e);
		WAIT(e, e->done);
	}
	rpc_session_destroy(e->session);
	mgmt_destroy(e->mgmt);
	e->done = false;
	dataplane_stop(e->dp, false, on_done, e);
	WAIT(e, e->done);
	dataplane_destroy(e->dp);
}

static int setup_files(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	strcpy(e->dir, "/tmp/vswitch-rpc-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	snprintf(e->db, sizeof(e->db), "%s/a.db", e->dir);
	snprintf(e->socket, sizeof(e->socket), "%s/vswitchd.sock", e->dir);
	e->base = event_base_new();
	*state = e;
	return 0;
}

static int setup(void **state)
{
	setup_files(state);
	start(*state, true);
	return 0;
}

static int teardown_files(void **state)
{
	struct env *e = *state;
	char cmd[128];

	event_base_free(e->base);
	strbuf_fini(&e->out);
	snprintf(cmd, sizeof(cmd), "rm -r %s", e->dir);
	assert_int_equal(system(cmd), 0);
	free(e);
	return 0;
}

static int teardown(void **state)
{
	stop(*state, true);
	return teardown_files(state);
}

/* ---- asking ---- */

static void say(struct env *e, const char *line)
{
	rpc_session_line(e->session, line, strlen(line));
}

/* All answers to 'line'. */
static const char *ask(struct env *e, const char *line)
{
	strbuf_reset(&e->out);
	say(e, line);
	WAIT(e, !rpc_session_pending(e->session));
	return strbuf_str(&e->out);
}

static void check_says(struct env *e, const char *line, const char *part)
{
	const char *answer = ask(e, line);

	if (!strstr(answer, part))
		fail_msg("%s\nanswered %s\nnot with %s", line, answer, part);
}

#define OK(e, line) check_says(e, line, "\"result\":")

static char *export_text(struct env *e)
{
	return strdup(ask(e, "{\"id\":1,\"method\":\"config.export\"}"));
}

static void add_basics(struct env *e)
{
	OK(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	OK(e, "{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"p\","
	      "\"type\":\"patch\",\"peer\":\"q\"}}");
	OK(e, "{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"q\","
	      "\"type\":\"patch\",\"peer\":\"p\"}}");
	OK(e, "{\"id\":1,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
	      "\"02:00:00:00:00:01\",\"port\":\"p\",\"vlan\":3}}");
}

static uint32_t address_port(struct env *e, const char *bridge, const char *mac, uint16_t vlan)
{
	struct bridge *b = dataplane_bridge_lookup(e->dp, bridge);
	struct eth_addr addr;

	assert_non_null(b);
	assert_int_equal(eth_addr_parse(mac, &addr), 0);
	return fdb_lookup(b->fdb, addr, vlan);
}

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

/* ---- tests: the socket ---- */

static int client_connect(struct env *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	strcpy(sa.sun_path, e->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Read a line; false at the end of the connection. */
static bool client_line(struct env *e, int fd, char *line, size_t max)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, line + n, 1);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return false;
		if (got < 0) {
			turn(e);
			assert_true(clock_now_ms() < end_ms);
			continue;
		}
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		if (n < max - 1)
			n++;
	}
}

static void socket_is_for_owner_and_group(void **state)
{
	struct env *e = *state;
	struct stat st;

	assert_int_equal(stat(e->socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	stop(e, true);
	assert_int_equal(stat(e->socket, &st), -1); /* gone with us */
	start(e, true);
}

static void client_is_answered_line_by_line(void **state)
{
	struct env *e = *state;
	char line[400];
	int fd = client_connect(e);

	assert_int_equal(write(fd, "{\"id\":1,\"method\":\"ver", 21), 21);
	turn(e);
	assert_int_equal(write(fd, "sion\"}\r\n\n{\"id\":2,\"method\":\"version\"}\n", 37), 37);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":1,\"result\""));
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":2,\"result\""));
	close(fd);
	check_says(e, "{\"id\":1,\"method\":\"version\"}", "\"result\"");
}

static void one_client_too_many_is_told_so(void **state)
{
	struct env *e = *state;
	int fds[LIMITS_CLIENTS], n;
	char line[400];

	for (n = 0; n < LIMITS_CLIENTS; n++) {
		fds[n] = client_connect(e);
		turn(e);
	}
	int more = client_connect(e);
	assert_true(client_line(e, more, line, sizeof(line)));
	assert_non_null(strstr(line, "\"code\":6,"));
	assert_false(client_line(e, more, line, sizeof(line)));
	close(more);
	check_says(e, "{\"id\":1,\"method\":\"status\"}", "\"clients\":{\"now\":64,\"refused\":1,");
	close(fds[0]); /* one goes, one may come */
	const char *now;
	WAIT(e, (now = strstr(ask(e, "{\"id\":1,\"method\":\"status\"}"), "\"now\":63")) != NULL);
	fds[0] = client_connect(e);
	assert_int_equal(write(fds[0], "{\"id\":1,\"method\":\"version\"}\n", 28), 28);
	assert_true(client_line(e, fds[0], line, sizeof(line)));
	assert_non_null(strstr(line, "\"result\""));
	while (n)
		close(fds[--n]);
}

static void endless_line_ends_the_connection(void **state)
{
	struct env *e = *state;
	static char junk[65536];
	char line[400];
	int fd = client_connect(e);
	size_t sent = 0;

	memset(junk, 'x', sizeof(junk));
	while (sent <= LIMITS_TEXT_BYTES + sizeof(junk)) {
		ssize_t n = write(fd, junk, sizeof(junk));

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		turn(e);
		if (n < 0 && recv(fd, line, 1, MSG_PEEK) == 1)
			break;
	}
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "the request is longer than 16 MiB"));
	assert_false(client_line(e, fd, line, sizeof(line)));
	close(fd);
}

/* It asks and asks and never reads: no more is read from it than is allowed to wait. */
static void client_that_does_not_read_is_not_served_without_end(void **state)
{
	static const char ask_line[] = "{\"id\":1,\"method\":\"schema\"}\n";
	struct env *e = *state;
	int fd = client_connect(e), fd2;
	unsigned stuck = 0, sent = 0;
	char line[400];

	while (stuck < 1000) {
		ssize_t n = write(fd, ask_line, sizeof(ask_line) - 1);

		sent += n > 0;
		stuck = n > 0 ? 0 : stuck + 1;
		assert_true(n < 0 || n == sizeof(ask_line) - 1);
		turn(e);
		assert_true(sent < 1000000);
	}
	const char *status = ask(e, "{\"id\":1,\"method\":\"status\"}");
	const char *out = strstr(status, "{\"name\":\"client-output-bytes\",\"now\":");
	assert_non_null(out);
	assert_true(atoi(out + strlen("{\"name\":\"client-output-bytes\",\"now\":")) <=
		    LIMITS_CLIENT_OUTPUT + (1 << 16));
	fd2 = client_connect(e); /* others are served */
	assert_int_equal(write(fd2, "{\"id\":1,\"method\":\"version\"}\n", 28), 28);
	assert_true(client_line(e, fd2, line, sizeof(line)));
	close(fd2);
	/* and it gets every answer once it reads */
	static char big[1 << 16];
	for (unsigned i = 0; i < sent; i++) {
		assert_true(client_line(e, fd, big, sizeof(big)));
		assert_int_equal(strncmp(big, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\"", 32), 0);
	}
	close(fd);
}

static void notifications_alone_never_stop_the_reading(void **state)
{
	static const char note[] = "{\"method\":\"bridge.add\",\"params\":{\"name\":\"b\",\"may-"
				   "exist\":true}}\n";
	struct env *e = *state;
	char line[400];
	int fd = client_connect(e);

	for (unsigned i = 0; i < 3 * LIMITS_CLIENT_REQUESTS;) {
		ssize_t n = write(fd, note, sizeof(note) - 1);

		assert_true(n < 0 || n == sizeof(note) - 1);
		i += n > 0;
		if (n < 0)
			turn(e);
	}
	WAIT(e, write(fd, "{\"id\":9,\"method\":\"version\"}\n", 28) == 28);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":9,\"result\""));
	close(fd);
}

static void watch(struct env *e, int fd)
{
	static const char ask_line[] =
		"{\"id\":1,\"method\":\"watch\",\"params\":{\"kind\":\"config\"}}\n";
	char line[400];

	assert_int_equal(write(fd, ask_line, sizeof(ask_line) - 1), sizeof(ask_line) - 1);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"result\":{}"));
}

static void watcher_hears_through_its_connection(void **state)
{
	struct env *e = *state;
	char line[1000];
	int fd = client_connect(e);

	watch(e, fd);
	OK(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_int_equal(strncmp(line,
				 "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"event\":"
				 "\"config\",\"time\":1",
				 80 - 11),
		0);
	assert_non_null(strstr(line, "\"revision\":1,\"changes\":[{\"action\":\"add\","));
	close(fd);
}

/* It watches and never reads: the switch holds so many bytes for it and no more, does
 * not cut it off, and tells how much it missed once it reads. */
static void watcher_that_does_not_read_misses_events(void **state)
{
	struct env *e = *state;
	char line[8192];
	int fd = client_connect(e);
	unsigned long got = 0, missed = 0, sent = 0;

	add_basics(e);
	watch(e, fd);
	/* external-ids of 4 KB fill a megabyte in no time */
	char *value = malloc(4001);
	memset(value, 'x', 4000);
	value[4000] = '\0';
	for (; sent < 1000; sent++) {
		snprintf(line, sizeof(line),
			"{\"id\":1,\"method\":\"port.set\",\"params\":{\"name\":\"p\","
			"\"external-id.a\":\"%lu%.3990s\"}}",
			sent, value);
		OK(e, line);
	}
	free(value);
	const char *status = ask(e, "{\"id\":1,\"method\":\"status\"}");
	const char *out = strstr(status, "{\"name\":\"client-output-bytes\",\"now\":");
	assert_non_null(out);
	assert_in_range(atoi(out + strlen("{\"name\":\"client-output-bytes\",\"now\":")), 1,
		LIMITS_EVENT_BYTES);
	assert_null(strstr(status, "\"events-missed\":0,"));

	clock_warp_ms(1000ull * 2 * LIMITS_CLIENT_STALL_S); /* libevent's clock is another */
	while (got + missed < sent) {
		char *big = malloc(1 << 16), *count;

		assert_true(client_line(e, fd, big, 1 << 16));
		count = strstr(big, "\"event\":\"missed\"");
		if (count)
			missed += strtoul(strstr(count, "\"count\":") + 8, NULL, 10);
		else
			got++;
		free(big);
	}
	assert_int_equal(got + missed, sent);
	assert_true(missed > 0);
	assert_true(got > 100);
	close(fd);
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
		T(socket_is_for_owner_and_group),
		T(client_is_answered_line_by_line),
		T(one_client_too_many_is_told_so),
		T(endless_line_ends_the_connection),
		T(client_that_does_not_read_is_not_served_without_end),
		T(notifications_alone_never_stop_the_reading),
		T(watcher_hears_through_its_connection),
		T(watcher_that_does_not_read_misses_events),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* for stderr, where that is a file; the store minds itself */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
