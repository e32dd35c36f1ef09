/* config.h - the desired state: bridges, ports and static addresses by name, and
 * changes to it that are all or none.
 *
 * Objects are canonical JSON (schema.h), never changed once made: a change puts another
 * object in an old one's place, and the rest is shared.  A transaction works on the
 * configuration itself and keeps what it replaced, so that its cost is that of what it
 * touches, however large the configuration is; config_tx_undo() puts all of it back.
 * Transactions nest: undo the younger first.
 *
 * Names: a bridge's, a port's (one name space over all bridges), "BRIDGE MAC vlan N".
 *
 * A bridge's internal port, which has its name, is always there.  It has an object of its
 * own only while one of its keys differs from the default; taking the object away takes
 * it back to the defaults.
 *
 * Objects have an owner, the source that wants them.  There is one today, the local
 * store; another one brings an owner of its own to config_create() and to its rows in
 * the store, and nothing else here depends on who it is.
 *
 * Threads: control. */
#pragma once

#include <jansson.h>

#include "config_keys.h"
#include "refusal.h"
#include "strmap.h"

#define CONFIG_OWNER_LOCAL "local"

/* What the configuration asks of the world around it; tests bring their own. */
struct config_env {
	bool (*interface_exists)(const char *name); /* in the kernel */
	void (*random_mac)(uint8_t mac[6]);	    /* any bytes; made local and unicast */
};

extern const struct config_env config_env_system;

struct config;

/* One object that differs from before the transaction.  'old' or 'new' may be NULL. */
struct config_change {
	enum config_kind kind;
	char *name;
	json_t *old;
	json_t *new;
	size_t op; /* the operation that touched it last */
};

struct config_tx {
	struct config *config;
	struct config_change *changes; /* each object once, in order of first touch */
	size_t n, cap;
	struct strmap index[CONFIG_KINDS]; /* name -> position + 1 */
	size_t op;	/* set by the caller: which operation of a batch is at work */
	size_t culprit; /* set by who refuses the whole: the operation that is to blame */
};

int config_create(const struct config_env *env, struct config **config); /* 0 or -ENOMEM */
void config_destroy(struct config *c);

const struct config_env *config_env(const struct config *c);

/* NULL where absent.  Borrowed. */
json_t *config_get(const struct config *c, enum config_kind kind, const char *name);
size_t config_count(const struct config *c, enum config_kind kind);

/* Ports that somebody added: all but the internal ones. */
size_t config_ports(const struct config *c);

/* Is this object of kind port a bridge's internal one?  Also for NULL. */
bool config_port_is_internal(const json_t *port);

/* Does it say no more than every internal port does? */
bool config_port_is_plain(const json_t *port);

/* Names in order; the caller frees the array; the strings are valid until the next change. */
const char **config_names(const struct config *c, enum config_kind kind);

/* How many ports a bridge has (its internal one not counted), how many static addresses
 * point at a port, how many ports of a bridge have this number. */
size_t config_bridge_ports(const struct config *c, const char *bridge);
size_t config_port_addresses(const struct config *c, const char *port);
unsigned config_ofport_users(const struct config *c, const char *bridge, uint16_t ofport);

/* How long objects are, or what they grow by: their external-ids, keys and values; their text
 * as JSON. */
struct config_sizes {
	long long ids, text;
};

struct config_sizes config_sizes(const struct config *c);      /* of all objects */
struct config_sizes config_object_sizes(const json_t *object); /* NULL: none */

/* Is the whole longer than it may be, by what 'tx' did?  The object is named. */
int config_check_sizes(struct config_tx *tx, struct refusal *r);

/* The lowest free number in a bridge; 0: none. */
uint16_t config_ofport_free(struct config *c, const char *bridge);

/* Transactions.  tx is the caller's storage. */
void config_tx_init(struct config *c, struct config_tx *tx);
void config_tx_fini(struct config_tx *tx); /* what it did stays */

/* Put an object (takes the reference), or with NULL take it away.  A plain internal port is
 * taken away. */
void config_tx_put(struct config_tx *tx, enum config_kind kind, const char *name, json_t *object);

/* Everything as it was at config_tx_init().  What had been changed can still be read;
 * nothing more can be put. */
void config_tx_undo(struct config_tx *tx);

/* 'outer' takes over what 'inner', which began after it, did. */
void config_tx_merge(struct config_tx *outer, struct config_tx *inner);

/* Do the changed objects agree with all others?  Refused with the object named. */
int config_tx_check(struct config_tx *tx, struct refusal *r);

/* The same for one object as it is, but for a patch port's peer, which may disagree for a
 * while. */
int config_check_object(const struct config *c, enum config_kind kind, const char *name,
	const json_t *object, struct refusal *r);

/* Is it one, or changed and changed back? */
bool config_change_is_one(const struct config_change *ch);

/* [{"action", "kind", "name", "keys"}…], see proto/management.md. */
json_t *config_tx_describe(const struct config_tx *tx);

/* The document of 'config export': the same one, not to be changed, until the configuration
 * changes, so that who asks often costs no memory. */
json_t *config_export(struct config *c);

/* Put an object that the store had, bridges first, addresses last; checked like one of
 * a document (apply.c). */
int config_load(struct config *c, enum config_kind kind, json_t *object, struct refusal *r);
