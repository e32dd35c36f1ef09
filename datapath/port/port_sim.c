/* Two rings of frames, each frame on the heap, under one mutex.  An eventfd is
 * written when the receive ring gets its first frame and read when it loses its last,
 * both under the mutex, so that it is readable exactly while frames wait. */
#include "port_sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rx_copy.h"

struct frame {
	struct virtio_net_hdr hdr;
	bool has_hdr;
	size_t len;
	uint8_t data[];
};

struct frame_ring {
	unsigned head, n;
	struct frame *frames[SIM_PORT_FRAMES];
};

struct sim {
	pthread_mutex_t lock;
	bool absent;
	bool sink;
	bool *kept;			/* NULL: closing lets go of the device at once */
	const struct sim_frame *source; /* NULL: receive what was injected */
	unsigned source_n;
	unsigned source_next[PORT_QUEUES_MAX];
	struct rxq rxqs[PORT_QUEUES_MAX];
	struct frame_ring rx, tx;
};

static struct frame *frame_create(size_t len)
{
	struct frame *f = calloc(1, sizeof(*f) + len);

	if (f)
		f->len = len;
	return f;
}

static bool ring_put(struct frame_ring *r, struct frame *f)
{
	if (r->n == SIM_PORT_FRAMES)
		return false;
	r->frames[(r->head + r->n++) % SIM_PORT_FRAMES] = f;
	return true;
}

static struct frame *ring_take(struct frame_ring *r)
{
	if (!r->n)
		return NULL;
	struct frame *f = r->frames[r->head];

	r->head = (r->head + 1) % SIM_PORT_FRAMES;
	r->n--;
	return f;
}

static void ring_clear(struct frame_ring *r)
{
	while (r->n)
		free(ring_take(r));
}

static void fd_signal(int fd)
{
	if (eventfd_write(fd, 1))
		abort(); /* impossible: the count is 0 or 1 */
}

static void fd_clear(int fd)
{
	eventfd_t count;

	/* -EAGAIN where it was clear */
	(void)!eventfd_read(fd, &count);
}

/* ---- the port ---- */

static int sim_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	if (p->conf.queues > PORT_QUEUES_MAX) {
		strbuf_printf(why, "port %s: queues=%u is more than %d", p->conf.name,
			p->conf.queues, PORT_QUEUES_MAX);
		return -EINVAL;
	}
	struct sim *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	p->priv = s;
	return 0;
}

static void sim_destroy(struct port *p)
{
	struct sim *s = p->priv;

	ring_clear(&s->rx);
	ring_clear(&s->tx);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int sim_open(struct port *p, struct strbuf *why)
{
	struct sim *s = p->priv;
	unsigned n = p->conf.queues ? p->conf.queues : 1;

	if (s->absent) {
		strbuf_printf(why, "device absent");
		return -ENODEV;
	}
	for (unsigned i = 0; i < n; i++) {
		s->rxqs[i] = (struct rxq){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
		if (s->rxqs[i].fd < 0) {
			int err = -errno;

			strbuf_printf(why, "eventfd: %s", strerror(-err));
			while (i--)
				close(s->rxqs[i].fd);
			return err;
		}
	}
	__atomic_store_n(&p->mtu, p->conf.mtu ? p->conf.mtu : PORT_MTU_DEFAULT, __ATOMIC_RELAXED);
	sim_port_set_caps(p, p->conf.offloads_off ? 0 : PORT_TX_ALL);
	pthread_mutex_lock(&s->lock);
	p->rxqs = s->rxqs;
	p->n_rxqs = n;
	pthread_mutex_unlock(&s->lock);
	__atomic_store_n(&p->link_up, true, __ATOMIC_RELAXED);
	return 0;
}

/* What the switch has sent stays for the test to take. */
static void sim_close(struct port *p, bool removed)
{
	struct sim *s = p->priv;

	pthread_mutex_lock(&s->lock);
	ring_clear(&s->rx);
	for (unsigned i = 0; i < p->n_rxqs; i++)
		close(s->rxqs[i].fd);
	p->n_rxqs = 0;
	p->rxqs = NULL;
	s->source = NULL;
	pthread_mutex_unlock(&s->lock);
	if (!s->kept)
		return;
	*s->kept = !removed;
	p->releasing = true;
}

void sim_port_hold(struct port *port, bool *kept)
{
	struct sim *s = port->priv;

	s->kept = kept;
}

void sim_port_release(struct port *port)
{
	assert(port->releasing);
	port->releasing = false;
	port->events->released(port, port->events_arg);
}

static struct packet *sim_borrow(
	const struct port *port, struct lane *lane, const struct sim_frame *f)
{
	struct packet *p = arena_alloc(&lane->arena);
	uint32_t head_len = f->len < PACKET_HEAD_FIRST ? f->len : PACKET_HEAD_FIRST;

	if (!p) {
		port_drop(port, lane, DROP_RX_NO_BUFFERS, 1);
		return NULL;
	}
	memcpy(p->data, f->data, head_len);
	p->head_len = (uint16_t)head_len;
	p->len = f->len;
	if (head_len < f->len) {
		/* a tail is never written, so borrowing what is const is safe */
		p->tail[0].iov_base = (void *)(uintptr_t)(f->data + head_len);
		p->tail[0].iov_len = f->len - head_len;
		p->tail_n = 1;
	}
	if (f->hdr && vnet_hdr_apply(f->hdr, p)) {
		port_drop(port, lane, DROP_RX_BAD_OFFLOAD, 1);
		arena_free(&lane->arena, p);
		return NULL;
	}
	return p;
}

static unsigned sim_rx_source(
	struct sim *s, struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	unsigned n = 0, next = s->source_next[q->index];

	for (unsigned i = 0; i < max; i++) {
		struct packet *p = sim_borrow(q->port, lane, &s->source[next]);

		if (p)
			pkts[n++] = p;
		if (++next == s->source_n)
			next = 0;
	}
	s->source_next[q->index] = next;
	return n;
}

static unsigned sim_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	struct sim *s = q->port->priv;
	unsigned n = 0;

	if (s->source)
		return sim_rx_source(s, q, lane, pkts, max);
	if (q->index)
		return 0;
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < max && s->rx.n; i++) {
		struct frame *f = ring_take(&s->rx);
		struct packet *p =
			rx_copy(q->port, lane, f->data, f->len, f->has_hdr ? &f->hdr : NULL);

		if (p)
			pkts[n++] = p;
		free(f);
		if (!s->rx.n)
			fd_clear(q->fd);
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* The frame that a device would see; NULL when out of memory. */
static struct frame *frame_of_packet(const struct packet *p)
{
	struct frame *f = frame_create(p->len);

	if (f && !packet_read(p, 0, p->len, f->data)) {
		free(f);
		return NULL;
	}
	if (f)
		vnet_hdr_fill(&f->hdr, p);
	return f;
}

static void sim_tx(struct port *p, struct lane *lane, struct packet **pkts, unsigned n)
{
	struct sim *s = p->priv;

	if (s->sink) {
		for (unsigned i = 0; i < n; i++) {
			port_sent(p, lane, pkts[i]);
			arena_free(&lane->arena, pkts[i]);
		}
		return;
	}
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < n; i++) {
		struct frame *f = frame_of_packet(pkts[i]);

		if (!f) {
			port_drop(p, lane, DROP_TX_ERROR, 1);
		} else if (!ring_put(&s->tx, f)) {
			free(f);
			port_drop(p, lane, DROP_TX_FULL, 1);
		} else {
			port_sent(p, lane, pkts[i]);
		}
		arena_free(&lane->arena, pkts[i]);
	}
	pthread_mutex_unlock(&s->lock);
}

const struct port_ops port_sim_ops = {
	.type = "sim",
	.about = "in memory, for tests",
	.create = sim_create,
	.destroy = sim_destroy,
	.open = sim_open,
	.close = sim_close,
	.rx = sim_rx,
	.tx = sim_tx,
};

/* ---- the device ---- */

static struct sim *sim_of(const struct port *port)
{
	assert(port->ops == &port_sim_ops);
	return port->priv;
}

int sim_port_inject(
	struct port *port, const void *data, size_t len, const struct virtio_net_hdr *hdr)
{
	struct sim *s = sim_of(port);
	struct frame *f = frame_create(len);
	int err = 0;

	if (!f)
		return -ENOMEM;
	memcpy(f->data, data, len);
	f->has_hdr = hdr;
	if (hdr)
		f->hdr = *hdr;
	pthread_mutex_lock(&s->lock);
	if (!port->rxqs)
		err = -ENETDOWN;
	else if (!ring_put(&s->rx, f))
		err = -ENOSPC;
	else if (s->rx.n == 1)
		fd_signal(s->rxqs[0].fd);
	pthread_mutex_unlock(&s->lock);
	if (err)
		free(f);
	return err;
}

int sim_port_take(struct port *port, void *buf, size_t cap, struct virtio_net_hdr *hdr)
{
	struct sim *s = sim_of(port);

	pthread_mutex_lock(&s->lock);
	struct frame *f = ring_take(&s->tx);
	pthread_mutex_unlock(&s->lock);
	if (!f)
		return -EAGAIN;
	int len = (int)f->len;

	if (f->len && cap)
		memcpy(buf, f->data, f->len < cap ? f->len : cap);
	if (hdr)
		*hdr = f->hdr;
	free(f);
	return len;
}

static unsigned ring_count(struct sim *s, const struct frame_ring *r)
{
	pthread_mutex_lock(&s->lock);
	unsigned n = r->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

unsigned sim_port_rx_waiting(const struct port *port)
{
	struct sim *s = sim_of(port);

	return ring_count(s, &s->rx);
}

unsigned sim_port_tx_waiting(const struct port *port)
{
	struct sim *s = sim_of(port);

	return ring_count(s, &s->tx);
}

void sim_port_set_caps(struct port *port, uint32_t tx_caps)
{
	__atomic_store_n(&port->tx_caps, tx_caps, __ATOMIC_RELAXED);
}

static void sim_changed(struct port *port)
{
	if (port->events)
		port->events->changed(port, port->events_arg);
}

void sim_port_set_link(struct port *port, bool up)
{
	__atomic_store_n(&port->link_up, up, __ATOMIC_RELAXED);
	sim_changed(port);
}

void sim_port_set_mtu(struct port *port, uint32_t mtu)
{
	__atomic_store_n(&port->mtu, mtu, __ATOMIC_RELAXED);
	sim_changed(port);
}

void sim_port_set_present(struct port *port, bool present)
{
	struct sim *s = sim_of(port);

	if (s->absent == !present)
		return;
	s->absent = !present;
	if (!present)
		__atomic_store_n(&port->link_up, false, __ATOMIC_RELAXED);
	if (!port->events)
		return;
	if (present && !port->opened)
		port->events->present(port, port->events_arg);
	if (!present && port->opened)
		port->events->gone(port, port->events_arg);
}

void sim_port_source(struct port *port, const struct sim_frame *frames, unsigned n)
{
	struct sim *s = sim_of(port);

	assert(port->opened);
	for (unsigned i = 0; i < n; i++)
		assert(frames[i].len >= ETH_FRAME_MIN && frames[i].len <= PACKET_LEN_MAX);
	s->source = n ? frames : NULL;
	s->source_n = n;
	memset(s->source_next, 0, sizeof(s->source_next));
	for (unsigned i = 0; i < port->n_rxqs; i++) {
		fd_clear(s->rxqs[i].fd);
		if (n || (!i && sim_port_rx_waiting(port)))
			fd_signal(s->rxqs[i].fd);
	}
}

void sim_port_sink(struct port *port, bool on)
{
	sim_of(port)->sink = on;
}
