#include "change.h"

#include <errno.h>
#include <string.h>

#include "absent.h"
#include "must.h"
#include "names.h"
#include "schema.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int refuse_parameter(
	const char *const *known, unsigned n, const char *key, struct refusal *r)
{
	const char *near = names_nearest(known, n, key);

	if (near)
		return refuse(r, REFUSED_PARAMS, key,
			"unknown parameter '%.80s' (did you mean '%s'?)", key, near);
	return refuse(r, REFUSED_PARAMS, key, "unknown parameter '%.80s'", key);
}

int change_params(const json_t *params, const char *const *known, struct refusal *r)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)params, key, v)
	{
		const char *const *k = known;

		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return refuse_parameter(known, (unsigned)(k - known), key, r);
	}
	return 0;
}

/* Lay params over 'base' and check; NULL where refused. */
static json_t *edited(struct config *c, enum config_kind kind, const json_t *base,
	const json_t *params, struct refusal *r)
{
	json_t *object = NULL, *ordered = NULL;

	if (!schema_edit(kind, base, params, &object, r) &&
		!(kind == CONFIG_BRIDGE ? change_finish_bridge : change_finish_port)(
			c, object, r) &&
		!(kind == CONFIG_PORT && change_number_port(c, object, r)))
		ordered = schema_order(kind, object);
	else
		refusal_prefix(r, "%s %s", config_kind_name(kind), text_of(base, "name"));
	json_decref(object);
	return ordered;
}

/* Put a new object, or none where it was refused; it is also the method's result. */
static int put_result(struct config_tx *tx, enum config_kind kind, json_t *object, json_t **result)
{
	if (!object)
		return -EINVAL;
	*result = json_incref(object);
	config_tx_put(tx, kind, text_of(object, "name"), object);
	return 0;
}

/* The same for one that is added, or with 'may-exist' set. */
static int put_added(struct config_tx *tx, enum config_kind kind, const json_t *params,
	json_t **result, struct refusal *r)
{
	json_t *old = config_get(tx->config, kind, text_of(params, "name"));
	json_t *given = must(json_copy((json_t *)params)), *base;

	json_object_del(given, "may-exist");
	base = old ? json_incref(old)
		   : must(json_pack("{s:O, s:O*}", "name", json_object_get(params, "name"),
			     "bridge", json_object_get(params, "bridge")));
	json_t *object = edited(tx->config, kind, base, given, r);
	json_decref(base);
	json_decref(given);
	return put_result(tx, kind, object, result);
}

/* ---- bridges ---- */

static void put_mac(struct config *c, json_t *object)
{
	uint8_t b[6];

	config_env(c)->random_mac(b);
	b[0] = (uint8_t)((b[0] | 2) & ~1); /* locally administered, one station's */
	must_do(json_object_set_new(object, "mac",
		must(json_sprintf(
			"%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]))));
}

int change_finish_bridge(struct config *c, json_t *bridge, struct refusal *r)
{
	if (!json_object_get(bridge, "mac"))
		put_mac(c, bridge);
	if (!json_object_get(bridge, "dpid")) {
		const char *m = text_of(bridge, "mac");

		must_do(json_object_set_new(bridge, "dpid",
			must(json_sprintf("0000%.2s%.2s%.2s%.2s%.2s%.2s", m, m + 3, m + 6, m + 9,
				m + 12, m + 15))));
	}
	return schema_check(CONFIG_BRIDGE, bridge, r);
}

int change_bridge_add(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *name = schema_text(params, "name", r);
	bool may_exist;

	if (!name || schema_flag(params, "may-exist", &may_exist, r) ||
		schema_name("bridge", name, CONFIG_BRIDGE_NAME_MAX, r))
		return -EINVAL;
	const json_t *old = config_get(tx->config, CONFIG_BRIDGE, name);
	if (old && !may_exist)
		return refuse(r, REFUSED_EXISTS, name, "bridge %s exists already", name);
	return put_added(tx, CONFIG_BRIDGE, params, result, r);
}

int change_bridge_set(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *name = schema_text(params, "name", r);

	if (!name)
		return -EINVAL;
	const json_t *old = config_get(tx->config, CONFIG_BRIDGE, name);
	if (!old)
		return refuse_absent(tx->config, CONFIG_BRIDGE, name, r);
	return put_result(
		tx, CONFIG_BRIDGE, edited(tx->config, CONFIG_BRIDGE, old, params, r), result);
}

/* Take away what refers to 'name' by 'key': the ports of a bridge, the addresses of a
 * bridge or port. */
static void del_dependent(
	struct config_tx *tx, enum config_kind kind, const char *key, const char *name)
{
	size_t n = config_count(tx->config, kind);
	const char **names = config_names(tx->config, kind);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(text_of(config_get(tx->config, kind, names[i]), key), name))
			config_tx_put(tx, kind, names[i], NULL);
	free(names);
}

static int del_params(const json_t *params, const char **name, bool *if_exists, struct refusal *r)
{
	static const char *const known[] = {"name", "if-exists", NULL};

	*name = schema_text(params, "name", r);
	if (!*name || change_params(params, known, r))
		return -EINVAL;
	return schema_flag(params, "if-exists", if_exists, r);
}

int change_bridge_del(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *name;
	bool if_exists;

	if (del_params(params, &name, &if_exists, r))
		return -EINVAL;
	const json_t *old = config_get(tx->config, CONFIG_BRIDGE, name);
	if (!old && !if_exists)
		return refuse_absent(tx->config, CONFIG_BRIDGE, name, r);
	if (old) {
		if (config_count(tx->config, CONFIG_FDB))
			del_dependent(tx, CONFIG_FDB, "bridge", name);
		if (config_bridge_ports(tx->config, name))
			del_dependent(tx, CONFIG_PORT, "bridge", name);
		config_tx_put(tx, CONFIG_PORT, name, NULL); /* what its internal one had */
		config_tx_put(tx, CONFIG_BRIDGE, name, NULL);
	}
	*result = must(json_pack("{s:b}", "removed", old != NULL));
	return 0;
}

/* ---- ports ---- */

int change_finish_port(struct config *c, json_t *port, struct refusal *r)
{
	const char *name = text_of(port, "name");

	if (!json_object_get(port, "type"))
		must_do(json_object_set_new(port, "type",
			must(json_string(!strcmp(name, text_of(port, "bridge"))	 ? "internal"
					 : config_env(c)->interface_exists(name) ? "netdev"
										 : "tap"))));
	if (!strcmp(text_of(port, "type"), "tap") && !json_object_get(port, "mac"))
		put_mac(c, port);
	return schema_check(CONFIG_PORT, port, r);
}

int change_number_port(struct config *c, json_t *port, struct refusal *r)
{
	if (json_object_get(port, "ofport") || config_port_is_internal(port))
		return 0;
	uint16_t ofport = config_ofport_free(c, text_of(port, "bridge"));
	if (!ofport)
		return refuse(r, REFUSED_LIMIT, "ofport", "ofport: none is free in bridge %s",
			text_of(port, "bridge"));
	must_do(json_object_set_new(port, "ofport", must(json_integer(ofport))));
	return 0;
}

/* The keys of a bridge's internal port.  Two of them are the bridge's. */
static int set_internal(struct config_tx *tx, const char *name, const json_t *params,
	json_t **result, struct refusal *r)
{
	const json_t *bridge = config_get(tx->config, CONFIG_BRIDGE, name);
	const json_t *port = config_get(tx->config, CONFIG_PORT, name);
	json_t *given = must(json_copy((json_t *)params)), *result_bridge = NULL, *base;
	json_t *of_bridge = must(json_pack("{s:O*, s:O*}", "mac", json_object_get(params, "mac"),
		"mtu", json_object_get(params, "mtu")));
	int rc = 0;

	json_object_del(given, "may-exist");
	json_object_del(given, "mac");
	json_object_del(given, "mtu");
	if (json_object_size(of_bridge))
		rc = put_result(tx, CONFIG_BRIDGE,
			edited(tx->config, CONFIG_BRIDGE, bridge, of_bridge, r), &result_bridge);
	json_decref(result_bridge);
	json_decref(of_bridge);
	base = port ? json_incref((json_t *)port)
		    : must(json_pack(
			      "{s:s, s:s, s:s}", "name", name, "bridge", name, "type", "internal"));
	if (!rc)
		rc = put_result(
			tx, CONFIG_PORT, edited(tx->config, CONFIG_PORT, base, given, r), result);
	json_decref(base);
	json_decref(given);
	return rc;
}

int change_port_add(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *bridge = schema_text(params, "bridge", r);
	const char *name = bridge ? schema_text(params, "name", r) : NULL;
	bool may_exist;

	if (!name || schema_flag(params, "may-exist", &may_exist, r) ||
		schema_name("port", name, CONFIG_PORT_NAME_MAX, r))
		return -EINVAL;
	if (!config_get(tx->config, CONFIG_BRIDGE, bridge))
		return refuse_absent(tx->config, CONFIG_BRIDGE, bridge, r);
	bool internal = !strcmp(name, bridge);
	if (internal && may_exist)
		return set_internal(tx, name, params, result, r);
	const json_t *old = config_get(tx->config, CONFIG_PORT, name);
	if (old && strcmp(text_of(old, "bridge"), bridge))
		return refuse(r, REFUSED_EXISTS, name, "port %s is in bridge %s already", name,
			text_of(old, "bridge"));
	if (internal || (old && !may_exist))
		return refuse(r, REFUSED_EXISTS, name, "port %s exists already", name);
	return put_added(tx, CONFIG_PORT, params, result, r);
}

int change_port_set(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *name = schema_text(params, "name", r);

	if (!name)
		return -EINVAL;
	const json_t *old = config_get(tx->config, CONFIG_PORT, name);
	bool internal = config_get(tx->config, CONFIG_BRIDGE, name);
	if (!old && !internal)
		return refuse_absent(tx->config, CONFIG_PORT, name, r);
	if (json_object_get(params, "bridge"))
		return refuse(r, REFUSED_BAD, "bridge",
			"port %s: bridge: cannot be changed; delete the port and add it again",
			name);
	if (internal)
		return set_internal(tx, name, params, result, r);
	return put_result(tx, CONFIG_PORT, edited(tx->config, CONFIG_PORT, old, params, r), result);
}

int change_port_del(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	const char *name;
	bool if_exists;

	if (del_params(params, &name, &if_exists, r))
		return -EINVAL;
	const json_t *old = config_get(tx->config, CONFIG_PORT, name);
	if (config_get(tx->config, CONFIG_BRIDGE, name))
		return refuse(r, REFUSED_BAD, name,
			"port %s is the internal port of its bridge and goes with it", name);
	if (!old && !if_exists)
		return refuse_absent(tx->config, CONFIG_PORT, name, r);
	if (old) {
		if (config_port_addresses(tx->config, name))
			del_dependent(tx, CONFIG_FDB, "port", name);
		config_tx_put(tx, CONFIG_PORT, name, NULL);
	}
	*result = must(json_pack("{s:b}", "removed", old != NULL));
	return 0;
}

/* ---- static addresses ---- */

/* Lay one identity key of 'params' over 'fdb'. */
static int identity_key(json_t *fdb, const json_t *params, const char *name, struct refusal *r)
{
	const struct config_key *key = config_key_lookup(CONFIG_FDB, name);
	const json_t *v = json_object_get(params, name);
	json_t *out;

	if (!v && !key->def)
		return refuse(r, REFUSED_PARAMS, name, "'%s' is missing", name);
	if (!v)
		return 0;
	if (schema_value(key, v, &out, r)) {
		refusal_prefix(r, "%s", name);
		return -EINVAL;
	}
	if (out)
		must_do(json_object_set_new(fdb, name, out));
	return 0;
}

int change_fdb_identity(const json_t *params, json_t **fdb, struct refusal *r)
{
	json_t *object = must(json_object());

	if (identity_key(object, params, "bridge", r) || identity_key(object, params, "mac", r) ||
		identity_key(object, params, "vlan", r)) {
		json_decref(object);
		return -EINVAL;
	}
	*fdb = object;
	return 0;
}

int change_fdb_add(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	json_t *base, *object = NULL;

	if (change_fdb_identity(params, &base, r)) {
		refusal_prefix(r, "fdb");
		return -EINVAL;
	}
	char *name = schema_fdb_name(base);
	int rc = schema_edit(CONFIG_FDB, base, params, &object, r);
	if (!rc)
		rc = schema_check(CONFIG_FDB, object, r);
	if (rc) {
		json_decref(object);
		refusal_prefix(r, "fdb %s", name);
	} else {
		config_tx_put(tx, CONFIG_FDB, name, object);
		*result = must(json_object());
	}
	json_decref(base);
	free(name);
	return rc;
}

/* The address in every VLAN. */
static int fdb_del_all(struct config_tx *tx, const json_t *fdb)
{
	size_t n = config_count(tx->config, CONFIG_FDB);
	const char **names = config_names(tx->config, CONFIG_FDB);
	int removed = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *o = config_get(tx->config, CONFIG_FDB, names[i]);

		if (strcmp(text_of(o, "bridge"), text_of(fdb, "bridge")) ||
			strcmp(text_of(o, "mac"), text_of(fdb, "mac")))
			continue;
		config_tx_put(tx, CONFIG_FDB, names[i], NULL);
		removed++;
	}
	free(names);
	return removed;
}

int change_fdb_del(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	static const char *const known[] = {"bridge", "mac", "vlan", NULL};
	json_t *fdb;
	int removed = 0;

	if (change_params(params, known, r))
		return -EINVAL;
	if (change_fdb_identity(params, &fdb, r)) {
		refusal_prefix(r, "fdb");
		return -EINVAL;
	}
	const char *bridge = text_of(fdb, "bridge");
	if (!config_get(tx->config, CONFIG_BRIDGE, bridge)) {
		refuse_absent(tx->config, CONFIG_BRIDGE, bridge, r);
		json_decref(fdb);
		return -EINVAL;
	}
	if (json_object_get(params, "vlan")) {
		char *name = schema_fdb_name(fdb);

		removed = config_get(tx->config, CONFIG_FDB, name) != NULL;
		config_tx_put(tx, CONFIG_FDB, name, NULL);
		free(name);
	} else {
		removed = fdb_del_all(tx, fdb);
	}
	json_decref(fdb);
	*result = must(json_pack("{s:i}", "removed", removed));
	return 0;
}

static const struct {
	const char *method;
	change_fn fn;
} methods[] = {
	{"bridge.add", change_bridge_add},
	{"bridge.set", change_bridge_set},
	{"bridge.del", change_bridge_del},
	{"port.add", change_port_add},
	{"port.set", change_port_set},
	{"port.del", change_port_del},
	{"fdb.add", change_fdb_add},
	{"fdb.del", change_fdb_del},
	{"config.apply", change_config_apply},
};

change_fn change_lookup(const char *method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].method, method))
			return methods[i].fn;
	return NULL;
}
