#include "rpc_method.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "switch_limits.h"
#include "log.h"
#include "mgmt_priv.h"
#include "must.h"
#include "names.h"
#include "schema.h"

enum { PROTOCOL = 1, MODULES_MAX = 64 };

/* ---- status ---- */

/* What is in use of each limit; -1 where nobody counts (a passing thing). */
static void limits_now(struct mgmt *m, long long *now)
{
	struct rpc_server_stats server = rpc_server_stats(m->server);
	const struct bridge *b = NULL;

	for (int i = 0; i < LIMIT_N; i++)
		now[i] = -1;
	now[LIMIT_BRIDGES] = (long long)config_count(m->config, CONFIG_BRIDGE);
	now[LIMIT_PORTS] = (long long)config_ports(m->config);
	now[LIMIT_STATIC_ADDRESSES] = (long long)config_count(m->config, CONFIG_FDB);
	now[LIMIT_BRIDGE_PORTS] = now[LIMIT_MAC_TABLE] = 0;
	while ((b = dataplane_bridge_next(m->dp, b))) {
		long long ports = (long long)config_bridge_ports(m->config, b->conf.name) + 1;
		long long addresses = fdb_stats(b->fdb).entries;

		if (ports > now[LIMIT_BRIDGE_PORTS])
			now[LIMIT_BRIDGE_PORTS] = ports;
		if (addresses > now[LIMIT_MAC_TABLE])
			now[LIMIT_MAC_TABLE] = addresses;
	}
	now[LIMIT_EXTERNAL_IDS] = (long long)config_sizes(m->config).ids;
	now[LIMIT_CONFIG_BYTES] = (long long)config_sizes(m->config).text;
	now[LIMIT_DOCUMENT_BYTES] = (long long)m->parts_bytes;
	now[LIMIT_RX_RINGS] = (long long)pring_bytes();
	now[LIMIT_CLIENTS] = server.clients;
	now[LIMIT_CLIENT_REQUESTS] = (long long)server.most_pending;
	now[LIMIT_CLIENT_OUTPUT] = (long long)server.most_output;
}

static json_t *status_limits(struct mgmt *m)
{
	json_t *list = must(json_array());
	long long now[LIMIT_N];

	limits_now(m, now);
	for (int i = 0; i < LIMIT_N; i++) {
		const struct limit *l = &limits[i];
		json_t *o = must(json_pack("{s:s, s:o, s:I, s:I, s:s, s:s}", "name", l->name, "now",
			now[i] < 0 ? json_null() : json_integer(now[i]), "max", (json_int_t)l->max,
			"default", (json_int_t)l->def, "counter", l->counter, "about", l->about));

		must_do(json_array_append_new(list, o));
	}
	return list;
}

static json_t *status_store(struct mgmt *m)
{
	struct store_stats st = store_stats(m->store);
	json_t *error = json_string(st.last_error);

	return must(json_pack("{s:s, s:i, s:I, s:I, s:I, s:o, s:i}", "path", m->database, "schema",
		st.schema, "logs-lost", (json_int_t)st.logs_lost, "commits", (json_int_t)st.commits,
		"failed", (json_int_t)st.failed, "last-error",
		error ? error : json_string("unknown"), "unreadable", (int)m->unreadable));
}

static json_t *status_clients(struct mgmt *m)
{
	struct rpc_server_stats st = rpc_server_stats(m->server);
	struct commit_stats commits = committer_stats(m->committer);
	struct watch_stats watch = watch_stats(m->watch);

	return must(json_pack("{s:i, s:I, s:I, s:I, s:i, s:I, s:I, s:I}", "now", (int)st.clients,
		"refused", (json_int_t)st.refused, "cut-off", (json_int_t)st.cut_off, "closed-idle",
		(json_int_t)st.closed_idle, "watching", (int)watch.watchers, "events-missed",
		(json_int_t)watch.missed, "changes-waiting", (json_int_t)commits.waiting,
		"changes-under-way", (json_int_t)commits.under_way));
}

int rpc_status(struct rpc_call *call)
{
	struct mgmt *m = call->mgmt;

	call->result =
		must(json_pack("{s:s, s:i, s:I, s:s, s:s, s:I, s:i, s:I, s:I, s:o, s:o, s:o}",
			"version", VSWITCH_VERSION, "pid", (int)getpid(), "uptime-s",
			(json_int_t)((clock_now_ms() - m->start_ms) / 1000), "rundir",
			m->rundir ? m->rundir : "", "database", m->database, "revision",
			(json_int_t)committer_stats(m->committer).revision, "workers",
			(int)workers_count(dataplane_workers(m->dp)), "bridges",
			(json_int_t)config_count(m->config, CONFIG_BRIDGE), "ports",
			(json_int_t)config_ports(m->config), "clients", status_clients(m), "store",
			status_store(m), "limits", status_limits(m)));
	return 0;
}

int rpc_version(struct rpc_call *call)
{
	call->result =
		must(json_pack("{s:s, s:i}", "version", VSWITCH_VERSION, "protocol", PROTOCOL));
	return 0;
}

int rpc_schema(struct rpc_call *call)
{
	call->result = schema_describe();
	return 0;
}

int rpc_watch(struct rpc_call *call)
{
	return watch_filter_create(call->params, &call->watch, &call->refusal);
}

/* ---- log levels ---- */

static void list_module(const char *module, enum log_level level, void *arg)
{
	must_do(json_array_append_new(arg,
		must(json_pack("{s:s, s:s}", "module", module, "level", log_level_name(level)))));
}

int rpc_log_list(struct rpc_call *call)
{
	call->result = must(json_array());
	log_each_module(list_module, call->result);
	return 0;
}

struct modules {
	const char *names[MODULES_MAX];
	unsigned n;
};

static void note_module(const char *module, enum log_level level, void *arg)
{
	struct modules *m = arg;

	if (m->n < MODULES_MAX)
		m->names[m->n++] = module;
}

static int refuse_module(struct rpc_call *call, const char *module)
{
	struct modules m = {0};
	const char *near;

	log_each_module(note_module, &m);
	near = names_nearest(m.names, m.n, module);
	if (near)
		return refuse(&call->refusal, REFUSED_ABSENT, module,
			"no log module is named %.80s (did you mean '%s'?)", module, near);
	return refuse(
		&call->refusal, REFUSED_ABSENT, module, "no log module is named %.80s", module);
}

int rpc_log_set(struct rpc_call *call)
{
	const char *word = schema_text(call->params, "level", &call->refusal), *module;
	enum log_level level;

	if (!word || rpc_opt_text(call, "module", &module))
		return -EINVAL;
	if (log_level_parse(word, &level))
		return refuse(&call->refusal, REFUSED_BAD, word,
			"level: %.80s is not one of error, warn, info, debug", word);
	return log_set_level(module, level) ? refuse_module(call, module) : 0;
}

/* ---- the table of methods ---- */

#define PARAMS(...)                                                                                \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__ __VA_OPT__(, ) NULL                                                    \
	}

static const struct rpc_method methods[] = {
	{.name = "bridge.add", .change = change_bridge_add},
	{.name = "bridge.set", .change = change_bridge_set},
	{.name = "bridge.del", .change = change_bridge_del},
	{.name = "bridge.list", .run = rpc_bridge_list, .params = PARAMS("name")},
	{.name = "port.add", .change = change_port_add, .run = rpc_port_changed},
	{.name = "port.set", .change = change_port_set, .run = rpc_port_changed},
	{.name = "port.del", .change = change_port_del},
	{.name = "port.list",
		.run = rpc_port_list,
		.params = PARAMS("name", "bridge", "limit", "after")},
	{.name = "port.stats", .run = rpc_port_stats, .params = PARAMS("name", "limit", "after")},
	{.name = "fdb.add", .change = change_fdb_add},
	{.name = "fdb.del", .change = change_fdb_del, .run = rpc_fdb_deleted},
	{.name = "fdb.flush",
		.run = rpc_fdb_flush,
		.action = true,
		.params = PARAMS("bridge", "port", "vlan")},
	{.name = "fdb.list",
		.run = rpc_fdb_list,
		.params = PARAMS("bridge", "port", "vlan", "limit", "after")},
	{.name = "config.apply",
		.take = rpc_config_take,
		.change = change_config_apply,
		.run = rpc_config_applied,
		.params = PARAMS("document", "parts", "dry-run", "limit")},
	{.name = "config.part", .take = rpc_config_part, .params = PARAMS("document")},
	{.name = "config.export",
		.change = rpc_config_export,
		.run = rpc_config_exported,
		.params = PARAMS("limit")},
	{.name = "config.more", .run = rpc_config_more, .params = PARAMS("limit", "after")},
	{.name = "drops", .run = rpc_drops, .params = PARAMS("port", "all", "limit", "after")},
	{.name = "worker.stats", .run = rpc_worker_stats, .params = PARAMS()},
	{.name = "worker.reset", .run = rpc_worker_reset, .action = true, .params = PARAMS()},
	{.name = "log.list", .run = rpc_log_list, .params = PARAMS()},
	{.name = "log.set",
		.run = rpc_log_set,
		.action = true,
		.params = PARAMS("level", "module")},
	{.name = "status", .run = rpc_status, .params = PARAMS()},
	{.name = "version", .run = rpc_version, .params = PARAMS()},
	{.name = "schema", .run = rpc_schema, .params = PARAMS()},
	{.name = "watch", .run = rpc_watch, .params = PARAMS("kind", "port", "bridge", "now")},
};

const struct rpc_method *rpc_method_lookup(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}
