#include "tap_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vnet_hdr.h"

#ifndef TUN_F_USO4 /* in kernel headers since 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum { FRAME_FLAGS = IFF_NO_PI | IFF_VNET_HDR };

/* The device's header: little-endian, of our length.  Both outlive whoever set them. */
static int header_set(int fd)
{
	int len = VNET_HDR_LEN, on = 1;

	if (ioctl(fd, TUNSETVNETHDRSZ, &len) || ioctl(fd, TUNSETVNETLE, &on))
		return -errno;
	return 0;
}

static int queue_open(struct tap_dev *d, const char *name, bool multi_queue, int *queue)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), rc = 0;
	struct ifreq ifr = {.ifr_flags = IFF_TAP | FRAME_FLAGS};

	if (fd < 0)
		return -errno;
	if (multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNGETIFF, &ifr))
		rc = -errno;
	else if ((ifr.ifr_flags & FRAME_FLAGS) != FRAME_FLAGS)
		rc = -EBUSY; /* the kernel leaves them to who opens the first queue */
	if (!rc && !d->n && ioctl(fd, TUNGETVNETHDRSZ, &d->hdr_len_before))
		rc = -errno;
	if (!rc)
		rc = header_set(fd);
	if (rc) {
		close(fd);
		return rc;
	}
	*queue = fd;
	return 0;
}

int tap_dev_open(struct tap_dev *d, const char *name, unsigned n, bool multi_queue)
{
	int rc = 0;

	for (d->n = 0; !rc && d->n < n; d->n += !rc)
		rc = queue_open(d, name, multi_queue, &d->fds[d->n]);
	if (rc)
		tap_dev_release(d, TAP_KEEP);
	return rc;
}

void tap_dev_persist(const struct tap_dev *d)
{
	ioctl(d->fds[0], TUNSETPERSIST, 1UL);
}

uint32_t tap_dev_offloads(const struct tap_dev *d, bool off)
{
	static const struct {
		unsigned flags;
		uint32_t caps;
	} tries[] = {
		{TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
			PORT_TX_ALL},
		{TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, PORT_TX_ALL & ~PORT_TX_USO},
		{TUN_F_CSUM, PORT_TX_CSUM},
		{0, 0},
	};
	enum { N = sizeof(tries) / sizeof(tries[0]) };

	for (unsigned i = off ? N - 1 : 0; i < N; i++) {
		if (!ioctl(d->fds[0], TUNSETOFFLOAD, (unsigned long)tries[i].flags))
			return tries[i].caps;
	}
	return 0;
}

bool tap_dev_name(const struct tap_dev *d, char name[TAP_NAME_LEN])
{
	struct ifreq ifr;

	if (ioctl(d->fds[0], TUNGETIFF, &ifr))
		return false;
	memcpy(name, ifr.ifr_name, TAP_NAME_LEN);
	name[TAP_NAME_LEN - 1] = '\0';
	return true;
}

int tap_dev_netns(const struct tap_dev *d)
{
	int fd = ioctl(d->fds[0], TUNGETDEVNETNS);

	return fd < 0 ? -errno : fd;
}

void tap_dev_release(struct tap_dev *d, enum tap_release how)
{
	if (d->n && how == TAP_DELETE)
		ioctl(d->fds[0], TUNSETPERSIST, 0UL);
	if (d->n && how == TAP_GIVE_BACK) {
		ioctl(d->fds[0], TUNSETOFFLOAD, 0UL);
		ioctl(d->fds[0], TUNSETVNETHDRSZ, &d->hdr_len_before);
	}
	while (d->n)
		close(d->fds[--d->n]);
}
