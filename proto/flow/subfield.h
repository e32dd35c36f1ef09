/* subfield.h - a run of bits of a field, and its text: "reg0[4..7]", "NXM_NX_REG0[]".
 *
 * As in Open vSwitch, two fields are narrower here than where they are matched:
 *
 *	vlan_vid    12 bits, without the present bit
 *	in_port     16 bits, OpenFlow 1.0's numbers; all 32 are in_port_oxm
 *
 * Pure; any thread. */
#pragma once

#include "field.h"
#include "strbuf.h"

/* Bits [ofs, ofs + n) of a field, n at least 1. */
struct subfield {
	uint8_t field; /* enum field_id */
	uint8_t ofs;
	uint8_t n;
};

bool subfield_equal(struct subfield a, struct subfield b);
/* A field but for what is not for actions to touch. */
struct subfield subfield_whole(const struct field *f);

/* NAME, NAME[], NAME[BIT] or NAME[FIRST..LAST], by any name of the field.  0; -EINVAL with
 * 'why', which begins with the text. */
int subfield_parse(const char *text, size_t len, struct subfield *sf, struct strbuf *why);
/* By its NXM or OXM name, as Open vSwitch prints it. */
void subfield_print(struct subfield sf, struct strbuf *out);
