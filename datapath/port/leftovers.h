/* leftovers.h - what a switch that was killed left on the host's interfaces and its
 * successor does not want: filters that keep the host's stack from an interface, taps.
 *
 * Both carry their owner, the run directory of the switch (a filter in its name, a tap in
 * its alias), and only what has our own is touched: several switches may live side by side.
 * Looked at is the network namespace of 'nl'.
 *
 * Threads: control. */
#pragma once

#include <stdbool.h>

struct netlink;
struct netlink_link;

enum leftover { LEFTOVER_FILTER, LEFTOVER_TAP };

struct leftovers_ops {
	/* Is it no leftover?  'port' is the name of the port that it was for.  May be NULL. */
	bool (*wanted)(
		enum leftover what, const struct netlink_link *l, const char *port, void *arg);
	/* One line for people: what was done, or why it could not be. */
	void (*tell)(bool done, const char *text, void *arg);
};

/* Give back interfaces, and delete taps.  0, or -errno where they cannot be listed. */
int leftovers_clear(
	struct netlink *nl, const char *owner, const struct leftovers_ops *ops, void *arg);
