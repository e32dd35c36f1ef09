/* rpc_server.h - clients of the management protocol on a unix stream socket.
 *
 * Bounded, see switch_limits.h: so many clients, so long a line, so many requests not yet
 * answered (then no more is read), so much output not yet taken (then nothing more is
 * answered, and events are only counted).  A client that takes nothing for
 * LIMITS_CLIENT_STALL_S is cut off, but for one that watches: somebody may be reading
 * what it shows.  With all places taken a new client gets that of the one that has been
 * silent for longest, LIMITS_CLIENT_IDLE_S at least: programs that hang keep nobody out.
 *
 * Threads: control. */
#pragma once

#include <stdint.h>

#include "strbuf.h"

struct mgmt;
struct rpc_server;

struct rpc_server_stats {
	unsigned clients;
	uint64_t refused;		  /* one too many */
	uint64_t cut_off;		  /* did not read */
	uint64_t closed_idle;		  /* lost their places to others */
	size_t most_pending, most_output; /* of any client now */
};

/* Listen on 'path', mode 0660, group 'group' (NULL: the process's).  What is there from
 * an earlier run is replaced.  0; -errno with 'why'. */
int rpc_server_create(struct mgmt *m, const char *path, const char *group,
	struct rpc_server **server, struct strbuf *why);
void rpc_server_destroy(struct rpc_server *s);

/* No new clients, and nothing more is read; answers under way still go out. */
void rpc_server_stop(struct rpc_server *s);

/* Zeroes for NULL. */
struct rpc_server_stats rpc_server_stats(const struct rpc_server *s);
