/* A match as Open vSwitch's match_format() writes it: the names of OpenFlow 1.0, in its
 * order. */
#include "field_text.h"
#include "ip.h"
#include "match.h"

/* 'name' NULL: the field's own. */
static const struct {
	uint8_t field;
	const char *name;
} order[] = {
	{FIELD_TUN_ID, NULL},
	{FIELD_TUN_SRC, NULL},
	{FIELD_TUN_DST, NULL},
	{FIELD_TUN_IPV6_SRC, NULL},
	{FIELD_TUN_IPV6_DST, NULL},
	{FIELD_TUN_GBP_ID, NULL},
	{FIELD_TUN_GBP_FLAGS, NULL},
	{FIELD_TUN_TOS, NULL},
	{FIELD_TUN_TTL, NULL},
	{FIELD_TUN_FLAGS, NULL},
	{FIELD_METADATA, NULL},
	{FIELD_IN_PORT, NULL},
	{FIELD_IN_PHY_PORT, NULL},
	{FIELD_VLAN_TCI, NULL}, /* and the fields within it */
	{FIELD_ETH_SRC, "dl_src"},
	{FIELD_ETH_DST, "dl_dst"},
	{FIELD_ETH_TYPE, "dl_type"},
	{FIELD_IPV6_SRC, NULL},
	{FIELD_IPV6_DST, NULL},
	{FIELD_IPV6_LABEL, NULL},
	{FIELD_IPV6_EXTHDR, NULL},
	{FIELD_ARP_SPA, NULL},
	{FIELD_ARP_TPA, NULL},
	{FIELD_IPV4_SRC, "nw_src"},
	{FIELD_IPV4_DST, "nw_dst"},
	{FIELD_IP_PROTO, "nw_proto"},
	{FIELD_ARP_OP, NULL},
	{FIELD_ARP_SHA, NULL},
	{FIELD_ARP_THA, NULL},
	{FIELD_IP_DSCP, "nw_tos"},
	{FIELD_IP_ECN, "nw_ecn"},
	{FIELD_IP_TTL, "nw_ttl"},
	{FIELD_MPLS_LABEL, NULL},
	{FIELD_MPLS_TC, NULL},
	{FIELD_MPLS_TTL, NULL},
	{FIELD_MPLS_BOS, NULL},
	{FIELD_PBB_ISID, NULL},
	{FIELD_IP_FRAG, "nw_frag"},
	{FIELD_ICMP_TYPE, NULL},
	{FIELD_ICMP_CODE, NULL},
	{FIELD_ICMPV6_TYPE, "icmp_type"},
	{FIELD_ICMPV6_CODE, "icmp_code"},
	{FIELD_ND_TARGET, NULL},
	{FIELD_ND_SLL, NULL},
	{FIELD_ND_TLL, NULL},
	{FIELD_TCP_SRC, "tp_src"},
	{FIELD_TCP_DST, "tp_dst"},
	{FIELD_UDP_SRC, "tp_src"},
	{FIELD_UDP_DST, "tp_dst"},
	{FIELD_SCTP_SRC, "tp_src"},
	{FIELD_SCTP_DST, "tp_dst"},
	{FIELD_TCP_FLAGS, NULL},
};

struct printer {
	const struct match *match;
	struct strbuf *out;
	bool any;	/* something was printed */
	bool has_type;	/* of Ethernet, by a shorthand */
	bool has_proto; /* of IP, likewise */
};

static void put_name(struct printer *p, const char *name)
{
	strbuf_printf(p->out, "%s%s", p->any ? "," : "", name);
	p->any = true;
}

static bool is_asked(const struct match *m, const struct field *f)
{
	return !field_value_equal(field_get(f, &m->mask), field_value_u64(0));
}

static void put_field(struct printer *p, enum field_id id, const char *name)
{
	const struct field *f = &fields[id];

	put_name(p, name ? name : f->name);
	strbuf_putc(p->out, '=');
	field_print(f, field_get(f, &p->match->key), field_get(f, &p->match->mask), p->out);
}

static const char *ipv4_shorthand(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_ICMP:
		return "icmp";
	case IP_PROTO_TCP:
		return "tcp";
	case IP_PROTO_UDP:
		return "udp";
	case IP_PROTO_SCTP:
		return "sctp";
	}
	return NULL;
}

static const char *ipv6_shorthand(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_ICMPV6:
		return "icmp6";
	case IP_PROTO_TCP:
		return "tcp6";
	case IP_PROTO_UDP:
		return "udp6";
	case IP_PROTO_SCTP:
		return "sctp6";
	}
	return NULL;
}

static const char *type_shorthand(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
		return "ip";
	case ETHERTYPE_IPV6_:
		return "ipv6";
	case ETHERTYPE_ARP_:
		return "arp";
	case ETHERTYPE_RARP:
		return "rarp";
	case ETHERTYPE_MPLS:
		return "mpls";
	case ETHERTYPE_MPLS_MCAST:
		return "mplsm";
	}
	return NULL;
}

static void put_shorthand(struct printer *p)
{
	const struct match *m = p->match;
	uint16_t type = be16toh(m->key.eth_type);
	const char *name = NULL;

	if (!m->mask.eth_type)
		return;
	if (m->mask.ip_proto && type == ETHERTYPE_IPV4)
		name = ipv4_shorthand(m->key.ip_proto);
	else if (m->mask.ip_proto && type == ETHERTYPE_IPV6_)
		name = ipv6_shorthand(m->key.ip_proto);
	p->has_proto = name;
	if (!name)
		name = type_shorthand(type);
	p->has_type = name;
	if (name)
		put_name(p, name);
}

/* As VLAN ID and priority where these are all that is asked, else as one. */
static void put_vlan(struct printer *p)
{
	uint16_t key = be16toh(p->match->key.vlan[0].tci);
	uint16_t mask = be16toh(p->match->mask.vlan[0].tci);
	const uint16_t pcp_bits = 7 << VLAN_PCP_SHIFT;
	uint16_t vid = mask & VLAN_VID_MASK, pcp = mask & pcp_bits;
	bool as_two = key & PARSED_VLAN_PRESENT && (vid || pcp) && (!vid || vid == VLAN_VID_MASK) &&
		      (!pcp || pcp == pcp_bits);

	if (!as_two)
		return put_field(p, FIELD_VLAN_TCI, NULL);
	if (vid) {
		put_name(p, "dl_vlan");
		strbuf_printf(p->out, "=%u", key & VLAN_VID_MASK);
	}
	if (pcp)
		put_field(p, FIELD_VLAN_PCP, "dl_vlan_pcp");
}

static void put_ordered(struct printer *p, enum field_id id, const char *name)
{
	const struct match *m = p->match;
	const struct field *f = &fields[id];

	if (!is_asked(m, f) || !match_prereq_met(m, f, NULL))
		return;
	switch (id) {
	case FIELD_VLAN_TCI:
		put_vlan(p);
		break;
	case FIELD_IP_DSCP:
		put_name(p, name);
		strbuf_printf(p->out, "=%llu",
			(unsigned long long)field_value_to_u64(field_get(f, &m->key)) << 2);
		break;
	case FIELD_TUN_SRC:
	case FIELD_TUN_DST:
		if (!m->key.tun_ipv6)
			put_field(p, id, name);
		break;
	case FIELD_TUN_IPV6_SRC:
	case FIELD_TUN_IPV6_DST:
		if (m->key.tun_ipv6)
			put_field(p, id, name);
		break;
	case FIELD_ETH_TYPE:
		if (!p->has_type)
			put_field(p, id, name);
		break;
	case FIELD_IP_PROTO:
		if (!p->has_proto)
			put_field(p, id, name);
		break;
	default:
		put_field(p, id, name);
	}
}

void match_print(const struct match *m, struct strbuf *out)
{
	struct printer p = {.match = m, .out = out};

	put_ordered(&p, FIELD_PKT_MARK, NULL);
	put_shorthand(&p);
	for (enum field_id id = FIELD_REG0; id <= FIELD_REG15; id++)
		put_ordered(&p, id, NULL);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		put_ordered(&p, (enum field_id)order[i].field, order[i].name);
}
