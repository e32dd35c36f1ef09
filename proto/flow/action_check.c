/* Could packets be treated so?  An action is looked at by itself (numbers, ports, EtherTypes)
 * and, where something is known of the packets, with what is known of them in front of it. */
#include <errno.h>

#include "action.h"
#include "action_set.h"
#include "group_mod.h"
#include "meter_mod.h"
#include "ofport.h"

/* OFPQ_ALL is no queue */
static const uint32_t queue_max = 0xfffffffe;

/* In an error of memory alone are these negative. */
struct check {
	const struct action_limits *limits;
	const struct match *known; /* of the packet here; NULL: nothing */
	bool is_set;		   /* an action set: who knows what comes before it */
	struct strbuf *why;
};

static int refuse(
	const struct check *c, const struct action *a, enum of_error error, const char *sentence)
{
	action_print(a, c->why);
	strbuf_printf(c->why, ": %s", sentence);
	return (int)error;
}

/* ---- by themselves ---- */

static bool is_number(uint32_t port)
{
	return port && port <= OFPORT_NUMBER_MAX;
}

static int check_port(const struct check *c, const struct action *a)
{
	uint32_t port = a->output.port;

	if (is_number(port) || port == OFPORT_IN_PORT || port == OFPORT_NORMAL ||
		port == OFPORT_FLOOD || port == OFPORT_ALL || port == OFPORT_CONTROLLER ||
		port == OFPORT_LOCAL)
		return 0;
	return refuse(c, a, BAD_ACTION_OUT_PORT, "is no port to send to");
}

static int check_trunc(const struct check *c, const struct action *a)
{
	if (!is_number(a->trunc.port) && a->trunc.port != OFPORT_IN_PORT &&
		a->trunc.port != OFPORT_LOCAL)
		return refuse(c, a, BAD_ACTION_OUT_PORT,
			"only to a port's number, IN_PORT or LOCAL with max_len");
	if (a->trunc.max_len < TRUNC_LEN_MIN)
		return refuse(c, a, BAD_ACTION_ARGUMENT, "max_len must be at least 14");
	return 0;
}

static int check_resubmit(const struct check *c, const struct action *a)
{
	uint32_t port = a->resubmit.port;
	bool same_table = a->resubmit.table == RESUBMIT_TABLE_SAME;

	if (!is_number(port) && port != OFPORT_IN_PORT && port != OFPORT_LOCAL &&
		port != OFPORT_CONTROLLER)
		return refuse(c, a, BAD_ACTION_ARGUMENT, "no packet comes from that port");
	if (!same_table && a->resubmit.table >= c->limits->n_tables)
		return refuse(c, a, BAD_ACTION_ARGUMENT, "there is no such table");
	if (same_table && port == OFPORT_IN_PORT)
		return refuse(c, a, BAD_ACTION_ARGUMENT, "needs a port or a table");
	return 0;
}

static int check_ethertype(const struct check *c, const struct action *a)
{
	uint16_t type = a->ethertype;

	switch ((enum action_type)a->type) {
	case ACTION_PUSH_VLAN:
		if (type != ETHERTYPE_CTAG && type != ETHERTYPE_STAG)
			return refuse(c, a, BAD_ACTION_ARGUMENT, "must be 0x8100 or 0x88a8");
		return 0;
	case ACTION_PUSH_MPLS:
		if (type != ETHERTYPE_MPLS && type != ETHERTYPE_MPLS_MCAST)
			return refuse(c, a, BAD_ACTION_ARGUMENT, "must be 0x8847 or 0x8848");
		return 0;
	case ACTION_PUSH_PBB:
		if (type != ETHERTYPE_PBB)
			return refuse(c, a, BAD_ACTION_ARGUMENT, "must be 0x88e7");
		return 0;
	default:
		if (type <= ETHERTYPE_NONE || type == ETHERTYPE_CTAG || type == ETHERTYPE_STAG)
			return refuse(c, a, BAD_ACTION_ARGUMENT,
				"must be an EtherType, and not of a VLAN tag");
		return 0;
	}
}

static int check_dst(const struct check *c, const struct action *a, struct subfield dst)
{
	if (!fields[dst.field].settable)
		return refuse(c, a, BAD_ACTION_SET_TYPE, "the field cannot be set");
	if (dst.field == FIELD_IN_PORT && (dst.ofs || (dst.n != 16 && dst.n != 32)))
		return refuse(c, a, BAD_ACTION_SET_ARGUMENT, "in_port is set as a whole");
	return 0;
}

static int check_value(const struct check *c, const struct action *a)
{
	uint64_t v = field_value_to_u64(a->set.value);
	int err = check_dst(c, a, a->set.dst);

	if (err)
		return err;
	if (a->type == ACTION_SET_FIELD && a->set.dst.field == FIELD_VLAN_VID &&
		!(v & PARSED_VLAN_PRESENT))
		return refuse(c, a, BAD_ACTION_SET_ARGUMENT, "needs 0x1000 beside the VLAN ID");
	if (a->set.dst.field == FIELD_IN_PORT && a->set.dst.n == 32 && !ofport_exists((uint32_t)v))
		return refuse(c, a, BAD_ACTION_SET_ARGUMENT, "no packet comes from that port");
	return 0;
}

static int check_alone(const struct check *c, const struct action *a)
{
	switch ((enum action_type)a->type) {
	case ACTION_OUTPUT:
		return check_port(c, a);
	case ACTION_OUTPUT_TRUNC:
		return check_trunc(c, a);
	case ACTION_GROUP:
		if (a->group > (uint32_t)GROUP_ID_MAX || a->group > c->limits->groups_max)
			return refuse(c, a, BAD_ACTION_OUT_GROUP, "no group has that number");
		return 0;
	case ACTION_SET_QUEUE:
		return a->queue > queue_max
			       ? refuse(c, a, BAD_ACTION_QUEUE, "no queue has that number")
			       : 0;
	case ACTION_PUSH_VLAN:
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
	case ACTION_PUSH_PBB:
		return check_ethertype(c, a);
	case ACTION_SET_FIELD:
	case ACTION_LOAD:
		return check_value(c, a);
	case ACTION_MOVE:
		return check_dst(c, a, a->move.dst);
	case ACTION_RESUBMIT:
		return check_resubmit(c, a);
	default:
		return 0;
	}
}

/* ---- with what is known ---- */

static int need_field(const struct check *c, const struct action *a, enum field_id id)
{
	struct strbuf needs = STRBUF_INIT;
	int err = 0;

	if (id == FIELD_VLAN_VID)
		id = FIELD_VLAN_PCP; /* one to be set is there, while one to be matched need not be
				      */
	if (!match_prereq_met(c->known, &fields[id], &needs))
		err = refuse(c, a, BAD_ACTION_INCONSISTENT, strbuf_str(&needs));
	strbuf_fini(&needs);
	return err;
}

static int check_move(const struct check *c, const struct action *a)
{
	int err = need_field(c, a, (enum field_id)a->move.src.field);

	return err ? err : need_field(c, a, (enum field_id)a->move.dst.field);
}

/* Of a header that must be there. */
static int check_header(const struct check *c, const struct action *a)
{
	if (c->is_set)
		return 0;
	switch ((enum action_type)a->type) {
	case ACTION_POP_VLAN:
		return need_field(c, a, FIELD_VLAN_PCP);
	case ACTION_POP_MPLS:
	case ACTION_SET_MPLS_TTL:
	case ACTION_DEC_MPLS_TTL:
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN:
		return need_field(c, a, FIELD_MPLS_TTL);
	case ACTION_POP_PBB:
		return need_field(c, a, FIELD_PBB_ISID);
	case ACTION_SET_NW_TTL:
	case ACTION_DEC_NW_TTL:
		return need_field(c, a, FIELD_IP_TTL);
	default:
		return 0;
	}
}

static int check_known(const struct check *c, const struct action *a)
{
	switch ((enum action_type)a->type) {
	case ACTION_SET_FIELD:
	case ACTION_LOAD:
		return need_field(c, a, (enum field_id)a->set.dst.field);
	case ACTION_MOVE:
		return check_move(c, a);
	case ACTION_OUTPUT_FIELD:
		return need_field(c, a, (enum field_id)a->src.field);
	default:
		return check_header(c, a);
	}
}

/* ---- lists ---- */

static int check_list(struct check *c, const struct action_list *list, struct match *known)
{
	int err = 0;

	c->known = known;
	for (unsigned i = 0; !err && i < list->n; i++) {
		err = check_alone(c, &list->v[i]);
		if (!err && known) {
			err = check_known(c, &list->v[i]);
			action_follow(&list->v[i], known);
		}
	}
	return err;
}

/* 'known' NULL: nothing. */
static int check_set(struct check *c, const struct action_list *list, struct match *known)
{
	struct action_list set = {0}, ordered = {0};
	int err = 0;

	c->is_set = true;
	for (unsigned i = 0; !err && i < list->n; i++)
		if (!action_set_takes((enum action_type)list->v[i].type))
			err = refuse(c, &list->v[i], BAD_ACTION_TYPE, "not in an action set");
	if (!err)
		err = check_list(c, list, NULL);
	if (!err)
		err = action_set_write(&set, list);
	if (!err)
		err = action_set_order(&set, &ordered);
	if (!err)
		err = check_list(c, &ordered, known);
	action_list_fini(&set);
	action_list_fini(&ordered);
	return err;
}

int action_list_check_bucket(
	const struct action_list *list, const struct action_limits *limits, struct strbuf *why)
{
	struct check c = {.limits = limits, .why = why};

	return check_set(&c, list, NULL);
}

static int check_rest(const struct check *c, const struct instructions *ins, uint8_t table)
{
	uint32_t meters_max = c->limits->meters_max;

	if (ins->meter > (uint32_t)METER_ID_MAX || ins->meter > meters_max) {
		strbuf_printf(c->why, "meter:%u: no meter has that number", ins->meter);
		return METER_INVALID;
	}
	if (ins->goto_table == INSTRUCTIONS_NO_GOTO)
		return 0;
	if (ins->goto_table > table && ins->goto_table < c->limits->n_tables)
		return 0;
	strbuf_printf(c->why, "goto_table:%u: must be behind table %u, and before %u",
		ins->goto_table, table, c->limits->n_tables);
	return BAD_INSTRUCTION_TABLE;
}

int instructions_check(const struct instructions *ins, const struct match *m, uint8_t table,
	const struct action_limits *limits, struct strbuf *why)
{
	struct check c = {.limits = limits, .why = why};
	struct match known = *m;
	int err = check_list(&c, &ins->apply, &known);

	if (!err)
		err = check_set(&c, &ins->write, &known);
	return err ? err : check_rest(&c, ins, table);
}
