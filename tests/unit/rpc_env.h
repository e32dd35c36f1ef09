/* rpc_env.h - the management part over a real dataplane (without kernel) and a real store,
 * and a session that asks it.
 *
 * Threads: the test's. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "dataplane.h"
#include "mgmt.h"
#include "pipeline.h"
#include "rpc.h"
#include "strbuf.h"

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

static inline bool interface_exists(const char *name)
{
	return false;
}

static inline void random_mac(uint8_t mac[6])
{
	static uint8_t n;

	memset(mac, 2, 6);
	mac[5] = ++n;
}

static const struct config_env env_fake = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static inline void on_done(void *arg)
{
	((struct env *)arg)->done = true;
}

static inline void turn(struct env *e)
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

static inline void on_send(void *arg, const char *line, size_t len)
{
	struct env *e = arg;

	strbuf_printf(&e->out, "%.*s", (int)len, line);
}

static inline bool on_ready(void *arg)
{
	return true;
}

static inline void on_answered(void *arg)
{
}

static inline bool on_event(void *arg, const char *line, size_t len)
{
	return false;
}

static const struct rpc_session_ops session_ops = {
	.send = on_send, .ready = on_ready, .answered = on_answered, .event = on_event};

static inline void start(struct env *e, bool with_socket)
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

static inline void stop(struct env *e, bool gracefully)
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

static inline int setup_files(void **state)
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

static inline int setup(void **state)
{
	setup_files(state);
	start(*state, true);
	return 0;
}

static inline int teardown_files(void **state)
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

static inline int teardown(void **state)
{
	stop(*state, true);
	return teardown_files(state);
}

/* ---- asking ---- */

static inline void say(struct env *e, const char *line)
{
	rpc_session_line(e->session, line, strlen(line));
}

/* All answers to 'line'. */
static inline const char *ask(struct env *e, const char *line)
{
	strbuf_reset(&e->out);
	say(e, line);
	WAIT(e, !rpc_session_pending(e->session));
	return strbuf_str(&e->out);
}

static inline void check_says(struct env *e, const char *line, const char *part)
{
	const char *answer = ask(e, line);

	if (!strstr(answer, part))
		fail_msg("%s\nanswered %s\nnot with %s", line, answer, part);
}

#define OK(e, line) check_says(e, line, "\"result\":")

static inline char *export_text(struct env *e)
{
	return strdup(ask(e, "{\"id\":1,\"method\":\"config.export\"}"));
}

static inline void add_basics(struct env *e)
{
	OK(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	OK(e, "{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"p\","
	      "\"type\":\"patch\",\"peer\":\"q\"}}");
	OK(e, "{\"id\":1,\"method\":\"port.add\",\"params\":{\"bridge\":\"br0\",\"name\":\"q\","
	      "\"type\":\"patch\",\"peer\":\"p\"}}");
	OK(e, "{\"id\":1,\"method\":\"fdb.add\",\"params\":{\"bridge\":\"br0\",\"mac\":"
	      "\"02:00:00:00:00:01\",\"port\":\"p\",\"vlan\":3}}");
}

static inline uint32_t address_port(
	struct env *e, const char *bridge, const char *mac, uint16_t vlan)
{
	struct bridge *b = dataplane_bridge_lookup(e->dp, bridge);
	struct eth_addr addr;

	assert_non_null(b);
	assert_int_equal(eth_addr_parse(mac, &addr), 0);
	return fdb_lookup(b->fdb, addr, vlan);
}
