/* rpc_method.h - what a method of the management protocol is, and the table of them.
 *
 * Threads: control. */
#pragma once

#include "change.h"
#include "strbuf.h"

struct bridge;
struct held;
struct mgmt;
struct watch_filter;

/* One call under way. */
struct rpc_call {
	struct mgmt *mgmt;
	const json_t *params;
	json_t *own_params; /* in their place, made by 'take'; or NULL */
	size_t bytes;	    /* of the request's text */
	struct held *held;  /* the connection's */
	json_t *result;	    /* set by the method, or */
	struct strbuf text; /* ready JSON where that is much cheaper */
	struct refusal refusal;
	struct watch_filter *watch; /* set by 'watch' */
};

/* 0, or a negative number with call->refusal. */
typedef int (*rpc_fn)(struct rpc_call *call);

struct rpc_method {
	const char *name;
	rpc_fn take;	  /* when the request is read, before those after it; or NULL */
	change_fn change; /* of the configuration, by way of the committer; or NULL */
	rpc_fn run;	  /* looks, or acts at once; for changes: adds to the result when done */
	bool action;	  /* not done when the changes of its batch were refused */
	const char *const *params; /* the known ones, ended by NULL; NULL: the method sees */
};

const struct rpc_method *rpc_method_lookup(const char *name);

/* rpc_config.c */
int rpc_port_changed(struct rpc_call *call);
int rpc_fdb_deleted(struct rpc_call *call);
int rpc_fdb_flush(struct rpc_call *call);

/* rpc_document.c */
int rpc_config_export(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int rpc_config_exported(struct rpc_call *call);
int rpc_config_applied(struct rpc_call *call);
int rpc_config_more(struct rpc_call *call);
int rpc_config_part(struct rpc_call *call);
int rpc_config_take(struct rpc_call *call);

/* rpc_show.c */
int rpc_bridge_list(struct rpc_call *call);
int rpc_port_list(struct rpc_call *call);
int rpc_fdb_list(struct rpc_call *call);
json_t *rpc_port_status(struct mgmt *m, const char *name); /* NULL where absent */
/* Configured and internal ports, in order; the caller frees the array. */
const char **rpc_port_names(struct mgmt *m, size_t *n);
/* The first of 'n' names in order that comes after 'after'; NULL: the first. */
size_t rpc_name_after(const char **names, size_t n, const char *after);

/* rpc_status.c */
int rpc_status(struct rpc_call *call);
int rpc_version(struct rpc_call *call);
int rpc_schema(struct rpc_call *call);
int rpc_watch(struct rpc_call *call);
int rpc_log_list(struct rpc_call *call);
int rpc_log_set(struct rpc_call *call);

/* rpc_stats.c */
int rpc_port_stats(struct rpc_call *call);
int rpc_drops(struct rpc_call *call);
int rpc_worker_stats(struct rpc_call *call);
int rpc_worker_reset(struct rpc_call *call);

/* ---- parameters ---- */

/* An optional string; *text NULL where absent. */
int rpc_opt_text(struct rpc_call *call, const char *key, const char **text);

/* "bridge", and optional "port" (FDB_NONE) and "vlan" (FDB_ANY_VLAN). */
int rpc_fdb_filter(struct rpc_call *call, struct bridge **b, uint32_t *port, int *vlan);
