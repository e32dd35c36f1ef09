/* pring.h - the receive ring of a packet socket (packet(7), PACKET_RX_RING, version 2):
 * the kernel copies small frames into slots that it shares with us, on the sender's
 * processor and without a system call of ours.
 *
 * A slot holds PRING_SLOT_LEN bytes.  Of a longer frame the slot has the start, and
 * the whole waits in the socket as if there were no ring (PACKET_COPY_THRESH): read it
 * with recvmsg().
 *
 * A frame whose offloads a virtio-net header cannot express, such as a guest's UFO, is
 * dropped by the kernel (net/packet/af_packet.c, tpacket_rcv()) after it has marked the slot
 * as taken.  No frame gets in any more then; psock_stalled() finds that out.
 *
 * Bounds: all rings together take PRING_BYTES_MAX of kernel memory.  A socket that
 * comes later has none and works without.
 *
 * Threads: create and destroy control, the rest the worker that owns the queue. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PRING_SLOT_LEN = 2048, /* with up to 100 bytes of the kernel's */
	PRING_SLOTS = 1024,
	PRING_BYTES = PRING_SLOT_LEN * PRING_SLOTS, /* of one ring */
	PRING_BYTES_MAX = 256 * 1024 * 1024,
};

struct pring {
	uint8_t *base;	/* NULL: no ring */
	unsigned head;	/* slot that is filled next */
	unsigned taken; /* slots before it that have not been given back */
};

/* A frame in a slot.  Its bytes are the caller's until pring_release(). */
struct pring_frame {
	const uint8_t *data;
	const void *vnet_hdr; /* struct virtio_net_hdr, not aligned */
	uint32_t len;	      /* bytes at data */
	uint32_t whole;	      /* bytes of the frame */
	bool in_socket;	      /* the whole frame waits in the socket */
	bool tagged;	      /* the kernel took a VLAN tag out */
	uint16_t tpid, tci;
};

/* Give the socket a ring, before bind() and after PACKET_VNET_HDR.  0; -ENOSPC where
 * the rings that exist take all there is; -errno where the kernel has none to give. */
int pring_create(struct pring *r, int fd);
void pring_destroy(struct pring *r); /* before the socket is closed */

/* Where the next frame will be, and whether the kernel may put one there.  Any thread. */
unsigned pring_head(const struct pring *r);
bool pring_has_room(const struct pring *r);

/* Bytes in use by all rings. */
size_t pring_bytes(void);

/* Take the next frame.  False where none waits. */
bool pring_take(struct pring *r, struct pring_frame *f);

/* The frames taken so far are not needed any more.  A ring of which frames are held
 * polls as readable. */
void pring_release(struct pring *r);
