/* How it works.  A burst is one recvmmsg() or sendmmsg().  Each frame is received
 * in three pieces: the virtio-net header; the head of a packet; a receive buffer.
 *
 * How many frames are asked for follows what came lately: memory is prepared for
 * each, so that few are asked for where few come, and fewer of the large ones, so
 * that a burst stays within the cache.
 *
 * The kernel hands over a frame without its outer VLAN tag, which comes as
 * auxiliary data, and with csum_start counted without the tag; both are put right.
 *
 * Frames that the kernel dropped because the socket's queue was full are asked for
 * (PACKET_STATISTICS) when there can have been any: after bursts that came back
 * full, at the first empty one, else once a second. */
#include "psock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "closer.h"
#include "kio.h"

enum {
	BATCH_MIN = 4,
	DROPS_EVERY_MS = 1000,
	RCVBUF_BYTES = 4 * 1024 * 1024, /* the kernel doubles it; what may wait unread */
	SNDBUF_BYTES = 4 * 1024 * 1024, /* what may wait in the device's queues */
	TX_WAITS = 5,			/* for room in the socket, per burst */
	TX_WAIT_NS = 20 * 1000,
	TX_GIVE_UP_MS = 10, /* without waiting, after waiting in vain */
	AUXDATA_SPACE = CMSG_SPACE(sizeof(struct tpacket_auxdata)),
};

/* ---- opening ---- */

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int set_filter(int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog prog = {.len = n, .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* Let nothing in until the socket is a member of its group: it would receive what
 * others receive too. */
static int deafen(int fd)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

	return set_filter(fd, none, 1);
}

/* Let in what arrives.  PACKET_IGNORE_OUTGOING has no effect within a group. */
static int listen_to_incoming(int fd)
{
	struct sock_filter incoming[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};

	return set_filter(fd, incoming, sizeof(incoming) / sizeof(incoming[0]));
}

static int join(int fd, struct psock_group *group)
{
	int value = group->id | (PACKET_FANOUT_HASH << 16);
	socklen_t len = sizeof(value);

	if (!group->id)
		value |= PACKET_FANOUT_FLAG_UNIQUEID << 16;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof(value)))
		return -errno;
	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &len))
		return -errno;
	group->id = value & 0xffff;
	return 0;
}

static int psock_setup(int fd, int ifindex, struct psock_group *group)
{
	struct packet_mreq promisc = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htobe16(ETH_P_ALL),
		.sll_ifindex = ifindex};
	int rc = set_int(fd, SOL_PACKET, PACKET_VNET_HDR, 1);

	if (!rc)
		rc = set_int(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (!rc)
		rc = set_int(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (!rc && set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_BYTES))
		rc = set_int(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF_BYTES);
	if (!rc && set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SNDBUF_BYTES))
		rc = set_int(fd, SOL_SOCKET, SO_SNDBUF, SNDBUF_BYTES);
	if (!rc && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)))
		rc = -errno;
	if (!rc && group->shared)
		rc = deafen(fd);
	if (!rc && bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		rc = -errno;
	if (!rc && group->shared)
		rc = join(fd, group);
	if (!rc && group->shared)
		rc = listen_to_incoming(fd);
	return rc;
}

int psock_open(struct psock *s, int ifindex, struct psock_group *group)
{
	/* Protocol 0: deaf until bind(), so that no frame of another interface gets in. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	rc = psock_setup(fd, ifindex, group);
	if (rc) {
		close(fd);
		return rc;
	}
	*s = (struct psock){.fd = fd, .ifindex = ifindex, .batch = BATCH_MIN};
	return 0;
}

void psock_close(struct psock *s)
{
	struct packet_mreq promisc = {.mr_ifindex = s->ifindex, .mr_type = PACKET_MR_PROMISC};

	if (s->fd < 0)
		return;
	/* The rest can wait, but the interface is given back as it was now. */
	setsockopt(s->fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &promisc, sizeof(promisc));
	closer_close(s->fd);
	s->fd = -1;
}

/* ---- receiving ---- */

struct rx_burst {
	struct mmsghdr msgs[BATCH_MAX];
	struct iovec iov[BATCH_MAX][KIO_RX_IOV];
	struct virtio_net_hdr hdrs[BATCH_MAX];
	uint8_t *rest[BATCH_MAX];
	char control[BATCH_MAX][AUXDATA_SPACE] __attribute__((aligned(8)));
};

/* Memory for up to 'want' frames; how many there is memory for. */
static unsigned rx_prepare(
	struct rx_burst *b, struct arena *arena, struct packet **pkts, unsigned want)
{
	for (unsigned i = 0; i < want; i++) {
		pkts[i] = arena_alloc(arena);
		b->rest[i] = pkts[i] ? arena_buffer(arena) : NULL;
		if (!b->rest[i]) {
			if (pkts[i])
				arena_free(arena, pkts[i]);
			return i;
		}
		kio_rx_iov(pkts[i], b->rest[i], &b->hdrs[i], b->iov[i]);
		b->msgs[i].msg_hdr = (struct msghdr){.msg_iov = b->iov[i],
			.msg_iovlen = KIO_RX_IOV,
			.msg_control = b->control[i],
			.msg_controllen = AUXDATA_SPACE};
	}
	return want;
}

/* Put the VLAN tag back that the kernel took out.  False without headroom. */
static bool rx_restore_tag(struct msghdr *m, struct packet *p, struct virtio_net_hdr *h)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct tpacket_auxdata aux;

	if (!c || c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
		return true;
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return true;
	if (!packet_insert(p, 2 * ETH_ADDR_LEN, ETH_VLAN_LEN))
		return false;
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN,
		aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETHERTYPE_CTAG);
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN + 2, aux.tp_vlan_tci);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		h->csum_start = htole16(le16toh(h->csum_start) + ETH_VLAN_LEN);
	return true;
}

static bool rx_accept(struct rx_burst *b, unsigned i, const struct port *port, struct lane *lane,
	struct packet *p)
{
	struct msghdr *m = &b->msgs[i].msg_hdr;

	if (m->msg_flags & MSG_TRUNC) {
		port_drop(port, lane, DROP_RX_TOO_LONG, 1);
		return false;
	}
	if (!kio_rx_len(port, lane, p, b->rest[i], b->msgs[i].msg_len))
		return false;
	if (!rx_restore_tag(m, p, &b->hdrs[i]) || vnet_hdr_apply(&b->hdrs[i], p)) {
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
		return false;
	}
	return true;
}

static void rx_count_overrun(struct psock *s, const struct port *port, struct lane *lane)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	s->was_full = false;
	s->drops_ms = lane->now_ms;
	/* Reading sets the kernel's counters back. */
	if (!getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) && stats.tp_drops)
		port_drop(port, lane, DROP_RX_OVERRUN, stats.tp_drops);
}

/* How many frames to ask for next, after 'got' of 'asked' with 'bytes' in all. */
static unsigned next_batch(unsigned asked, unsigned got, size_t bytes)
{
	unsigned next = got == asked ? 2 * asked : (asked + got + 1) / 2;
	size_t fit = bytes ? (size_t)KIO_BURST_BYTES * got / bytes : BATCH_MAX;

	if (next > fit)
		next = (unsigned)fit;
	if (next > BATCH_MAX)
		next = BATCH_MAX;
	return next < BATCH_MIN ? BATCH_MIN : next;
}

unsigned psock_rx(struct psock *s, const struct port *port, struct lane *lane, struct packet **pkts,
	unsigned max)
{
	struct arena *arena = &lane->arena;
	struct rx_burst b;
	unsigned asked = rx_prepare(&b, arena, pkts, s->batch < max ? s->batch : max);
	int got = recvmmsg(s->fd, b.msgs, asked, MSG_DONTWAIT, NULL);
	unsigned kept = 0;
	size_t bytes = 0;

	/* A frame with offloads that a virtio-net header cannot express is lost. */
	if (got < 0 && errno == EINVAL)
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
	if (got < 0)
		got = 0;
	for (unsigned i = (unsigned)got; i < asked; i++)
		arena_free(arena, pkts[i]);
	for (unsigned i = 0; i < (unsigned)got; i++) {
		struct packet *p = pkts[i];

		bytes += b.msgs[i].msg_len;
		if (rx_accept(&b, i, port, lane, p))
			pkts[kept++] = p;
		else
			arena_free(arena, p);
	}
	s->was_full |= (unsigned)got == asked;
	if (s->was_full && (!got || lane->now_ms - s->drops_ms >= DROPS_EVERY_MS))
		rx_count_overrun(s, port, lane);
	s->batch = next_batch(asked, (unsigned)got, bytes);
	return kept;
}

/* ---- sending ---- */

static enum drop_reason tx_reason(int err)
{
	switch (err) {
	case EAGAIN:
	case ENOBUFS:
		return DROP_TX_FULL;
	case EMSGSIZE:
		return DROP_TX_TOO_LONG;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		return DROP_TX_PORT_DOWN;
	default:
		return DROP_TX_ERROR;
	}
}

static void tx_wait(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	struct timespec ts = {.tv_nsec = TX_WAIT_NS};

	ppoll(&pfd, 1, &ts, NULL);
}

/* Send from 'msgs'; how many frames are done with, at least one where n is not 0.
 *
 * EAGAIN: the socket's buffer is full, and drains as the receiver takes frames.  A
 * receiver that takes none must not cost others the worker's time: after waiting in
 * vain, frames are dropped without waiting for a while.  ENOBUFS is never waited for:
 * the device's queueing discipline chose to drop the frame. */
static unsigned tx_some(struct psock *s, const struct port *port, struct lane *lane,
	struct mmsghdr *msgs, struct packet **pkts, unsigned n)
{
	int sent = sendmmsg(s->fd, msgs, n, MSG_DONTWAIT);
	bool patient = lane->now_ms >= __atomic_load_n(&s->tx_full_until_ms, __ATOMIC_RELAXED);

	for (unsigned i = 0; patient && i < TX_WAITS && sent < 0 && errno == EAGAIN; i++) {
		tx_wait(s->fd);
		sent = sendmmsg(s->fd, msgs, n, MSG_DONTWAIT);
	}
	if (sent < 0) {
		unsigned lost = errno == EAGAIN ? n : 1;

		if (errno == EAGAIN && patient)
			__atomic_store_n(&s->tx_full_until_ms, lane->now_ms + TX_GIVE_UP_MS,
				__ATOMIC_RELAXED);
		port_drop(port, lane, tx_reason(errno), lost);
		return lost;
	}
	for (int i = 0; i < sent; i++)
		port_sent(port, lane, pkts[i]);
	return (unsigned)sent;
}

void psock_tx(struct psock *s, const struct port *port, struct lane *lane, struct packet **pkts,
	unsigned n)
{
	struct mmsghdr msgs[BATCH_MAX];
	struct iovec iov[BATCH_MAX][KIO_TX_IOV];
	struct virtio_net_hdr hdrs[BATCH_MAX];

	assert(n <= BATCH_MAX);
	for (unsigned i = 0; i < n; i++)
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = iov[i], .msg_iovlen = kio_tx_iov(pkts[i], &hdrs[i], iov[i])};
	for (unsigned done = 0; done < n;)
		done += tx_some(s, port, lane, msgs + done, pkts + done, n - done);
	port_free_all(lane, pkts, n);
}
