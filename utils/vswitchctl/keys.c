#include "keys.h"

#include <inttypes.h>
#include <stddef.h>

#include "events.h"

static const struct config_key port_filter_keys[] = {
	{.name = "bridge",
		.value = CONFIG_BRIDGE_NAME,
		.def_about = "any",
		.about = "only ports of this bridge"},
	{.name = NULL},
};

static const struct config_key fdb_vlan_keys[] = {
	{.name = "vlan",
		.value = CONFIG_VLAN,
		.max = 4094,
		.def = "0",
		.about = "VLAN of the address"},
	{.name = NULL},
};

static const struct config_key fdb_filter_keys[] = {
	{.name = "port",
		.value = CONFIG_PORT_NAME,
		.def_about = "any",
		.about = "only addresses behind this port"},
	{.name = "vlan",
		.value = CONFIG_VLAN,
		.max = 4094,
		.def_about = "any",
		.about = "only addresses in this VLAN"},
	{.name = NULL},
};

static const struct config_key watch_keys[] = {
	{.name = "bridge",
		.value = CONFIG_BRIDGE_NAME,
		.def_about = "any",
		.about = "only events of this bridge and its ports; several with commas"},
	{.name = "kind",
		.value = CONFIG_WORD,
		.words = event_kinds,
		.def_about = "all",
		.about = "only such events; several with commas"},
	{.name = NULL},
};

static const struct config_key *keys_first(enum key_set set)
{
	switch (set) {
	case KEYS_BRIDGE:
		return config_keys(CONFIG_BRIDGE);
	case KEYS_PORT:
	case KEYS_PORT_SET:
		return config_keys(CONFIG_PORT);
	case KEYS_PORT_FILTER:
		return port_filter_keys;
	case KEYS_FDB_VLAN:
		return fdb_vlan_keys;
	case KEYS_FDB_FILTER:
		return fdb_filter_keys;
	case KEYS_WATCH:
		return watch_keys;
	case KEYS_NONE:
		break;
	}
	return NULL;
}

const struct config_key *keys_next(enum key_set set, const struct config_key *key)
{
	unsigned skipped = CONFIG_KEY_IDENTITY | (set == KEYS_PORT_SET ? CONFIG_KEY_FIXED : 0);

	key = key ? key + 1 : keys_first(set);
	while (key && key->name && (key->flags & skipped))
		key++;
	return key && key->name ? key : NULL;
}

void key_name(const struct config_key *key, struct strbuf *out)
{
	strbuf_puts(out, key->value == CONFIG_IDS ? "external-id.KEY" : key->name);
}

bool key_takes(const struct config_key *key, const char *word)
{
	return key->words != config_port_types || config_type_bit(word) & CONFIG_TYPES_ADDED;
}

void key_syntax(const struct config_key *key, struct strbuf *out)
{
	static const char *const kinds[CONFIG_VALUES] = {
		[CONFIG_BOOL] = "true|false",
		[CONFIG_MAC] = "MAC",
		[CONFIG_DPID] = "HEX",
		[CONFIG_VLAN_SET] = "A,B,C-D",
		[CONFIG_PATH] = "FILE",
		[CONFIG_BRIDGE_NAME] = "BRIDGE",
		[CONFIG_PORT_NAME] = "PORT",
		[CONFIG_IDS] = "TEXT",
	};

	switch (key->value) {
	case CONFIG_UINT:
	case CONFIG_VLAN:
		strbuf_printf(out, "%" PRIu64 "-%" PRIu64, key->min, key->max);
		break;
	case CONFIG_WORD:
		for (const char *const *word = key->words; *word; word++)
			if (key_takes(key, *word))
				strbuf_printf(out, "%s%s", word == key->words ? "" : "|", *word);
		break;
	default:
		strbuf_puts(out, kinds[key->value] ? kinds[key->value] : "VALUE");
	}
}

void key_about(const struct config_key *key, struct strbuf *out)
{
	const char *def = key->def_about ? key->def_about : key->def;

	strbuf_puts(out, key->about);
	if (key->flags & CONFIG_KEY_FIXED)
		strbuf_puts(out, "; fixed once added");
	if (key->types && key->types != CONFIG_TYPES_ADDED) {
		const char *gap = "; only ";

		for (unsigned i = 0; i < CONFIG_TYPES; i++)
			if (key->types & (1u << i)) {
				strbuf_printf(out, "%s%s", gap, config_port_types[i]);
				gap = ", ";
			}
	}
	if (def)
		strbuf_printf(out, " (default: %s)", def);
}
