/* arena.h - the packet memory of one worker: descriptors and receive buffers.
 *
 * Fixed at creation; nothing on the packet path allocates.  Descriptors go back
 * one by one (arena_free); receive buffers all at once, when the burst is over
 * (arena_release), so that small bursts keep using the same warm memory.
 *
 * Threads: one worker owns an arena. */
#pragma once

#include "packet.h"

enum {
	ARENA_PACKETS = 1024, /* descriptors: a burst, its clones, its segments */
	ARENA_BUFFERS = BATCH_MAX,
	ARENA_BUFFER_LEN = PACKET_LEN_MAX,
};

struct arena {
	struct packet *free_list; /* used before */
	unsigned n_fresh;	  /* the last this many of 'packets' were never used */
	unsigned n_free;	  /* both kinds */
	unsigned n_buffers_used;
	uint8_t *buffers; /* ARENA_BUFFERS of ARENA_BUFFER_LEN */
	struct packet *packets;
};

/* -ENOMEM.  Memory is touched only when used. */
int arena_init(struct arena *a);
void arena_fini(struct arena *a);

/* A packet after packet_reset(), or NULL when none is left. */
static inline struct packet *arena_alloc(struct arena *a)
{
	struct packet *p = a->free_list;

	if (p)
		a->free_list = p->next_free;
	else if (a->n_fresh)
		p = &a->packets[ARENA_PACKETS - a->n_fresh--];
	else
		return NULL;
	a->n_free--;
	packet_reset(p);
	return p;
}

static inline void arena_free(struct arena *a, struct packet *p)
{
	p->next_free = a->free_list;
	a->free_list = p;
	a->n_free++;
}

/* A receive buffer of ARENA_BUFFER_LEN bytes, valid until arena_release(); NULL
 * after ARENA_BUFFERS of them. */
static inline uint8_t *arena_buffer(struct arena *a)
{
	if (a->n_buffers_used == ARENA_BUFFERS)
		return NULL;
	return a->buffers + (size_t)ARENA_BUFFER_LEN * a->n_buffers_used++;
}

/* The burst is over: every receive buffer may be used again.  Every descriptor
 * must have been freed. */
static inline void arena_release(struct arena *a)
{
	assert(a->n_free == ARENA_PACKETS);
	a->n_buffers_used = 0;
}

/* A second descriptor of the same frame, with a head of its own and the tail
 * shared; NULL when none is left. */
struct packet *arena_clone(struct arena *a, const struct packet *p);
