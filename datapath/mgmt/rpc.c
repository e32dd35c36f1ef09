/* How it works: a line becomes a request with one or more calls.  Its changes, if it
 * has any, become one commit_request.  Requests wait in the session's queue; the one at
 * its head is answered when its changes are done (or at once when it has none), with
 * the calls that only look run at that time, after the changes of the same batch. */
#include "rpc.h"

#include <assert.h>
#include <string.h>

#include "held.h"
#include "list.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc_method.h"
#include "switch_limits.h"

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
};

struct rpc_session {
	struct mgmt *mgmt;
	const struct rpc_session_ops *ops;
	void *arg;
	struct list requests;
	size_t n_requests, n_bytes; /* pending */
	struct watcher *watcher;    /* NULL: does not watch */
	struct held held;
	bool pumping, destroyed;
};

void rpc_session_create(
	struct mgmt *m, const struct rpc_session_ops *ops, void *arg, struct rpc_session **out)
{
	struct rpc_session *s = must(calloc(1, sizeof(*s)));

	s->mgmt = m;
	s->ops = ops;
	s->arg = arg;
	list_init(&s->requests);
	*out = s;
}

static void request_free(struct request *rq)
{
	for (size_t i = 0; i < rq->n; i++) {
		refusal_fini(&rq->calls[i].call.refusal);
		json_decref(rq->calls[i].call.result);
		json_decref(rq->calls[i].call.own_params);
		strbuf_fini(&rq->calls[i].call.text);
		watch_filter_destroy(rq->calls[i].call.watch);
		free(rq->calls[i].id);
	}
	for (size_t i = 0; i < rq->commit.n; i++)
		json_decref(rq->commit.ops[i].result);
	refusal_fini(&rq->commit.refusal);
	free(rq->commit.ops);
	free(rq->calls);
	json_decref(rq->json);
	free(rq);
}

void rpc_session_destroy(struct rpc_session *s)
{
	if (!s)
		return;
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

/* A batch of more calls than one may have: one answer, to none of them. */
static void request_too_long(struct request *rq)
{
	struct request_call *rc = must(calloc(1, sizeof(*rc)));

	refuse(&rc->call.refusal, REFUSED_LIMIT, NULL, "a batch of %zu calls is more than %d",
		json_array_size(rq->json), LIMITS_BATCH_CALLS);
	rc->id = must(strdup("null"));
	rq->batch = false;
	rq->n = 1;
	rq->calls = rc;
}

static struct request *request_create(
	struct rpc_session *s, json_t *json, size_t bytes, const char *bad)
{
	struct request *rq = must(calloc(1, sizeof(*rq)));

	rq->session = s;
	rq->json = json;
	rq->bytes = bytes;
	rq->batch = json_is_array(json) && json_array_size(json);
	if (rq->batch && json_array_size(json) > LIMITS_BATCH_CALLS) {
		request_too_long(rq);
		return rq;
	}
	rq->n = rq->batch ? json_array_size(json) : 1;
	rq->calls = must(calloc(rq->n, sizeof(*rq->calls)));
	for (size_t i = 0; i < rq->n; i++) {
		struct request_call *rc = &rq->calls[i];

		rc->call.mgmt = s->mgmt;
		rc->call.held = &s->held;
		rc->call.bytes = bytes;
		if (json) {
			call_parse(rc, rq->batch ? json_array_get(json, i) : json);
		} else {
			refuse(&rc->call.refusal, REFUSED_NOT_JSON, NULL, "not JSON: %s", bad);
			rc->id = must(strdup("null"));
		}
		rq->n_ops += rc->method && rc->method->change;
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

static void answer_call(struct strbuf *out, struct request_call *rc)
{
	size_t start = out->len;

	strbuf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%s,", rc->id);
	size_t head = out->len;
	if (!rc->call.refusal.code) {
		char *text = rc->call.result
				     ? json_dumps(rc->call.result, JSON_COMPACT | JSON_ENCODE_ANY |
									   JSON_REAL_PRECISION(9))
				     : NULL;
		const char *result = text		 ? text
				     : rc->call.text.len ? strbuf_str(&rc->call.text)
							 : "{}";

		if (start + strlen(result) + 64 < LIMITS_TEXT_BYTES)
			strbuf_printf(out, "\"result\":%s}", result);
		else if (changes_something(rc->method)) /* and has done so */
			strbuf_puts(out, "\"result\":{}}");
		else
			refuse(&rc->call.refusal, REFUSED_LIMIT, NULL,
				"the answer is longer than %d bytes; ask for less at once",
				LIMITS_TEXT_BYTES);
		free(text);
	}
	if (rc->call.refusal.code) {
		assert(out->len == head);
		answer_error(out, &rc->call.refusal);
	}
}

static void request_answer(struct request *rq)
{
	struct rpc_session *s = rq->session;
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < rq->n; i++) {
		if (!rq->calls[i].id)
			continue;
		if (rq->batch)
			strbuf_putc(&out, out.len ? ',' : '[');
		answer_call(&out, &rq->calls[i]);
	}
	if (out.len) {
		strbuf_puts(&out, rq->batch ? "]\n" : "\n");
		s->ops->send(s->arg, out.str, out.len);
	}
	strbuf_fini(&out);
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

	for (size_t i = 0; i < rq->n && !s->destroyed; i++) {
		struct rpc_call *call = &rq->calls[i].call;

		if (!call->watch)
			continue;
		watcher_destroy(s->watcher);
		watcher_create(s->mgmt->watch, call->watch, s->ops->event, s->arg, &s->watcher);
		call->watch = NULL;
	}
}

static void request_finish(struct request *rq)
{
	bool refused = request_refused(rq);

	if (rq->n_ops)
		request_outcome(rq);
	refused = refused || rq->commit.refusal.code;
	for (size_t i = 0; i < rq->n; i++) {
		const struct rpc_method *m = rq->calls[i].method;
		struct rpc_call *call = &rq->calls[i].call;

		if (!m || !m->run || call->refusal.code)
			continue;
		if (refused && m->action)
			refuse(&call->refusal, REFUSED_BATCH, NULL,
				"not done: another request of the batch was refused");
		else
			m->run(call);
	}
	request_answer(rq);
	request_watch(rq);
}

void rpc_session_pump(struct rpc_session *s)
{
	bool any = false;

	if (s->pumping)
		return;
	s->pumping = true;
	while (!s->destroyed && !list_empty(&s->requests) && s->ops->ready(s->arg)) {
		struct request *rq = container_of(s->requests.next, struct request, link);

		if (rq->committing)
			break;
		list_del(&rq->link);
		s->n_requests--;
		s->n_bytes -= rq->bytes;
		any = true;
		request_finish(rq);
		request_free(rq);
	}
	s->pumping = false;
	if (s->destroyed)
		free(s);
	else if (any)
		s->ops->answered(s->arg);
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
