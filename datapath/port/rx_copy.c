#include "rx_copy.h"

struct packet *rx_copy(const struct port *port, struct lane *lane, const uint8_t *data, size_t len,
	const struct virtio_net_hdr *hdr)
{
	size_t head_len = len < PACKET_HEAD_FIRST ? len : PACKET_HEAD_FIRST;

	if (len < ETH_FRAME_MIN || len > PACKET_LEN_MAX) {
		port_drop(
			port, lane, len < ETH_FRAME_MIN ? DROP_RX_TOO_SHORT : DROP_RX_TOO_LONG, 1);
		return NULL;
	}
	struct packet *p = arena_alloc(&lane->arena);
	if (!p)
		goto no_memory;
	memcpy(p->data, data, head_len);
	p->head_len = (uint16_t)head_len;
	p->len = (uint32_t)len;
	if (head_len < len) {
		uint8_t *rest = arena_buffer(&lane->arena);

		if (!rest)
			goto no_memory;
		memcpy(rest, data + head_len, len - head_len);
		p->tail[0] = (struct iovec){.iov_base = rest, .iov_len = len - head_len};
		p->tail_n = 1;
	}
	if (hdr && vnet_hdr_apply(hdr, p)) {
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
		arena_free(&lane->arena, p);
		return NULL;
	}
	return p;

no_memory:
	port_drop(port, lane, DROP_RX_NO_BUFFERS, 1);
	if (p)
		arena_free(&lane->arena, p);
	return NULL;
}
