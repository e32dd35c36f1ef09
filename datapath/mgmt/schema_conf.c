#include "schema.h"

#include <string.h>

#include "must.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

uint64_t schema_uint(enum config_kind kind, const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (v)
		return (uint64_t)json_integer_value(v);
	const struct config_key *k = config_key_lookup(kind, key);
	return k && k->def ? strtoull(k->def, NULL, 10) : 0;
}

bool schema_bool(enum config_kind kind, const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (v)
		return json_is_true(v);
	const struct config_key *k = config_key_lookup(kind, key);
	return k && k->def && *k->def == 't';
}

uint16_t schema_ofport(const json_t *port)
{
	return (uint16_t)schema_uint(CONFIG_PORT, port, "ofport");
}

void schema_bridge_conf(const json_t *bridge, struct bridge_conf *conf)
{
	*conf = (struct bridge_conf){
		.mac_age_s = (uint32_t)schema_uint(CONFIG_BRIDGE, bridge, "mac-age"),
		.mac_limit = (uint32_t)schema_uint(CONFIG_BRIDGE, bridge, "mac-limit"),
		.forward_bpdu = schema_bool(CONFIG_BRIDGE, bridge, "forward-bpdu"),
	};
	strncpy(conf->name, text_of(bridge, "name"), sizeof(conf->name) - 1);
}

void schema_internal_conf(
	const json_t *bridge, const json_t *port, struct port_conf *conf, struct bport_conf *bconf)
{
	*conf = (struct port_conf){
		.ops = port_type_lookup("internal"),
		.mtu = (uint32_t)schema_uint(CONFIG_BRIDGE, bridge, "mtu"),
		.offloads_off = !schema_bool(CONFIG_PORT, port, "offload"),
	};
	conf->has_mac = !eth_addr_parse(text_of(bridge, "mac"), &conf->mac);
	strncpy(conf->name, text_of(bridge, "name"), sizeof(conf->name) - 1);
	schema_bport_conf(port, bconf);
}

void schema_port_conf(const json_t *port, struct port_conf *conf)
{
	const char *mac = text_of(port, "mac");

	*conf = (struct port_conf){
		.ops = port_type_lookup(text_of(port, "type")),
		.mtu = (uint32_t)schema_uint(CONFIG_PORT, port, "mtu"),
		.queues = (uint32_t)schema_uint(CONFIG_PORT, port, "queues"),
		.peer = (char *)text_of(port, "peer"),
		.file = (char *)text_of(port, "file"),
		.record = (char *)text_of(port, "record"),
		.loop = schema_bool(CONFIG_PORT, port, "loop"),
		.rate_pps = schema_uint(CONFIG_PORT, port, "rate"),
		.offloads_off = !schema_bool(CONFIG_PORT, port, "offload"),
	};
	conf->has_mac = mac && !eth_addr_parse(mac, &conf->mac);
	strncpy(conf->name, text_of(port, "name"), sizeof(conf->name) - 1);
}

static void vlan_set_conf(const char *text, uint64_t *set, bool *all)
{
	const char *bad;

	*all = !text || !vlan_set_parse(text, set, &bad);
}

/* A burst of a tenth of a second, one frame at least. */
static struct token_rate storm_rate(const json_t *port, const char *key)
{
	uint64_t rate = schema_uint(CONFIG_PORT, port, key);

	return token_rate_make(rate, rate < 10 ? 1 : rate / 10);
}

void schema_bport_conf(const json_t *port, struct bport_conf *conf)
{
	const char *mode = text_of(port, "vlan-mode"), *tags = text_of(port, "priority-tags");
	struct vlan_conf *vlan = &conf->vlan;

	memset(conf, 0, sizeof(*conf)); /* padding too: the dataplane compares bytes */
	conf->storm.broadcast = storm_rate(port, "storm-broadcast");
	conf->storm.multicast = storm_rate(port, "storm-multicast");
	conf->storm.unknown = storm_rate(port, "storm-unknown");
	conf->isolated = schema_bool(CONFIG_PORT, port, "isolated");
	conf->fdb_limit = (uint32_t)schema_uint(CONFIG_PORT, port, "mac-limit");
	vlan->tag = (uint16_t)schema_uint(CONFIG_PORT, port, "tag");
	vlan->mode = vlan->tag ? VLAN_ACCESS : VLAN_TRUNK;
	if (mode)
		vlan_mode_parse(mode, &vlan->mode);
	if (tags)
		vlan->priority_tags =
			*tags == 'a' ? VLAN_PRIORITY_ALWAYS : VLAN_PRIORITY_IF_NONZERO;
	vlan_set_conf(text_of(port, "trunks"), vlan->trunks, &vlan->all_trunks);
	vlan_set_conf(text_of(port, "cvlans"), vlan->cvlans, &vlan->all_cvlans);
}

void schema_fdb_conf(const json_t *fdb, struct eth_addr *mac, uint16_t *vlan)
{
	eth_addr_parse(text_of(fdb, "mac"), mac);
	*vlan = (uint16_t)schema_uint(CONFIG_FDB, fdb, "vlan");
}
