/* What is known of a packet behind an action.
 *
 * A match is what is known: bits under the mask.  Known bits that an action may have changed
 * are forgotten, constants that it writes are learnt. */
#include "action.h"
#include "ip.h"

static void forget(struct flow_key *k, size_t from, size_t to)
{
	memset((char *)k + from, 0, to - from);
}

/* Members from 'first' on, up to and without 'last'. */
#define FORGET(m, first, last)                                                                     \
	do {                                                                                       \
		forget(&(m)->key, offsetof(struct flow_key, first),                                \
			offsetof(struct flow_key, last));                                          \
		forget(&(m)->mask, offsetof(struct flow_key, first),                               \
			offsetof(struct flow_key, last));                                          \
	} while (0)

static void forget_l4(struct match *m)
{
	FORGET(m, l4_src, arp_op);
	FORGET(m, nd_target, pad2);
}

/* All behind the EtherType, but tags. */
static void set_eth_type(struct match *m, uint16_t type)
{
	FORGET(m, frag, vlan);
	FORGET(m, mpls_lse, pad2);
	m->key.eth_type = htobe16(type);
	m->mask.eth_type = UINT16_MAX;
}

static void push_vlan(struct match *m)
{
	m->key.vlan[1] = m->key.vlan[0];
	m->mask.vlan[1] = m->mask.vlan[0];
	m->key.vlan[0] = (struct parsed_vlan){.tci = htobe16(PARSED_VLAN_PRESENT)};
	m->mask.vlan[0] = m->key.vlan[0];
}

static void pop_vlan(struct match *m)
{
	m->key.vlan[0] = m->key.vlan[1];
	m->mask.vlan[0] = m->mask.vlan[1];
	memset(&m->key.vlan[1], 0, sizeof(m->key.vlan[1]));
	memset(&m->mask.vlan[1], 0, sizeof(m->mask.vlan[1]));
}

/* A new Ethernet header, whose tags are not those of the old one. */
static void push_pbb(struct match *m)
{
	FORGET(m, vlan, mpls_lse);
	m->mask.vlan[0].tci = htobe16(PARSED_VLAN_PRESENT);
	set_eth_type(m, ETHERTYPE_PBB);
}

/* What changes with the field, beside it. */
static void forget_dependent(struct match *m, enum field_id id)
{
	switch (id) {
	case FIELD_ETH_TYPE:
		set_eth_type(m, 0);
		break;
	case FIELD_IP_PROTO:
		forget_l4(m);
		break;
	case FIELD_ICMPV6_TYPE:
		FORGET(m, nd_target, pad2);
		break;
	default:
		break;
	}
}

/* NXM's in_port has 16 bits of 32: whatever it was, all are written. */
static struct subfield written(struct subfield dst)
{
	return dst.field == FIELD_IN_PORT ? (struct subfield){.field = dst.field, .n = 32} : dst;
}

static void set_known(struct match *m, struct subfield dst, struct field_value v)
{
	const struct field *f = &fields[dst.field];

	forget_dependent(m, field_id(f));
	field_set_bits(f, &m->key, dst.ofs, dst.n, v);
	field_set_bits(f, &m->mask, dst.ofs, dst.n, field_ones(f));
}

static void set_unknown(struct match *m, struct subfield dst)
{
	const struct field *f = &fields[dst.field];

	forget_dependent(m, field_id(f));
	dst = written(dst);
	field_set_bits(f, &m->key, dst.ofs, dst.n, field_value_u64(0));
	field_set_bits(f, &m->mask, dst.ofs, dst.n, field_value_u64(0));
}

static void set(struct match *m, const struct action *a)
{
	struct subfield dst = a->set.dst;

	if (dst.field == FIELD_IN_PORT && dst.n != 32)
		set_unknown(m, dst);
	else
		set_known(m, dst, a->set.value);
}

/* What is known of the source is known of the destination, where all of it is. */
static void move(struct match *m, const struct action *a)
{
	const struct field *src = &fields[a->move.src.field];
	struct field_value known = field_get_bits(src, &m->mask, a->move.src.ofs, a->move.src.n);
	struct field_value value = field_get_bits(src, &m->key, a->move.src.ofs, a->move.src.n);
	struct match all;

	match_init(&all);
	field_set_bits(src, &all.mask, a->move.src.ofs, a->move.src.n, field_ones(src));
	if (field_value_equal(
		    known, field_get_bits(src, &all.mask, a->move.src.ofs, a->move.src.n)) &&
		a->move.dst.field != FIELD_IN_PORT)
		set_known(m, a->move.dst, value);
	else
		set_unknown(m, a->move.dst);
}

static void forget_field(struct match *m, enum field_id id)
{
	set_unknown(m, (struct subfield){.field = (uint8_t)id, .n = fields[id].n_bits});
}

void action_follow(const struct action *a, struct match *m)
{
	switch ((enum action_type)a->type) {
	case ACTION_PUSH_VLAN:
		return push_vlan(m);
	case ACTION_POP_VLAN:
		return pop_vlan(m);
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
		return set_eth_type(m, a->ethertype);
	case ACTION_PUSH_PBB:
		return push_pbb(m);
	case ACTION_POP_PBB:
		FORGET(m, eth_dst, pad2);
		return;
	case ACTION_SET_FIELD:
	case ACTION_LOAD:
		return set(m, a);
	case ACTION_MOVE:
		return move(m, a);
	case ACTION_SET_MPLS_TTL:
	case ACTION_DEC_MPLS_TTL:
		return forget_field(m, FIELD_MPLS_TTL);
	case ACTION_SET_NW_TTL:
	case ACTION_DEC_NW_TTL:
		return forget_field(m, FIELD_IP_TTL);
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN: /* which of both, only the packet knows */
		return forget_field(m, FIELD_MPLS_TTL);
	default:
		return;
	}
}
