/* events.h - the kinds of events that a client of the management protocol can watch for.
 * proto/management.md says what each carries.
 *
 * Threads: constant; any. */
#pragma once

enum event_kind {
	EVENT_PORT,   /* a port was added, changed its state, was removed */
	EVENT_LINK,   /* its link went up or down */
	EVENT_MTU,    /* its MTU changed */
	EVENT_BRIDGE, /* a bridge was added or removed */
	EVENT_DROPS,  /* a port dropped packets in the last second */
	EVENT_CONFIG, /* the configuration changed */
	EVENT_KINDS,
	EVENT_MISSED = EVENT_KINDS, /* told to every watcher: events that it did not get */
};

/* "port" …, EVENT_KINDS of them and a NULL. */
extern const char *const event_kinds[];
