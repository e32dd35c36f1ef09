/* flow_mod.h - changes of rules, and rules, as text: "table=1,priority=7,tcp,actions=drop".
 *
 * Keys beside those of a match, and actions (ovs-ofctl(8), "Flow Syntax"):
 *
 *	table                            0 where none is said; of deleting, all
 *	priority                         not where rules are chosen without --strict
 *	cookie=VALUE[/MASK]              with a mask, or to delete: which rules
 *	idle_timeout, hard_timeout       s
 *	send_flow_rem, check_overlap, reset_counts, no_packet_counts, no_byte_counts
 *	out_port, out_group              which rules, of deleting only
 *
 * A key that would have no effect is refused, as is what OpenFlow 1.3 does not have
 * (importance).  What a dump tells beside that is passed over: duration, n_packets, n_bytes,
 * idle_age, hard_age.
 *
 * OpenFlow 1.3.5 section 7.3.4.1.  Pure; any thread. */
#pragma once

#include "action.h"

enum flow_command { FLOW_ADD, FLOW_MODIFY, FLOW_MODIFY_STRICT, FLOW_DELETE, FLOW_DELETE_STRICT };

/* OFPFF_*, with their values. */
enum {
	FLOW_SEND_FLOW_REM = 1 << 0,
	FLOW_CHECK_OVERLAP = 1 << 1,
	FLOW_RESET_COUNTS = 1 << 2,
	FLOW_NO_PKT_COUNTS = 1 << 3,
	FLOW_NO_BYT_COUNTS = 1 << 4,
};

enum {
	FLOW_PRIORITY_DEFAULT = 32768,
	FLOW_TABLE_ALL = 0xff,
	FLOW_TABLES_MAX = 254,
	FLOW_ANY = (int)0xffffffff, /* OFPP_ANY, OFPG_ANY */
};

struct flow_mod {
	enum flow_command command;
	uint8_t table; /* FLOW_TABLE_ALL: only to delete */
	uint16_t priority;
	uint16_t idle_timeout, hard_timeout; /* s; 0: none */
	uint16_t flags;
	uint64_t cookie;		    /* host order; of the new rule */
	bool has_cookie;		    /* to modify: the rules get 'cookie' */
	uint64_t cookie_match, cookie_mask; /* which rules; mask 0: all */
	uint32_t out_port, out_group;	    /* which rules; FLOW_ANY */
	struct match match;
	struct instructions ins;
};

void flow_mod_init(struct flow_mod *fm); /* add, of the rule that matches all and drops */
void flow_mod_fini(struct flow_mod *fm);

/* One flow as given to "flow add|mod|del" ('strict' for the last two: what --strict says).
 * 'fm' was initialised, and is to be freed whatever comes out.  Adding and modifying need
 * "actions=", deleting and dumping (FLOW_DELETE) refuse it.  The match and the instructions
 * are checked.  0; OF_ERROR() or -EINVAL, with 'why', which names the word; -ENOMEM. */
int flow_mod_parse(struct flow_mod *fm, enum flow_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why);

/* The same rule: all but the command and what chooses rules. */
bool flow_mod_equal_rule(const struct flow_mod *a, const struct flow_mod *b);

/* What a dump tells of a rule beside its match. */
struct flow_stats {
	uint64_t duration_ns, n_packets, n_bytes;
	uint64_t idle_age_s;
};

/* "cookie=0x1, duration=2.5s, table=0, n_packets=1, n_bytes=60, idle_age=3,
 * priority=7,tcp actions=drop": what "ovs-ofctl dump-flows" prints, but for the blank in
 * front.  Without 'stats' (NULL) there are none, and no cookie or table of 0: what is stored
 * and compared.  flow_mod_parse() takes both to add the rule. */
void flow_print(const struct flow_mod *fm, const struct flow_stats *stats, struct strbuf *out);
