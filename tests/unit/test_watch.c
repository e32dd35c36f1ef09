/* Events for clients that watch: which ones come, in which order, to whom, and what
 * becomes of those that a client has no room for. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>

#include "clock.h"
#include "dataplane.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"
#include "strbuf.h"
#include "switch_limits.h"

enum { PATIENCE_MS = 20000, CLIENTS = 3 };

struct client {
	struct rpc_session *session;
	json_t *answers, *events; /* as they came */
	size_t room;		  /* for events */
};

struct env {
	struct event_base *base;
	struct dataplane *dp;
	struct mgmt *mgmt;
	struct client clients[CLIENTS];
	char dir[64], db[96];
	bool done;
};

static bool interface_exists(const char *name)
{
	return false;
}

static void random_mac(uint8_t mac[6])
{
	memset(mac, 2, 6);
}

static const struct config_env env_fake = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static void on_done(void *arg)
{
	((struct env *)arg)->done = true;
}

#define WAIT(e, cond)                                                                              \
	do {                                                                                       \
		uint64_t end_ms = clock_now_ms() + PATIENCE_MS;                                    \
		while (!(cond)) {                                                                  \
			event_base_loop((e)->base, EVLOOP_NONBLOCK);                               \
			if (clock_now_ms() > end_ms)                                               \
				fail_msg("waited in vain for " #cond);                             \
		}                                                                                  \
	} while (0)

static void on_send(void *arg, const char *line, size_t len)
{
	struct client *c = arg;
	json_t *json = json_loadb(line, len, 0, NULL);

	assert_non_null(json);
	assert_int_equal(line[len - 1], '\n');
	json_array_append_new(c->answers, json);
}

static bool on_event(void *arg, const char *line, size_t len)
{
	struct client *c = arg;
	json_t *json;

	if (!c->room)
		return false;
	c->room--;
	json = json_loadb(line, len, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "method")), "event");
	json_array_append(c->events, json_object_get(json, "params"));
	json_decref(json);
	return true;
}

static bool on_ready(void *arg)
{
	return true;
}

static void on_answered(void *arg)
{
}

static const struct rpc_session_ops ops = {
	.send = on_send, .ready = on_ready, .answered = on_answered, .event = on_event};

static void start(struct env *e)
{
	struct dataplane_conf conf = {
		.base = e->base, .workers = {.n = 1, .spin_ns = 1000, .enter = pipeline_enter}};
	struct mgmt_conf mconf = {.db = e->db, .no_kernel = true, .env = &env_fake};
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(dataplane_create(&conf, &e->dp), 0);
	if (mgmt_create(e->base, e->dp, &mconf, &e->mgmt, &why))
		fail_msg("%s", strbuf_str(&why));
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &e->clients[i];

		*c = (struct client){
			.answers = json_array(), .events = json_array(), .room = SIZE_MAX};
		rpc_session_create(e->mgmt, &ops, c, &c->session);
	}
}

static void stop(struct env *e)
{
	e->done = false;
	mgmt_stop(e->mgmt, on_done, e);
	WAIT(e, e->done);
	for (int i = 0; i < CLIENTS; i++) {
		rpc_session_destroy(e->clients[i].session);
		json_decref(e->clients[i].answers);
		json_decref(e->clients[i].events);
	}
	mgmt_destroy(e->mgmt);
	e->done = false;
	dataplane_stop(e->dp, false, on_done, e);
	WAIT(e, e->done);
	dataplane_destroy(e->dp);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	strcpy(e->dir, "/tmp/vswitch-watch-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	snprintf(e->db, sizeof(e->db), "%s/a.db", e->dir);
	e->base = event_base_new();
	start(e);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	char cmd[128];

	stop(e);
	event_base_free(e->base);
	snprintf(cmd, sizeof(cmd), "rm -r %s", e->dir);
	assert_int_equal(system(cmd), 0);
	free(e);
	return 0;
}

/* ---- asking and hearing ---- */

/* A request in the notation of Python, and its answer.  Borrowed. */
static const json_t *ask(struct env *e, int client, const char *method, const char *params)
{
	struct client *c = &e->clients[client];
	char *line = NULL, *quote;
	size_t n = json_array_size(c->answers);

	assert_true(asprintf(&line, "{'id':1,'method':'%s','params':%s}", method, params) > 0);
	while ((quote = strchr(line, '\'')))
		*quote = '"';
	rpc_session_line(c->session, line, strlen(line));
	WAIT(e, json_array_size(c->answers) > n);
	free(line);
	return json_array_get(c->answers, n);
}

static void ok(struct env *e, int client, const char *method, const char *params)
{
	const json_t *answer = ask(e, client, method, params);

	if (!json_object_get(answer, "result"))
		fail_msg("%s %s: %s", method, params,
			json_string_value(
				json_object_get(json_object_get(answer, "error"), "message")));
}

static void refused(struct env *e, const char *params, int code, const char *text)
{
	const json_t *error = json_object_get(ask(e, 0, "watch", params), "error");

	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_string_equal(json_string_value(json_object_get(error, "message")), text);
}

static const char *word(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s ? s : "-";
}

/* Does a port wait as before, for another reason?  How many of its reasons are told depends
 * on what comes together in one round. */
static bool waits_still(const json_t *event, const json_t *before)
{
	return before && !strcmp(word(event, "event"), "port") &&
	       !strcmp(word(before, "event"), "port") && !strcmp(word(event, "state"), "waiting") &&
	       !strcmp(word(before, "state"), "waiting") &&
	       !strcmp(word(event, "name"), word(before, "name"));
}

/* "port p up", "bridge br0", "config 3", "missed 5": what there is to tell apart. */
static void print(const json_t *event, struct strbuf *out)
{
	const char *kind = word(event, "event");

	strbuf_puts(out, kind);
	if (!strcmp(kind, "port"))
		strbuf_printf(out, " %s %s", word(event, "name"), word(event, "state"));
	else if (!strcmp(kind, "link"))
		strbuf_printf(out, " %s %s", word(event, "name"),
			json_is_true(json_object_get(event, "link")) ? "up" : "down");
	else if (!strcmp(kind, "mtu"))
		strbuf_printf(out, " %s %d->%d", word(event, "name"),
			(int)json_integer_value(json_object_get(event, "before")),
			(int)json_integer_value(json_object_get(event, "mtu")));
	else if (!strcmp(kind, "bridge"))
		strbuf_printf(out, " %s %s", word(event, "name"),
			json_is_true(json_object_get(event, "present")) ? "there" : "gone");
	else if (!strcmp(kind, "config"))
		strbuf_printf(
			out, " %d", (int)json_integer_value(json_object_get(event, "revision")));
	else if (!strcmp(kind, "missed"))
		strbuf_printf(out, " %d", (int)json_integer_value(json_object_get(event, "count")));
	strbuf_puts(out, "; ");
}

/* What the client has heard since the last time, all that is under way included. */
static const char *heard(struct env *e, int client)
{
	static struct strbuf out;
	json_t *event;
	size_t i;

	/* what is noted is told within one round; a second one for what that causes */
	for (i = 0; i < 3; i++)
		event_base_loop(e->base, EVLOOP_NONBLOCK);
	strbuf_reset(&out);
	json_array_foreach(e->clients[client].events, i, event)
	{
		assert_true(json_real_value(json_object_get(event, "time")) > 1.6e9);
		if (!i || !waits_still(event, json_array_get(e->clients[client].events, i - 1)))
			print(event, &out);
	}
	json_array_clear(e->clients[client].events);
	return strbuf_str(&out);
}

#define HEARD(e, client, text) assert_string_equal(heard(e, client), text)

/* Client 1 has heard that q was removed, which left p without a peer. */
#define HEARD_OF_Q(revision) HEARD(e, 1, "port q removed; port p waiting; config " #revision "; ")

static void add_basics(struct env *e)
{
	ok(e, 0, "bridge.add", "{'name':'br0'}");
	ok(e, 0, "port.add", "{'bridge':'br0','name':'p','type':'patch','peer':'q'}");
	ok(e, 0, "port.add", "{'bridge':'br0','name':'q','type':'patch','peer':'p'}");
	WAIT(e, dataplane_port_lookup(e->dp, "q")->state == DP_PORT_UP);
	for (int i = 0; i < CLIENTS; i++) /* before somebody begins to watch */
		event_base_loop(e->base, EVLOOP_NONBLOCK);
}

/* ---- tests ---- */

static void watcher_hears_of_all_that_happens(void **state)
{
	struct env *e = *state;

	ok(e, 1, "watch", "{}");
	HEARD(e, 1, "");
	ok(e, 0, "bridge.add", "{'name':'br0'}");
	HEARD(e, 1, "bridge br0 there; config 1; ");
	ok(e, 0, "port.add", "{'bridge':'br0','name':'p','type':'patch','peer':'q'}");
	HEARD(e, 1, "port p waiting; config 2; ");
	ok(e, 0, "port.add", "{'bridge':'br0','name':'q','type':'patch','peer':'p'}");
	WAIT(e, dataplane_port_lookup(e->dp, "q")->state == DP_PORT_UP);
	const char *q = heard(e, 1);
	assert_non_null(strstr(q, "port p up; "));
	assert_non_null(strstr(q, "port q up; "));
	assert_non_null(strstr(q, "config 3; "));
	ok(e, 0, "port.set", "{'name':'p','mtu':9000}");
	/* for which a patch port is made anew, and its peer alone for a moment */
	HEARD(e, 1, "port q waiting; port q up; mtu p 65521->9000; config 4; ");
	ok(e, 0, "port.set", "{'name':'p','tag':3}");
	HEARD(e, 1, "config 5; ");
	ok(e, 0, "port.set", "{'name':'p','tag':3}"); /* no change */
	HEARD(e, 1, "");
	ok(e, 0, "port.del", "{'name':'q'}");
	HEARD_OF_Q(6);
	ok(e, 0, "bridge.del", "{'name':'br0'}");
	HEARD(e, 1, "port p removed; bridge br0 gone; config 7; ");
	HEARD(e, 0, ""); /* did not ask */
}

static void answer_comes_before_the_state_of_the_moment(void **state)
{
	struct env *e = *state;

	add_basics(e);
	assert_int_equal(json_array_size(e->clients[1].answers), 0);
	ok(e, 1, "watch", "{'now':true}");
	assert_int_equal(json_array_size(e->clients[1].answers), 1);
	HEARD(e, 1, "bridge br0 there; port p up; port q up; config 3; ");
	ok(e, 0, "port.del", "{'name':'q'}");
	HEARD_OF_Q(4);
}

static void filter_lets_through_what_it_names(void **state)
{
	struct env *e = *state;

	ok(e, 0, "watch", "{'kind':['config','bridge']}");
	ok(e, 1, "watch", "{'port':'q,later'}");
	ok(e, 2, "watch", "{'bridge':'br1','kind':'port'}");
	add_basics(e);
	ok(e, 0, "bridge.add", "{'name':'br1'}");
	ok(e, 0, "port.add", "{'bridge':'br1','name':'later','type':'patch','peer':'x'}");
	HEARD(e, 0,
		"bridge br0 there; config 1; config 2; config 3; bridge br1 there; config 4; "
		"config 5; ");
	const char *q = heard(e, 1);
	assert_non_null(strstr(q, "port q up; "));
	assert_non_null(strstr(q, "config 3; "));
	assert_non_null(strstr(q, "port later waiting; config 5; "));
	assert_null(strstr(q, "port p"));
	assert_null(strstr(q, "bridge"));
	assert_null(strstr(q, "config 2"));
	HEARD(e, 2, "port later waiting; ");

	/* another one in its place */
	ok(e, 2, "watch", "{'kind':'config','port':'p'}");
	ok(e, 0, "port.set", "{'name':'later','tag':3}");
	ok(e, 0, "fdb.add", "{'bridge':'br0','mac':'02:00:00:00:00:01','port':'p'}");
	HEARD(e, 2, "config 7; ");
}

static void wrong_filter_is_refused_by_name(void **state)
{
	struct env *e = *state;
	struct strbuf many = STRBUF_INIT;

	refused(e, "{'kind':'drop'}", 1,
		"kind: no kind of event is 'drop' (did you mean 'drops'?)");
	refused(e, "{'kind':'port,weather'}", 1,
		"kind: no kind of event is 'weather' (port, link, mtu, bridge, drops, config)");
	refused(e, "{'kind':''}", 1,
		"kind: no kind of event is '' (port, link, mtu, bridge, drops, config)");
	refused(e, "{'kind':7}", -32602, "kind: is not a list of words");
	refused(e, "{'kind':[7]}", -32602, "kind: is not a list of words");
	refused(e, "{'port':'a/b'}", 1, "port: a/b is not a name of letters, digits and ._-:+@");
	refused(e, "{'port':'a,,b'}", 1, "port: the name is empty");
	refused(e, "{'bridge':'sixteen-letters-'}", 1,
		"bridge: sixteen-letters- is longer than 15 bytes");
	refused(e, "{'now':'maybe'}", 1, "now: maybe is not true or false");
	refused(e, "{'colour':'red'}", -32602, "unknown parameter 'colour'");
	strbuf_puts(&many, "{'port':'p0");
	for (int i = 1; i <= LIMITS_WATCH_NAMES; i++)
		strbuf_printf(&many, ",p%d", i);
	strbuf_puts(&many, "'}");
	refused(e, strbuf_str(&many), 6, "port: p1024 is one name more than 1024");
	strbuf_fini(&many);
	ok(e, 0, "bridge.add", "{'name':'br0'}");
	HEARD(e, 0, ""); /* none of them watches */
}

/* Nothing of a refused request is told, though the dataplane tried it. */
static void what_is_refused_is_not_told(void **state)
{
	struct env *e = *state;

	add_basics(e);
	ok(e, 1, "watch", "{}");
	const json_t *answer = ask(e, 0, "port.add",
		"{'bridge':'br0','name':'c','type':'pcap','file':'/nowhere/at.all'}");
	assert_non_null(json_object_get(answer, "error"));
	HEARD(e, 1, "");
	/* and its revision is not spent */
	ok(e, 0, "port.del", "{'name':'q'}");
	HEARD_OF_Q(4);
}

static void what_cannot_be_stored_spends_no_revision(void **state)
{
	struct env *e = *state;
	struct rlimit old, none;

	add_basics(e);
	ok(e, 1, "watch", "{'kind':'config'}");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	const json_t *answer = ask(e, 0, "port.set", "{'name':'p','tag':9}");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")), 4);
	HEARD(e, 1, "");
	ok(e, 0, "port.set", "{'name':'p','tag':9}");
	HEARD(e, 1, "config 4; ");
}

static void revision_goes_on_after_a_restart(void **state)
{
	struct env *e = *state;

	add_basics(e);
	stop(e);
	start(e);
	const json_t *status = json_object_get(ask(e, 0, "status", "{}"), "result");
	assert_int_equal(json_integer_value(json_object_get(status, "revision")), 3);
	ok(e, 1, "watch", "{'kind':'config','now':true}");
	HEARD(e, 1, "config 3; ");
	ok(e, 0, "port.set", "{'name':'p','tag':9}");
	HEARD(e, 1, "config 4; ");
}

static void configuration_event_lists_so_many_changes(void **state)
{
	struct env *e = *state;
	struct strbuf document = STRBUF_INIT;

	ok(e, 1, "watch", "{'kind':'config'}");
	strbuf_puts(&document, "{'document':{'version':1,'fdb':[],'bridges':[{'name':'br0'}],"
			       "'ports':[");
	for (int i = 0; i < LIMITS_EVENT_CHANGES + 9; i++)
		strbuf_printf(&document,
			"%s{'bridge':'br0','name':'n%d','type':'patch','peer':'x%d'}", i ? "," : "",
			i, i);
	strbuf_puts(&document, "]}}");
	ok(e, 0, "config.apply", strbuf_str(&document));
	strbuf_fini(&document);
	WAIT(e, json_array_size(e->clients[1].events));
	const json_t *event = json_array_get(e->clients[1].events, 0);
	assert_int_equal(json_array_size(json_object_get(event, "changes")), LIMITS_EVENT_CHANGES);
	assert_int_equal(json_integer_value(json_object_get(event, "more")), 10);
	const json_t *first = json_array_get(json_object_get(event, "changes"), 0);
	assert_string_equal(word(first, "kind"), "bridge");
	assert_string_equal(word(first, "action"), "add");
}

/* It is told how many it missed, where they would have been; and others miss nothing. */
static void slow_watcher_is_told_what_it_missed(void **state)
{
	struct env *e = *state;

	add_basics(e);
	ok(e, 1, "watch", "{'kind':'config'}");
	ok(e, 2, "watch", "{'kind':'config'}");
	e->clients[1].room = 2;
	for (int tag = 1; tag <= 6; tag++) {
		char params[60];

		snprintf(params, sizeof(params), "{'name':'p','tag':%d}", tag);
		ok(e, 0, "port.set", params);
	}
	HEARD(e, 1, "config 4; config 5; ");
	HEARD(e, 2, "config 4; config 5; config 6; config 7; config 8; config 9; ");
	rpc_session_ready(e->clients[1].session); /* not really */
	HEARD(e, 1, "");
	e->clients[1].room = 1;
	rpc_session_ready(e->clients[1].session);
	HEARD(e, 1, "missed 4; ");
	/* also where the next event finds the room first, and only room for one */
	ok(e, 0, "port.set", "{'name':'p','tag':7}");
	e->clients[1].room = 1;
	ok(e, 0, "port.set", "{'name':'p','tag':8}");
	HEARD(e, 1, "missed 1; ");
	e->clients[1].room = 2;
	ok(e, 0, "port.set", "{'name':'p','tag':9}");
	HEARD(e, 1, "missed 1; config 12; ");
	const json_t *clients =
		json_object_get(json_object_get(ask(e, 0, "status", "{}"), "result"), "clients");
	assert_int_equal(json_integer_value(json_object_get(clients, "events-missed")), 6);
	assert_int_equal(json_integer_value(json_object_get(clients, "watching")), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(watcher_hears_of_all_that_happens),
		T(answer_comes_before_the_state_of_the_moment),
		T(filter_lets_through_what_it_names),
		T(wrong_filter_is_refused_by_name),
		T(what_is_refused_is_not_told),
		T(what_cannot_be_stored_spends_no_revision),
		T(revision_goes_on_after_a_restart),
		T(configuration_event_lists_so_many_changes),
		T(slow_watcher_is_told_what_it_missed),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
