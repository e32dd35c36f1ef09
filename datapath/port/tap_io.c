/* tap_io.c - frames through the character device of a tap, each by an operation of its
 * own with a virtio-net header before it; a burst of operations is one system call
 * where the kernel lets it (iobatch.h).
 *
 * Threads: workers. */
#include "tap.h"

#include <errno.h>
#include <unistd.h>

#include "kio.h"

/* The read failed because there is no device any more. */
static void tap_tell_gone(const struct tap *t)
{
	uint64_t one = 1;
	ssize_t n = write(t->gone_fd, &one, sizeof(one));

	(void)n; /* fails only when it has been told 2^64 times */
}

/* ---- receiving ---- */

struct rx_burst {
	struct io_op ops[BATCH_MAX];
	struct iovec iov[BATCH_MAX][KIO_RX_IOV];
	struct virtio_net_hdr hdrs[BATCH_MAX];
	struct packet *pkts[BATCH_MAX];
	uint8_t *rest[BATCH_MAX];
};

/* Memory for up to 'want' frames; how many there is memory for. */
static unsigned rx_prepare(struct rx_burst *b, struct arena *arena, unsigned want)
{
	for (unsigned i = 0; i < want; i++) {
		struct packet *p = arena_alloc(arena);

		b->rest[i] = p ? arena_buffer(arena) : NULL;
		if (!b->rest[i]) {
			if (p)
				arena_free(arena, p);
			return i;
		}
		kio_rx_iov(p, b->rest[i], &b->hdrs[i], b->iov[i]);
		b->pkts[i] = p;
		b->ops[i] = (struct io_op){.iov = b->iov[i], .n_iov = KIO_RX_IOV};
	}
	return want;
}

static bool rx_accept(struct rx_burst *b, unsigned i, const struct port *port, struct lane *lane)
{
	if (!kio_rx_len(port, lane, b->pkts[i], b->rest[i], (size_t)b->ops[i].result))
		return false;
	if (!vnet_hdr_apply(&b->hdrs[i], b->pkts[i]))
		return true;
	port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
	return false;
}

unsigned tap_rx(struct rxq *rxq, struct lane *lane, struct packet **pkts, unsigned max)
{
	struct arena *arena = &lane->arena;
	struct rx_burst b;
	unsigned want = rxq->ask ? rxq->ask : KIO_BATCH_MIN;
	unsigned asked = rx_prepare(&b, arena, want < max ? want : max);
	unsigned got = 0, kept = 0;
	size_t bytes = 0;

	iobatch_read(&lane->io, rxq->fd, b.ops, asked);
	for (unsigned i = 0; i < asked; i++) {
		int len = b.ops[i].result;

		if (len == -EBADFD)
			tap_tell_gone(rxq->port->priv);
		if (len > 0) {
			got++;
			bytes += (size_t)len;
		}
		if (len > 0 && rx_accept(&b, i, rxq->port, lane))
			pkts[kept++] = b.pkts[i];
		else
			arena_free(arena, b.pkts[i]);
	}
	rxq->ask = kio_next_batch(asked, got, bytes);
	return kept;
}

/* ---- sending ---- */

static enum drop_reason tx_reason(int err)
{
	switch (err) {
	case EIO:    /* the interface is down */
	case EBADFD: /* it is gone */
		return DROP_TX_PORT_DOWN;
	case EAGAIN:
	case ENOBUFS:
		return DROP_TX_FULL;
	case EMSGSIZE:
		return DROP_TX_TOO_LONG;
	default:
		return DROP_TX_ERROR;
	}
}

void tap_tx(struct port *port, struct lane *lane, struct packet **pkts, unsigned n)
{
	const struct tap *t = port->priv;
	struct io_op ops[BATCH_MAX];
	struct iovec iov[BATCH_MAX][KIO_TX_IOV];
	struct virtio_net_hdr hdrs[BATCH_MAX];

	assert(n <= BATCH_MAX);
	for (unsigned i = 0; i < n; i++)
		ops[i] = (struct io_op){
			.iov = iov[i], .n_iov = kio_tx_iov(pkts[i], &hdrs[i], iov[i])};
	iobatch_write(&lane->io, t->dev.fds[lane->id % t->dev.n], ops, n);
	for (unsigned i = 0; i < n; i++) {
		if (ops[i].result < 0)
			port_drop(port, lane, tx_reason(-ops[i].result), 1);
		else
			port_sent(port, lane, pkts[i]);
	}
	port_free_all(lane, pkts, n);
}
