/* port_text.h - a port's state and configuration in few words.
 *
 * Threads: any. */
#pragma once

#include <jansson.h>

#include "strbuf.h"
#include "table.h"

/* up: green, waiting: yellow, failed: red. */
enum color port_state_color(const char *state);

/* Append "access 10", "trunk all", "native-tagged 5, 10,20-29". */
void port_vlan_text(struct strbuf *out, const json_t *port);

/* Append why it is not up, then what else is not as by default:
 * "no interface of that name; peer p2, isolated". */
void port_details_text(struct strbuf *out, const json_t *port);
