#include "rpc_method.h"

#include <errno.h>
#include <string.h>

#include "absent.h"
#include "clock.h"
#include "switch_limits.h"
#include "mgmt_priv.h"
#include "must.h"
#include "schema.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int rpc_opt_text(struct rpc_call *call, const char *key, const char **text)
{
	*text = NULL;
	if (!json_object_get(call->params, key))
		return 0;
	*text = schema_text(call->params, key, &call->refusal);
	return *text ? 0 : -EINVAL;
}

/* Defaults that are the same for every object of a kind. */
static void fill_defaults(enum config_kind kind, unsigned type_bit, json_t *object)
{
	for (const struct config_key *k = config_keys(kind); k->name; k++) {
		json_t *v;

		if (!k->def || json_object_get(object, k->name) ||
			(k->types && !(k->types & type_bit)))
			continue;
		if (k->value == CONFIG_BOOL)
			v = json_boolean(*k->def == 't');
		else if (k->value == CONFIG_UINT)
			v = json_integer(atoll(k->def));
		else
			v = json_string(k->def);
		must_do(json_object_set_new(object, k->name, must(v)));
	}
}

/* ---- bridges ---- */

static json_t *bridge_fdb(const struct bridge *b)
{
	struct fdb_stats st = fdb_stats(b->fdb);

	return must(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "entries",
		(json_int_t)st.entries, "limit", (json_int_t)st.max_entries, "static",
		(json_int_t)st.static_entries, "learned", (json_int_t)st.learned, "moved",
		(json_int_t)st.moved, "expired", (json_int_t)st.expired, "evicted",
		(json_int_t)st.evicted, "refused-by-limit", (json_int_t)st.refused_by_limit,
		"refused-static", (json_int_t)st.refused_static, "refused-full",
		(json_int_t)st.refused_full));
}

static json_t *bridge_status(struct mgmt *m, const char *name)
{
	const struct bridge *b = dataplane_bridge_lookup(m->dp, name);
	json_t *o = must(json_copy(config_get(m->config, CONFIG_BRIDGE, name)));

	fill_defaults(CONFIG_BRIDGE, 0, o);
	must_do(json_object_set_new(o, "ports", must(json_array())));
	if (b)
		must_do(json_object_set_new(o, "fdb", bridge_fdb(b)));
	return o;
}

/* Names of ports to the bridges that they are in; 'by_name' has those bridges. */
static void list_bridge_ports(struct mgmt *m, json_t *by_name)
{
	size_t n = config_count(m->config, CONFIG_PORT);
	const char **names = config_names(m->config, CONFIG_PORT);

	for (size_t i = 0; i < n; i++) {
		const json_t *port = config_get(m->config, CONFIG_PORT, names[i]);
		json_t *bridge = json_object_get(by_name, text_of(port, "bridge"));

		if (bridge && !config_port_is_internal(port))
			must_do(json_array_append_new(
				json_object_get(bridge, "ports"), must(json_string(names[i]))));
	}
	free(names);
}

int rpc_bridge_list(struct rpc_call *call)
{
	struct mgmt *m = call->mgmt;
	const char *only;

	if (rpc_opt_text(call, "name", &only))
		return -EINVAL;
	if (only && !config_get(m->config, CONFIG_BRIDGE, only))
		return refuse_absent(call->mgmt->config, CONFIG_BRIDGE, only, &call->refusal);
	json_t *list = must(json_array()), *by_name = must(json_object());
	const char **names = config_names(m->config, CONFIG_BRIDGE);
	for (size_t i = 0; i < config_count(m->config, CONFIG_BRIDGE); i++) {
		if (only && strcmp(only, names[i]))
			continue;
		json_t *o = bridge_status(m, names[i]);
		must_do(json_array_append_new(list, o));
		must_do(json_object_set(by_name, names[i], o));
	}
	free(names);
	list_bridge_ports(m, by_name);
	json_decref(by_name);
	call->result = list;
	return 0;
}

/* ---- ports ---- */

/* What it is at the moment, over what it is meant to be. */
static void port_state(struct mgmt *m, const char *name, const struct dp_port *p, json_t *o)
{
	static const char *const states[] = {
		[DP_PORT_UP] = "up", [DP_PORT_WAITING] = "waiting", [DP_PORT_FAILED] = "failed"};
	const char *why = reconcile_why(m->rec, name);

	if (!p) {
		must_do(json_object_update_new(
			o, must(json_pack("{s:s, s:s, s:b, s:i}", "state", "failed", "why",
				   why ? why : "not in the dataplane", "link", 0, "since-s", 0))));
		return;
	}
	must_do(json_object_update_new(
		o, must(json_pack("{s:s, s:b, s:I, s:I}", "state", states[p->state], "link",
			   p->port->link_up, "mtu", (json_int_t)p->port->mtu, "since-s",
			   (json_int_t)((clock_now_ms() - p->since_ms) / 1000)))));
	json_t *text = json_string(p->why); /* a reason may have been cut within a character */
	must_do(json_object_set_new(o, "why", text ? text : must(json_string("refused"))));
	if (p->port->has_mac)
		must_do(json_object_set_new(
			o, "mac", must(json_sprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(p->port->mac)))));
	json_t *info = must(json_object());
	if (p->port->ops->info)
		p->port->ops->info(p->port, info);
	must_do(json_object_set_new(o, "info", info));
}

static void fill_vlan_mode(json_t *port)
{
	if (!json_object_get(port, "vlan-mode"))
		must_do(json_object_set_new(port, "vlan-mode",
			must(json_string(json_object_get(port, "tag") ? "access" : "trunk"))));
}

json_t *rpc_port_status(struct mgmt *m, const char *name)
{
	const struct dp_port *p = dataplane_port_lookup(m->dp, name);
	const json_t *bridge = config_get(m->config, CONFIG_BRIDGE, name);
	const json_t *port = config_get(m->config, CONFIG_PORT, name);
	json_t *o;

	if (!port && !bridge)
		return NULL;
	o = must(json_pack("{s:s, s:s, s:s}", "name", name, "bridge", name, "type", "internal"));
	if (bridge)
		must_do(json_object_set_new(o, "ofport", must(json_integer(OFPORT_LOCAL))));
	if (port)
		must_do(json_object_update(o, (json_t *)port));
	fill_defaults(CONFIG_PORT, config_type_bit(text_of(o, "type")), o);
	fill_vlan_mode(o);
	port_state(m, name, p, o);
	return o;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Configured and internal ports, in order; the caller frees the array. */
static const char **port_names(struct mgmt *m, size_t *n)
{
	size_t n_ports = config_count(m->config, CONFIG_PORT);
	size_t n_bridges = config_count(m->config, CONFIG_BRIDGE);
	const char **ports = config_names(m->config, CONFIG_PORT);
	const char **bridges = config_names(m->config, CONFIG_BRIDGE);

	*n = n_ports;
	ports = must(realloc(ports, (n_ports + n_bridges + 1) * sizeof(*ports)));
	for (size_t i = 0; i < n_bridges; i++)
		if (dataplane_port_lookup(m->dp, bridges[i]) &&
			!config_get(m->config, CONFIG_PORT, bridges[i])) /* not among 'ports' */
			ports[(*n)++] = bridges[i];
	free(bridges);
	qsort(ports, *n, sizeof(*ports), compare_names);
	return ports;
}

int rpc_port_list(struct rpc_call *call)
{
	struct mgmt *m = call->mgmt;
	const char *only, *bridge;
	size_t n;

	if (rpc_opt_text(call, "name", &only) || rpc_opt_text(call, "bridge", &bridge))
		return -EINVAL;
	if (bridge && !config_get(m->config, CONFIG_BRIDGE, bridge))
		return refuse_absent(call->mgmt->config, CONFIG_BRIDGE, bridge, &call->refusal);
	if (only) {
		json_t *o = rpc_port_status(m, only);

		if (!o)
			return refuse_absent(call->mgmt->config, CONFIG_PORT, only, &call->refusal);
		call->result = must(json_array());
		if (!bridge || !strcmp(text_of(o, "bridge"), bridge))
			must_do(json_array_append(call->result, o));
		json_decref(o);
		return 0;
	}
	const char **names = port_names(m, &n);
	call->result = must(json_array());
	for (size_t i = 0; i < n; i++) {
		const json_t *port = config_get(m->config, CONFIG_PORT, names[i]);

		if (!bridge || !strcmp(port ? text_of(port, "bridge") : names[i], bridge))
			must_do(json_array_append_new(call->result, rpc_port_status(m, names[i])));
	}
	free(names);
	return 0;
}

/* ---- MAC tables ---- */

int rpc_fdb_filter(struct rpc_call *call, struct bridge **b, uint32_t *port, int *vlan)
{
	const json_t *v = json_object_get(call->params, "vlan");
	const char *name = schema_text(call->params, "bridge", &call->refusal), *port_name;
	json_t *number = NULL;

	*port = FDB_NONE;
	*vlan = FDB_ANY_VLAN;
	if (!name || rpc_opt_text(call, "port", &port_name))
		return -EINVAL;
	*b = dataplane_bridge_lookup(call->mgmt->dp, name);
	if (!*b)
		return refuse_absent(call->mgmt->config, CONFIG_BRIDGE, name, &call->refusal);
	if (port_name) {
		const struct dp_port *p = dataplane_port_lookup(call->mgmt->dp, port_name);

		if (!p || p->bport->bridge != *b)
			return refuse(&call->refusal, REFUSED_ABSENT, port_name,
				"no port of bridge %s is named %.80s", name, port_name);
		*port = p->bport->index;
	}
	if (v && schema_value(config_key_lookup(CONFIG_FDB, "vlan"), v, &number, &call->refusal)) {
		refusal_prefix(&call->refusal, "vlan");
		return -EINVAL;
	}
	if (v)
		*vlan = (int)json_integer_value(number); /* 0 is the default and comes as NULL */
	json_decref(number);
	return 0;
}

struct fdb_lister {
	const struct bridge *bridge;
	struct strbuf *out;
	uint32_t port;
	int vlan;
};

static void list_address(const struct fdb_entry *e, void *arg)
{
	const struct fdb_lister *l = arg;
	const struct bport *bp = bridge_port_by_index(l->bridge, e->port_id);

	if ((l->vlan != FDB_ANY_VLAN && l->vlan != e->vlan) ||
		(l->port != FDB_NONE && l->port != e->port_id) || !bp ||
		l->out->len >= LIMITS_TEXT_BYTES)
		return;
	/* names have no character that JSON would escape */
	strbuf_printf(l->out,
		"%s{\"mac\":\"" ETH_ADDR_FMT
		"\",\"vlan\":%u,\"port\":\"%s\",\"static\":%s,\"age-s\":%llu}",
		l->out->len > 1 ? "," : "", ETH_ADDR_ARGS(e->mac), e->vlan, bp->port->conf.name,
		e->is_static ? "true" : "false", (unsigned long long)(e->age_ms / 1000));
}

/* As text at once: a table can hold a million addresses. */
int rpc_fdb_list(struct rpc_call *call)
{
	struct fdb_lister l = {.out = &call->text};
	struct bridge *b;

	if (rpc_fdb_filter(call, &b, &l.port, &l.vlan))
		return -EINVAL;
	l.bridge = b;
	strbuf_putc(l.out, '[');
	fdb_for_each(b->fdb, clock_now_ms(), list_address, &l);
	strbuf_putc(l.out, ']');
	return 0;
}
