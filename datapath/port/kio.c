#include "kio.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "netlink.h"

enum { LARGE_FRAME = 2048 };

bool kio_rx_len(
	const struct port *port, struct lane *lane, struct packet *p, uint8_t *rest, size_t len)
{
	if (len < VNET_HDR_LEN + ETH_FRAME_MIN) {
		port_drop(port, lane, DROP_RX_TOO_SHORT, 1);
		return false;
	}
	len -= VNET_HDR_LEN;
	if (len > PACKET_LEN_MAX - ETH_VLAN_LEN) {
		port_drop(port, lane, DROP_RX_TOO_LONG, 1);
		return false;
	}
	p->len = (uint32_t)len;
	p->head_len = (uint16_t)len;
	if (len > PACKET_HEAD_FIRST) {
		p->head_len = PACKET_HEAD_FIRST;
		p->tail[0] = (struct iovec){.iov_base = rest, .iov_len = len - PACKET_HEAD_FIRST};
		p->tail_n = 1;
	}
	return true;
}

unsigned kio_next_batch(unsigned asked, unsigned got, size_t bytes)
{
	unsigned next = got == asked ? 2 * asked : (asked + got + 1) / 2;
	size_t fit = bytes ? (size_t)KIO_BURST_BYTES * got / bytes : BATCH_MAX;

	if (next > fit)
		next = (unsigned)fit;
	if (next > BATCH_MAX)
		next = BATCH_MAX;
	return next < KIO_BATCH_MIN ? KIO_BATCH_MIN : next;
}

unsigned kio_tx_iov(const struct packet *p, struct virtio_net_hdr *h, struct iovec iov[KIO_TX_IOV])
{
	vnet_hdr_fill(h, p);
	/* The kernel copies as much as this says into linear memory and the rest into
	 * pages; without it, all is linear, and large pieces of that are hard to get. */
	if (!h->hdr_len && p->len > LARGE_FRAME)
		h->hdr_len = htole16(p->head_len);
	iov[0] = (struct iovec){.iov_base = h, .iov_len = sizeof(*h)};
	iov[1] = (struct iovec){.iov_base = p->data, .iov_len = p->head_len};
	memcpy(iov + 2, p->tail, p->tail_n * sizeof(iov[0]));
	return 2u + p->tail_n;
}

uint32_t kio_tx_caps(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return PORT_TX_ALL & ~PORT_TX_USO;
	return major > 6 || (major == 6 && minor >= 2) ? PORT_TX_ALL : PORT_TX_ALL & ~PORT_TX_USO;
}

bool kio_link_follow(struct port *p, const struct netlink_link *l)
{
	uint32_t running = IFF_UP | IFF_LOWER_UP;
	bool link_up = (l->flags & running) == running;
	struct eth_addr mac = eth_addr_load(l->mac);
	bool changed = p->ifindex != l->ifindex || p->link_up != link_up || p->mtu != l->mtu ||
		       !p->has_mac || !eth_addr_equal(p->mac, mac);

	p->ifindex = l->ifindex;
	p->mac = mac;
	p->has_mac = true;
	__atomic_store_n(&p->mtu, l->mtu, __ATOMIC_RELAXED);
	__atomic_store_n(&p->link_up, link_up, __ATOMIC_RELAXED);
	return changed;
}

int kio_link_check(const struct netlink_link *l, struct strbuf *why)
{
	if (l->flags & IFF_LOOPBACK) {
		strbuf_printf(why, "interface %s is a loopback", l->name);
		return -EINVAL;
	}
	if (l->type != ARPHRD_ETHER) {
		strbuf_printf(why, "interface %s is not an Ethernet device", l->name);
		return -EINVAL;
	}
	if (l->master) {
		strbuf_printf(why, "interface %s belongs to another bridge or bond (ifindex %d)",
			l->name, l->master);
		return -EBUSY;
	}
	return 0;
}
