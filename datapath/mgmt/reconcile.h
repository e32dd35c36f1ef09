/* reconcile.h - makes the dataplane what the configuration says, by the difference.
 *
 * It remembers the object that each bridge and port of the dataplane was made from, so
 * an object that did not change is not touched.  A change goes in two steps around the
 * commit (see commit.h): reconcile_prepare() does all that the system can refuse:
 * additions and settings, and the removal of what stands in their way (a port that
 * changes its type, its number or its bridge); reconcile_finish() removes the rest,
 * which cannot fail.  So a deletion that cannot be stored has not disturbed anyone.
 *
 * The internal port of a bridge is made from the bridge, and from the object of its name
 * where there is one.
 *
 * At start a port that fails stays behind with its reason; the others go on.
 *
 * Threads: control. */
#pragma once

#include "config.h"
#include "dataplane.h"
#include "refusal.h"

struct reconcile;

struct reconcile_conf {
	struct dataplane *dp;
	struct config *config;
	bool kernel; /* as in dataplane_conf; false: bridges have no internal port */
};

int reconcile_create(const struct reconcile_conf *conf, struct reconcile **rec); /* 0 or -ENOMEM */
void reconcile_destroy(struct reconcile *rec); /* the dataplane stays as it is */

/* Everything that the configuration has; what fails is logged and remembered. */
void reconcile_start(struct reconcile *rec);

/* Before the commit.  Refused with REFUSED_SYSTEM or REFUSED_LIMIT: then undo the
 * transaction and call reconcile_restore(). */
int reconcile_prepare(struct reconcile *rec, struct config_tx *tx, struct refusal *r);

/* After the commit. */
void reconcile_finish(struct reconcile *rec, const struct config_tx *tx);

/* After config_tx_undo(tx): the dataplane as before the transaction. */
void reconcile_restore(struct reconcile *rec, struct config_tx *tx);

/* Why a port of the configuration is not in the dataplane at all, or NULL. */
const char *reconcile_why(const struct reconcile *rec, const char *port);
