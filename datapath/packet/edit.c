#include "edit_priv.h"

#include "ip.h"

enum {
	MPLS_LEN = 4,
	ITAG_LEN = 2 * ETH_ADDR_LEN + 2 + 4, /* addresses, EtherType, I-TAG control information */
	TTL_DEFAULT = 64,
	MPLS_BOS = 0x100,
	MPLS_TTL_MASK = 0xff,
	VLAN_TCI_OFS = ETH_HEADER_LEN,
};

const struct parsed *edit_headers(struct edit *e)
{
	parse(e->p->data, e->p->head_len, e->p->len, e->h);
	e->stale = false;
	return e->h;
}

/* ---- tags and labels ---- */

bool edit_push_vlan(struct edit *e, uint16_t tpid)
{
	struct packet *p = e->p;
	uint16_t tci = 0;

	if (p->head_len < ETH_HEADER_LEN)
		return false;
	if (e->h->n_vlans) /* the drop eligible indicator is not one of its fields */
		tci = (uint16_t)(wire_u16(p->data + VLAN_TCI_OFS) & ~PARSED_VLAN_PRESENT);
	if (!packet_insert(p, 2 * ETH_ADDR_LEN, ETH_VLAN_LEN))
		return false;
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN, tpid);
	wire_put_u16(p->data + VLAN_TCI_OFS, tci);
	edit_headers(e);
	return true;
}

bool edit_pop_vlan(struct edit *e)
{
	if (!e->h->n_vlans)
		return false;
	packet_remove(e->p, 2 * ETH_ADDR_LEN, ETH_VLAN_LEN);
	edit_headers(e);
	return true;
}

static uint32_t label_to_push(const struct edit *e)
{
	const struct parsed *h = e->h;

	if (h->has & PARSED_MPLS)
		return wire_u32(e->p->data + h->l3_ofs) & ~(uint32_t)MPLS_BOS;
	if (h->has & PARSED_IPV4)
		return MPLS_BOS | e->p->data[h->l3_ofs + 8];
	if (h->has & PARSED_IPV6)
		return MPLS_BOS | e->p->data[h->l3_ofs + 7];
	return MPLS_BOS | TTL_DEFAULT;
}

bool edit_push_mpls(struct edit *e, uint16_t ethertype)
{
	size_t type_ofs = e->h->type_ofs;
	uint32_t lse = label_to_push(e);

	/* a length of 802.3 is no EtherType that could be replaced */
	if (!type_ofs || wire_u16(e->p->data + type_ofs) < 0x600 ||
		!packet_insert(e->p, type_ofs + 2, MPLS_LEN))
		return false;
	wire_put_u16(e->p->data + type_ofs, ethertype);
	wire_put_u32(e->p->data + type_ofs + 2, lse);
	edit_headers(e);
	return true;
}

bool edit_pop_mpls(struct edit *e, uint16_t ethertype)
{
	if (!(e->h->has & PARSED_MPLS))
		return false;
	wire_put_u16(e->p->data + e->h->type_ofs, ethertype);
	packet_remove(e->p, e->h->l3_ofs, MPLS_LEN);
	edit_headers(e);
	return true;
}

bool edit_push_pbb(struct edit *e, uint16_t ethertype)
{
	struct packet *p = e->p;
	uint32_t tci = 0;

	if (p->head_len < ETH_HEADER_LEN)
		return false;
	if (e->h->has & PARSED_PBB)
		tci = wire_u32(p->data + e->h->l3_ofs);
	else if (e->h->n_vlans)
		tci = (uint32_t)(p->data[VLAN_TCI_OFS] >> 5) << 29;
	if (!packet_insert(p, 0, ITAG_LEN))
		return false;
	memcpy(p->data, p->data + ITAG_LEN, 2 * ETH_ADDR_LEN);
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN, ethertype);
	wire_put_u32(p->data + 2 * ETH_ADDR_LEN + 2, tci);
	edit_headers(e);
	return true;
}

bool edit_pop_pbb(struct edit *e)
{
	size_t end = e->h->l3_ofs + sizeof(uint32_t);

	if (!(e->h->has & PARSED_PBB) || e->p->len < end + ETH_HEADER_LEN)
		return false;
	packet_remove(e->p, 0, end);
	edit_headers(e);
	return true;
}

/* ---- time to live ---- */

/* Where IP behind the offset has its TTL: told from the version, as behind labels there is
 * no EtherType (RFC 3032 section 2.2).  False where it is no IP. */
static bool ttl_find(const struct edit *e, size_t ofs, size_t *ttl_ofs, bool *ipv4)
{
	const struct packet *p = e->p;

	if (ofs + IPV4_HEADER_MIN > p->head_len)
		return false;
	uint8_t version = p->data[ofs] >> 4;

	*ipv4 = version == 4;
	*ttl_ofs = ofs + (*ipv4 ? 8 : 7);
	return version == 4 || (version == 6 && ofs + IPV6_HEADER_LEN <= p->head_len);
}

/* The time to live of what is below the outermost label; sets *ipv4 for a header whose
 * checksum follows. */
static bool below_label(const struct edit *e, size_t *ttl_ofs, bool *ipv4)
{
	const struct packet *p = e->p;
	size_t ofs = e->h->l3_ofs;

	*ipv4 = false;
	if (!(e->h->has & PARSED_MPLS))
		return false;
	if (wire_u32(p->data + ofs) & MPLS_BOS)
		return ttl_find(e, ofs + MPLS_LEN, ttl_ofs, ipv4);
	*ttl_ofs = ofs + 2 * MPLS_LEN - 1;
	return *ttl_ofs < p->head_len;
}

static bool set_ipv4_ttl(struct edit *e, size_t ofs, uint8_t ttl)
{
	uint16_t l3_ofs = e->h->l3_ofs;

	e->h->l3_ofs = (uint16_t)(ofs - 8);
	bool done = edit_write(e, ofs, &ttl, 1, COVER_IPV4);
	e->h->l3_ofs = l3_ofs;
	return done;
}

static enum edit_ttl decrement(struct edit *e, enum field_id id, uint8_t ttl)
{
	const struct field *f = &fields[id];

	if (ttl <= 1)
		return EDIT_TTL_EXPIRED;
	return edit_set(e, f, field_value_u64(ttl - 1u), field_ones(f)) ? EDIT_TTL_DONE
									: EDIT_TTL_ABSENT;
}

enum edit_ttl edit_dec_nw_ttl(struct edit *e)
{
	size_t ofs;
	bool ipv4;

	if (!(e->h->has & (PARSED_IPV4 | PARSED_IPV6)) || !ttl_find(e, e->h->l3_ofs, &ofs, &ipv4))
		return EDIT_TTL_ABSENT;
	return decrement(e, FIELD_IP_TTL, e->p->data[ofs]);
}

enum edit_ttl edit_dec_mpls_ttl(struct edit *e)
{
	if (!(e->h->has & PARSED_MPLS))
		return EDIT_TTL_ABSENT;
	return decrement(e, FIELD_MPLS_TTL, e->p->data[e->h->l3_ofs + MPLS_LEN - 1]);
}

bool edit_copy_ttl_out(struct edit *e)
{
	size_t below;
	bool ipv4;

	if (!below_label(e, &below, &ipv4))
		return false;
	return edit_write(e, (size_t)e->h->l3_ofs + MPLS_LEN - 1, e->p->data + below, 1, 0);
}

bool edit_copy_ttl_in(struct edit *e)
{
	size_t below;
	bool ipv4;

	if (!below_label(e, &below, &ipv4))
		return false;
	uint8_t ttl = e->p->data[e->h->l3_ofs + MPLS_LEN - 1];

	return ipv4 ? set_ipv4_ttl(e, below, ttl) : edit_write(e, below, &ttl, 1, 0);
}
