/* change.h - the methods that change the configuration, on a transaction.
 *
 * Each reads its parameters, puts objects into the transaction and answers with the
 * method's result as far as the configuration knows it.  It may leave the transaction
 * half done when it refuses: the caller undoes it.  What depends on other objects is
 * checked by config_tx_check(), once, after the last of a batch.
 *
 * Threads: control. */
#pragma once

#include "config.h"

typedef int (*change_fn)(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);

int change_bridge_add(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_bridge_set(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_bridge_del(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_port_add(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_port_set(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_port_del(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);
int change_fdb_add(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);

/* Static addresses only; the caller sees to learned ones. */
int change_fdb_del(struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);

/* apply.c */
int change_config_apply(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r);

/* The method of that name, or NULL. */
change_fn change_lookup(const char *method);

/* ---- shared with apply.c ---- */

/* Refuse a member of 'params' that is not among 'known' (ended by NULL). */
int change_params(const json_t *params, const char *const *known, struct refusal *r);

/* Fill in what the switch chooses and check the object; it must be unshared. */
int change_finish_bridge(struct config *c, json_t *bridge, struct refusal *r);
int change_finish_port(struct config *c, json_t *port, struct refusal *r);

/* Choose the number of a port that has none. */
int change_number_port(struct config *c, json_t *port, struct refusal *r);

/* Identity of an address from "bridge", "mac", "vlan": canonical object without a port. */
int change_fdb_identity(const json_t *params, json_t **fdb, struct refusal *r);
