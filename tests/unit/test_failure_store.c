/* The store when memory or the system fails while a database is opened, at every place by
 * turns: an error comes back, nothing stays behind, the database keeps what it had, and
 * the next attempt succeeds. */
#include "store_maker.h"

static struct subject store_subject(struct env *e)
{
	return (struct subject){.make = make_store,
		.check = check_store,
		.unmake = unmake_store,
		.single = true, /* SQLite would wait for better times */
		.slow = true,
		.arg = e};
}

static void store_in_memory(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	e->path = ":memory:";
	e->rows = ".";
	assert_in_range(fail_each(&s, FAIL_OWN_ALLOC), 3, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 2, REFUSALS_MAX);
}

static void store_in_a_new_file(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	e->fresh = true;
	e->rows = ".";
	assert_in_range(fail_each(&s, FAIL_OWN_ALLOC), 3, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 20, REFUSALS_MAX);
}

static void store_of_an_existing_file(void **state)
{
	struct env *e = *state;
	struct subject s = store_subject(e);

	fill_db(e);
	assert_in_range(fail_each(&s, FAIL_ALLOC), 80, REFUSALS_MAX);
	assert_in_range(fail_each(&s, FAIL_SYSCALL), 30, REFUSALS_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(store_in_memory),
		T(store_in_a_new_file),
		T(store_of_an_existing_file),
	};

	return stores_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
