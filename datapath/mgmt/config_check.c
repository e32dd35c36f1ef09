/* What depends on other objects.  Everything here looks at the state after the whole
 * transaction, and only at what it changed and what that concerns. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "absent.h"
#include "switch_limits.h"
#include "must.h"
#include "schema.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int check_bridge(const struct config *c, const char *name, struct refusal *r)
{
	const json_t *port = config_get(c, CONFIG_PORT, name);

	if (port && !config_port_is_internal(port))
		return refuse(r, REFUSED_EXISTS, name, "a port is named %s", name);
	return 0;
}

/* Some port that passes; for messages, after a count said that there is one. */
static const char *find_port(const struct config *c, const char *bridge, uint16_t ofport,
	const char *other_than, const char **names)
{
	for (size_t i = 0; i < config_count(c, CONFIG_PORT); i++) {
		const json_t *port = config_get(c, CONFIG_PORT, names[i]);

		if (!strcmp(text_of(port, "bridge"), bridge) && strcmp(names[i], other_than) &&
			(!ofport || schema_ofport(port) == ofport))
			return names[i];
	}
	return "another port";
}

static int check_ofport(
	const struct config *c, const char *name, const json_t *port, struct refusal *r)
{
	const char *bridge = text_of(port, "bridge");
	uint16_t ofport = schema_ofport(port);

	if (config_ofport_users(c, bridge, ofport) <= 1)
		return 0;
	const char **names = config_names(c, CONFIG_PORT);
	refuse(r, REFUSED_EXISTS, "ofport", "ofport: %u is port %s's in bridge %s", ofport,
		find_port(c, bridge, ofport, name, names), bridge);
	free(names);
	return -EINVAL;
}

/* A patch port may name a peer that is not there yet; one that is there must agree. */
static int check_peer(
	const struct config *c, const char *name, const json_t *port, struct refusal *r)
{
	const char *peer = text_of(port, "peer");
	const json_t *other = peer ? config_get(c, CONFIG_PORT, peer) : NULL;

	if (other && strcmp(text_of(other, "type"), "patch"))
		return refuse(r, REFUSED_BAD, peer, "peer: port %s is not of type patch", peer);
	if (other && strcmp(text_of(other, "peer"), name))
		return refuse(r, REFUSED_BAD, peer, "peer: port %s has peer %s", peer,
			text_of(other, "peer"));
	if (peer && config_get(c, CONFIG_BRIDGE, peer))
		return refuse(r, REFUSED_BAD, peer, "peer: %s is a bridge", peer);
	return 0;
}

static int check_port(
	const struct config *c, const char *name, const json_t *port, struct refusal *r)
{
	const char *bridge = text_of(port, "bridge");

	if (!config_get(c, CONFIG_BRIDGE, bridge))
		return refuse(r, REFUSED_ABSENT, bridge, "no bridge is named %s", bridge);
	if (config_port_is_internal(port)) /* its name is checked with its keys */
		return 0;
	if (config_get(c, CONFIG_BRIDGE, name))
		return refuse(r, REFUSED_EXISTS, name, "a bridge is named %s", name);
	if (config_bridge_ports(c, bridge) >= BRIDGE_PORTS_MAX)
		return refuse(r, REFUSED_LIMIT, bridge,
			"bridge %s has no room for it (%d ports with its internal one)", bridge,
			BRIDGE_PORTS_MAX);
	return check_ofport(c, name, port, r);
}

static int check_fdb(const struct config *c, const json_t *fdb, struct refusal *r)
{
	const char *bridge = text_of(fdb, "bridge"), *port = text_of(fdb, "port");

	if (!config_get(c, CONFIG_BRIDGE, bridge))
		return refuse(r, REFUSED_ABSENT, bridge, "no bridge is named %s", bridge);
	if (!strcmp(port, bridge)) /* the internal port */
		return 0;
	const json_t *object = config_get(c, CONFIG_PORT, port);
	if (!object)
		return refuse_absent(c, CONFIG_PORT, port, r);
	if (strcmp(text_of(object, "bridge"), bridge))
		return refuse(r, REFUSED_BAD, port, "port %s is in bridge %s", port,
			text_of(object, "bridge"));
	return 0;
}

/* A bridge went: no port may have stayed. */
static int check_bridge_left(const struct config *c, const char *name, struct refusal *r)
{
	if (config_port_is_internal(config_get(c, CONFIG_PORT, name)))
		return refuse(
			r, REFUSED_ABSENT, name, "port %s: no bridge is named %s", name, name);
	if (!config_bridge_ports(c, name))
		return 0;
	const char **names = config_names(c, CONFIG_PORT);
	const char *port = find_port(c, name, 0, "", names);
	refuse(r, REFUSED_ABSENT, name, "port %s: no bridge is named %s", port, name);
	free(names);
	return -EINVAL;
}

/* A port went or moved: no address may point at where it was. */
static int check_addresses(const struct config *c, const char *port, struct refusal *r)
{
	size_t left = config_port_addresses(c, port);
	const char **names = left ? config_names(c, CONFIG_FDB) : NULL;
	int rc = 0;

	for (size_t i = 0; left && !rc && i < config_count(c, CONFIG_FDB); i++) {
		const json_t *fdb = config_get(c, CONFIG_FDB, names[i]);

		if (strcmp(text_of(fdb, "port"), port))
			continue;
		left--;
		rc = check_fdb(c, fdb, r);
		if (rc)
			refusal_prefix(r, "fdb %s", names[i]);
	}
	free(names);
	return rc;
}

static int check_counts(const struct config *c, struct refusal *r)
{
	static const size_t max[CONFIG_KINDS] = {
		[CONFIG_BRIDGE] = LIMITS_BRIDGES,
		[CONFIG_PORT] = LIMITS_PORTS,
		[CONFIG_FDB] = LIMITS_STATIC_ADDRESSES,
	};
	static const char *const what[CONFIG_KINDS] = {"bridges", "ports", "static addresses"};

	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		if ((kind == CONFIG_PORT ? config_ports(c) : config_count(c, kind)) > max[kind])
			return refuse(r, REFUSED_LIMIT, what[kind], "%s: %zu at most", what[kind],
				max[kind]);
	return 0;
}

int config_check_object(const struct config *c, enum config_kind kind, const char *name,
	const json_t *object, struct refusal *r)
{
	int rc = kind == CONFIG_BRIDGE ? check_bridge(c, name, r)
		 : kind == CONFIG_PORT ? check_port(c, name, object, r)
				       : check_fdb(c, object, r);

	if (rc)
		refusal_prefix(r, "%s %s", config_kind_name(kind), name);
	return rc;
}

static int check_change(const struct config *c, const struct config_change *ch, struct refusal *r)
{
	const char *old_bridge = text_of(ch->old, "bridge"), *bridge = text_of(ch->new, "bridge");

	if (!ch->new && ch->kind == CONFIG_BRIDGE)
		return check_bridge_left(c, ch->name, r) ? -EINVAL
							 : check_addresses(c, ch->name, r);
	if (ch->kind == CONFIG_PORT && ch->old && (!bridge || strcmp(bridge, old_bridge)) &&
		check_addresses(c, ch->name, r))
		return -EINVAL;
	if (!ch->new)
		return 0;
	if (ch->kind == CONFIG_PORT && check_peer(c, ch->name, ch->new, r)) {
		refusal_prefix(r, "port %s", ch->name);
		return -EINVAL;
	}
	return config_check_object(c, ch->kind, ch->name, ch->new, r);
}

int config_tx_check(struct config_tx *tx, struct refusal *r)
{
	tx->culprit = tx->op;
	if (check_counts(tx->config, r))
		return -EINVAL;
	for (size_t i = 0; i < tx->n; i++) {
		if (check_change(tx->config, &tx->changes[i], r)) {
			tx->culprit = tx->changes[i].op;
			return -EINVAL;
		}
	}
	return config_check_sizes(tx, r);
}
