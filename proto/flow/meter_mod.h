/* meter_mod.h - meters, and changes of them, as text:
 * "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=100".
 *
 * As ovs-ofctl prints them, but in one line: that has the bands in lines of their own.
 *
 * OpenFlow 1.3.5 sections 5.7, 7.3.4.4; ovs-ofctl(8), "Meter Syntax".  Pure; any thread. */
#pragma once

#include "action.h"

enum meter_command { METER_ADD, METER_MODIFY, METER_DELETE };
enum band_type { BAND_DROP = 1, BAND_DSCP_REMARK = 2 };

/* OFPMF_*, with their values. */
enum { METER_KBPS = 1 << 0, METER_PKTPS = 1 << 1, METER_BURST = 1 << 2, METER_STATS = 1 << 3 };

enum {
	METER_ID_MAX = (int)0xffff0000,
	METER_ID_ALL = (int)0xffffffff, /* deletes */
	METER_ID_SLOWPATH = (int)0xfffffffd,
	METER_ID_CONTROLLER = (int)0xfffffffe,
	METER_BANDS_MAX = 16,
};

struct meter_band {
	enum band_type type;
	uint32_t rate;	     /* kbit/s or packets/s; not 0 */
	uint32_t burst_size; /* kbit or packets; 0: not given */
	uint8_t prec_level;  /* DSCP remark: by how much the drop precedence rises, 1 or 2 */
};

struct meter_mod {
	enum meter_command command;
	uint32_t id;
	uint16_t flags;
	struct meter_band bands[METER_BANDS_MAX]; /* of different rates */
	unsigned n_bands;
};

/* Can it be?  One of kbps and pktps, 1 to METER_BANDS_MAX bands of different rates, a
 * burst_size only with the flag burst.  0 or an OF_ERROR() with 'why'. */
int meter_mod_check(
	const struct meter_mod *mm, const struct action_limits *limits, struct strbuf *why);

/* "meter" is a number, "slowpath" or "controller", to delete also "all"; deleting takes
 * nothing else.  Checks, too.  0; OF_ERROR() or -EINVAL, with 'why', which names the word. */
int meter_mod_parse(struct meter_mod *mm, enum meter_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why);
/* What meter_mod_parse() takes; of deleting, the number alone. */
void meter_print(const struct meter_mod *mm, struct strbuf *out);
bool meter_mod_equal(const struct meter_mod *a, const struct meter_mod *b);
