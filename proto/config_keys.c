#include "config_keys.h"

#include <assert.h>
#include <string.h>

#include "names.h"

const char *const config_port_types[] = {"tap", "netdev", "patch", "pcap", "internal", NULL};
static_assert(sizeof(config_port_types) / sizeof(char *) == CONFIG_TYPES + 1, "a name per type");

static const char *const vlan_modes[] = {
	"access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel", NULL};
static const char *const priority_tags[] = {"never", "if-nonzero", "always", NULL};

static const struct config_key bridge_keys[] = {
	{.name = "name",
		.value = CONFIG_BRIDGE_NAME,
		.flags = CONFIG_KEY_IDENTITY,
		.about = "also the name of its internal port"},
	{.name = "dpid",
		.value = CONFIG_DPID,
		.flags = CONFIG_KEY_CHOSEN,
		.def_about = "from the MAC address",
		.about = "OpenFlow datapath id"},
	{.name = "mac",
		.value = CONFIG_MAC,
		.flags = CONFIG_KEY_CHOSEN,
		.def_about = "random, local",
		.about = "address of the internal port"},
	{.name = "mac-age",
		.value = CONFIG_UINT,
		.max = CONFIG_MAC_AGE_MAX,
		.def = "300",
		.about = "seconds after which a silent address is forgotten; 0: never"},
	{.name = "mac-limit",
		.value = CONFIG_UINT,
		.min = 1,
		.max = CONFIG_MAC_LIMIT_MAX,
		.def = "65536",
		.about = "entries of the MAC table"},
	{.name = "forward-bpdu",
		.value = CONFIG_BOOL,
		.def = "false",
		.about = "forward frames to 01:80:c2:00:00:0x too"},
	{.name = "mtu",
		.value = CONFIG_UINT,
		.min = CONFIG_MTU_MIN,
		.max = CONFIG_MTU_MAX,
		.def = "1500",
		.about = "MTU of the internal port"},
	{.name = "external-ids",
		.value = CONFIG_IDS,
		.about = "words kept for others; one by one as external-id.KEY"},
	{.name = NULL},
};

static const struct config_key port_keys[] = {
	{.name = "name",
		.value = CONFIG_PORT_NAME,
		.flags = CONFIG_KEY_IDENTITY,
		.about = "at most 63 bytes; 15 where it is a kernel interface"},
	{.name = "bridge",
		.value = CONFIG_BRIDGE_NAME,
		.flags = CONFIG_KEY_IDENTITY,
		.about = "the bridge it is in"},
	{.name = "type",
		.value = CONFIG_WORD,
		.words = config_port_types,
		.flags = CONFIG_KEY_FIXED | CONFIG_KEY_CHOSEN,
		.def_about = "netdev where an interface of that name exists, else tap",
		.about = "what the port is made of"},
	{.name = "ofport",
		.value = CONFIG_UINT,
		.min = 1,
		.max = CONFIG_OFPORT_MAX,
		.types = CONFIG_TYPES_ADDED,
		.flags = CONFIG_KEY_FIXED | CONFIG_KEY_CHOSEN,
		.def_about = "the lowest that is free",
		.about = "its number in the bridge"},
	{.name = "tag",
		.value = CONFIG_VLAN,
		.min = 1,
		.max = 4094,
		.about = "VLAN of untagged frames"},
	{.name = "trunks",
		.value = CONFIG_VLAN_SET,
		.def_about = "all",
		.about = "VLANs that a trunk carries"},
	{.name = "vlan-mode",
		.value = CONFIG_WORD,
		.words = vlan_modes,
		.def_about = "access with a tag, else trunk",
		.about = "how frames are tagged"},
	{.name = "cvlans",
		.value = CONFIG_VLAN_SET,
		.def_about = "all",
		.about = "customer VLANs let into a dot1q-tunnel"},
	{.name = "priority-tags",
		.value = CONFIG_WORD,
		.words = priority_tags,
		.def = "never",
		.about = "send untagged frames with a priority tag"},
	{.name = "isolated",
		.value = CONFIG_BOOL,
		.def = "false",
		.about = "no traffic to and from other isolated ports"},
	{.name = "storm-broadcast",
		.value = CONFIG_UINT,
		.max = CONFIG_RATE_MAX,
		.def = "0",
		.about = "broadcast frames let in per second; 0: no limit"},
	{.name = "storm-multicast",
		.value = CONFIG_UINT,
		.max = CONFIG_RATE_MAX,
		.def = "0",
		.about = "multicast frames let in per second; 0: no limit"},
	{.name = "storm-unknown",
		.value = CONFIG_UINT,
		.max = CONFIG_RATE_MAX,
		.def = "0",
		.about = "frames to unknown addresses let in per second; 0: no limit"},
	{.name = "mac-limit",
		.value = CONFIG_UINT,
		.max = CONFIG_MAC_LIMIT_MAX,
		.def = "0",
		.about = "addresses learned here at most; 0: no limit of its own"},
	{.name = "mtu",
		.value = CONFIG_UINT,
		.min = CONFIG_MTU_MIN,
		.max = CONFIG_MTU_MAX,
		.types = CONFIG_TYPES_ADDED,
		.def_about = "the device's; 1500 for a tap",
		.about = "largest packet without the Ethernet header"},
	{.name = "queues",
		.value = CONFIG_UINT,
		.min = 1,
		.max = CONFIG_QUEUES_MAX,
		.types = CONFIG_TYPES_QUEUES,
		.def = "1",
		.about = "receive queues"},
	{.name = "mac",
		.value = CONFIG_MAC,
		.types = CONFIG_TYPE_TAP,
		.flags = CONFIG_KEY_CHOSEN,
		.def_about = "random, local",
		.about = "address of the kernel's end"},
	{.name = "peer",
		.value = CONFIG_PORT_NAME,
		.types = CONFIG_TYPE_PATCH,
		.about = "the other end; required"},
	{.name = "file",
		.value = CONFIG_PATH,
		.types = CONFIG_TYPE_PCAP,
		.about = "capture file that is played into the switch"},
	{.name = "record",
		.value = CONFIG_PATH,
		.types = CONFIG_TYPE_PCAP,
		.about = "capture file that takes what the switch sends"},
	{.name = "loop",
		.value = CONFIG_BOOL,
		.types = CONFIG_TYPE_PCAP,
		.def = "false",
		.about = "play 'file' over and over"},
	{.name = "rate",
		.value = CONFIG_UINT,
		.max = CONFIG_RATE_MAX,
		.types = CONFIG_TYPE_PCAP,
		.def = "0",
		.about = "frames played per second; 0: by their time stamps"},
	{.name = "offload",
		.value = CONFIG_BOOL,
		.def = "true",
		.about = "give and take unfinished checksums and large segments"},
	{.name = "external-ids",
		.value = CONFIG_IDS,
		.about = "words kept for others; one by one as external-id.KEY"},
	{.name = NULL},
};

static const struct config_key fdb_keys[] = {
	{.name = "bridge",
		.value = CONFIG_BRIDGE_NAME,
		.flags = CONFIG_KEY_IDENTITY,
		.about = "the bridge whose table it is in"},
	{.name = "mac", .value = CONFIG_MAC, .flags = CONFIG_KEY_IDENTITY, .about = "the address"},
	{.name = "vlan",
		.value = CONFIG_VLAN,
		.max = 4094,
		.flags = CONFIG_KEY_IDENTITY,
		.def = "0",
		.about = "its VLAN; 0: untagged traffic of trunks"},
	{.name = "port", .value = CONFIG_PORT_NAME, .about = "the port behind which it is"},
	{.name = NULL},
};

static const struct config_key *const keys[CONFIG_KINDS] = {
	[CONFIG_BRIDGE] = bridge_keys,
	[CONFIG_PORT] = port_keys,
	[CONFIG_FDB] = fdb_keys,
};

unsigned config_type_bit(const char *type)
{
	for (unsigned i = 0; i < CONFIG_TYPES; i++)
		if (!strcmp(config_port_types[i], type))
			return 1u << i;
	return 0;
}

const char *config_kind_name(enum config_kind kind)
{
	static const char *const names[] = {"bridge", "port", "fdb"};

	static_assert(sizeof(names) / sizeof(names[0]) == CONFIG_KINDS, "a name per kind");
	return names[kind];
}

const char *config_value_name(enum config_value value)
{
	static const char *const names[] = {
		[CONFIG_BOOL] = "boolean",
		[CONFIG_UINT] = "number",
		[CONFIG_MAC] = "MAC address",
		[CONFIG_DPID] = "16 hexadecimal digits",
		[CONFIG_VLAN] = "VLAN",
		[CONFIG_VLAN_SET] = "VLANs",
		[CONFIG_WORD] = "word",
		[CONFIG_PATH] = "absolute path",
		[CONFIG_BRIDGE_NAME] = "bridge name",
		[CONFIG_PORT_NAME] = "port name",
		[CONFIG_IDS] = "object of strings",
	};

	static_assert(sizeof(names) / sizeof(names[0]) == CONFIG_VALUES, "a name per value kind");
	return names[value];
}

const struct config_key *config_keys(enum config_kind kind)
{
	return keys[kind];
}

const struct config_key *config_key_lookup(enum config_kind kind, const char *name)
{
	for (const struct config_key *k = keys[kind]; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

enum { KEYS_MAX = 64 }; /* of one kind */

const char *config_key_guess(enum config_kind kind, const char *name)
{
	const char *names[KEYS_MAX];
	unsigned n = 0;

	for (const struct config_key *k = keys[kind]; k->name && n < KEYS_MAX; k++)
		names[n++] = k->name;
	return names_nearest(names, n, name);
}
