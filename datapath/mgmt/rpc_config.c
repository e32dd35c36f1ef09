#include "rpc_method.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "mgmt_priv.h"
#include "must.h"
#include "schema.h"

/* The configuration's object becomes the port as it is now. */
int rpc_port_changed(struct rpc_call *call)
{
	const char *name = json_string_value(json_object_get(call->params, "name"));
	json_t *status = rpc_port_status(call->mgmt, name);

	if (status) { /* a later request may have removed it again */
		json_decref(call->result);
		call->result = status;
	}
	return 0;
}

struct learned {
	struct fdb *fdb;
	struct eth_addr mac;
	unsigned n;
};

static void del_learned(const struct fdb_entry *e, void *arg)
{
	struct learned *l = arg;

	if (!e->is_static && eth_addr_equal(e->mac, l->mac) && !fdb_del(l->fdb, e->mac, e->vlan))
		l->n++;
}

/* Static addresses are gone by now; the learned ones follow. */
int rpc_fdb_deleted(struct rpc_call *call)
{
	const char *bridge = json_string_value(json_object_get(call->params, "bridge"));
	struct bridge *b = dataplane_bridge_lookup(call->mgmt->dp, bridge);
	struct learned l = {.fdb = b ? b->fdb : NULL};
	uint16_t vlan;
	json_t *fdb;

	if (!b || change_fdb_identity(call->params, &fdb, &call->refusal))
		return 0;
	schema_fdb_conf(fdb, &l.mac, &vlan);
	json_decref(fdb);
	if (json_object_get(call->params, "vlan"))
		l.n = fdb_del(b->fdb, l.mac, vlan) ? 0 : 1;
	else
		fdb_for_each(b->fdb, clock_now_ms(), del_learned, &l);
	json_t *removed = json_object_get(call->result, "removed");
	json_integer_set(removed, json_integer_value(removed) + l.n);
	return 0;
}

int rpc_fdb_flush(struct rpc_call *call)
{
	uint32_t port;
	int vlan;
	struct bridge *b;

	if (rpc_fdb_filter(call, &b, &port, &vlan))
		return -EINVAL;
	call->result = must(
		json_pack("{s:I}", "removed", (json_int_t)fdb_flush(b->fdb, vlan, port, false)));
	return 0;
}
