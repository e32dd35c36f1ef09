/* Input: a virtio-net header, a byte that says how to split the tail and whether a
 * tag is pushed, then a frame.  What is let in is then cut or finished as for a port
 * that takes no offloads. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gso_headers.h"
#include "offload.h"
#include "vnet_hdr.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

/* The frame as it was when it was cut. */
struct whole {
	uint8_t *bytes;
	size_t len;
	size_t hdr_len;
	size_t gso_size;
	size_t payload_seen;
	enum packet_gso gso;
	uint16_t csum_start;
};

/* The headers of a segment lie where those of the whole did, and every length among them,
 * in all tunnels, is that of the segment. */
static void check_lengths(struct packet *s, const struct whole *w)
{
	struct gso_headers h;

	s->csum_start = w->csum_start;
	if (gso_headers_read(s, w->gso, &h) || h.len != w->hdr_len)
		abort();
}

static void check_packet(const struct packet *p)
{
	size_t sum = p->head_len;

	assert(p->data >= p->buf && p->data + p->head_len <= p->buf + sizeof(p->buf));
	for (int i = 0; i < p->tail_n; i++)
		sum += p->tail[i].iov_len;
	assert(sum == p->len);
	if (p->csum == PACKET_CSUM_PARTIAL)
		assert((size_t)p->csum_start + p->csum_offset + 2 <= p->head_len);
	if (p->gso) {
		assert(p->csum == PACKET_CSUM_PARTIAL && p->gso_size > 0);
		assert(p->gso_hdr_len > p->csum_start && p->gso_hdr_len <= p->head_len);
	}
}

static void emit(struct packet *s, void *arg)
{
	struct whole *w = arg;
	size_t len = s->len - w->hdr_len;
	uint8_t *bytes = malloc(s->len);

	check_packet(s);
	assert(s->csum == PACKET_CSUM_VALID && !s->gso);
	assert(s->len >= w->hdr_len && len <= w->gso_size);
	check_lengths(s, w);
	if (!bytes || !packet_read(s, 0, s->len, bytes))
		abort();
	assert(w->hdr_len + w->payload_seen + len <= w->len);
	assert(!memcmp(bytes + w->hdr_len, w->bytes + w->hdr_len + w->payload_seen, len));
	w->payload_seen += len;
	free(bytes);
	arena_free(&arena, s);
}

static void cut(struct packet *p)
{
	struct whole w = {.bytes = malloc(p->len),
		.len = p->len,
		.hdr_len = p->gso_hdr_len,
		.gso_size = p->gso_size,
		.gso = p->gso,
		.csum_start = p->csum_start};

	if (!w.bytes || !packet_read(p, 0, p->len, w.bytes))
		abort();
	if (offload_segment(&arena, p, emit, NULL, &w) > 0)
		assert(w.hdr_len + w.payload_seen == w.len);
	else
		abort(); /* what was let in can be cut */
	free(w.bytes);
}

/* The claim that vnet_hdr_fill() makes is taken again, and means the same. */
static void check_round_trip(const struct packet *p)
{
	struct packet *c = arena_clone(&arena, p);
	struct virtio_net_hdr h;

	vnet_hdr_fill(&h, p);
	if (vnet_hdr_apply(&h, c))
		abort();
	assert(c->csum == p->csum && c->gso == p->gso && c->gso_ecn == p->gso_ecn);
	assert(c->gso_tunnel == p->gso_tunnel);
	if (p->csum == PACKET_CSUM_PARTIAL)
		assert(c->csum_start == p->csum_start && c->csum_offset == p->csum_offset);
	if (p->gso)
		assert(c->gso_size == p->gso_size && c->gso_hdr_len == p->gso_hdr_len);
	arena_free(&arena, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	void *mem[PACKET_TAIL_MAX];
	unsigned n = 0;

	if (!arena.packets && arena_init(&arena))
		abort();
	if (size < sizeof(h) + 1 || size > sizeof(h) + 1 + PACKET_LEN_MAX)
		return 0;
	memcpy(&h, data, sizeof(h));
	uint8_t how = data[sizeof(h)];
	data += sizeof(h) + 1;
	size -= sizeof(h) + 1;

	struct packet *p = arena_alloc(&arena);
	p->len = (uint32_t)size;
	p->head_len = (uint16_t)(size < PACKET_HEAD_FIRST ? size : PACKET_HEAD_FIRST);
	memcpy(p->data, data, p->head_len);
	for (size_t ofs = p->head_len; ofs < size; n++) {
		size_t len = n == PACKET_TAIL_MAX - 1 ? size - ofs : 1 + how * (n + 1u);
		if (len > size - ofs)
			len = size - ofs;
		mem[n] = malloc(len);
		if (!mem[n])
			abort();
		memcpy(mem[n], data + ofs, len);
		p->tail[p->tail_n++] = (struct iovec){.iov_base = mem[n], .iov_len = len};
		ofs += len;
	}

	if (vnet_hdr_apply(&h, p)) {
		arena_free(&arena, p);
	} else {
		check_packet(p);
		check_round_trip(p);
		if (how & 1 && p->head_len >= ETH_HEADER_LEN &&
			packet_insert(p, 12, ETH_VLAN_LEN)) {
			memcpy(p->data + 12, "\x81\x00\x00\x05", ETH_VLAN_LEN);
			check_packet(p);
		}
		if (p->gso) {
			cut(p);
		} else {
			if (offload_finish_csum(p))
				abort();
			check_packet(p);
			arena_free(&arena, p);
		}
	}
	assert(arena.n_free == ARENA_PACKETS);
	while (n)
		free(mem[--n]);
	return 0;
}
