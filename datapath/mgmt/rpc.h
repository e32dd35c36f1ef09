/* rpc.h - JSON-RPC 2.0 as proto/management.md says: text in, text out.
 *
 * A session is one client.  It is given whole lines and gives out whole lines, in the
 * order of the requests; where lines come from and go to is rpc_server.h's affair (or
 * a test's).  Changes go to the committer as they come in, so that many sent at once
 * share a commit; what only looks is answered when its turn comes.  Answering a long
 * batch, or many requests, takes several rounds of the event loop (rpc_turn.h).
 *
 * Bounds: switch_limits.h.
 *
 * Threads: control. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mgmt;
struct rpc_session;

struct rpc_session_ops {
	/* A whole line with its '\n'. */
	void (*send)(void *arg, const char *line, size_t len);
	/* May another answer be given out?  False: rpc_session_pump() follows when so. */
	bool (*ready)(void *arg);
	/* Fewer requests are pending. */
	void (*answered)(void *arg);
	/* An event, also a whole line.  False: there is no room for it;
	 * rpc_session_ready() follows when there is. */
	bool (*event)(void *arg, const char *line, size_t len);
};

void rpc_session_create(
	struct mgmt *m, const struct rpc_session_ops *ops, void *arg, struct rpc_session **session);

/* Nothing is sent any more; changes under way go on by themselves. */
void rpc_session_destroy(struct rpc_session *s);

/* One line without its end. */
void rpc_session_line(struct rpc_session *s, const char *line, size_t len);

/* Go on answering. */
void rpc_session_pump(struct rpc_session *s);

/* The switch stops: answer now what has no changes under way.  What only looks and has not
 * been begun is refused. */
void rpc_session_finish(struct rpc_session *s);

/* Requests not yet answered. */
size_t rpc_session_pending(const struct rpc_session *s);
size_t rpc_session_pending_bytes(const struct rpc_session *s); /* of their text */

/* Asked for events with 'watch'. */
bool rpc_session_watches(const struct rpc_session *s);

/* There is room for events again. */
void rpc_session_ready(struct rpc_session *s);

/* A line for a client that is answered without a request: {"error": …}, with its '\n';
 * the caller frees it. */
char *rpc_error_line(int code, const char *message);
