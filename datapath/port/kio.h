/* kio.h - what port types on kernel interfaces share: frames with a virtio-net
 * header from and to the memory of packets, and following the link's state.
 *
 * Threads: kio_link_* control, the rest the lane's worker. */
#pragma once

#include "port.h"
#include "vnet_hdr.h"

struct netlink_link;

enum {
	/* What one burst may touch: more would push the caches of the processor empty. */
	KIO_BURST_BYTES = 256 * 1024,
	KIO_BATCH_MIN = 4,
	KIO_RX_IOV = 3,			  /* virtio-net header, head, rest */
	KIO_TX_IOV = 2 + PACKET_TAIL_MAX, /* virtio-net header, head, tail */
};

/* Where one frame is to be received: its header to 'h', the frame to the head of
 * 'p' and, past that, to 'rest' (a receive buffer). */
static inline void kio_rx_iov(
	struct packet *p, uint8_t *rest, struct virtio_net_hdr *h, struct iovec iov[KIO_RX_IOV])
{
	iov[0] = (struct iovec){.iov_base = h, .iov_len = sizeof(*h)};
	iov[1] = (struct iovec){.iov_base = p->data, .iov_len = PACKET_HEAD_FIRST};
	iov[2] = (struct iovec){.iov_base = rest, .iov_len = ARENA_BUFFER_LEN};
}

/* 'len' bytes, with the virtio-net header, came in as kio_rx_iov() said.  False
 * where that is no frame; it is counted then, and the caller frees 'p'. */
bool kio_rx_len(
	const struct port *port, struct lane *lane, struct packet *p, uint8_t *rest, size_t len);

/* How many frames to ask for with the next call, after 'got' of 'asked' with 'bytes' in
 * all.  Memory is prepared for each, so that few are asked for where few come, and
 * fewer of the large ones, so that a burst stays within the cache. */
unsigned kio_next_batch(unsigned asked, unsigned got, size_t bytes);

/* The pieces of 'p' after its header, which is filled.  Number of pieces. */
unsigned kio_tx_iov(const struct packet *p, struct virtio_net_hdr *h, struct iovec iov[KIO_TX_IOV]);

/* The segmentation that the kernel takes from and gives to a virtio-net header:
 * USO came with Linux 6.2. */
uint32_t kio_tx_caps(void);

/* Take over what the kernel says about the link; true where something changed. */
bool kio_link_follow(struct port *p, const struct netlink_link *l);

/* 0 where 'l' is an interface that a port can use, else -errno with 'why'. */
int kio_link_check(const struct netlink_link *l, struct strbuf *why);
