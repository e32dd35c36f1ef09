/* How it works: a line becomes a request with one or more calls.  Its changes, if it
 * has any, become one commit_request.  Requests wait in the session's queue; the one at
 * its head is answered when its changes are done (or at once when it has none), with
 * the calls that only look run at that time, after the changes of the same batch.
 *
 * A call is run, its answer written and its result released before the next one is
 * looked at, so that a batch never holds more than its answer.  The answer keeps room
 * for an error to each call that is still to come; what does not fit is answered by
 * that error, and no call behind it is run.  Answering goes in turns (rpc_turn.h): a
 * request may be half answered, and is at the head of the queue meanwhile. */
#include "rpc.h"

#include <assert.h>
#include <string.h>

#include "held.h"
#include "list.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc_method.h"
#include "rpc_turn.h"
#include "switch_limits.h"

/* For an answer that says only that there is no room for the answer, beside its id. */
enum { ERROR_ROOM = 160 };
#define TOO_LONG "the answer is longer than %d bytes; ask for less at once"

struct request_call {
	struct rpc_call call;
	const struct rpc_method *method; /* NULL: refused while parsing */
	char *id;			 /* as JSON text; NULL: wants no answer */
};

struct request {
	struct list link;	     /* in its session */
	struct rpc_session *session; /* NULL: the client went */
	json_t *json;
	bool batch;
	bool committing; /* changes are on their way */
	size_t n, n_ops;
	size_t bytes; /* of its text */
	struct request_call *calls;
	struct commit_request commit;

	/* while it is answered */
	bool begun;
	bool refused;		    /* one of its calls was, before any was run */
	bool full;		    /* an answer did not fit: no further call is run */
	size_t next;		    /* the call to answer next */
	size_t reserved;	    /* bytes for an error to each call from 'next' on */
	struct strbuf out;	    /* begins with '[', also where it is no batch */
	struct watch_filter *watch; /* NULL: none is asked for */
};

struct rpc_session {
	struct mgmt *mgmt;
	const struct rpc_session_ops *ops;
	void *arg;
	struct list requests;
	size_t n_requests, n_bytes; /* pending */
	struct watcher *watcher;    /* NULL: does not watch */
	struct held held;
	struct rpc_turn turn;
	bool pumping, destroyed;
	bool hurry; /* the switch stops: no turns are taken any more */
};

static void session_go(void *arg);

void rpc_session_create(
	struct mgmt *m, const struct rpc_session_ops *ops, void *arg, struct rpc_session **out)
{
	struct rpc_session *s = must(calloc(1, sizeof(*s)));

	s->mgmt = m;
	s->ops = ops;
	s->arg = arg;
	list_init(&s->requests);
	rpc_turn_init(&s->turn, session_go, s);
	*out = s;
}

static void call_fini(struct request_call *rc)
{
	refusal_fini(&rc->call.refusal);
	json_decref(rc->call.result);
	json_decref(rc->call.own_params);
	strbuf_fini(&rc->call.text);
	watch_filter_destroy(rc->call.watch);
	free(rc->id);
	*rc = (struct request_call){0};
}

static void request_free_calls(struct request *rq)
{
	for (size_t i = 0; i < rq->n; i++)
		call_fini(&rq->calls[i]);
	free(rq->calls);
}

static void request_free(struct request *rq)
{
	request_free_calls(rq);
	for (size_t i = 0; i < rq->commit.n; i++)
		json_decref(rq->commit.ops[i].result);
	refusal_fini(&rq->commit.refusal);
	free(rq->commit.ops);
	strbuf_fini(&rq->out);
	watch_filter_destroy(rq->watch);
	json_decref(rq->json);
	free(rq);
}

void rpc_session_destroy(struct rpc_session *s)
{
	if (!s)
		return;
	rpc_turn_cancel(&s->turn);
	watcher_destroy(s->watcher);
	s->watcher = NULL;
	held_fini(&s->held, &s->mgmt->parts_bytes);
	for (struct list *l = list_pop(&s->requests); l; l = list_pop(&s->requests)) {
		struct request *rq = container_of(l, struct request, link);

		rq->session = NULL;
		if (!rq->committing)
			request_free(rq);
	}
	if (s->pumping) /* freed by the pump, which is below us on the stack */
		s->destroyed = true;
	else
		free(s);
}

size_t rpc_session_pending_bytes(const struct rpc_session *s)
{
	return s->n_bytes;
}

size_t rpc_session_pending(const struct rpc_session *s)
{
	return s->n_requests;
}

bool rpc_session_watches(const struct rpc_session *s)
{
	return s->watcher;
}

void rpc_session_ready(struct rpc_session *s)
{
	if (s->watcher)
		watcher_ready(s->watcher);
}

/* ---- reading a request ---- */

static int call_parse_id(struct request_call *rc, const json_t *id)
{
	if (!id)
		return 0;
	if (!json_is_string(id) && !json_is_integer(id) && !json_is_null(id)) {
		rc->id = must(strdup("null"));
		return refuse(&rc->call.refusal, REFUSED_NOT_A_REQUEST, "id",
			"'id' is not a string or whole number");
	}
	rc->id = must(json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT));
	return 0;
}

/* An error before the method is known is answered also where no id was given. */
static void call_parse(struct request_call *rc, const json_t *json)
{
	static const char *const members[] = {"jsonrpc", "id", "method", "params", NULL};
	struct refusal *r = &rc->call.refusal;
	const char *version = json_string_value(json_object_get(json, "jsonrpc"));
	const char *name = json_string_value(json_object_get(json, "method"));
	const json_t *params = json_object_get(json, "params");

	if (!json_is_object(json))
		refuse(r, REFUSED_NOT_A_REQUEST, NULL, "a request is an object");
	else if (call_parse_id(rc, json_object_get(json, "id")))
		;
	else if (json_object_get(json, "jsonrpc") && (!version || strcmp(version, "2.0")))
		refuse(r, REFUSED_NOT_A_REQUEST, "jsonrpc", "'jsonrpc' is not \"2.0\"");
	else if (!name)
		refuse(r, REFUSED_NOT_A_REQUEST, "method", "'method' is %s",
			json_object_get(json, "method") ? "not a string" : "missing");
	else if (change_params(json, members, r))
		r->code = REFUSED_NOT_A_REQUEST;
	if (r->code) {
		if (!rc->id)
			rc->id = must(strdup("null"));
		return;
	}
	rc->method = rpc_method_lookup(name);
	rc->call.params = params;
	if (!rc->method)
		refuse(r, REFUSED_NO_METHOD, name, "no method is named '%.80s'", name);
	else if (params && !json_is_object(params))
		refuse(r, REFUSED_PARAMS, "params", "'params' is not an object");
	else if (rc->method->params)
		change_params(params, rc->method->params, r);
	if (!r->code && rc->method->take)
		rc->method->take(&rc->call);
	if (r->code)
		rc->method = NULL;
}

static size_t call_room(const struct request_call *rc)
{
	return rc->id ? strlen(rc->id) + ERROR_ROOM : 0;
}

/* One answer, to none of its calls. */
static void request_refuse(struct request *rq, const char *why)
{
	struct request_call *rc = must(calloc(1, sizeof(*rc)));

	request_free_calls(rq);
	refuse(&rc->call.refusal, REFUSED_LIMIT, NULL, "%s", why);
	rc->id = must(strdup("null"));
	rq->batch = false;
	rq->n = 1;
	rq->n_ops = 0;
	rq->calls = rc;
	rq->reserved = call_room(rc);
}

static void request_parse(struct request *rq, const char *bad)
{
	rq->n = rq->batch ? json_array_size(rq->json) : 1;
	rq->calls = must(calloc(rq->n, sizeof(*rq->calls)));
	for (size_t i = 0; i < rq->n; i++) {
		struct request_call *rc = &rq->calls[i];

		rc->call.mgmt = rq->session->mgmt;
		rc->call.held = &rq->session->held;
		rc->call.bytes = rq->bytes;
		if (rq->json) {
			call_parse(rc, rq->batch ? json_array_get(rq->json, i) : rq->json);
		} else {
			refuse(&rc->call.refusal, REFUSED_NOT_JSON, NULL, "not JSON: %s", bad);
			rc->id = must(strdup("null"));
		}
		rq->n_ops += rc->method && rc->method->change;
		rq->reserved += call_room(rc);
	}
}

static struct request *request_create(
	struct rpc_session *s, json_t *json, size_t bytes, const char *bad)
{
	struct request *rq = must(calloc(1, sizeof(*rq)));
	char why[80];

	rq->session = s;
	rq->json = json;
	rq->bytes = bytes;
	rq->batch = json_is_array(json) && json_array_size(json);
	if (rq->batch && json_array_size(json) > LIMITS_BATCH_CALLS) {
		snprintf(why, sizeof(why), "a batch of %zu calls is more than %d",
			json_array_size(json), LIMITS_BATCH_CALLS);
		request_refuse(rq, why);
		return rq;
	}
	request_parse(rq, bad);
	if (rq->reserved > LIMITS_TEXT_BYTES) {
		snprintf(why, sizeof(why), "the answer to these ids is longer than %d bytes",
			LIMITS_TEXT_BYTES);
		request_refuse(rq, why);
	}
	return rq;
}

/* ---- answering ---- */

static void answer_error(struct strbuf *out, const struct refusal *r)
{
	json_t *error = json_pack("{s:i, s:s}", "code", r->code, "message", strbuf_str(&r->text));

	if (!error) /* only text that is not UTF-8, which a file name in a reason can be */
		error = must(json_pack("{s:i, s:s}", "code", r->code, "message", "refused"));
	if (r->word.len) {
		json_t *data = json_pack("{s:s}", "word", strbuf_str(&r->word));

		if (data)
			must_do(json_object_set_new(error, "data", data));
	}
	char *text = must(json_dumps(error, JSON_COMPACT));
	strbuf_printf(out, "\"error\":%s}", text);
	free(text);
	json_decref(error);
}

static bool changes_something(const struct rpc_method *m)
{
	return m && m->change && m->change != rpc_config_export;
}

/* Would 'len' bytes more leave room for errors to the calls that are still to come? */
static bool has_room(const struct request *rq, size_t len)
{
	return rq->out.len + len + rq->reserved < LIMITS_TEXT_BYTES;
}

static bool answer_result(struct request *rq, const struct rpc_call *call)
{
	char *text = call->result ? json_dumps(call->result,
					    JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))
				  : NULL;
	const char *result = text ? text : call->text.len ? strbuf_str(&call->text) : "{}";
	bool fits = has_room(rq, strlen(result) + ERROR_ROOM);

	if (fits) {
		strbuf_puts(&rq->out, "\"result\":");
		strbuf_puts(&rq->out, result);
		strbuf_putc(&rq->out, '}');
	}
	free(text);
	return fits;
}

static void answer_call(struct request *rq, struct request_call *rc)
{
	struct refusal *r = &rc->call.refusal;
	struct strbuf *out = &rq->out;

	if (!rc->id)
		return;
	strbuf_putc(out, out->len ? ',' : '['); /* which only a batch sends */
	strbuf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	strbuf_puts(out, rc->id);
	strbuf_putc(out, ',');
	size_t head = out->len;
	if (!r->code && answer_result(rq, &rc->call))
		return;
	if (!r->code)
		rq->full = true;
	if (!r->code && changes_something(rc->method)) { /* and has done so */
		strbuf_puts(out, "\"result\":{}}");
		return;
	}
	if (!r->code)
		refuse(r, REFUSED_LIMIT, NULL, TOO_LONG, LIMITS_TEXT_BYTES);
	answer_error(out, r);
	if (has_room(rq, 0))
		return;
	refuse(r, REFUSED_LIMIT, NULL, TOO_LONG, LIMITS_TEXT_BYTES);
	strbuf_cut(out, head);
	answer_error(out, r);
}

static void request_send(struct request *rq)
{
	struct rpc_session *s = rq->session;

	if (!rq->out.len)
		return;
	strbuf_puts(&rq->out, rq->batch ? "]\n" : "\n");
	s->ops->send(s->arg, rq->out.str + !rq->batch, rq->out.len - !rq->batch);
}

char *rpc_error_line(int code, const char *message)
{
	struct refusal r = REFUSAL_INIT;
	struct strbuf out = STRBUF_INIT;

	refuse(&r, code, NULL, "%s", message);
	strbuf_puts(&out, "{\"jsonrpc\":\"2.0\",\"id\":null,");
	answer_error(&out, &r);
	strbuf_putc(&out, '\n');
	refusal_fini(&r);
	return strbuf_steal(&out);
}

/* ---- doing it ---- */

/* What the committer said, to the calls that made the changes. */
static void request_outcome(struct request *rq)
{
	const struct refusal *why = &rq->commit.refusal;
	size_t op = 0;

	for (size_t i = 0; i < rq->n; i++) {
		struct rpc_call *call = &rq->calls[i].call;

		if (!rq->calls[i].method || !rq->calls[i].method->change)
			continue;
		if (!rq->commit.ops) {
			refuse(&call->refusal, REFUSED_BATCH, NULL,
				"not done: another request of the batch was refused");
		} else if (!why->code) {
			call->result = rq->commit.ops[op].result;
			rq->commit.ops[op].result = NULL;
		} else if (rq->commit.failed == op || rq->commit.failed == rq->commit.n) {
			refuse(&call->refusal, why->code,
				why->word.len ? strbuf_str(&why->word) : NULL, "%s",
				strbuf_str(&why->text));
		} else {
			refuse(&call->refusal, REFUSED_BATCH, NULL,
				"not done: another request of the batch was refused");
		}
		op++;
	}
}

static bool request_refused(const struct request *rq)
{
	for (size_t i = 0; i < rq->n; i++)
		if (rq->calls[i].call.refusal.code)
			return true;
	return false;
}

/* After the answer, so that it comes before the events. */
static void request_watch(struct request *rq)
{
	struct rpc_session *s = rq->session;

	if (!rq->watch || s->destroyed)
		return;
	watcher_destroy(s->watcher);
	watcher_create(s->mgmt->watch, rq->watch, s->ops->event, s->arg, &s->watcher);
	rq->watch = NULL;
}

static void call_run(const struct request *rq, struct request_call *rc)
{
	const struct rpc_method *m = rc->method;
	struct refusal *r = &rc->call.refusal;

	if (!m || !m->run || r->code)
		return;
	if (rq->refused && m->action)
		refuse(r, REFUSED_BATCH, NULL,
			"not done: another request of the batch was refused");
	else if (rq->full && !changes_something(m))
		refuse(r, REFUSED_LIMIT, NULL, TOO_LONG, LIMITS_TEXT_BYTES);
	else if (rq->session->hurry && !m->change)
		refuse(r, REFUSED_SYSTEM, NULL, "not done: the switch is stopping");
	else
		m->run(&rc->call);
}

/* Of several only the last one counts. */
static void request_note_watch(struct request *rq, struct rpc_call *call)
{
	if (!call->watch || call->refusal.code)
		return;
	watch_filter_destroy(rq->watch);
	rq->watch = call->watch;
	call->watch = NULL;
}

/* Answer at least one call, and more while the turn lasts.  False: some are left. */
static bool request_answer(struct request *rq)
{
	struct rpc_session *s = rq->session;

	if (!rq->begun) {
		rq->begun = true;
		rq->refused = request_refused(rq);
		if (rq->n_ops)
			request_outcome(rq);
		rq->refused |= rq->commit.refusal.code != 0;
	}
	do {
		struct request_call *rc = &rq->calls[rq->next++];

		rq->reserved -= call_room(rc);
		call_run(rq, rc);
		answer_call(rq, rc);
		request_note_watch(rq, &rc->call);
		call_fini(rc);
	} while (rq->next < rq->n && (s->hurry || !rpc_turns_over(s->mgmt->turns)));
	if (rq->next < rq->n)
		return false;
	request_send(rq);
	request_watch(rq);
	return true;
}

/* 'resumed': by its turn, which is for some part of a request, however late it is. */
static void session_pump(struct rpc_session *s, bool resumed)
{
	bool any = false;

	if (s->pumping || rpc_turn_waits(&s->turn))
		return;
	s->pumping = true;
	while (!s->destroyed && !list_empty(&s->requests) && s->ops->ready(s->arg)) {
		struct request *rq = container_of(s->requests.next, struct request, link);

		if (rq->committing)
			break;
		if (!resumed && !s->hurry && rpc_turns_over(s->mgmt->turns)) {
			rpc_turn_wait(s->mgmt->turns, &s->turn);
			break;
		}
		resumed = false;
		list_del(&rq->link); /* what is on our stack nobody else may free */
		if (!request_answer(rq) && !s->destroyed) {
			list_add_before(s->requests.next, &rq->link);
			continue;
		}
		s->n_requests--;
		s->n_bytes -= rq->bytes;
		any = true;
		request_free(rq);
	}
	s->pumping = false;
	if (s->destroyed)
		free(s);
	else if (any)
		s->ops->answered(s->arg);
}

static void session_go(void *arg)
{
	session_pump(arg, true);
}

void rpc_session_pump(struct rpc_session *s)
{
	session_pump(s, false);
}

void rpc_session_finish(struct rpc_session *s)
{
	s->hurry = true;
	rpc_turn_cancel(&s->turn);
	session_pump(s, true);
}

static void request_committed(struct commit_request *commit)
{
	struct request *rq = container_of(commit, struct request, commit);

	rq->committing = false;
	if (rq->session)
		rpc_session_pump(rq->session);
	else
		request_free(rq);
}

static void request_commit(struct request *rq)
{
	size_t op = 0;

	rq->commit.ops = must(calloc(rq->n_ops, sizeof(*rq->commit.ops)));
	rq->commit.n = rq->n_ops;
	rq->commit.done = request_committed;
	for (size_t i = 0; i < rq->n; i++) {
		const struct rpc_method *m = rq->calls[i].method;

		if (m && m->change)
			rq->commit.ops[op++] = (struct commit_op){
				.fn = m->change, .params = rq->calls[i].call.params};
	}
	rq->committing = true;
	committer_submit(rq->session->mgmt->committer, &rq->commit);
}

void rpc_session_line(struct rpc_session *s, const char *line, size_t len)
{
	json_error_t error;
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	struct request *rq = request_create(s, json, len, json ? NULL : error.text);

	list_add_tail(&s->requests, &rq->link);
	s->n_requests++;
	s->n_bytes += len;
	if (rq->n_ops && !request_refused(rq))
		request_commit(rq);
	rpc_session_pump(s);
}
