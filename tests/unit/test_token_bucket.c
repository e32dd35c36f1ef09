#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "rng.h"
#include "token_bucket.h"

enum { MS = 1000000, SECOND = 1000000000 };

static void rate_zero_is_no_limit(void **state)
{
	struct token_rate rate = token_rate_make(0, 0);
	struct token_bucket b = {0};

	for (int i = 0; i < 1000; i++)
		assert_true(token_bucket_take(&b, &rate, 1u << 30, 0));
}

static void a_quiet_source_may_send_its_burst_at_once_and_no_more(void **state)
{
	struct token_rate rate = token_rate_make(1000, 10); /* one a ms, ten ahead */
	struct token_bucket b = {0};
	uint64_t now = 5ull * SECOND;

	for (int i = 0; i < 10; i++)
		assert_true(token_bucket_take(&b, &rate, 1, now));
	assert_false(token_bucket_take(&b, &rate, 1, now));
	assert_false(token_bucket_take(&b, &rate, 1, now + MS - 1));
	assert_true(token_bucket_take(&b, &rate, 1, now + MS));
	assert_false(token_bucket_take(&b, &rate, 1, now + MS));
}

static void a_refused_charge_costs_nothing(void **state)
{
	struct token_rate rate = token_rate_make(1000, 10);
	struct token_bucket b = {0};

	assert_true(token_bucket_take(&b, &rate, 1, SECOND));
	assert_false(token_bucket_take(&b, &rate, 10, SECOND));
	assert_true(token_bucket_take(&b, &rate, 9, SECOND));
}

static void a_charge_of_more_than_the_burst_passes_when_all_is_quiet_and_is_paid_for(void **state)
{
	struct token_rate rate = token_rate_make(1000, 10);
	struct token_bucket b = {0};
	uint64_t now = SECOND;

	assert_true(token_bucket_take(&b, &rate, 1, now));
	assert_false(token_bucket_take(&b, &rate, 60, now)); /* not quiet */
	now += MS;
	assert_true(token_bucket_take(&b, &rate, 60, now));
	assert_false(token_bucket_take(&b, &rate, 1, now + 51 * MS - 1));
	assert_true(token_bucket_take(&b, &rate, 1, now + 51 * MS));
	assert_false(token_bucket_take(&b, &rate, 60, now + 61 * MS - 1));
	assert_true(token_bucket_take(&b, &rate, 60, now + 61 * MS));
}

static void a_reset_forgets_what_is_to_be_paid(void **state)
{
	struct token_rate rate = token_rate_make(1, 1);
	struct token_bucket b = {0};

	assert_true(token_bucket_take(&b, &rate, 2000, SECOND));
	assert_false(token_bucket_take(&b, &rate, 1, 1999ull * SECOND));
	token_bucket_reset(&b);
	assert_true(token_bucket_take(&b, &rate, 1, 1999ull * SECOND));
}

static void idle_time_is_not_saved_beyond_the_burst(void **state)
{
	struct token_rate rate = token_rate_make(1000, 10);
	struct token_bucket b = {0};

	assert_true(token_bucket_take(&b, &rate, 10, SECOND));
	assert_true(token_bucket_take(&b, &rate, 10, 3600ull * SECOND));
	assert_false(token_bucket_take(&b, &rate, 1, 3600ull * SECOND));
}

/* And what the last charge has more than the burst. */
static void over_any_span_at_most_rate_and_burst_pass(void **state)
{
	struct rng r = rng_init(__func__);

	for (int round = 0; round < 200; round++) {
		uint64_t rate_ups = 1 + rng_below(&r, 1000000), burst = 1 + rng_below(&r, 1000);
		struct token_rate rate = token_rate_make(rate_ups, burst);
		struct token_bucket b = {0};
		uint64_t start = SECOND, now = start, taken = 0, n = 0, over = 0;
		unsigned max = (unsigned)burst * (1 + rng_below(&r, 3));

		for (int i = 0; i < 5000; i++) {
			unsigned units = 1 + rng_below(&r, max);
			now += rng_below(&r, 2 * SECOND / (unsigned)rate_ups + 1);
			if (token_bucket_take(&b, &rate, units, now)) {
				taken += units;
				n++;
				over = units > burst ? units - burst : 0;
			}
		}
		/* each charge may be short of its true cost by less than 1 ns */
		uint64_t span_ns = now - start + n;
		double allowed =
			(double)span_ns * (double)rate_ups / SECOND + (double)(burst + over);
		assert_true((double)taken <= allowed + 1);
		assert_true(taken > 0);
	}
}

struct taker {
	struct token_bucket *bucket;
	const struct token_rate *rate;
	unsigned taken;
};

static void *take_all(void *arg)
{
	struct taker *t = arg;

	for (int i = 0; i < 100000; i++)
		t->taken += token_bucket_take(t->bucket, t->rate, 1, SECOND);
	return NULL;
}

static void threads_share_one_burst_exactly(void **state)
{
	struct token_rate rate = token_rate_make(1000, 70000);
	struct token_bucket b = {0};
	struct taker takers[4];
	pthread_t threads[4];
	unsigned sum = 0;

	for (int i = 0; i < 4; i++) {
		takers[i] = (struct taker){.bucket = &b, .rate = &rate};
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		sum += takers[i].taken;
	}
	assert_int_equal(sum, 70000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_zero_is_no_limit),
		cmocka_unit_test(a_quiet_source_may_send_its_burst_at_once_and_no_more),
		cmocka_unit_test(a_refused_charge_costs_nothing),
		cmocka_unit_test(
			a_charge_of_more_than_the_burst_passes_when_all_is_quiet_and_is_paid_for),
		cmocka_unit_test(a_reset_forgets_what_is_to_be_paid),
		cmocka_unit_test(idle_time_is_not_saved_beyond_the_burst),
		cmocka_unit_test(over_any_span_at_most_rate_and_burst_pass),
		cmocka_unit_test(threads_share_one_burst_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
