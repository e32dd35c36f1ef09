/* client.h - one blocking connection to a daemon of the switch.
 *
 * JSON-RPC 2.0 over a unix stream socket, a JSON text per line, as
 * proto/management.md has it.  A request is at most 16 MiB; an answer is as
 * long as the daemon makes it.  Every wait ends at the time-out, counted per call.
 *
 * Errors of this side have codes of their own, so that a script that reads
 * --json need not read words.
 *
 * Threads: one at a time per client. */
#pragma once

#include <jansson.h>

enum {
	CLIENT_UNREACHABLE = -32000, /* no daemon, or it closed the connection */
	CLIENT_TIMEOUT = -32001,     /* the daemon did not answer in time */
	CLIENT_PROTOCOL = -32002,    /* what came is not an answer */
	CLIENT_LOCAL = -32003,	     /* a file, or a command line */
};

struct client;

/* Why a call failed: {"code", "message", "data"?}, in a result's place. */
json_t *client_error(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Connect to RUNDIR/vswitchd.sock.  'timeout_ms' 0 waits for ever.  NULL and a
 * client_error in '*error', the caller's, where no daemon is reached. */
struct client *client_open(const char *rundir, unsigned timeout_ms, json_t **error);
void client_close(struct client *client);

/* Call 'method' and wait.  The result, the caller's; or NULL and '*error'.
 * 'params' is borrowed, NULL for none.  A failed call leaves the connection
 * unusable where the code is one of the above. */
json_t *client_call(struct client *client, const char *method, json_t *params, json_t **error);

/* Send an array of requests as one batch; their ids are set here.  The array of
 * answers in the order of the requests, or NULL and '*error'. */
json_t *client_batch(struct client *client, json_t *requests, json_t **error);

/* The next notification, waited for without a time-out; NULL and '*error'. */
json_t *client_event(struct client *client, json_t **error);
