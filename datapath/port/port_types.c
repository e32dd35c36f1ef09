/* The one place that lists the port types. */
#include <string.h>

#include "port.h"

const struct port_ops *const port_types[] = {
	&port_tap_ops,
	&port_netdev_ops,
	&port_internal_ops,
	&port_patch_ops,
	&port_pcap_ops,
	&port_sim_ops,
	NULL,
};

const struct port_ops *port_type_lookup(const char *type)
{
	for (const struct port_ops *const *t = port_types; *t; t++) {
		if (!strcmp((*t)->type, type))
			return *t;
	}
	return NULL;
}
