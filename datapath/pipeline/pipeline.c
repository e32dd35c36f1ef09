#include "pipeline.h"

#include "rcu.h"

void pipeline_enter(struct lane *lane, struct port *port, struct packet **pkts, unsigned n)
{
	struct bport *in = rcu_get(port->owner);

	if (!in) {
		port_drop(port, lane, DROP_RX_NO_BRIDGE, n);
		port_free_all(lane, pkts, n);
		return;
	}
	bridge_normal(lane, in, pkts, n);
}
