#include "pring.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { PRING_BLOCK_LEN = 64 * 1024 }; /* memory is asked for in pieces of this */

_Static_assert(PRING_BLOCK_LEN % PRING_SLOT_LEN == 0, "a slot does not straddle blocks");
_Static_assert(PRING_BYTES % PRING_BLOCK_LEN == 0, "whole blocks");

static size_t bytes_used; /* control's */

static int pring_setup(int fd)
{
	int version = TPACKET_V2, threshold = 1;
	struct tpacket_req req = {
		.tp_block_size = PRING_BLOCK_LEN,
		.tp_block_nr = PRING_BYTES / PRING_BLOCK_LEN,
		.tp_frame_size = PRING_SLOT_LEN,
		.tp_frame_nr = PRING_SLOTS,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
		setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &threshold, sizeof(threshold)) ||
		setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		return -errno;
	return 0;
}

int pring_create(struct pring *r, int fd)
{
	void *base;
	int err;

	*r = (struct pring){0};
	if (bytes_used + PRING_BYTES > PRING_BYTES_MAX)
		return -ENOSPC;
	err = pring_setup(fd);
	if (err)
		return err;
	base = mmap(NULL, PRING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		struct tpacket_req none = {0};

		err = -errno;
		setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none));
		return err;
	}
	r->base = base;
	bytes_used += PRING_BYTES;
	return 0;
}

void pring_destroy(struct pring *r)
{
	if (!r->base)
		return;
	munmap(r->base, PRING_BYTES);
	r->base = NULL;
	bytes_used -= PRING_BYTES;
}

size_t pring_bytes(void)
{
	return bytes_used;
}

static struct tpacket2_hdr *pring_slot(const struct pring *r, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(r->base +
					       (size_t)PRING_SLOT_LEN * (i % PRING_SLOTS));
}

bool pring_take(struct pring *r, struct pring_frame *f)
{
	const struct tpacket2_hdr *h = pring_slot(r, r->head);
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

	if (!(status & TP_STATUS_USER) || r->taken == PRING_SLOTS)
		return false;
	*f = (struct pring_frame){
		.data = (const uint8_t *)h + h->tp_mac,
		.vnet_hdr = (const uint8_t *)h + h->tp_mac - sizeof(struct virtio_net_hdr),
		.len = h->tp_snaplen,
		.whole = h->tp_len,
		.in_socket = status & TP_STATUS_COPY,
		.tagged = status & TP_STATUS_VLAN_VALID,
		.tpid = status & TP_STATUS_VLAN_TPID_VALID ? h->tp_vlan_tpid : 0x8100,
		.tci = h->tp_vlan_tci,
	};
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELAXED);
	r->taken++;
	return true;
}

unsigned pring_head(const struct pring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_RELAXED);
}

bool pring_has_room(const struct pring *r)
{
	return __atomic_load_n(&pring_slot(r, pring_head(r))->tp_status, __ATOMIC_RELAXED) ==
	       TP_STATUS_KERNEL;
}

void pring_release(struct pring *r)
{
	for (; r->taken; r->taken--)
		__atomic_store_n(&pring_slot(r, r->head - r->taken)->tp_status, TP_STATUS_KERNEL,
			__ATOMIC_RELEASE);
}
