/* config_keys.h - every key of the configuration: its kind of value, its range, its
 * default, the port types it belongs to, and one line about it.
 *
 * Pure data, known to the daemon, which checks by it (datapath/mgmt/schema.h), and to
 * vswitchctl, which prints help and completes words from it.  The method 'schema' of
 * the management protocol shows the same table.  proto/management.md says what the
 * keys mean.
 *
 * Threads: constant; any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_kind { CONFIG_BRIDGE, CONFIG_PORT, CONFIG_FDB, CONFIG_KINDS };

enum config_value {
	CONFIG_BOOL,
	CONFIG_UINT, /* min .. max */
	CONFIG_MAC,  /* a unicast address other than zero */
	CONFIG_DPID, /* 16 hexadecimal digits */
	CONFIG_VLAN, /* min .. max */
	CONFIG_VLAN_SET,
	CONFIG_WORD, /* one of 'words' */
	CONFIG_PATH, /* absolute, at most CONFIG_PATH_MAX bytes */
	CONFIG_BRIDGE_NAME,
	CONFIG_PORT_NAME,
	CONFIG_IDS, /* an object of strings */
	CONFIG_VALUES
};

enum {
	CONFIG_BRIDGE_NAME_MAX = 15,
	CONFIG_PORT_NAME_MAX = 63,
	CONFIG_KERNEL_NAME_MAX = 15, /* ports of types in CONFIG_TYPES_KERNEL */
	CONFIG_PATH_MAX = 4095,
	CONFIG_IDS_MAX = 64, /* external-ids of one object */
	CONFIG_ID_KEY_MAX = 255,
	CONFIG_ID_VALUE_MAX = 4095,
	CONFIG_OFPORT_MAX = 0xfeff,
	CONFIG_MTU_MIN = 68,
	CONFIG_MTU_MAX = 65521,
	CONFIG_QUEUES_MAX = 16,
	CONFIG_MAC_LIMIT_MAX = 1048576,
	CONFIG_MAC_AGE_MAX = 1000000,
	CONFIG_RATE_MAX = 100000000, /* frames per second */
};

/* Port types, as bits; the order of config_port_types[].  A port of type internal is a
 * bridge's own, has the bridge's name, and comes and goes with it; nobody adds one. */
enum {
	CONFIG_TYPE_TAP = 1 << 0,
	CONFIG_TYPE_NETDEV = 1 << 1,
	CONFIG_TYPE_PATCH = 1 << 2,
	CONFIG_TYPE_PCAP = 1 << 3,
	CONFIG_TYPE_INTERNAL = 1 << 4,
	CONFIG_TYPES = 5,
	CONFIG_TYPES_ALL = (1 << CONFIG_TYPES) - 1,
	CONFIG_TYPES_ADDED = CONFIG_TYPES_ALL & ~CONFIG_TYPE_INTERNAL, /* not said to people */
	CONFIG_TYPES_KERNEL = CONFIG_TYPE_TAP | CONFIG_TYPE_NETDEV | CONFIG_TYPE_INTERNAL,
	CONFIG_TYPES_QUEUES = CONFIG_TYPE_TAP | CONFIG_TYPE_NETDEV,
};

enum {
	CONFIG_KEY_IDENTITY = 1 << 0, /* says which object is meant: never among KEY=VALUE */
	CONFIG_KEY_FIXED = 1 << 1,    /* given when the object is added, not changed later */
	CONFIG_KEY_CHOSEN = 1 << 2,   /* chosen by the switch where not given, then stored */
};

struct config_key {
	const char *name;
	enum config_value value;
	unsigned flags;
	unsigned types;		  /* ports: CONFIG_TYPE_* it belongs to; 0: all of them */
	uint64_t min, max;	  /* CONFIG_UINT, CONFIG_VLAN */
	const char *const *words; /* CONFIG_WORD: ended by NULL */
	const char *def;	  /* the value that is left out, as text; NULL: none */
	const char *def_about;	  /* what holds where it is not given, for people */
	const char *about;	  /* one line */
};

/* "tap" …, CONFIG_TYPES of them and a NULL. */
extern const char *const config_port_types[];

/* The bit of a port type, 0 for an unknown one. */
unsigned config_type_bit(const char *type);

/* "bridge", "port", "fdb". */
const char *config_kind_name(enum config_kind kind);

/* "boolean", "number", "VLAN" …: what a value of this kind is called. */
const char *config_value_name(enum config_value value);

/* The keys of a kind, ended by one whose name is NULL. */
const struct config_key *config_keys(enum config_kind kind);

/* NULL where no key has this name. */
const struct config_key *config_key_lookup(enum config_kind kind, const char *name);

/* The known key that looks most like 'name', or NULL where none is near. */
const char *config_key_guess(enum config_kind kind, const char *name);
