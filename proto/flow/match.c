#include "match.h"

#include <errno.h>

#include "ip.h"
#include "ofport.h"

void match_init(struct match *m)
{
	memset(m, 0, sizeof(*m));
}

bool match_equal(const struct match *a, const struct match *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool match_covers(const struct match *a, const struct match *b)
{
	const uint64_t *ak = flow_words_const(&a->key), *am = flow_words_const(&a->mask);
	const uint64_t *bk = flow_words_const(&b->key), *bm = flow_words_const(&b->mask);
	uint64_t differ = 0;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		differ |= (am[i] & ~bm[i]) | ((ak[i] ^ bk[i]) & am[i]);
	return !differ;
}

bool match_overlaps(const struct match *a, const struct match *b)
{
	const uint64_t *ak = flow_words_const(&a->key), *am = flow_words_const(&a->mask);
	const uint64_t *bk = flow_words_const(&b->key), *bm = flow_words_const(&b->mask);
	uint64_t differ = 0;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		differ |= (ak[i] ^ bk[i]) & am[i] & bm[i];
	return !differ;
}

bool match_hits(const struct match *m, const struct flow_key *k)
{
	const uint64_t *mk = flow_words_const(&m->key), *mm = flow_words_const(&m->mask);
	const uint64_t *w = flow_words_const(k);
	uint64_t differ = 0;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		differ |= (w[i] ^ mk[i]) & mm[i];
	return !differ;
}

/* ---- asking ---- */

/* What else a field's being asked for asks for. */
static void add_implied(struct match *m, enum field_id id)
{
	switch (id) {
	case FIELD_VLAN_PCP:
		m->key.vlan[0].tci |= htobe16(PARSED_VLAN_PRESENT);
		m->mask.vlan[0].tci |= htobe16(PARSED_VLAN_PRESENT);
		break;
	case FIELD_TUN_SRC:
	case FIELD_TUN_DST:
		m->mask.tun_ipv6 = 0xff;
		break;
	case FIELD_TUN_IPV6_SRC:
	case FIELD_TUN_IPV6_DST:
		m->key.tun_ipv6 = 1;
		m->mask.tun_ipv6 = 0xff;
		break;
	default:
		break;
	}
}

/* Without a tag all bits are 0. */
static int settle_vlan(struct match *m)
{
	const be16_t present = htobe16(PARSED_VLAN_PRESENT);
	struct parsed_vlan *key = &m->key.vlan[0], *mask = &m->mask.vlan[0];

	if (!(mask->tci & present) || key->tci & present)
		return 0;
	if (key->tci)
		return -ERANGE;
	mask->tci = htobe16(PARSED_VLAN_PRESENT | VLAN_VID_MASK);
	return 0;
}

/* A later fragment is a fragment. */
static int settle_frag(struct match *m)
{
	const uint8_t any = PARSE_FRAG_FIRST, later = PARSE_FRAG_LATER & ~PARSE_FRAG_FIRST;

	if (m->mask.frag & any && !(m->key.frag & any)) {
		if (m->key.frag & later)
			return -ERANGE;
		m->mask.frag |= later;
	}
	if (m->key.frag & later) {
		m->key.frag |= any;
		m->mask.frag |= any;
	}
	return 0;
}

static bool asks_port_of_later_fragment(const struct match *m)
{
	return m->key.frag == PARSE_FRAG_LATER &&
	       (m->mask.l4_src || m->mask.l4_dst || m->mask.tcp_flags);
}

/* Bring what is asked of the field into the one form; -ERANGE where no packet has it. */
static int settle(struct match *m, const struct field *f)
{
	int err = 0;

	if (f->ofs == offsetof(struct flow_key, vlan[0].tci))
		err = settle_vlan(m);
	else if (f->form == FORM_FRAG)
		err = settle_frag(m);
	else if (f->form == FORM_PORT &&
		 !ofport_exists((uint32_t)field_value_to_u64(field_get(f, &m->key))))
		err = -ERANGE;
	return asks_port_of_later_fragment(m) ? -ERANGE : err;
}

int match_set(
	struct match *m, const struct field *f, struct field_value value, struct field_value mask)
{
	struct match want, merged;
	int err;

	mask = field_value_and(mask, field_ones(f));
	if (field_value_equal(mask, field_value_u64(0)))
		return 0;
	if (!f->maskable && !field_value_equal(mask, field_ones(f)))
		return -EINVAL;
	match_init(&want);
	field_set(f, &want.key, field_value_and(value, mask));
	field_set(f, &want.mask, mask);
	add_implied(&want, field_id(f));
	if (!match_overlaps(m, &want))
		return -EEXIST;
	merged = *m;
	for (unsigned i = 0; i < FLOW_WORDS; i++) {
		flow_words(&merged.key)[i] |= flow_words(&want.key)[i];
		flow_words(&merged.mask)[i] |= flow_words(&want.mask)[i];
	}
	err = settle(&merged, f);
	if (err)
		return err;
	*m = merged;
	return 0;
}

/* ---- prerequisites ---- */

static bool asks_type(const struct match *m, uint16_t eth_type)
{
	return m->mask.eth_type && m->key.eth_type == htobe16(eth_type);
}

static bool asks_ip(const struct match *m)
{
	return asks_type(m, ETHERTYPE_IPV4) || asks_type(m, ETHERTYPE_IPV6_);
}

static bool asks_proto(const struct match *m, uint8_t proto)
{
	return m->mask.ip_proto && m->key.ip_proto == proto;
}

static bool asks_nd(const struct match *m, uint8_t type)
{
	return asks_type(m, ETHERTYPE_IPV6_) && asks_proto(m, IP_PROTO_ICMPV6) && m->mask.l4_src &&
	       m->key.l4_src == htobe16(type);
}

static bool is_met(const struct match *m, enum field_prereq prereq)
{
	switch (prereq) {
	case PREREQ_VLAN:
		return m->key.vlan[0].tci & htobe16(PARSED_VLAN_PRESENT);
	case PREREQ_MPLS:
		return asks_type(m, ETHERTYPE_MPLS) || asks_type(m, ETHERTYPE_MPLS_MCAST);
	case PREREQ_PBB:
		return asks_type(m, ETHERTYPE_PBB);
	case PREREQ_ARP:
		return asks_type(m, ETHERTYPE_ARP_) || asks_type(m, ETHERTYPE_RARP);
	case PREREQ_IPV4:
		return asks_type(m, ETHERTYPE_IPV4);
	case PREREQ_IPV6:
		return asks_type(m, ETHERTYPE_IPV6_);
	case PREREQ_IP:
		return asks_ip(m);
	case PREREQ_TCP:
		return asks_ip(m) && asks_proto(m, IP_PROTO_TCP);
	case PREREQ_UDP:
		return asks_ip(m) && asks_proto(m, IP_PROTO_UDP);
	case PREREQ_SCTP:
		return asks_ip(m) && asks_proto(m, IP_PROTO_SCTP);
	case PREREQ_ICMP:
		return asks_type(m, ETHERTYPE_IPV4) && asks_proto(m, IP_PROTO_ICMP);
	case PREREQ_ICMPV6:
		return asks_type(m, ETHERTYPE_IPV6_) && asks_proto(m, IP_PROTO_ICMPV6);
	case PREREQ_ND:
		return asks_nd(m, ICMPV6_ND_SOLICIT) || asks_nd(m, ICMPV6_ND_ADVERT);
	case PREREQ_ND_S:
		return asks_nd(m, ICMPV6_ND_SOLICIT);
	case PREREQ_ND_A:
		return asks_nd(m, ICMPV6_ND_ADVERT);
	default:
		return true;
	}
}

static const char *const needs[] = {
	[PREREQ_NONE] = "nothing",
	[PREREQ_VLAN] = "a VLAN tag (vlan_vid=0x1000/0x1000)",
	[PREREQ_MPLS] = "mpls or mplsm",
	[PREREQ_PBB] = "eth_type=0x88e7",
	[PREREQ_ARP] = "arp or rarp",
	[PREREQ_IPV4] = "ip",
	[PREREQ_IPV6] = "ipv6",
	[PREREQ_IP] = "ip or ipv6",
	[PREREQ_TCP] = "tcp or tcp6",
	[PREREQ_UDP] = "udp or udp6",
	[PREREQ_SCTP] = "sctp or sctp6",
	[PREREQ_ICMP] = "icmp",
	[PREREQ_ICMPV6] = "icmp6",
	[PREREQ_ND] = "icmp6 and icmp_type=135 or 136",
	[PREREQ_ND_S] = "icmp6 and icmp_type=135",
	[PREREQ_ND_A] = "icmp6 and icmp_type=136",
};
_Static_assert(sizeof(needs) / sizeof(needs[0]) == PREREQ_N, "a text for each prerequisite");

bool match_prereq_met(const struct match *m, const struct field *f, struct strbuf *why)
{
	if (is_met(m, f->prereq))
		return true;
	if (why)
		strbuf_printf(why, "needs %s", needs[f->prereq]);
	return false;
}
