/* How it works.  Most frames ask for nothing; most others for TSO of TCP over
 * IPv4 without tags or options, which tcp4_plain() recognises by a few loads.
 * Whatever remains takes the parser (gso_headers_read), so that there is one
 * opinion on where headers lie. */
#include "vnet_hdr.h"

#include <errno.h>

#include "gso_headers.h"
#include "ip.h"
#include "wire.h"

/* The length of all headers where these are Ethernet, IPv4 and TCP, without tags
 * and IPv4 options, and IPv4's length is that of the frame; else 0. */
static size_t tcp4_plain(const struct packet *p)
{
	const uint8_t *ip = p->data + ETH_HEADER_LEN, *tcp = ip + IPV4_HEADER_MIN;
	size_t l4_ofs = ETH_HEADER_LEN + IPV4_HEADER_MIN;

	if (p->head_len < l4_ofs + TCP_HEADER_MIN)
		return 0;
	if (wire_u16(ip - 2) != ETHERTYPE_IPV4 || ip[0] != 0x45 || ip[9] != IP_PROTO_TCP)
		return 0;
	if (wire_u16(ip + 6) & (IPV4_MF | IPV4_FRAG_OFS_MASK))
		return 0;
	size_t len = l4_ofs + (size_t)(tcp[12] >> 4) * 4;
	if (len < l4_ofs + TCP_HEADER_MIN || len > p->head_len)
		return 0;
	return (uint32_t)ETH_HEADER_LEN + wire_u16(ip + 2) == p->len ? len : 0;
}

static int gso_apply(const struct virtio_net_hdr *h, struct packet *p)
{
	uint16_t gso_size = le16toh(h->gso_size);
	struct gso_headers headers = {.l4_ofs = ETH_HEADER_LEN + IPV4_HEADER_MIN};
	enum packet_gso gso;

	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		gso = PACKET_GSO_TCP4;
		headers.len = (uint16_t)tcp4_plain(p);
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		gso = PACKET_GSO_TCP6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN)
			return -EINVAL;
		gso = PACKET_GSO_UDP;
		break;
	default: /* among them VIRTIO_NET_HDR_GSO_UDP: fragmentation, which nobody negotiated */
		return -EINVAL;
	}
	if (p->csum != PACKET_CSUM_PARTIAL || !gso_size)
		return -EINVAL;
	if (!headers.len && gso_headers_read(p, gso, &headers))
		return -EINVAL;
	if (p->csum_start != headers.l4_ofs ||
		p->csum_offset != (gso == PACKET_GSO_UDP ? UDP_CSUM_OFS : TCP_CSUM_OFS))
		return -EINVAL;
	p->gso = (uint8_t)gso;
	p->gso_ecn = h->gso_type & VIRTIO_NET_HDR_GSO_ECN;
	p->gso_tunnel = headers.n_outer;
	p->gso_size = gso_size;
	p->gso_hdr_len = headers.len;
	return 0;
}

static int csum_apply(const struct virtio_net_hdr *h, struct packet *p)
{
	uint16_t start = le16toh(h->csum_start), offset = le16toh(h->csum_offset);

	if (start < ETH_HEADER_LEN || !packet_pull(p, (size_t)start + offset + sizeof(be16_t)))
		return -EINVAL;
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = start;
	p->csum_offset = offset;
	if (offset != SCTP_CSUM_OFS)
		return 0;
	return gso_headers_sctp(p) && packet_pull(p, (size_t)start + SCTP_HEADER_LEN) ? 0 : -EINVAL;
}

int vnet_hdr_apply(const struct virtio_net_hdr *h, struct packet *p)
{
	p->csum = PACKET_CSUM_UNKNOWN;
	p->gso = PACKET_GSO_NONE;
	p->gso_ecn = false;
	p->gso_tunnel = false;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (csum_apply(h, p))
			return -EINVAL;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		p->csum = PACKET_CSUM_VALID;
	}
	return h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : gso_apply(h, p);
}

void vnet_hdr_fill(struct virtio_net_hdr *h, const struct packet *p)
{
	static const uint8_t types[] = {
		[PACKET_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[PACKET_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[PACKET_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[PACKET_GSO_UDP] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};

	memset(h, 0, sizeof(*h));
	if (p->csum == PACKET_CSUM_PARTIAL) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = htole16(p->csum_start);
		h->csum_offset = htole16(p->csum_offset);
	} else if (p->csum == PACKET_CSUM_VALID) {
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (p->gso) {
		h->gso_type = types[p->gso] | (p->gso_ecn ? VIRTIO_NET_HDR_GSO_ECN : 0);
		h->gso_size = htole16(p->gso_size);
		h->hdr_len = htole16(p->gso_hdr_len);
	}
}
