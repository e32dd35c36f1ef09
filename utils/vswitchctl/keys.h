/* keys.h - the KEY=VALUE words of a command, as people read them.
 *
 * Those of bridges and ports are proto/config_keys.h, without the ones that say
 * which object is meant and so are words of their own.
 *
 * Threads: any. */
#pragma once

#include <stdbool.h>

#include "config_keys.h"
#include "strbuf.h"

enum key_set {
	KEYS_NONE,
	KEYS_BRIDGE,
	KEYS_PORT,
	KEYS_PORT_SET, /* those that can be changed */
	KEYS_PORT_FILTER,
	KEYS_FDB_VLAN,
	KEYS_FDB_FILTER,
	KEYS_WATCH
};

/* The first key of a set after 'key', NULL for the very first; NULL at the end. */
const struct config_key *keys_next(enum key_set set, const struct config_key *key);

/* Append "tag", or "external-id.KEY" for a family of keys. */
void key_name(const struct config_key *key, struct strbuf *out);
/* Append what a value looks like: "1-4094", "access|trunk", "MAC". */
void key_syntax(const struct config_key *key, struct strbuf *out);
/* Is the word, one of its words, for people to give?  (Nobody adds an internal port.) */
bool key_takes(const struct config_key *key, const char *word);
/* Append a line: what it is, the port types it is for, its default. */
void key_about(const struct config_key *key, struct strbuf *out);
