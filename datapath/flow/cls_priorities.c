#include "cls_priorities.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM_MIN = 4,
	CHUNK_MAX = 256,
};

void cls_priorities_fini(struct cls_priorities *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		free(p->chunks[i].v);
	free(p->chunks);
}

/* ---- search ---- */

/* The last chunk that begins below or at it, or the first one. */
static struct cls_priority_chunk *chunk_of(const struct cls_priorities *p, uint32_t priority)
{
	uint32_t low = 0, high = p->n;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (p->chunks[middle].v[0].priority <= priority)
			low = middle;
		else
			high = middle;
	}
	return &p->chunks[low];
}

/* The first that is not lower. */
static uint32_t index_in(const struct cls_priority_chunk *c, uint32_t priority)
{
	uint32_t low = 0, high = c->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (c->v[middle].priority < priority)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct cls_priority *cls_priorities_find(const struct cls_priorities *p, uint32_t priority)
{
	const struct cls_priority_chunk *c;
	uint32_t i;

	if (!p->n)
		return NULL;
	c = chunk_of(p, priority);
	i = index_in(c, priority);
	return i < c->n && c->v[i].priority == priority ? &c->v[i] : NULL;
}

struct cls_priority *cls_priorities_below(const struct cls_priorities *p, uint32_t priority)
{
	const struct cls_priority_chunk *c;
	uint32_t i;

	if (!p->n)
		return NULL;
	c = chunk_of(p, priority);
	i = index_in(c, priority);
	if (!i && c != p->chunks) {
		c--;
		i = c->n;
	}
	return i ? &c->v[i - 1] : NULL;
}

/* ---- room ---- */

/* For one more item of an array. */
static int grow(void **array, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? 2 * *room : ROOM_MIN;
	void *v;

	if (n < *room)
		return 0;
	v = realloc(*array, more * size);
	if (!v)
		return -ENOMEM;
	*array = v;
	*room = more;
	return 0;
}

/* Its upper half becomes the next chunk. */
static int split(struct cls_priorities *p, struct cls_priority_chunk *c)
{
	struct cls_priority *v = malloc(CHUNK_MAX * sizeof(*v));
	uint32_t i = (uint32_t)(c - p->chunks), half = c->n / 2;

	if (!v || grow((void **)&p->chunks, p->n, &p->room, sizeof(*p->chunks))) {
		free(v);
		return -ENOMEM;
	}
	c = &p->chunks[i];
	memmove(c + 2, c + 1, (p->n - i - 1) * sizeof(*c));
	p->n++;
	c[1] = (struct cls_priority_chunk){.v = v, .n = c->n - half, .room = CHUNK_MAX};
	c->n = half;
	memcpy(v, c->v + half, c[1].n * sizeof(*v));
	return 0;
}

int cls_priorities_reserve(struct cls_priorities *p, uint32_t priority)
{
	struct cls_priority_chunk *c;

	if (!p->n) {
		if (grow((void **)&p->chunks, p->n, &p->room, sizeof(*p->chunks)))
			return -ENOMEM;
		p->chunks[p->n++] = (struct cls_priority_chunk){0};
	}
	c = chunk_of(p, priority);
	if (c->n == CHUNK_MAX)
		return split(p, c);
	return grow((void **)&c->v, c->n, &c->room, sizeof(*c->v));
}

/* ---- changes ---- */

void cls_priorities_add(struct cls_priorities *p, uint32_t priority, struct cls_rule *rule)
{
	struct cls_priority_chunk *c = chunk_of(p, priority);
	uint32_t i = index_in(c, priority);

	if (i < c->n && c->v[i].priority == priority) {
		c->v[i].n_rules++;
		c->v[i].rule = rule;
		return;
	}
	assert(c->n < c->room);
	memmove(&c->v[i + 1], &c->v[i], (c->n - i) * sizeof(*c->v));
	c->v[i] = (struct cls_priority){priority, 1, rule};
	c->n++;
}

void cls_priorities_del(struct cls_priorities *p, uint32_t priority)
{
	struct cls_priority *found = cls_priorities_find(p, priority);
	struct cls_priority_chunk *c = chunk_of(p, priority);

	assert(found);
	if (--found->n_rules)
		return;
	c->n--;
	memmove(found, found + 1, (size_t)(c->v + c->n - found) * sizeof(*found));
	if (c->n || p->n == 1)
		return;
	free(c->v);
	p->n--;
	memmove(c, c + 1, (size_t)(p->chunks + p->n - c) * sizeof(*c));
}

size_t cls_priorities_bytes(const struct cls_priorities *p)
{
	size_t bytes = p->room * sizeof(*p->chunks);

	for (uint32_t i = 0; i < p->n; i++)
		bytes += p->chunks[i].room * sizeof(*p->chunks[i].v);
	return bytes;
}
