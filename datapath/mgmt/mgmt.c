#include "mgmt.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mgmt_priv.h"
#include "must.h"

LOG_MODULE(mgmt);

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

static void port_event(struct dp_port *p, void *arg)
{
	struct mgmt *m = arg;

	rpc_server_port_event(m->server, p);
}

static int open_store(struct mgmt *m, struct strbuf *why)
{
	struct store_conf conf = {
		.base = m->base, .path = m->database, .owner = CONFIG_OWNER_LOCAL};
	int err = store_open(&conf, &m->store, why);

	return err ? err : store_load(m->store, load_row, m, why);
}

static int listen_in(struct mgmt *m, const struct mgmt_conf *conf, struct strbuf *why)
{
	struct strbuf path = STRBUF_INIT;

	if (!conf->rundir)
		return 0;
	strbuf_printf(&path, "%s/vswitchd.sock", conf->rundir);
	int err = rpc_server_create(m, strbuf_str(&path), conf->group, &m->server, why);
	strbuf_fini(&path);
	return err;
}

int mgmt_create(struct event_base *base, struct dataplane *dp, const struct mgmt_conf *conf,
	struct mgmt **out, struct strbuf *why)
{
	struct mgmt *m = must(calloc(1, sizeof(*m)));

	m->base = base;
	m->dp = dp;
	m->rundir = conf->rundir ? must(strdup(conf->rundir)) : NULL;
	m->database = must(strdup(conf->db));
	m->start_ms = m->workers_reset_ms = clock_now_ms();
	config_create(conf->env ? conf->env : &config_env_system, &m->config);
	int err = open_store(m, why);
	if (!err)
		err = listen_in(m, conf, why);
	if (err) {
		mgmt_destroy(m);
		return err;
	}
	reconcile_create(
		&(struct reconcile_conf){.dp = dp, .config = m->config, .kernel = !conf->no_kernel},
		&m->rec);
	committer_create(&(struct commit_conf){.base = base,
				 .config = m->config,
				 .dp = dp,
				 .rec = m->rec,
				 .store = m->store},
		&m->committer);
	dataplane_listen(dp, port_event, m);
	reconcile_start(m->rec);
	log_info("database %s: %zu bridges, %zu ports, %zu static addresses", m->database,
		config_count(m->config, CONFIG_BRIDGE), config_count(m->config, CONFIG_PORT),
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
	if (m->rec)
		dataplane_listen(m->dp, NULL, NULL);
	rpc_server_destroy(m->server);
	store_close(m->store); /* finishes what it was given */
	committer_destroy(m->committer);
	reconcile_destroy(m->rec);
	config_destroy(m->config);
	free(m->rundir);
	free(m->database);
	free(m);
}
