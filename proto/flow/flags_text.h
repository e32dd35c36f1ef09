/* flags_text.h - fields whose bits have names: TCP flags, IPv6 extension headers, flags of
 * a tunnel.
 *
 * Pure; any thread. */
#pragma once

#include "field.h"
#include "strbuf.h"

/* "+syn-ack" (those and no others are looked at) or "syn|ack" (these and none else).  0;
 * -EINVAL with 'why'. */
int flags_parse(const struct field *f, const char *text, size_t len, uint64_t *value,
	uint64_t *mask, struct strbuf *why);
void flags_print(const struct field *f, uint64_t value, uint64_t mask, struct strbuf *out);
