/* action.h - what a rule does: lists of actions, and the instructions that hold them.
 *
 * An action list is executed in order (Apply-Actions; the actions of a group's bucket); an
 * action set (Write-Actions) keeps one action of each kind and is executed in the order of
 * OpenFlow 1.3.5 section 5.10.  Both are stored as lists, in the order in which they were
 * given, so that what was installed comes back as it was.
 *
 * Sources: OpenFlow 1.3.5 sections 5.9 to 5.12, 7.2.4, 7.2.5; ovs-actions(7) for resubmit,
 * move, load, output of a field, controller(...), exit and the text.
 *
 * Ownership: a list owns its memory; action_list_fini() frees it.
 * Pure; any thread. */
#pragma once

#include "field.h"
#include "match.h"
#include "subfield.h"
#include "strbuf.h"

enum action_type {
	ACTION_OUTPUT,	     /* output.port; to CONTROLLER with output.max_len */
	ACTION_OUTPUT_TRUNC, /* trunc: no more than its first bytes */
	ACTION_OUTPUT_FIELD, /* src: the port's number is in a field */
	ACTION_CONTROLLER,   /* controller: output to CONTROLLER with a reason or an id */
	ACTION_GROUP,	     /* group */
	ACTION_SET_QUEUE,    /* queue */
	ACTION_POP_QUEUE,
	ACTION_PUSH_VLAN, /* ethertype: 0x8100, 0x88a8 */
	ACTION_POP_VLAN,
	ACTION_PUSH_MPLS, /* ethertype: 0x8847, 0x8848 */
	ACTION_POP_MPLS,  /* ethertype of what is below */
	ACTION_PUSH_PBB,  /* ethertype: 0x88e7 */
	ACTION_POP_PBB,
	ACTION_SET_FIELD,    /* set: a whole field */
	ACTION_LOAD,	     /* set: up to LOAD_BITS_MAX bits of a field */
	ACTION_MOVE,	     /* move */
	ACTION_SET_MPLS_TTL, /* ttl */
	ACTION_DEC_MPLS_TTL,
	ACTION_SET_NW_TTL, /* ttl */
	ACTION_DEC_NW_TTL,
	ACTION_COPY_TTL_OUT,
	ACTION_COPY_TTL_IN,
	ACTION_RESUBMIT, /* resubmit */
	ACTION_EXIT,	 /* nothing behind it is executed, of those that resubmitted neither */
	ACTION_N
};

/* OFPR_*, with their values; those above 2 are of OpenFlow 1.4. */
enum packet_in_reason {
	REASON_NO_MATCH,
	REASON_ACTION,
	REASON_INVALID_TTL,
	REASON_ACTION_SET,
	REASON_GROUP,
	REASON_PACKET_OUT,
	REASON_N
};

enum {
	ACTION_MAX_LEN_ALL = 0xffff, /* the whole packet goes to the controller */
	RESUBMIT_TABLE_SAME = 0xff,  /* the table that the rule is in */
	INSTRUCTIONS_NO_GOTO = 0xff,
	TRUNC_LEN_MIN = 14, /* bytes: an Ethernet header */
	LOAD_BITS_MAX = 64,
	ACTION_LIST_MAX = 1024, /* of one list, bucket or set */
};

struct action {
	uint8_t type; /* enum action_type */
	union {
		struct {
			uint32_t port;	  /* 1 to OFPORT_NUMBER_MAX, or a reserved one */
			uint16_t max_len; /* 0 for ports that are not CONTROLLER */
		} output;
		struct {
			uint32_t port;
			uint32_t max_len; /* bytes */
		} trunc;
		struct subfield src;
		struct {
			uint16_t max_len;
			uint16_t id;	/* of a controller; 0: those without an id */
			uint8_t reason; /* enum packet_in_reason */
		} controller;
		uint32_t group;
		uint32_t queue;
		uint16_t ethertype;
		uint8_t ttl;
		struct {
			struct subfield dst;
			struct field_value value; /* dst.n bits, the rest 0 */
		} set;
		struct {
			struct subfield src, dst; /* of the same width */
		} move;
		struct {
			uint32_t port; /* in_port of the look-up; IN_PORT: as it is */
			uint8_t table; /* RESUBMIT_TABLE_SAME */
		} resubmit;
	};
};

struct action_list {
	struct action *v;
	unsigned n, cap;
};

struct instructions {
	uint32_t meter; /* 0: none */
	struct action_list apply;
	bool clear; /* the action set, before 'write' is merged into it */
	struct action_list write;
	uint64_t metadata;	/* host order; bits outside the mask are 0 */
	uint64_t metadata_mask; /* 0: metadata is not written */
	uint8_t goto_table;	/* INSTRUCTIONS_NO_GOTO */
};

/* Append a copy.  0; -E2BIG beyond ACTION_LIST_MAX; -ENOMEM. */
int action_list_add(struct action_list *list, const struct action *a);
int action_list_copy(struct action_list *dst, const struct action_list *src); /* 0 or -ENOMEM */
void action_list_fini(struct action_list *list);
bool action_list_equal(const struct action_list *a, const struct action_list *b);

void instructions_init(struct instructions *ins); /* drop */
int instructions_copy(struct instructions *dst, const struct instructions *src);
void instructions_fini(struct instructions *ins);
bool instructions_equal(const struct instructions *a, const struct instructions *b);

/* The same effect by the same way: members that the type does not have are not looked at. */
bool action_equal(const struct action *a, const struct action *b);

/* ---- are they possible? ---- */

/* What the switch has, for checks that need it. */
struct action_limits {
	uint8_t n_tables;    /* tables 0 to n_tables - 1 are there */
	uint32_t groups_max; /* highest number of a group */
	uint32_t meters_max;
};

/* An error of OpenFlow 1.3.5 section 7.4.4 as one positive number. */
#define OF_ERROR(type, code) (((type) << 16) | (code))

enum of_error {
	BAD_ACTION_TYPE = OF_ERROR(2, 0),
	BAD_ACTION_OUT_PORT = OF_ERROR(2, 4),
	BAD_ACTION_ARGUMENT = OF_ERROR(2, 5),
	BAD_ACTION_QUEUE = OF_ERROR(2, 8),
	BAD_ACTION_OUT_GROUP = OF_ERROR(2, 9),
	BAD_ACTION_INCONSISTENT = OF_ERROR(2, 10),
	BAD_ACTION_SET_TYPE = OF_ERROR(2, 13),
	BAD_ACTION_SET_ARGUMENT = OF_ERROR(2, 15),
	BAD_INSTRUCTION_TABLE = OF_ERROR(3, 2),
	FLOW_TABLE_FULL = OF_ERROR(5, 1),
	FLOW_BAD_TABLE = OF_ERROR(5, 2),
	FLOW_OVERLAP = OF_ERROR(5, 3),
	GROUP_INVALID = OF_ERROR(6, 1),
	GROUP_WEIGHT_UNSUPPORTED = OF_ERROR(6, 2),
	GROUP_OUT_OF_BUCKETS = OF_ERROR(6, 4),
	GROUP_WATCH_UNSUPPORTED = OF_ERROR(6, 6),
	GROUP_LOOP = OF_ERROR(6, 7),
	GROUP_BAD_WATCH = OF_ERROR(6, 13),
	METER_EXISTS = OF_ERROR(12, 1),
	METER_INVALID = OF_ERROR(12, 2),
	METER_UNKNOWN = OF_ERROR(12, 3),
	METER_BAD_FLAGS = OF_ERROR(12, 5),
	METER_BAD_RATE = OF_ERROR(12, 6),
	METER_BAD_BURST = OF_ERROR(12, 7),
	METER_BAD_BAND = OF_ERROR(12, 8),
	METER_BAD_BAND_VALUE = OF_ERROR(12, 9),
	METER_OUT_OF_METERS = OF_ERROR(12, 10),
};

/* Could packets that 'm' matches be treated so, by a rule of table 'table'?  Follows what
 * Apply-Actions does to the packet: after push_vlan there is a tag, after pop_mpls:0x0800
 * there is IPv4.  Refused is a field whose prerequisites are not met, a header that is not
 * there to be popped, a goto to this table or one before it, a table, group, meter or port
 * that cannot be.  Whether groups and meters exist is not asked.
 *
 * The action set is executed after tables that are not known here.  So of Write-Actions only
 * fields are held against the match (as Open vSwitch does), in the order of execution.
 *
 * 0, or an OF_ERROR() with 'why', which names the action. */
int instructions_check(const struct instructions *ins, const struct match *m, uint8_t table,
	const struct action_limits *limits, struct strbuf *why);

/* The same for a bucket of a group: which packets come is not known, so prerequisites are
 * not asked for.  'list' holds only what an action set may. */
int action_list_check_bucket(
	const struct action_list *list, const struct action_limits *limits, struct strbuf *why);

/* What is known of a packet, of which 'm' is known, behind the action. */
void action_follow(const struct action *a, struct match *m);

/* ---- text, as in ovs-actions(7) ---- */

/* What stands behind "actions=": "meter:N", actions, "clear_actions",
 * "write_actions(...)", "write_metadata:V[/M]", "goto_table:N", each instruction once and in
 * this order, which is that of execution; "drop" alone, or nothing.  Actions may stand in
 * "apply_actions(...)".  'ins' is initialised and empty; 'm' is what the rule matches, upon
 * which it depends what mod_vlan_vid and mod_tp_src mean: NULL where that is not known.
 * Stricter than Open vSwitch: what it takes and ignores is refused ("exit:5",
 * "write_actions()", controller ids of dec_ttl, set_field under a mask of 0).
 * 0 or -EINVAL with 'why', which names the word; -ENOMEM.  'ins' is then to be freed, too. */
int instructions_parse(
	struct instructions *ins, const struct match *m, const char *text, struct strbuf *why);
/* Actions alone, "drop" too. */
int action_list_parse(
	struct action_list *list, const struct match *m, const char *text, struct strbuf *why);

/* What instructions_parse() takes, and it gives the same; "drop" for nothing. */
void instructions_print(const struct instructions *ins, struct strbuf *out);
void action_list_print(const struct action_list *list, struct strbuf *out);
void action_print(const struct action *a, struct strbuf *out);
