/* The queue of a port's MAC entries: order, and the shape that bounds its cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "age_queue.h"

enum {
	N = 500,
	OPS = 20000,
};

struct bed {
	struct age_queue queue;
	struct age_node nodes[N + 1];
	bool queued[N + 1];
	uint32_t second[N + 1];
	uint32_t rng;
};

static uint32_t rnd(struct bed *bed, uint32_t below)
{
	bed->rng = bed->rng * 1664525 + 1013904223;
	return (bed->rng >> 8) % below;
}

static void add(struct bed *bed, uint32_t n, uint32_t second)
{
	age_queue_add(&bed->queue, bed->nodes, n, second);
	bed->queued[n] = true;
	bed->second[n] = second;
}

static void del(struct bed *bed, uint32_t n)
{
	age_queue_del(&bed->queue, bed->nodes, n);
	bed->queued[n] = false;
}

static uint32_t lowest_second(const struct bed *bed)
{
	uint32_t lowest = UINT32_MAX;

	for (uint32_t n = 1; n <= N; n++)
		if (bed->queued[n] && bed->second[n] < lowest)
			lowest = bed->second[n];
	return lowest;
}

/* The shorter way down is always on the right, and never above a lower second. */
static void check_shape(const struct bed *bed)
{
	const struct age_node *nodes = bed->nodes;

	for (uint32_t n = 1; n <= N; n++) {
		const struct age_node *node = &nodes[n];

		if (!bed->queued[n] || !node->rank)
			continue;
		assert_int_equal(node->rank, nodes[node->right].rank + 1);
		assert_true(nodes[node->left].rank >= nodes[node->right].rank);
		assert_true(
			node->up ? nodes[node->up].second <= node->second : bed->queue.root == n);
		assert_true(!node->left || nodes[node->left].up == n);
		assert_true(!node->right || nodes[node->right].up == n);
	}
}

static void oldest_comes_first_whatever_was_added_or_removed(void **state)
{
	static struct bed bed = {.rng = 1};

	for (uint32_t op = 0; op < OPS; op++) {
		uint32_t n = 1 + rnd(&bed, N);

		if (bed.queued[n])
			del(&bed, n);
		else if (rnd(&bed, 2))
			add(&bed, n, op / 8); /* time goes by */
		else
			add(&bed, n, rnd(&bed, op / 8 + 1));

		uint32_t oldest = age_queue_oldest(&bed.queue);
		assert_int_equal(oldest ? bed.second[oldest] : UINT32_MAX, lowest_second(&bed));
		if (op % 64 == 0)
			check_shape(&bed);
		if (op % 4096 == 0) /* drain it from the front */
			for (; (oldest = age_queue_oldest(&bed.queue)); del(&bed, oldest))
				assert_int_equal(bed.second[oldest], lowest_second(&bed));
	}
}

static void entries_of_the_latest_second_leave_in_order_of_arrival(void **state)
{
	static struct bed bed;

	for (uint32_t i = 0; i < N; i++)
		add(&bed, 1 + i * 7 % N, i / 100);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(age_queue_oldest(&bed.queue), 1 + i * 7 % N);
		del(&bed, 1 + i * 7 % N);
	}
	assert_int_equal(age_queue_oldest(&bed.queue), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_comes_first_whatever_was_added_or_removed),
		cmocka_unit_test(entries_of_the_latest_second_leave_in_order_of_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
