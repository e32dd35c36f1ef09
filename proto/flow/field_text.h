/* field_text.h - values of fields as people write them, each field in its form.
 *
 *	decimal, hexadecimal     80  0x50; printed in the field's own base
 *	addresses                00:11:22:33:44:55  10.0.0.1  2001:db8::1
 *	port                     3  LOCAL
 *	fragment                 no yes first later not_later
 *	flags                    +syn-ack  syn|ack  0x2: under a mask, exactly, by number
 *
 * A mask follows behind a slash in the same form, or as the length of a prefix behind an
 * IP address.  Bits of the value outside its mask are cleared without a complaint, as in
 * Open vSwitch: 10.0.0.1/8 is how people write a network.
 *
 * 'why' goes on where "NAME=TEXT: " was said: "must be 0 to 255", "takes no mask".
 *
 * Pure; any thread. */
#pragma once

#include "field.h"
#include "strbuf.h"

/* VALUE or VALUE/MASK; without a mask it is all bits of the field.  0; -EINVAL with 'why'. */
int field_parse(const struct field *f, const char *text, size_t len, struct field_value *value,
	struct field_value *mask, struct strbuf *why);

/* "80", "10.0.0.0/8"; a mask of all bits is not printed. */
void field_print(const struct field *f, struct field_value value, struct field_value mask,
	struct strbuf *out);
