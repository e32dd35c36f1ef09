#include "mgmt.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mgmt_priv.h"
#include "must.h"

LOG_MODULE(mgmt);

/* jansson calls a text malformed that it has no memory for: a stored object would be taken
 * for an unreadable one. */
static void *json_malloc(size_t len)
{
	return must(malloc(len));
}

/* A row that cannot be used is left in the store and told: better a switch without one
 * port than no switch. */
static void load_row(enum config_kind kind, const char *name, const char *text, void *arg)
{
	struct refusal r = REFUSAL_INIT;
	struct mgmt *m = arg;
	json_t *object = json_loads(text, 0, NULL);

	if (!json_is_object(object))
		refuse(&r, REFUSED_BAD, name, "%s %s: not an object", config_kind_name(kind), name);
	else
		config_load(m->config, kind, object, &r);
	if (r.code) {
		log_error("database %s: %s", m->database, strbuf_str(&r.text));
		m->unreadable++;
	}
	refusal_fini(&r);
	json_decref(object);
}

static void config_changed(const struct config_tx *tx, uint64_t revision, void *arg)
{
	struct mgmt *m = arg;

	watch_config(m->watch, tx, revision);
}

/* Devices that an earlier run left for us are marked with the database's secret. */
static int know_devices(struct mgmt *m, struct strbuf *why)
{
	uint8_t secret[STORE_SECRET_LEN];
	struct hash_seed key;
	int err = store_secret(m->store, secret, why);

	static_assert(sizeof(key) == sizeof(secret), "the secret is a key");
	if (err)
		return err;
	memcpy(&key, secret, sizeof(key));
	dataplane_set_mark_key(m->dp, key);
	return 0;
}

static int open_store(struct mgmt *m, struct strbuf *why)
{
	struct store_conf conf = {
		.base = m->base, .path = m->database, .owner = CONFIG_OWNER_LOCAL};
	int err = store_open(&conf, &m->store, why);

	if (!err)
		err = store_load(m->store, load_row, m, why);
	return err ? err : know_devices(m, why);
}

static int listen_in(struct mgmt *m, const struct mgmt_conf *conf, struct strbuf *why)
{
	char path[PATH_MAX];

	if (!conf->rundir)
		return 0;
	snprintf(path, sizeof(path), "%s/vswitchd.sock", conf->rundir);
	return rpc_server_create(m, path, conf->group, &m->server, why);
}

static int make_parts(struct mgmt *m, const struct mgmt_conf *conf)
{
	int err = reconcile_create(
		&(struct reconcile_conf){
			.dp = m->dp, .config = m->config, .kernel = !conf->no_kernel},
		&m->rec);

	if (!err)
		err = committer_create(&(struct commit_conf){.base = m->base,
					       .config = m->config,
					       .dp = m->dp,
					       .rec = m->rec,
					       .store = m->store,
					       .changed = config_changed,
					       .arg = m},
			&m->committer);
	if (!err)
		err = watch_create(
			m->base, m->dp, committer_stats(m->committer).revision, &m->watch);
	if (!err)
		err = rpc_turns_create(m->base, &m->turns);
	return err;
}

static bool is_configured(const char *port, void *arg)
{
	const struct mgmt *m = arg;

	return config_get(m->config, CONFIG_PORT, port) ||
	       config_get(m->config, CONFIG_BRIDGE, port);
}

/* Not where part of the configuration is unknown: it may want them. */
static void clear_leftovers(struct mgmt *m)
{
	if (m->unreadable)
		log_warn("database %s has unreadable rows: what an earlier run left stays",
			m->database);
	else
		dataplane_clear_leftovers(m->dp, is_configured, m);
}

int mgmt_create(struct event_base *base, struct dataplane *dp, const struct mgmt_conf *conf,
	struct mgmt **out, struct strbuf *why)
{
	struct mgmt *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	json_set_alloc_funcs(json_malloc, free);
	m->base = base;
	m->dp = dp;
	m->rundir = conf->rundir ? strdup(conf->rundir) : NULL;
	m->database = strdup(conf->db);
	m->start_ms = m->workers_reset_ms = clock_now_ms();
	int err = (conf->rundir && !m->rundir) || !m->database ? -ENOMEM : 0;
	if (!err)
		err = config_create(conf->env ? conf->env : &config_env_system, &m->config);
	if (!err)
		err = open_store(m, why);
	if (!err)
		err = make_parts(m, conf);
	if (!err)
		err = listen_in(m, conf, why);
	if (err) {
		mgmt_destroy(m);
		return err;
	}
	reconcile_start(m->rec);
	clear_leftovers(m);
	log_info("database %s: %zu bridges, %zu ports, %zu static addresses", m->database,
		config_count(m->config, CONFIG_BRIDGE), config_ports(m->config),
		config_count(m->config, CONFIG_FDB));
	*out = m;
	return 0;
}

static void drained(void *arg)
{
	struct mgmt *m = arg;

	m->stopped(m->stopped_arg);
}

void mgmt_stop(struct mgmt *m, void (*done)(void *arg), void *arg)
{
	m->stopped = done;
	m->stopped_arg = arg;
	rpc_server_stop(m->server);
	committer_drain(m->committer, drained, m);
}

void mgmt_destroy(struct mgmt *m)
{
	if (!m)
		return;
	rpc_server_destroy(m->server);
	store_close(m->store); /* finishes what it was given */
	committer_destroy(m->committer);
	rpc_turns_destroy(m->turns);
	watch_destroy(m->watch);
	reconcile_destroy(m->rec);
	config_destroy(m->config);
	free(m->rundir);
	free(m->database);
	free(m);
}
