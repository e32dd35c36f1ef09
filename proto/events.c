#include "events.h"

#include <assert.h>
#include <stddef.h>

const char *const event_kinds[] = {
	[EVENT_PORT] = "port",
	[EVENT_LINK] = "link",
	[EVENT_MTU] = "mtu",
	[EVENT_BRIDGE] = "bridge",
	[EVENT_DROPS] = "drops",
	[EVENT_CONFIG] = "config",
	[EVENT_KINDS] = NULL,
};

static_assert(sizeof(event_kinds) / sizeof(event_kinds[0]) == EVENT_KINDS + 1, "a name per kind");
