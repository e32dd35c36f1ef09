/* ofport.h - OpenFlow port numbers as people write them.
 *
 * A port's number is 1 to 65279; above are reserved ones, of 32 bits, which have names
 * (OpenFlow 1.3.5 section 7.2.1).  OpenFlow 1.0's 16-bit numbers of those are taken, too,
 * as Open vSwitch does.
 *
 * Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strbuf.h"

enum {
	OFPORT_NUMBER_MAX = 0xfeff,
	OFPORT_RESERVED_MIN = (int)0xfffffff7, /* UNSET; the highest is ANY */
};

/* Reserved ones, OFPP_*. */
#define OFPORT_UNSET	  0xfffffff7u
#define OFPORT_IN_PORT	  0xfffffff8u
#define OFPORT_TABLE	  0xfffffff9u
#define OFPORT_NORMAL	  0xfffffffau
#define OFPORT_FLOOD	  0xfffffffbu
#define OFPORT_ALL	  0xfffffffcu
#define OFPORT_CONTROLLER 0xfffffffdu
#define OFPORT_LOCAL	  0xfffffffeu
#define OFPORT_ANY	  0xffffffffu

/* 0 to OFPORT_NUMBER_MAX, or a reserved one: no packet has another. */
bool ofport_exists(uint32_t number);

/* A number or, in either case, a reserved name.  0; -EINVAL with 'why'. */
int ofport_parse(const char *text, size_t len, uint32_t *number, struct strbuf *why);
void ofport_print(uint32_t number, struct strbuf *out);
