/* How it works: entries of the same second form a group, a ring whose first
 * member stands for all in a heap ordered by second.  The group of the latest
 * second is remembered, so that entries added as time goes by only join a ring,
 * and taking the oldest mostly takes it out of one: the next in the ring
 * inherits its place in the heap.  A second may have several groups; that is
 * harmless.
 *
 * The heap is a leftist tree: at each node the right branch is the one with the
 * shorter way to a missing child ('rank' counts the nodes on it, at most
 * log2(n) + 1), and all work is done along right branches.  After a removal,
 * ranks are mended upwards until one does not change; each that changes is one
 * higher than the last, so that walk is as short. */
#include "age_queue.h"

#include <assert.h>

static void swap_children(struct age_node *n)
{
	uint32_t left = n->left;

	n->left = n->right;
	n->right = left;
}

/* Recurses at most once per node on the two right branches: 2 * log2(n) deep. */
static uint32_t merge(struct age_node *nodes, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a | b;
	if (nodes[b].second < nodes[a].second) {
		uint32_t lower = b;

		b = a;
		a = lower;
	}

	struct age_node *top = &nodes[a];
	top->right = merge(nodes, top->right, b);
	nodes[top->right].up = a;
	if (nodes[top->left].rank < nodes[top->right].rank)
		swap_children(top);
	top->rank = nodes[top->right].rank + 1;
	return a;
}

/* Let 'with' (or nothing) hang where 'n' hangs. */
static void replace(struct age_queue *q, struct age_node *nodes, uint32_t n, uint32_t with)
{
	uint32_t up = nodes[n].up;

	if (!up)
		q->root = with;
	else if (nodes[up].left == n)
		nodes[up].left = with;
	else
		nodes[up].right = with;
	if (with)
		nodes[with].up = up;
}

static void heap_del(struct age_queue *q, struct age_node *nodes, uint32_t n)
{
	uint32_t up = nodes[n].up;

	replace(q, nodes, n, merge(nodes, nodes[n].left, nodes[n].right));
	for (; up; up = nodes[up].up) {
		struct age_node *node = &nodes[up];

		if (nodes[node->left].rank < nodes[node->right].rank)
			swap_children(node);
		if (node->rank == nodes[node->right].rank + 1)
			break;
		node->rank = nodes[node->right].rank + 1;
	}
}

void age_queue_add(struct age_queue *q, struct age_node *nodes, uint32_t n, uint32_t second)
{
	struct age_node *node = &nodes[n];

	assert(n);
	*node = (struct age_node){.second = second, .prev = n, .next = n};
	if (q->latest && nodes[q->latest].second == second) {
		struct age_node *first = &nodes[q->latest];

		node->next = q->latest;
		node->prev = first->prev;
		nodes[first->prev].next = n;
		first->prev = n;
		return;
	}
	node->rank = 1;
	q->root = merge(nodes, q->root, n);
	nodes[q->root].up = 0;
	if (!q->latest || nodes[q->latest].second < second)
		q->latest = n;
}

void age_queue_del(struct age_queue *q, struct age_node *nodes, uint32_t n)
{
	struct age_node *node = &nodes[n];
	uint32_t heir = node->next == n ? 0 : node->next;

	nodes[node->prev].next = node->next;
	nodes[node->next].prev = node->prev;
	if (!node->rank)
		return;
	if (q->latest == n)
		q->latest = heir;
	if (!heir) {
		heap_del(q, nodes, n);
		return;
	}
	nodes[heir].left = node->left;
	nodes[heir].right = node->right;
	nodes[heir].rank = node->rank;
	if (node->left)
		nodes[node->left].up = heir;
	if (node->right)
		nodes[node->right].up = heir;
	replace(q, nodes, n, heir);
}
