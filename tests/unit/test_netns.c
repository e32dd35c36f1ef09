/* What can be told about network namespaces without being root: our own. */
#include "netns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void own_namespace_is_listed_once(void **state)
{
	struct netns *list = NULL;
	struct netns_id self;
	size_t n = 0, found = 0;

	assert_int_equal(netns_self(&self), 0);
	assert_int_equal(netns_list(&list, &n), 0);
	for (size_t i = 0; i < n; i++)
		found += netns_id_equal(list[i].id, self);
	assert_int_equal(found, 1);
	netns_list_free(list, n);
}

static void all_that_are_listed_differ(void **state)
{
	struct netns *list = NULL;
	size_t n = 0;

	assert_int_equal(netns_list(&list, &n), 0);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(netns_id_equal(list[i].id, list[j].id));
	netns_list_free(list, n);
}

static void path_opens_only_the_namespace_that_was_there(void **state)
{
	char path[] = "/proc/self/ns/net";
	struct netns ns = {.path = path};
	struct netns_id id;
	int fd;

	assert_int_equal(netns_self(&ns.id), 0);
	fd = netns_open(&ns);
	assert_true(fd >= 0);
	assert_int_equal(netns_of_fd(fd, &id), 0);
	assert_true(netns_id_equal(id, ns.id));
	close(fd);
	ns.id.ino++;
	assert_int_equal(netns_open(&ns), -ESTALE);
	strcpy(path, "/proc/none");
	assert_int_equal(netns_open(&ns), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_namespace_is_listed_once),
		cmocka_unit_test(all_that_are_listed_differ),
		cmocka_unit_test(path_opens_only_the_namespace_that_was_there),
	};

	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
