#include "rpc_method.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "clock.h"
#include "fdb_page.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc_page.h"
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

const char **rpc_port_names(struct mgmt *m, size_t *n)
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

size_t rpc_name_after(const char **names, size_t n, const char *after)
{
	size_t from = 0;

	while (after && from < n) {
		size_t middle = from + (n - from) / 2;

		if (strcmp(names[middle], after) > 0)
			n = middle;
		else
			from = middle + 1;
	}
	return from;
}

int rpc_port_list(struct rpc_call *call)
{
	struct mgmt *m = call->mgmt;
	const char *only, *bridge;
	struct rpc_page page;
	size_t n;

	if (rpc_opt_text(call, "name", &only) || rpc_opt_text(call, "bridge", &bridge) ||
		rpc_page_params(call, &page))
		return -EINVAL;
	if (bridge && !config_get(m->config, CONFIG_BRIDGE, bridge))
		return refuse_absent(call->mgmt->config, CONFIG_BRIDGE, bridge, &call->refusal);
	if (only) {
		json_t *o = rpc_port_status(m, only);

		if (!o)
			return refuse_absent(call->mgmt->config, CONFIG_PORT, only, &call->refusal);
		rpc_page_begin(&page);
		if (!page.after && (!bridge || !strcmp(text_of(o, "bridge"), bridge)))
			rpc_page_add(&page, json_incref(o));
		rpc_page_end(&page, NULL);
		json_decref(o);
		return 0;
	}
	const char **names = rpc_port_names(m, &n);
	size_t i = rpc_name_after(names, n, page.after);
	rpc_page_begin(&page);
	for (; i < n && !rpc_page_full(&page); i++) {
		const json_t *port = config_get(m->config, CONFIG_PORT, names[i]);

		if (!bridge || !strcmp(port ? text_of(port, "bridge") : names[i], bridge))
			rpc_page_add(&page, rpc_port_status(m, names[i]));
	}
	rpc_page_end(&page, i < n ? names[i - 1] : NULL);
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

/* "next" of a page: the key that the following one begins with. */
static int parse_key(struct rpc_call *call, const char *text, uint64_t *key)
{
	char *end;

	*key = 0;
	if (!text)
		return 0;
	*key = strtoull(text, &end, 16);
	if (strlen(text) != 16 || *end || strspn(text, "0123456789abcdef") != 16)
		return refuse(&call->refusal, REFUSED_PARAMS, "after",
			"'after' is not the 'next' of a page");
	return 0;
}

static bool is_local(const struct fdb_page *found, const struct fdb_entry *e)
{
	return found->extra && e->vlan == found->extra->vlan &&
	       eth_addr_equal(e->mac, found->extra->mac);
}

static void list_addresses(
	const struct bridge *b, const struct fdb_page *found, struct rpc_page *page)
{
	char next[20];
	size_t i;

	rpc_page_begin(page);
	for (i = 0; i < found->n && !rpc_page_full(page); i++) {
		const struct fdb_entry *e = &found->entries[i];
		const struct bport *bp = bridge_port_by_index(b, e->port_id);

		if (!bp)
			continue;
		/* names have no character that JSON would escape */
		rpc_page_text(page,
			"{\"mac\":\"" ETH_ADDR_FMT
			"\",\"vlan\":%u,\"port\":\"%s\",\"static\":%s,%s\"age-s\":%llu}",
			ETH_ADDR_ARGS(e->mac), e->vlan, bp->port->conf.name,
			e->is_static ? "true" : "false",
			is_local(found, e) ? "\"local\":true," : "",
			(unsigned long long)(e->age_ms / 1000));
	}
	bool more = i < found->n || found->more;
	if (more)
		snprintf(next, sizeof(next), "%016llx",
			(unsigned long long)fdb_page_key(
				found->entries[i - 1].mac, found->entries[i - 1].vlan) +
				1);
	rpc_page_end(page, more ? next : NULL);
}

/* As text at once: a table can hold a million addresses. */
int rpc_fdb_list(struct rpc_call *call)
{
	struct fdb_page found = {0};
	struct fdb_entry local;
	struct rpc_page page;
	struct bridge *b;

	if (rpc_fdb_filter(call, &b, &found.port, &found.vlan) || rpc_page_params(call, &page) ||
		parse_key(call, page.after, &found.from))
		return -EINVAL;
	found.extra = bridge_local_entry(b, &local) ? &local : NULL;
	found.max = page.limit ? page.limit : fdb_stats(b->fdb).max_entries + 1;
	found.entries = must(calloc(found.max, sizeof(*found.entries)));
	fdb_page_read(b->fdb, clock_now_ms(), &found);
	list_addresses(b, &found, &page);
	free(found.entries);
	return 0;
}
