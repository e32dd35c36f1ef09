/* schema.h - from what a user wrote to canonical objects of the configuration, and
 * from those to what the dataplane takes.
 *
 * The table of keys is proto/config_keys.h.  Values come as JSON of the key's type or
 * as strings, as the command line gives them.  Canonical objects hold each key in the
 * order of the table, in one form only, and leave defaults out; so equal objects are
 * equal JSON.  They are never changed once made, only replaced, and may be shared.
 *
 * Errors name the offending word: "port vm1: tag: 4095 is not a VLAN (1-4094)".
 *
 * Threads: pure; any. */
#pragma once

#include <jansson.h>

#include "bridge.h"
#include "config_keys.h"
#include "port.h"
#include "refusal.h"

/* One value in canonical form; NULL where it is the default, which is left out. */
int schema_value(const struct config_key *key, const json_t *in, json_t **out, struct refusal *r);

/* A new canonical object: 'base' with the keys of 'given' laid over it.  null takes a key
 * away; "external-id.KEY" changes one of the external-ids.  Identity keys of 'given' are
 * the caller's and skipped; the new object has those of 'base'.  A fixed key may not
 * differ from what 'base' has.  Messages begin with the key. */
int schema_edit(enum config_kind kind, const json_t *base, const json_t *given, json_t **out,
	struct refusal *r);

/* The same keys in the order of the table; a new object. */
json_t *schema_order(enum config_kind kind, const json_t *object);

/* Is the object sound by itself: keys that its type has, keys that go together, names?
 * The caller has put in what the switch chooses.  Messages begin with the key. */
int schema_check(enum config_kind kind, const json_t *object, struct refusal *r);

/* Names that people give.  'what' ("bridge") begins the message. */
int schema_name(const char *what, const char *name, size_t max, struct refusal *r);

/* The identity string or member 'key' of a request; NULL, refused, where it is missing or no
 * string. */
const char *schema_text(const json_t *params, const char *key, struct refusal *r);

/* A boolean option of a request, false where absent. */
int schema_flag(const json_t *params, const char *key, bool *flag, struct refusal *r);

/* "BRIDGE MAC vlan N" of a canonical static address; the caller frees it. */
char *schema_fdb_name(const json_t *object);

/* The table as the method 'schema' shows it. */
json_t *schema_describe(void);

/* ---- schema_conf.c: canonical objects to structs.  Strings are borrowed from the object. ---- */

void schema_bridge_conf(const json_t *bridge, struct bridge_conf *conf);
/* 'port' NULL: the internal port has no object, and its defaults. */
void schema_internal_conf(
	const json_t *bridge, const json_t *port, struct port_conf *conf, struct bport_conf *bconf);
void schema_port_conf(const json_t *port, struct port_conf *conf);
void schema_bport_conf(const json_t *port, struct bport_conf *conf);
void schema_fdb_conf(const json_t *fdb, struct eth_addr *mac, uint16_t *vlan);
uint16_t schema_ofport(const json_t *port);

/* The value of a key or its default; 0 where there is neither. */
uint64_t schema_uint(enum config_kind kind, const json_t *object, const char *key);
bool schema_bool(enum config_kind kind, const json_t *object, const char *key);
