#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "must.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* A bridge's own port: what is its bridge's is set there. */
static int check_internal(const json_t *port, struct refusal *r)
{
	const char *name = text_of(port, "name"), *bridge = text_of(port, "bridge");

	if (strcmp(name, bridge))
		return refuse(r, REFUSED_BAD, "internal",
			"type: internal is the one port that has its bridge's name (type tap is "
			"an interface for the host, too)");
	for (const char *const *key = (const char *const[]){"mac", "mtu", NULL}; *key; key++)
		if (json_object_get(port, *key))
			return refuse(r, REFUSED_BAD, *key,
				"%s: is a key of the bridge ('bridge set %s %s=')", *key, bridge,
				*key);
	if (json_object_get(port, "ofport"))
		return refuse(r, REFUSED_BAD, "ofport", "ofport: an internal port's is always %d",
			OFPORT_LOCAL);
	return 0;
}

/* Keys that belong to other types, and names that the kernel would not take. */
static int check_type(const json_t *port, struct refusal *r)
{
	const char *type = text_of(port, "type"), *name = text_of(port, "name");
	unsigned bit = type ? config_type_bit(type) : 0;

	if (!bit)
		return refuse(r, REFUSED_BAD, "type", "type: is missing");
	if (bit == CONFIG_TYPE_INTERNAL && check_internal(port, r))
		return -EINVAL;
	for (const struct config_key *k = config_keys(CONFIG_PORT); k->name; k++)
		if (k->types && !(k->types & bit) && json_object_get(port, k->name))
			return refuse(r, REFUSED_BAD, k->name, "%s: is not a key of type %s",
				k->name, type);
	if (!(bit & CONFIG_TYPES_KERNEL))
		return 0;
	if (strlen(name) > CONFIG_KERNEL_NAME_MAX)
		return refuse(r, REFUSED_BAD, name,
			"name: %s is longer than %d bytes, which a port of type %s may have", name,
			CONFIG_KERNEL_NAME_MAX, type);
	if (strchr(name, ':'))
		return refuse(r, REFUSED_BAD, name,
			"name: %s: no interface has a colon in its name", name);
	return 0;
}

static int check_type_needs(const json_t *port, struct refusal *r)
{
	const char *type = text_of(port, "type"), *peer = text_of(port, "peer");

	if (!strcmp(type, "patch")) {
		if (!peer)
			return refuse(
				r, REFUSED_BAD, "peer", "peer: is missing; type patch needs it");
		if (!strcmp(peer, text_of(port, "name")))
			return refuse(r, REFUSED_BAD, peer, "peer: %s is the port itself", peer);
	}
	if (!strcmp(type, "pcap")) {
		bool file = json_object_get(port, "file");

		if (!file && !json_object_get(port, "record"))
			return refuse(r, REFUSED_BAD, "file",
				"file: is missing; type pcap needs file or record");
		for (int i = 0; i < 2 && !file; i++) {
			const char *key = i ? "rate" : "loop";

			if (json_object_get(port, key))
				return refuse(
					r, REFUSED_BAD, key, "%s: is for a 'file' to play", key);
		}
	}
	return 0;
}

/* Which of tag, trunks and cvlans a mode needs and takes; see vlan.h. */
static int check_vlan(const json_t *port, struct refusal *r)
{
	bool tag = json_object_get(port, "tag"), trunks = json_object_get(port, "trunks");
	const char *word = text_of(port, "vlan-mode");
	enum vlan_mode mode = tag ? VLAN_ACCESS : VLAN_TRUNK;

	if (word && vlan_mode_parse(word, &mode))
		return refuse(r, REFUSED_BAD, word, "vlan-mode: unknown mode %s", word);
	if (mode == VLAN_TRUNK && tag)
		return refuse(r, REFUSED_BAD, "tag",
			"tag: a trunk has none (vlan-mode=native-tagged or native-untagged has)");
	if (mode != VLAN_TRUNK && !tag)
		return refuse(r, REFUSED_BAD, word, "vlan-mode: %s needs a tag", word);
	if ((mode == VLAN_ACCESS || mode == VLAN_DOT1Q_TUNNEL) && trunks)
		return refuse(r, REFUSED_BAD, "trunks",
			"trunks: a port of vlan-mode %s has none (native-tagged and "
			"native-untagged have a tag and trunks)",
			vlan_mode_name(mode));
	if (mode != VLAN_DOT1Q_TUNNEL && json_object_get(port, "cvlans"))
		return refuse(
			r, REFUSED_BAD, "cvlans", "cvlans: only vlan-mode dot1q-tunnel has them");
	return 0;
}

int schema_check(enum config_kind kind, const json_t *object, struct refusal *r)
{
	switch (kind) {
	case CONFIG_BRIDGE:
		if (strchr(text_of(object, "name"), ':'))
			return refuse(r, REFUSED_BAD, text_of(object, "name"),
				"name: %s: no interface has a colon in its name",
				text_of(object, "name"));
		return 0;
	case CONFIG_PORT:
		if (check_type(object, r) || check_type_needs(object, r) || check_vlan(object, r))
			return -EINVAL;
		return 0;
	case CONFIG_FDB:
		if (!json_object_get(object, "port"))
			return refuse(r, REFUSED_BAD, "port", "port: is missing");
		return 0;
	case CONFIG_KINDS:
		break;
	}
	return -EINVAL;
}

char *schema_fdb_name(const json_t *object)
{
	struct strbuf name = STRBUF_INIT;

	strbuf_printf(&name, "%s %s vlan %d", text_of(object, "bridge"), text_of(object, "mac"),
		(int)json_integer_value(json_object_get(object, "vlan")));
	return strbuf_steal(&name);
}

static json_t *describe_types(const struct config_key *k)
{
	json_t *types = must(json_array());

	for (unsigned i = 0; i < CONFIG_TYPES; i++)
		if (k->types >> i & 1)
			must_do(json_array_append_new(
				types, must(json_string(config_port_types[i]))));
	return types;
}

static json_t *describe_key(const struct config_key *k)
{
	const char *def = k->def ? k->def : k->def_about;
	json_t *o =
		must(json_pack("{s:s, s:s}", "key", k->name, "value", config_value_name(k->value)));

	if (k->max) {
		must_do(json_object_set_new(o, "min", must(json_integer((json_int_t)k->min))));
		must_do(json_object_set_new(o, "max", must(json_integer((json_int_t)k->max))));
	}
	if (k->words) {
		json_t *words = must(json_array());

		for (const char *const *w = k->words; *w; w++)
			must_do(json_array_append_new(words, must(json_string(*w))));
		must_do(json_object_set_new(o, "words", words));
	}
	if (def)
		must_do(json_object_set_new(o, "default", must(json_string(def))));
	if (k->types)
		must_do(json_object_set_new(o, "types", describe_types(k)));
	if (k->flags & (CONFIG_KEY_FIXED | CONFIG_KEY_IDENTITY))
		must_do(json_object_set_new(o, "fixed", json_true()));
	must_do(json_object_set_new(o, "about", must(json_string(k->about))));
	return o;
}

json_t *schema_describe(void)
{
	json_t *all = must(json_object());

	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		json_t *keys = must(json_array());

		for (const struct config_key *k = config_keys(kind); k->name; k++)
			must_do(json_array_append_new(keys, describe_key(k)));
		must_do(json_object_set_new(all, config_kind_name(kind), keys));
	}
	return all;
}
