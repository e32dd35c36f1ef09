/* How it works.  A burst is sent by one sendmmsg().  It is received from a ring that
 * the kernel fills (pring.h); the long frames of a burst by one recvmmsg(), and each
 * is known again by its length and first bytes.  A socket that has no ring receives all by
 * recvmmsg().
 *
 * There each frame is received in three pieces: the virtio-net header; the head of a
 * packet; a receive buffer.  How many frames are asked for follows what came lately
 * (kio_next_batch), because memory is prepared for each.
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

/* 'ring' may be NULL. */
static int psock_setup(int fd, int ifindex, struct psock_group *group, struct pring *ring)
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
	if (!rc && ring)
		pring_create(ring, fd); /* without one it works, too */
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

int psock_open(struct psock *s, int ifindex, struct psock_group *group, bool ring)
{
	/* Protocol 0: deaf until bind(), so that no frame of another interface gets in. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	*s = (struct psock){.fd = -1, .batch = KIO_BATCH_MIN};
	rc = psock_setup(fd, ifindex, group, ring ? &s->ring : NULL);
	if (rc) {
		pring_destroy(&s->ring);
		close(fd);
		return rc;
	}
	s->fd = fd;
	s->ifindex = ifindex;
	return 0;
}

void psock_close(struct psock *s)
{
	struct packet_mreq promisc = {.mr_ifindex = s->ifindex, .mr_type = PACKET_MR_PROMISC};

	if (s->fd < 0)
		return;
	/* The rest can wait, but the interface is given back as it was now. */
	setsockopt(s->fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &promisc, sizeof(promisc));
	pring_destroy(&s->ring);
	closer_close(s->fd);
	s->fd = -1;
}

void psock_take_error(struct psock *s)
{
	int err;
	socklen_t len = sizeof(err);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/* In an interval without a frame the kernel has dropped some, though there is room. */
bool psock_stalled(struct psock *s, uint64_t *lost)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	if (!s->ring.base)
		return false;
	unsigned head = pring_head(&s->ring);
	bool moved = head != s->seen_head;

	s->seen_head = head;
	/* Reading sets the kernel's counters back. */
	if (getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		return false;
	*lost += stats.tp_drops;
	return !moved && stats.tp_drops && pring_has_room(&s->ring);
}

/* ---- receiving ---- */

/* One frame to be read from the socket. */
struct rx_frame {
	struct packet *p;
	uint8_t *rest;
	struct virtio_net_hdr hdr;
	struct iovec iov[KIO_RX_IOV];
	char control[AUXDATA_SPACE] __attribute__((aligned(8)));
};

struct rx_burst {
	struct mmsghdr msgs[BATCH_MAX];
	struct rx_frame frames[BATCH_MAX];
};

/* Memory for up to 'want' frames; how many there is memory for. */
static unsigned rx_prepare(struct rx_burst *b, struct arena *arena, unsigned want)
{
	for (unsigned i = 0; i < want; i++) {
		struct rx_frame *f = &b->frames[i];

		f->p = arena_alloc(arena);
		f->rest = f->p ? arena_buffer(arena) : NULL;
		if (!f->rest) {
			if (f->p)
				arena_free(arena, f->p);
			return i;
		}
		kio_rx_iov(f->p, f->rest, &f->hdr, f->iov);
		b->msgs[i].msg_hdr = (struct msghdr){.msg_iov = f->iov,
			.msg_iovlen = KIO_RX_IOV,
			.msg_control = f->control,
			.msg_controllen = AUXDATA_SPACE};
	}
	return want;
}

/* Put the VLAN tag back that the kernel took out.  False without headroom. */
static bool rx_restore_tag(struct packet *p, struct virtio_net_hdr *h, uint16_t tpid, uint16_t tci)
{
	if (!packet_insert(p, 2 * ETH_ADDR_LEN, ETH_VLAN_LEN))
		return false;
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN, tpid);
	wire_put_u16(p->data + 2 * ETH_ADDR_LEN + 2, tci);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		h->csum_start = htole16(le16toh(h->csum_start) + ETH_VLAN_LEN);
	return true;
}

/* The same, where the auxiliary data of a message tell of a tag. */
static bool rx_restore_aux_tag(struct msghdr *m, struct packet *p, struct virtio_net_hdr *h)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct tpacket_auxdata aux;

	if (!c || c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
		return true;
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return true;
	return rx_restore_tag(p, h,
		aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETHERTYPE_CTAG,
		aux.tp_vlan_tci);
}

static bool rx_accept(
	struct mmsghdr *m, struct rx_frame *f, const struct port *port, struct lane *lane)
{
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		port_drop(port, lane, DROP_RX_TOO_LONG, 1);
		return false;
	}
	if (!kio_rx_len(port, lane, f->p, f->rest, m->msg_len))
		return false;
	if (!rx_restore_aux_tag(&m->msg_hdr, f->p, &f->hdr) || vnet_hdr_apply(&f->hdr, f->p)) {
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

/* An error of the device (psock_take_error) is heard by the first call; the second reads. */
static unsigned rx_read(const struct psock *s, struct rx_burst *b, unsigned n, int *err)
{
	int got = recvmmsg(s->fd, b->msgs, n, MSG_DONTWAIT, NULL);

	if (got < 0 && errno == ENETDOWN)
		got = recvmmsg(s->fd, b->msgs, n, MSG_DONTWAIT, NULL);
	*err = got < 0 ? errno : 0;
	return got < 0 ? 0 : (unsigned)got;
}

/* A frame that lies in a slot: its head is copied, the rest borrowed.  NULL where it
 * was dropped. */
static struct packet *rx_from_slot(
	const struct pring_frame *f, const struct port *port, struct lane *lane)
{
	struct packet *p = f->len < f->whole ? NULL : arena_alloc(&lane->arena);
	struct virtio_net_hdr hdr;

	if (!p) {
		port_drop(port, lane, f->len < f->whole ? DROP_RX_OVERRUN : DROP_RX_NO_BUFFERS, 1);
		return NULL;
	}
	memcpy(&hdr, f->vnet_hdr, sizeof(hdr));
	memcpy(p->data, f->data, f->len < PACKET_HEAD_FIRST ? f->len : PACKET_HEAD_FIRST);
	/* The tail is read only, as every tail is. */
	if (!kio_rx_len(port, lane, p, (uint8_t *)(uintptr_t)f->data + PACKET_HEAD_FIRST,
		    VNET_HDR_LEN + f->len))
		goto free_packet;
	if ((f->tagged && !rx_restore_tag(p, &hdr, f->tpid, f->tci)) || vnet_hdr_apply(&hdr, p)) {
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
		goto free_packet;
	}
	return p;

free_packet:
	arena_free(&lane->arena, p);
	return NULL;
}

/* A frame of which a slot told that it waits in the socket. */
struct long_frame {
	const uint8_t *start;
	uint32_t start_len, whole;
	struct packet *p; /* what became of it; NULL: it was dropped, and counted */
};

static bool is_long_frame(
	const struct long_frame *l, const struct mmsghdr *m, const struct rx_frame *f)
{
	size_t len = m->msg_len > VNET_HDR_LEN ? m->msg_len - VNET_HDR_LEN : 0, n = len;

	if (m->msg_hdr.msg_flags & MSG_TRUNC ? l->whole < len : l->whole != len)
		return false;
	if (n > PACKET_HEAD_FIRST)
		n = PACKET_HEAD_FIRST;
	return !memcmp(f->p->data, l->start, n < l->start_len ? n : l->start_len);
}

/* What 'read' frames of the socket are to the 'n' that slots told of.  The two differ where
 * a frame was lost in between, and what is not told of was counted long ago.  How many of
 * the 'n' are settled. */
static unsigned rx_match(struct rx_burst *b, unsigned read, const struct port *port,
	struct lane *lane, struct long_frame *l, unsigned n)
{
	unsigned done = 0;

	for (unsigned i = 0; i < read; i++) {
		struct rx_frame *f = &b->frames[i];
		unsigned k = done;

		while (k < n && !is_long_frame(&l[k], &b->msgs[i], f))
			k++;
		if (k == n) {
			arena_free(&lane->arena, f->p);
			continue;
		}
		port_drop(port, lane, DROP_RX_OVERRUN, k - done);
		done = k + 1;
		if (rx_accept(&b->msgs[i], f, port, lane))
			l[k].p = f->p;
		else
			arena_free(&lane->arena, f->p);
	}
	return done;
}

/* Read the 'n' frames that wait in the socket. */
static void rx_long(struct psock *s, const struct port *port, struct lane *lane,
	struct long_frame *l, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		struct rx_burst b;
		unsigned asked = rx_prepare(&b, &lane->arena, n - done);
		int err = 0;
		unsigned got = asked ? rx_read(s, &b, asked, &err) : 0;

		for (unsigned i = got; i < asked; i++)
			arena_free(&lane->arena, b.frames[i].p);
		if (got) {
			done += rx_match(&b, got, port, lane, l + done, n - done);
			continue;
		}
		s->astray = true;
		if (err == EINTR)
			continue;
		port_drop(port, lane, asked ? DROP_RX_OVERRUN : DROP_RX_NO_BUFFERS, n - done);
		return;
	}
}

/* Frames in the socket that no slot tells of any more keep it readable, and are counted
 * already. */
static void rx_discard(struct psock *s)
{
	char byte;

	for (unsigned i = 0; i < BATCH_MAX; i++) {
		if (recv(s->fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 && errno == EAGAIN) {
			s->astray = false;
			return;
		}
	}
}

static unsigned rx_by_ring(struct psock *s, const struct port *port, struct lane *lane,
	struct packet **pkts, unsigned max)
{
	struct long_frame from_socket[BATCH_MAX];
	struct packet *all[BATCH_MAX];
	int in_socket[BATCH_MAX]; /* index there, or -1 */
	struct pring_frame f;
	unsigned n = 0, n_long = 0, kept = 0;

	pring_release(&s->ring);
	for (size_t bytes = 0; n < max && bytes < KIO_BURST_BYTES && pring_take(&s->ring, &f);
		n++) {
		in_socket[n] = f.in_socket ? (int)n_long : -1;
		all[n] = NULL;
		if (f.in_socket)
			from_socket[n_long++] = (struct long_frame){
				.start = f.data, .start_len = f.len, .whole = f.whole};
		else
			all[n] = rx_from_slot(&f, port, lane);
		bytes += f.whole;
	}
	if (n_long)
		rx_long(s, port, lane, from_socket, n_long);
	else if (!n && s->astray)
		rx_discard(s);
	for (unsigned i = 0; i < n; i++) {
		struct packet *p = in_socket[i] >= 0 ? from_socket[in_socket[i]].p : all[i];

		if (p)
			pkts[kept++] = p;
	}
	s->was_full |= n == max;
	return kept;
}

static unsigned rx_by_call(struct psock *s, const struct port *port, struct lane *lane,
	struct packet **pkts, unsigned max)
{
	struct rx_burst b;
	unsigned asked = rx_prepare(&b, &lane->arena, s->batch < max ? s->batch : max), kept = 0;
	int err;
	unsigned got = rx_read(s, &b, asked, &err);
	size_t bytes = 0;

	/* A frame with offloads that a virtio-net header cannot express is lost. */
	if (err == EINVAL)
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
	for (unsigned i = 0; i < asked; i++) {
		struct rx_frame *f = &b.frames[i];

		if (i < got && rx_accept(&b.msgs[i], f, port, lane))
			pkts[kept++] = f->p;
		else
			arena_free(&lane->arena, f->p);
		bytes += i < got ? b.msgs[i].msg_len : 0;
	}
	s->was_full |= got == asked;
	s->batch = kio_next_batch(asked, got, bytes);
	return kept;
}

unsigned psock_rx(struct psock *s, const struct port *port, struct lane *lane, struct packet **pkts,
	unsigned max)
{
	unsigned n = s->ring.base ? rx_by_ring(s, port, lane, pkts, max)
				  : rx_by_call(s, port, lane, pkts, max);

	if (s->was_full && (!n || lane->now_ms - s->drops_ms >= DROPS_EVERY_MS))
		rx_count_overrun(s, port, lane);
	return n;
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

/* Send from 'msgs'; how many are sent, or -errno.
 *
 * EAGAIN: the socket's buffer is full, and drains as the receiver takes frames.  A
 * receiver that takes none must not cost others the worker's time: after waiting in
 * vain, frames are dropped without waiting for a while.  ENOBUFS is never waited for:
 * the device's queueing discipline chose to drop the frame. */
static int tx_some(struct psock *s, const struct lane *lane, struct mmsghdr *msgs, unsigned n)
{
	bool patient = lane->now_ms >= __atomic_load_n(&s->tx_full_until_ms, __ATOMIC_RELAXED);
	int sent = sendmmsg(s->fd, msgs, n, MSG_DONTWAIT);

	/* It may be over: see psock_take_error(). */
	if (sent < 0 && errno == ENETDOWN)
		sent = sendmmsg(s->fd, msgs, n, MSG_DONTWAIT);

	for (unsigned i = 0; patient && i < TX_WAITS && sent < 0 && errno == EAGAIN; i++) {
		tx_wait(s->fd);
		sent = sendmmsg(s->fd, msgs, n, MSG_DONTWAIT);
	}
	if (sent < 0 && errno == EAGAIN && patient)
		__atomic_store_n(
			&s->tx_full_until_ms, lane->now_ms + TX_GIVE_UP_MS, __ATOMIC_RELAXED);
	return sent < 0 ? -errno : sent;
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
	for (unsigned done = 0; done < n;) {
		int sent = tx_some(s, lane, msgs + done, n - done);

		if (sent < 0) {
			unsigned lost = sent == -EAGAIN ? n - done : 1;

			port_drop(port, lane, tx_reason(-sent), lost);
			done += lost;
		}
		for (int i = 0; i < sent; i++)
			port_sent(port, lane, pkts[done++]);
	}
	port_free_all(lane, pkts, n);
}
