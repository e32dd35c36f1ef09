/* Long batches: how long their answers get, what they hold up, and who goes meanwhile.  Text
 * in, text out, over a real dataplane (without kernel) and a store in memory. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { PATIENCE_MS = 60000 };

struct client {
	struct rpc_session *session;
	char *out; /* what the session said last, one line */
	size_t len;
	unsigned lines;
};

struct env {
	struct event_base *base;
	struct dataplane *dp;
	struct mgmt *mgmt;
	struct client one, two;
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

static void on_send(void *arg, const char *line, size_t len)
{
	struct client *cl = arg;

	free(cl->out);
	cl->out = strndup(line, len);
	cl->len = len;
	cl->lines++;
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

/* Also where something is always due. */
static void one_round(struct env *e)
{
	event_base_loop(e->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

#define WAIT(e, cond)                                                                              \
	do {                                                                                       \
		uint64_t end_ms = clock_now_ms() + PATIENCE_MS;                                    \
		while (!(cond)) {                                                                  \
			one_round(e);                                                              \
			if (clock_now_ms() > end_ms)                                               \
				fail_msg("waited in vain for " #cond);                             \
		}                                                                                  \
	} while (0)

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct mgmt_conf mconf = {.db = ":memory:", .no_kernel = true, .env = &env_fake};
	struct strbuf why = STRBUF_INIT;

	assert_non_null(e);
	e->base = event_base_new();
	struct dataplane_conf conf = {
		.base = e->base, .workers = {.n = 1, .spin_ns = 1000, .enter = pipeline_enter}};
	assert_int_equal(dataplane_create(&conf, &e->dp), 0);
	assert_int_equal(mgmt_create(e->base, e->dp, &mconf, &e->mgmt, &why), 0);
	rpc_session_create(e->mgmt, &session_ops, &e->one, &e->one.session);
	rpc_session_create(e->mgmt, &session_ops, &e->two, &e->two.session);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	rpc_session_destroy(e->one.session);
	rpc_session_destroy(e->two.session);
	mgmt_stop(e->mgmt, on_done, e);
	WAIT(e, e->done);
	mgmt_destroy(e->mgmt);
	e->done = false;
	dataplane_stop(e->dp, false, on_done, e);
	WAIT(e, e->done);
	dataplane_destroy(e->dp);
	event_base_free(e->base);
	free(e->one.out);
	free(e->two.out);
	free(e);
	return 0;
}

static void say(struct client *cl, const char *line)
{
	free(cl->out);
	cl->out = NULL;
	rpc_session_line(cl->session, line, strlen(line));
}

/* [call, call, …, last] */
static char *batch(const char *call, unsigned n, const char *last)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_putc(&sb, '[');
	for (unsigned i = 0; i < n; i++) {
		strbuf_puts(&sb, call);
		strbuf_putc(&sb, ',');
	}
	strbuf_puts(&sb, last);
	strbuf_putc(&sb, ']');
	return strbuf_steal(&sb);
}

static void say_batch(struct client *cl, const char *call, unsigned n, const char *last)
{
	char *line = batch(call, n, last);

	say(cl, line);
	free(line);
}

static int code_of(const json_t *answers, size_t i)
{
	return (int)json_integer_value(
		json_object_get(json_object_get(json_array_get(answers, i), "error"), "code"));
}

#define SCHEMA "{\"id\":1,\"method\":\"schema\"}"
/* Wants no answer: so there is always room for more. */
#define WORK	  "{\"method\":\"schema\"}"
#define VERSION	  "{\"id\":2,\"method\":\"version\"}"
#define ADD(name) "{\"id\":3,\"method\":\"bridge.add\",\"params\":{\"name\":\"" name "\"}}"

/* ---- tests ---- */

static void answer_ends_where_there_is_no_room_for_more(void **state)
{
	struct env *e = *state;
	unsigned n = 40000;

	say_batch(&e->one, SCHEMA, n, ADD("br0"));
	WAIT(e, e->one.out);
	assert_true(e->one.len <= LIMITS_TEXT_BYTES + 1);
	json_t *answers = json_loads(e->one.out, 0, NULL);
	assert_int_equal(json_array_size(answers), n + 1);

	unsigned given = 0;
	while (given < n && !code_of(answers, given))
		given++;
	assert_true(given > 1000 && given < n);
	for (unsigned i = given; i < n; i++)
		assert_int_equal(code_of(answers, i), 6);
	/* the change was made before, and had room */
	assert_int_equal(code_of(answers, n), 0);
	json_decref(answers);
	say(&e->one, "{\"id\":1,\"method\":\"bridge.list\"}");
	WAIT(e, e->one.out);
	assert_non_null(strstr(e->one.out, "\"br0\""));
}

static void errors_count_as_well(void **state)
{
	static const char call[] =
		"{\"id\":1,\"method\":\"port.stats\",\"params\":{\"name\":\"%0300d\"}}";
	struct env *e = *state;
	char text[400];

	snprintf(text, sizeof(text), call, 7);
	say_batch(&e->one, text, LIMITS_BATCH_CALLS / 2 - 1, VERSION);
	WAIT(e, e->one.out);
	assert_true(e->one.len <= LIMITS_TEXT_BYTES + 1);
	json_t *answers = json_loads(e->one.out, 0, NULL);
	assert_int_equal(json_array_size(answers), LIMITS_BATCH_CALLS / 2);
	assert_true(code_of(answers, 0) != 0);
	json_decref(answers);
}

static void ids_that_leave_no_room_refuse_the_whole(void **state)
{
	struct env *e = *state;
	char *id = malloc(4 << 20), *call = malloc(5 << 20);

	memset(id, 'x', 4 << 20);
	id[(4 << 20) - 1] = '\0';
	sprintf(call, "{\"id\":\"%s\",\"method\":\"bridge.add\",\"params\":{\"name\":\"b\"}}", id);
	say_batch(&e->one, call, 4, VERSION);
	const char *out = e->one.out ? e->one.out : "";
	assert_non_null(strstr(out, "\"id\":null,\"error\":{\"code\":6,"));
	say(&e->one, "{\"id\":1,\"method\":\"bridge.list\"}");
	WAIT(e, e->one.out);
	assert_null(strstr(e->one.out, "\"name\":\"b\""));
	free(id);
	free(call);
}

static void results_are_not_kept_until_all_are_there(void **state)
{
	struct env *e = *state;

	say_batch(&e->one, SCHEMA, 30000, VERSION);
	size_t most = 0;
	while (!e->one.out) {
		struct mallinfo2 mi = mallinfo2();

		if (mi.uordblks + mi.hblkhd > most)
			most = mi.uordblks + mi.hblkhd;
		one_round(e);
	}
	/* the request itself, and its answer while it grows */
	assert_true(most < 150u << 20);
}

static void others_are_served_between_the_calls_of_a_batch(void **state)
{
	struct env *e = *state;
	unsigned served = 0;

	say_batch(&e->one, WORK, 30000, VERSION);
	while (!e->one.out) {
		uint64_t from_ms = clock_now_ms();

		say(&e->two, VERSION);
		WAIT(e, e->two.out);
		served++;
		assert_true(clock_now_ms() - from_ms < 1000); /* rounds of 20 ms */
	}
	assert_true(served > 3);
}

static void many_lines_share_the_time_too(void **state)
{
	struct env *e = *state;
	struct client *cl = &e->one;
	unsigned n = 500;

	char *line = batch(SCHEMA, 20, VERSION);
	for (unsigned i = 0; i < n; i++)
		say(cl, line);
	assert_true(cl->lines < n); /* the others wait for the event loop */
	WAIT(e, cl->lines == n);
	free(line);
}

static void client_that_goes_in_the_middle_leaves_nothing(void **state)
{
	struct env *e = *state;

	say_batch(&e->one, WORK, 30000, ADD("br1"));
	say(&e->two, VERSION);
	/* the change is made, then others get a turn */
	while (!e->two.out || !strstr(e->two.out, "\"br1\"")) {
		say(&e->two, "{\"id\":1,\"method\":\"bridge.list\"}");
		WAIT(e, e->two.out);
	}
	assert_null(e->one.out);
	rpc_session_destroy(e->one.session);
	e->one.session = NULL;
	say(&e->two, VERSION);
	WAIT(e, e->two.out);
	assert_null(e->one.out);
}

static void switch_that_stops_in_the_middle_answers_the_changes(void **state)
{
	struct env *e = *state;

	say_batch(&e->one, WORK, 30000, VERSION "," ADD("br2"));
	mgmt_stop(e->mgmt, on_done, e);
	WAIT(e, e->done);
	e->done = false;
	assert_null(e->one.out);
	rpc_session_finish(e->one.session);
	assert_non_null(e->one.out);
	json_t *answers = json_loads(e->one.out, 0, NULL);
	assert_int_equal(json_array_size(answers), 2);
	assert_int_equal(code_of(answers, 1), 0);
	assert_int_equal(code_of(answers, 0), 5);
	json_decref(answers);
}

static void order_of_answers_is_that_of_the_requests(void **state)
{
	struct env *e = *state;

	say_batch(&e->one, WORK, 30000, VERSION);
	assert_null(e->one.out);
	rpc_session_line(e->one.session, "{\"id\":\"later\",\"method\":\"version\"}", 33);
	assert_null(e->one.out); /* not before the batch */
	WAIT(e, e->one.out);
	/* one round may bring both; what is kept is the last */
	assert_true(e->one.lines == 2 || e->one.out[0] == '[');
	WAIT(e, e->one.lines == 2);
	assert_non_null(strstr(e->one.out, "\"later\""));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(answer_ends_where_there_is_no_room_for_more),
		T(errors_count_as_well),
		T(ids_that_leave_no_room_refuse_the_whole),
		T(results_are_not_kept_until_all_are_there),
		T(others_are_served_between_the_calls_of_a_batch),
		T(many_lines_share_the_time_too),
		T(client_that_goes_in_the_middle_leaves_nothing),
		T(switch_that_stops_in_the_middle_answers_the_changes),
		T(order_of_answers_is_that_of_the_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
