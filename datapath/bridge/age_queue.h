/* age_queue.h - the dynamic MAC entries of one port, oldest first.
 *
 * Entries are numbers into an array of nodes that the caller owns and shares
 * among queues; number 0 means none, and nodes[0] stays all zero.  A zeroed
 * queue and zeroed nodes are ready to use.  An entry is in one queue at most.
 *
 * Cost: O(1) where times come in order, as they do in a flood; else O(log n),
 * also in the worst case.  Entries of one second are in order of arrival as long
 * as that second was the latest.
 *
 * Threads: under the caller's lock. */
#pragma once

#include <stdint.h>

struct age_node {
	uint32_t up, left, right; /* heap links, of the first of a group */
	uint32_t rank;		  /* 0: a later member of a group */
	uint32_t prev, next;	  /* ring of the group */
	uint32_t second;	  /* when it was last put in order */
};

struct age_queue {
	uint32_t root;
	uint32_t latest; /* first of the group that new entries join */
};

void age_queue_add(struct age_queue *q, struct age_node *nodes, uint32_t n, uint32_t second);
void age_queue_del(struct age_queue *q, struct age_node *nodes, uint32_t n);

/* An entry of the lowest second, or 0. */
static inline uint32_t age_queue_oldest(const struct age_queue *q)
{
	return q->root;
}
