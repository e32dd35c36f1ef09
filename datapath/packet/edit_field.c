/* Where the fields of headers lie in a packet.
 *
 * A field is a run of bits of a big-endian container of 1 to 8 bytes, or 16 whole bytes. */
#include "edit_priv.h"

#include "ip.h"

struct place {
	size_t ofs;
	uint8_t bytes;
	uint8_t shift;
	uint8_t n_bits;
	uint8_t cover;
	bool structure; /* what follows is read otherwise when it changes */
};

static bool has(const struct edit *e, unsigned what)
{
	return (e->h->has & what) == what;
}

static struct place at(size_t ofs, uint8_t bytes, uint8_t shift, uint8_t n_bits)
{
	return (struct place){.ofs = ofs, .bytes = bytes, .shift = shift, .n_bits = n_bits};
}

/* ---- layers ---- */

static bool place_eth(const struct edit *e, enum field_id id, struct place *pl)
{
	const struct parsed *h = e->h;

	switch (id) {
	case FIELD_ETH_DST:
		*pl = at(0, 6, 0, 48);
		return true;
	case FIELD_ETH_SRC:
		*pl = at(ETH_ADDR_LEN, 6, 0, 48);
		return true;
	case FIELD_ETH_TYPE:
		*pl = at(h->type_ofs, 2, 0, 16);
		pl->structure = true;
		return h->type_ofs != 0;
	case FIELD_VLAN_VID:
		*pl = at(ETH_HEADER_LEN, 2, 0, 12);
		return h->n_vlans > 0;
	case FIELD_VLAN_PCP:
		*pl = at(ETH_HEADER_LEN, 2, 13, 3);
		return h->n_vlans > 0;
	case FIELD_PBB_ISID:
		*pl = at(h->l3_ofs, 4, 0, 24);
		return has(e, PARSED_PBB);
	default:
		return false;
	}
}

static bool place_mpls(const struct edit *e, enum field_id id, struct place *pl)
{
	size_t ofs = e->h->l3_ofs;

	if (!has(e, PARSED_MPLS))
		return false;
	switch (id) {
	case FIELD_MPLS_LABEL:
		*pl = at(ofs, 4, 12, 20);
		return true;
	case FIELD_MPLS_TC:
		*pl = at(ofs, 4, 9, 3);
		return true;
	case FIELD_MPLS_BOS:
		*pl = at(ofs, 4, 8, 1);
		return true;
	case FIELD_MPLS_TTL:
		*pl = at(ofs, 4, 0, 8);
		return true;
	default:
		return false;
	}
}

static bool place_ipv4(const struct edit *e, enum field_id id, struct place *pl)
{
	size_t ofs = e->h->l3_ofs;

	switch (id) {
	case FIELD_IP_DSCP:
		*pl = at(ofs + 1, 1, 2, 6);
		break;
	case FIELD_IP_ECN:
		*pl = at(ofs + 1, 1, 0, 2);
		break;
	case FIELD_IP_TTL:
		*pl = at(ofs + 8, 1, 0, 8);
		break;
	case FIELD_IP_PROTO:
		*pl = at(ofs + 9, 1, 0, 8);
		pl->structure = true;
		break;
	case FIELD_IPV4_SRC:
	case FIELD_IPV4_DST:
		*pl = at(ofs + (id == FIELD_IPV4_SRC ? 12 : 16), 4, 0, 32);
		pl->cover = COVER_PSEUDO;
		break;
	default:
		return false;
	}
	pl->cover |= COVER_IPV4;
	return true;
}

/* With extension headers, the protocol stands in the last of them: a place that is not
 * kept. */
static bool place_ipv6(const struct edit *e, enum field_id id, struct place *pl)
{
	size_t ofs = e->h->l3_ofs;

	switch (id) {
	case FIELD_IP_DSCP:
		*pl = at(ofs, 2, 6, 6);
		return true;
	case FIELD_IP_ECN:
		*pl = at(ofs, 2, 4, 2);
		return true;
	case FIELD_IPV6_LABEL:
		*pl = at(ofs, 4, 0, 20);
		return true;
	case FIELD_IP_TTL:
		*pl = at(ofs + 7, 1, 0, 8);
		return true;
	case FIELD_IP_PROTO:
		*pl = at(ofs + 6, 1, 0, 8);
		pl->structure = true;
		return !e->h->ipv6_ext;
	case FIELD_IPV6_SRC:
	case FIELD_IPV6_DST:
		*pl = at(ofs + (id == FIELD_IPV6_SRC ? 8 : 24), 16, 0, 128);
		pl->cover = COVER_PSEUDO;
		return true;
	default:
		return false;
	}
}

static bool place_arp(const struct edit *e, enum field_id id, struct place *pl)
{
	size_t ofs = e->h->l3_ofs;

	if (!has(e, PARSED_ARP))
		return false;
	switch (id) {
	case FIELD_ARP_OP:
		*pl = at(ofs + 6, 2, 0, 16);
		return true;
	case FIELD_ARP_SHA:
		*pl = at(ofs + 8, 6, 0, 48);
		return true;
	case FIELD_ARP_SPA:
		*pl = at(ofs + 14, 4, 0, 32);
		return true;
	case FIELD_ARP_THA:
		*pl = at(ofs + 18, 6, 0, 48);
		return true;
	case FIELD_ARP_TPA:
		*pl = at(ofs + 24, 4, 0, 32);
		return true;
	default:
		return false;
	}
}

/* The first link-layer address option of that type (RFC 4861 section 4.6.1); 0. */
static size_t nd_option(const struct edit *e, uint8_t type)
{
	const struct packet *p = e->p;
	size_t ofs = (size_t)e->h->l4_ofs + 24;

	while (ofs + 8 <= p->head_len) {
		if (p->data[ofs] == type)
			return p->data[ofs + 1] == 1 ? ofs + 2 : 0;
		if (!p->data[ofs + 1])
			return 0;
		ofs += 8u * p->data[ofs + 1];
	}
	return 0;
}

static bool place_l4(const struct edit *e, enum field_id id, struct place *pl)
{
	static const struct {
		uint8_t id, ofs, bytes, n_bits;
		uint16_t has;
		bool structure;
	} places[] = {
		{FIELD_TCP_SRC, 0, 2, 16, PARSED_TCP, false},
		{FIELD_TCP_DST, 2, 2, 16, PARSED_TCP, false},
		{FIELD_TCP_FLAGS, 12, 2, 12, PARSED_TCP, false},
		{FIELD_UDP_SRC, 0, 2, 16, PARSED_UDP, false},
		{FIELD_UDP_DST, 2, 2, 16, PARSED_UDP, false},
		{FIELD_SCTP_SRC, 0, 2, 16, PARSED_SCTP, false},
		{FIELD_SCTP_DST, 2, 2, 16, PARSED_SCTP, false},
		{FIELD_ICMP_TYPE, 0, 1, 8, PARSED_ICMP, false},
		{FIELD_ICMP_CODE, 1, 1, 8, PARSED_ICMP, false},
		{FIELD_ICMPV6_TYPE, 0, 1, 8, PARSED_ICMPV6, true},
		{FIELD_ICMPV6_CODE, 1, 1, 8, PARSED_ICMPV6, true},
		{FIELD_ND_TARGET, 8, 16, 128, PARSED_ND, false},
	};
	size_t ofs = e->h->l4_ofs;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].id != id)
			continue;
		*pl = at(ofs + places[i].ofs, places[i].bytes, 0, places[i].n_bits);
		pl->structure = places[i].structure;
		pl->cover = COVER_L4;
		return has(e, places[i].has);
	}
	if ((id != FIELD_ND_SLL && id != FIELD_ND_TLL) || !has(e, PARSED_ND))
		return false;
	*pl = at(nd_option(e, id == FIELD_ND_SLL ? 1 : 2), 6, 0, 48);
	pl->cover = COVER_L4;
	return pl->ofs != 0;
}

static bool place_find(const struct edit *e, enum field_id id, struct place *pl)
{
	if (id <= FIELD_VLAN_PCP || id == FIELD_PBB_ISID)
		return place_eth(e, id, pl);
	if (id <= FIELD_MPLS_TTL)
		return place_mpls(e, id, pl);
	if (id >= FIELD_ARP_OP && id <= FIELD_ARP_THA)
		return place_arp(e, id, pl);
	if (id >= FIELD_TCP_SRC)
		return place_l4(e, id, pl);
	if (has(e, PARSED_IPV4))
		return place_ipv4(e, id, pl);
	return has(e, PARSED_IPV6) && place_ipv6(e, id, pl);
}

/* ---- setting ---- */

static uint64_t load(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void store(uint8_t *p, unsigned n, uint64_t v)
{
	for (unsigned i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

bool edit_set(
	struct edit *e, const struct field *f, struct field_value value, struct field_value mask)
{
	uint8_t bytes[FIELD_BYTES_MAX];
	struct place pl;

	if (!place_find(e, field_id(f), &pl) || pl.ofs + pl.bytes > e->p->head_len)
		return false;
	memcpy(bytes, e->p->data + pl.ofs, pl.bytes);
	if (pl.bytes == FIELD_BYTES_MAX) {
		for (unsigned i = 0; i < FIELD_BYTES_MAX; i++)
			bytes[i] = (uint8_t)((bytes[i] & ~mask.b[i]) | (value.b[i] & mask.b[i]));
	} else {
		uint64_t ones = (((uint64_t)1 << pl.n_bits) - 1) << pl.shift;
		uint64_t m = field_value_to_u64(mask) << pl.shift & ones;
		uint64_t v = field_value_to_u64(value) << pl.shift & m;

		store(bytes, pl.bytes, (load(bytes, pl.bytes) & ~m) | v);
	}
	if (!edit_write(e, pl.ofs, bytes, pl.bytes, pl.cover))
		return false;
	if (pl.structure)
		edit_headers(e);
	return true;
}
