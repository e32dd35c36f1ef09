/* The management protocol against any text: the input is what one client sends.  Behind it
 * are a real dataplane without kernel, and a store in memory.  Every answer is one line of
 * JSON, every request is answered, and the switch can be emptied afterwards. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "dataplane.h"
#include "log.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct mgmt *mgmt;

static void on_send(void *arg, const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	assert(json_is_object(json) || (json_is_array(json) && json_array_size(json)));
	assert(memchr(line, '\n', len) == line + len - 1);
	json_decref(json);
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
	on_send(arg, line, len);
	return true;
}

static const struct rpc_session_ops ops = {
	.send = on_send, .ready = on_ready, .answered = on_answered, .event = on_event};

static bool interface_exists(const char *name)
{
	return false;
}

static void random_mac(uint8_t mac[6])
{
	memset(mac, 2, 6);
}

static const struct config_env env = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static void start(void)
{
	struct dataplane_conf conf = {.workers = {.n = 1, .enter = pipeline_enter}};
	struct mgmt_conf mconf = {.db = ":memory:", .no_kernel = true, .env = &env};
	struct strbuf why = STRBUF_INIT;
	struct dataplane *dp;

	log_set_level(NULL, LOG_LEVEL_ERROR);
	conf.base = base = event_base_new();
	if (dataplane_create(&conf, &dp) || mgmt_create(base, dp, &mconf, &mgmt, &why))
		abort();
}

static void answer_all(struct rpc_session *s)
{
	while (rpc_session_pending(s))
		event_base_loop(base, EVLOOP_ONCE);
}

static void empty(void)
{
	static const char clear[] =
		"{\"id\": 1, \"method\": \"config.apply\", \"params\": {\"document\": "
		"{\"version\": 1, \"bridges\": [], \"ports\": [], \"fdb\": []}}}";
	struct rpc_session *s;

	rpc_session_create(mgmt, &ops, NULL, &s);
	rpc_session_line(s, clear, strlen(clear));
	answer_all(s);
	rpc_session_destroy(s);
	log_set_level(NULL, LOG_LEVEL_ERROR);
}

/* A recording port writes to any file; a fuzzer shall not. */
static bool would_write(const uint8_t *data, size_t size)
{
	return memmem(data, size, "record", 6) || memmem(data, size, "\\u", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct rpc_session *s;

	if (would_write(data, size))
		return 0;
	if (!base)
		start();
	rpc_session_create(mgmt, &ops, NULL, &s);
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((nl ? nl : end) - at);

		rpc_session_line(s, at, len);
		at += len + 1;
	}
	if (size % 4) /* else the client goes before it is answered */
		answer_all(s);
	rpc_session_destroy(s);
	empty();
	return 0;
}
