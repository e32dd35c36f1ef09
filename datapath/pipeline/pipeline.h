/* pipeline.h - what happens to packets that came in through a port.
 *
 * A bridge without rules behaves as with the one rule "priority=0
 * actions=NORMAL"; its ports meet nothing but that, so parsing beyond the VLAN
 * tag and the flow cache are left out for them.
 *
 * Threads: workers. */
#pragma once

#include "bridge.h"

/* Packets came in through 'port' (lane_enter_fn): find its bridge and run its
 * program.  Consumes them. */
void pipeline_enter(struct lane *lane, struct port *port, struct packet **pkts, unsigned n);
