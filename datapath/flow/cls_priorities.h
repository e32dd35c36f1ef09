/* cls_priorities.h - which priorities some rules have, in order: how many rules have each, or
 * which one.
 *
 * In rising order, in chunks: whatever comes or goes, little is moved, also where there are
 * as many as can be.
 *
 * Threads: control. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cls_rule;

struct cls_priority {
	uint32_t priority;
	uint32_t n_rules;
	struct cls_rule *rule; /* that was added last, where it was named */
};

struct cls_priority_chunk {
	struct cls_priority *v; /* at least one */
	uint32_t n;
	uint32_t room;
};

struct cls_priorities {
	struct cls_priority_chunk *chunks; /* at least one, once there was a priority */
	uint32_t n;
	uint32_t room;
};

/* All 0 is none. */
void cls_priorities_fini(struct cls_priorities *p);

/* Make sure that there is room for that one.  0 or -ENOMEM. */
int cls_priorities_reserve(struct cls_priorities *p, uint32_t priority);
/* Count one more, which was reserved last.  'rule' may be NULL. */
void cls_priorities_add(struct cls_priorities *p, uint32_t priority, struct cls_rule *rule);
void cls_priorities_del(struct cls_priorities *p, uint32_t priority);
/* NULL: none.  Valid until the next change. */
struct cls_priority *cls_priorities_find(const struct cls_priorities *p, uint32_t priority);
/* The highest that is lower; NULL: none. */
struct cls_priority *cls_priorities_below(const struct cls_priorities *p, uint32_t priority);
size_t cls_priorities_bytes(const struct cls_priorities *p);

/* -1: none. */
static inline int cls_priorities_max(const struct cls_priorities *p)
{
	const struct cls_priority_chunk *last;

	if (!p->n)
		return -1;
	last = &p->chunks[p->n - 1];
	return last->n ? (int)last->v[last->n - 1].priority : -1;
}
