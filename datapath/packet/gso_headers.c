/* How it works.  The parser reads up to L4.  Where that is not what csum_start points at,
 * it must be the outer header of a tunnel; what is within is parsed in the same way,
 * from its Ethernet or its IP header on, until csum_start is met.
 *
 * Nothing here need be sure that a UDP packet is of the tunnel it is taken for.  It is
 * taken for one only if that leads to an IP packet which ends where the frame ends, and
 * whose L4 header is the one that the sender has named; and then what is in between is
 * copied to each segment as it is. */
#include "gso_headers.h"

#include <errno.h>

#include "ip.h"
#include "parse.h"

enum {
	/* RFC 7348 section 5; draft-ietf-nvo3-vxlan-gpe; draft-smith-vxlan-group-policy */
	VXLAN_LEN = 8,
	VXLAN_I = 0x08,	  /* there is a VNI */
	VXLAN_P = 0x04,	  /* the fourth byte says what is carried */
	VXLAN_G = 0x80,	  /* there is a group policy */
	VXLAN_RCO = 0x20, /* second byte: remote checksum offload */
	GPE_IPV4 = 1,
	GPE_IPV6 = 2,
	GPE_ETHERNET = 3,

	/* RFC 8926 section 3.4 */
	GENEVE_PORT = 6081,
	GENEVE_LEN = 8,
	GENEVE_VERSION = 0xc0,
	GENEVE_OPTIONS = 0x3f, /* in units of 4 bytes */
	GENEVE_CONTROL = 0x80, /* second byte */

	/* RFC 2784, RFC 2890 */
	GRE_LEN = 4,
	GRE_CSUM = 0x8000,
	GRE_KEY = 0x2000,
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What a tunnel carries: an EtherType, and where that begins. */
struct carried {
	uint16_t type;
	size_t ofs;
};

static bool vxlan_read(const struct packet *p, size_t ofs, struct carried *c)
{
	static const uint16_t types[] = {[GPE_IPV4] = ETHERTYPE_IPV4,
		[GPE_IPV6] = ETHERTYPE_IPV6_,
		[GPE_ETHERNET] = ETHERTYPE_TEB};
	const uint8_t *h = p->data + ofs;

	if (h[0] & ~(VXLAN_I | VXLAN_P | VXLAN_G) || h[1] & VXLAN_RCO)
		return false;
	c->type = ETHERTYPE_TEB;
	if (h[0] & VXLAN_P)
		c->type = h[3] < sizeof(types) / sizeof(types[0]) ? types[h[3]] : 0;
	c->ofs = ofs + VXLAN_LEN;
	return true;
}

static bool geneve_read(const struct packet *p, size_t ofs, struct carried *c)
{
	const uint8_t *h = p->data + ofs;

	if (h[0] & GENEVE_VERSION || h[1] & GENEVE_CONTROL)
		return false;
	c->type = wire_u16(h + 2);
	c->ofs = ofs + GENEVE_LEN + (size_t)(h[0] & GENEVE_OPTIONS) * 4;
	return true;
}

static bool udp_read(const struct packet *p, struct gso_outer *o, struct carried *c)
{
	const uint8_t *udp = p->data + o->l4_ofs;
	size_t ofs = o->l4_ofs + (size_t)UDP_HEADER_LEN;

	if (ofs + VXLAN_LEN > p->head_len)
		return false;
	o->csum = udp[6] || udp[7];
	/* With a routing header, the pseudo-header has not the addresses of the IP header. */
	if (o->csum && o->ipv6 && o->l4_ofs - o->l3_ofs != IPV6_HEADER_LEN)
		return false;
	uint8_t first = p->data[ofs];
	if (wire_u16(udp + 2) == GENEVE_PORT)
		return geneve_read(p, ofs, c);
	if (first >> 4 == 4 || first >> 4 == 6) {
		*c = (struct carried){
			.type = first >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6_, .ofs = ofs};
		return true;
	}
	return first & VXLAN_I ? vxlan_read(p, ofs, c) : geneve_read(p, ofs, c);
}

/* A sequence number would have to be another one in each segment. */
static bool gre_read(const struct packet *p, struct gso_outer *o, struct carried *c)
{
	const uint8_t *h = p->data + o->l4_ofs;

	if (o->l4_ofs + (size_t)GRE_LEN > p->head_len)
		return false;
	uint16_t flags = wire_u16(h);
	if (flags & ~(GRE_CSUM | GRE_KEY))
		return false;
	o->csum = flags & GRE_CSUM;
	c->type = wire_u16(h + 2);
	c->ofs = o->l4_ofs + (size_t)GRE_LEN + (flags & GRE_CSUM ? 4 : 0) +
		 (flags & GRE_KEY ? 4 : 0);
	return true;
}

/* Is 'o' the outer header of a tunnel?  What it carries then lies before csum_start. */
static bool outer_read(const struct packet *p, struct gso_outer *o, struct carried *c)
{
	bool found = false;

	switch (o->proto) {
	case IP_PROTO_UDP:
		found = udp_read(p, o, c);
		break;
	case IP_PROTO_GRE:
		found = gre_read(p, o, c);
		break;
	case IP_PROTO_IPV4:
	case IP_PROTO_IPV6:
		*c = (struct carried){
			.type = o->proto == IP_PROTO_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6_,
			.ofs = o->l4_ofs};
		found = true;
		break;
	}
	return found && c->ofs < p->csum_start;
}

/* Parse what lies at 'c'; false where that is no whole IP packet. */
static bool carried_parse(const struct packet *p, const struct carried *c, struct parsed *f)
{
	const uint8_t *head = p->data + c->ofs;

	if (c->type == ETHERTYPE_TEB)
		parse(head, p->head_len - c->ofs, p->len - c->ofs, f);
	else if (c->type == ETHERTYPE_IPV4 || c->type == ETHERTYPE_IPV6_)
		parse_from_l3(head, p->head_len - c->ofs, p->len - c->ofs, c->type, f);
	else
		return false;
	return f->l4_ofs && f->frag == PARSE_FRAG_NONE && !(f->has & PARSED_SNAP);
}

/* Find the L4 header at csum_start.  'f' is of the innermost packet, which begins at
 * *base. */
static bool walk(struct packet *p, struct gso_headers *h, struct parsed *f, size_t *base)
{
	struct carried c = {.type = ETHERTYPE_TEB};

	/* All that is read below is before this. */
	packet_pull(p, min_size(min_size(p->len, PACKET_HEAD_MAX),
			       (size_t)p->csum_start + TCP_HEADER_MAX));
	for (h->n_outer = 0;; h->n_outer++) {
		if (!carried_parse(p, &c, f))
			return false;
		struct gso_outer o = {.l3_ofs = (uint16_t)(c.ofs + f->l3_ofs),
			.l4_ofs = (uint16_t)(c.ofs + f->l4_ofs),
			.ipv6 = f->has & PARSED_IPV6,
			.proto = f->ip_proto};
		*base = c.ofs;
		if (o.l4_ofs >= p->csum_start || h->n_outer == GSO_TUNNELS_MAX) {
			h->l3_ofs = o.l3_ofs;
			h->l4_ofs = o.l4_ofs;
			h->ipv6 = o.ipv6;
			return o.l4_ofs == p->csum_start && f->stop == PARSE_COMPLETE;
		}
		if (!outer_read(p, &o, &c))
			return false;
		h->outer[h->n_outer] = o;
	}
}

/* Does the IP packet at 'l3_ofs' end with the frame? */
static bool ip_ends_the_frame(const struct packet *p, size_t l3_ofs, bool ipv6)
{
	const uint8_t *ip = p->data + l3_ofs;

	return l3_ofs + (ipv6 ? (size_t)IPV6_HEADER_LEN + wire_u16(ip + 4) : wire_u16(ip + 2)) ==
	       p->len;
}

static bool outer_ends_the_frame(const struct packet *p, const struct gso_outer *o)
{
	if (!ip_ends_the_frame(p, o->l3_ofs, o->ipv6))
		return false;
	return o->proto != IP_PROTO_UDP ||
	       o->l4_ofs + (size_t)wire_u16(p->data + o->l4_ofs + 4) == p->len;
}

int gso_headers_read(struct packet *p, enum packet_gso gso, struct gso_headers *h)
{
	struct parsed f;
	size_t base;

	if (!walk(p, h, &f, &base))
		return -EINVAL;
	h->tcp = gso != PACKET_GSO_UDP;
	if (!(f.has & (h->tcp ? PARSED_TCP : PARSED_UDP)))
		return -EINVAL;
	if (h->tcp && h->ipv6 != (gso == PACKET_GSO_TCP6))
		return -EINVAL;
	if (!ip_ends_the_frame(p, h->l3_ofs, h->ipv6))
		return -EINVAL;
	for (unsigned i = 0; i < h->n_outer; i++) {
		if (!outer_ends_the_frame(p, &h->outer[i]))
			return -EINVAL;
	}
	h->len = (uint16_t)(base + f.payload_ofs);
	return packet_pull(p, h->len) ? 0 : -EINVAL;
}

bool gso_headers_sctp(struct packet *p)
{
	struct gso_headers h;
	struct parsed f;
	size_t base;

	return walk(p, &h, &f, &base) && f.has & PARSED_SCTP;
}
