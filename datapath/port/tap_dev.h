/* tap_dev.h - the character device of a tap: its queues, held open.
 *
 * TUNSETIFF finds a device by its name in the network namespace of the thread that
 * opened the character device, and only there.  A queue that is open works on wherever
 * the device is moved to.  But as long as it is open it also keeps that thread's
 * namespace alive (see tap_away.h).
 *
 * Threads: one at a time; opening takes the calling thread's network namespace. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "port.h"

enum { TAP_NAME_LEN = 16 }; /* IFNAMSIZ */

struct tap_dev {
	int fds[PORT_QUEUES_MAX];
	unsigned n;
	int hdr_len_before; /* of the virtio-net header, for whoever uses the device next */
};

enum tap_release {
	TAP_KEEP,      /* the device stays, for a successor of ours */
	TAP_DELETE,    /* it goes, wherever it is */
	TAP_GIVE_BACK, /* it stays, as a program that knows of no offloads expects it */
};

/* Open 'n' queues of the device of that name; it is made where there is none.  0;
 * -EBUSY where another program holds it; -EINVAL where it was made for one queue and
 * 'multi_queue' is true, or the other way round; another -errno. */
int tap_dev_open(struct tap_dev *d, const char *name, unsigned n, bool multi_queue);

/* Keep the device when no queue is open. */
void tap_dev_persist(const struct tap_dev *d);

/* Tell the kernel what it need not finish before it hands a frame over.  What can be
 * sent follows from what it took (PORT_TX_*). */
uint32_t tap_dev_offloads(const struct tap_dev *d, bool off);

/* The name that the device has now; false where there is none any more. */
bool tap_dev_name(const struct tap_dev *d, char name[TAP_NAME_LEN]);

/* A descriptor of the network namespace where the device is now; -errno. */
int tap_dev_netns(const struct tap_dev *d);

/* Close all queues.  The kernel lets one wait for each, some 10 ms. */
void tap_dev_release(struct tap_dev *d, enum tap_release how);
