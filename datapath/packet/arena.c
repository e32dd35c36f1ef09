#include "arena.h"

#include <errno.h>
#include <sys/mman.h>

static void *arena_map(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int arena_init(struct arena *a)
{
	struct packet *packets = arena_map(sizeof(*packets) * ARENA_PACKETS);

	if (!packets)
		return -ENOMEM;
	uint8_t *buffers = arena_map((size_t)ARENA_BUFFER_LEN * ARENA_BUFFERS);
	if (!buffers)
		goto unmap_packets;
	*a = (struct arena){.n_fresh = ARENA_PACKETS,
		.n_free = ARENA_PACKETS,
		.packets = packets,
		.buffers = buffers};
	return 0;

unmap_packets:
	munmap(packets, sizeof(*packets) * ARENA_PACKETS);
	return -ENOMEM;
}

void arena_fini(struct arena *a)
{
	assert(a->n_free == ARENA_PACKETS);
	munmap(a->buffers, (size_t)ARENA_BUFFER_LEN * ARENA_BUFFERS);
	munmap(a->packets, sizeof(*a->packets) * ARENA_PACKETS);
	*a = (struct arena){0};
}

struct packet *arena_clone(struct arena *a, const struct packet *p)
{
	struct packet *c = arena_alloc(a);

	if (!c)
		return NULL;
	memcpy(c, p, offsetof(struct packet, tail));
	c->data = c->buf + packet_headroom(p);
	c->next_free = NULL;
	memcpy(c->data, p->data, p->head_len);
	memcpy(c->tail, p->tail, sizeof(p->tail[0]) * p->tail_n);
	return c;
}
