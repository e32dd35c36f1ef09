/* What a connection keeps: answers in pages, documents in parts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "held.h"
#include "switch_limits.h"

static void check_page(struct held *h, size_t limit, size_t bytes, const char *expected)
{
	struct strbuf out = STRBUF_INIT;

	held_page(h, limit, bytes, &out);
	assert_string_equal(strbuf_str(&out), expected);
	strbuf_fini(&out);
}

static void pages_go_over_all_lists(void **state)
{
	struct held h = {0};
	size_t all = 0;

	held_answer(&h,
		json_pack("{s:i, s:[i,i], s:[], s:[i,i,i]}", "v", 1, "a", 1, 2, "b", "c", 3, 4, 5));
	assert_false(held_continues(&h, "1-0"));
	check_page(&h, 3, SIZE_MAX, "{\"v\":1,\"a\":[1,2],\"b\":[],\"c\":[3],\"next\":\"1-3\"}");
	assert_true(held_continues(&h, "1-3"));
	assert_false(held_continues(&h, "2-3"));
	check_page(&h, 1, SIZE_MAX, "{\"v\":1,\"a\":[],\"b\":[],\"c\":[4],\"next\":\"1-4\"}");
	assert_false(held_continues(&h, "1-3"));
	check_page(&h, 1, SIZE_MAX, "{\"v\":1,\"a\":[],\"b\":[],\"c\":[5]}");
	assert_null(h.answer);
	assert_false(held_continues(&h, "1-5"));
	held_fini(&h, &all);
}

static void page_ends_where_it_is_long_enough_but_has_one_entry(void **state)
{
	struct held h = {0};
	size_t all = 0;

	held_answer(&h, json_pack("{s:[s,s]}", "a", "xxxxxxxxxx", "yyyyyyyyyy"));
	check_page(&h, 9, 10, "{\"a\":[\"xxxxxxxxxx\"],\"next\":\"1-1\"}");
	held_answer(&h, json_pack("{s:[s,s]}", "a", "p", "q"));
	assert_false(held_continues(&h, "1-1"));
	check_page(&h, 9, 10, "{\"a\":[\"p\",\"q\"]}");
	held_fini(&h, &all);
}

static void answer_that_is_cut_tells_how_many_are_missing(void **state)
{
	json_t *answer = json_pack("{s:[s,s,s]}", "a", "pppppp", "q", "r");
	struct strbuf out = STRBUF_INIT;

	held_cut(answer, 10, &out);
	assert_string_equal(strbuf_str(&out), "{\"a\":[\"pppppp\"],\"more\":2}");
	strbuf_reset(&out);
	held_cut(answer, 100, &out);
	assert_string_equal(strbuf_str(&out), "{\"a\":[\"pppppp\",\"q\",\"r\"]}");
	strbuf_fini(&out);
	json_decref(answer);
}

static int part(struct held *h, const char *text, size_t bytes, size_t *all)
{
	json_t *json = json_loads(text, 0, NULL);
	int n = held_part(h, json, bytes, all);

	json_decref(json);
	return n;
}

static void parts_become_one_document(void **state)
{
	struct held h = {0};
	size_t all = 7;

	assert_int_equal(part(&h, "{\"v\": 1, \"a\": [1]}", 10, &all), 1);
	assert_int_equal(part(&h, "{\"a\": [2, 3], \"b\": []}", 20, &all), 2);
	assert_int_equal(all, 37);
	json_t *document = held_join(&h, 2, &all);
	char *text = json_dumps(document, JSON_COMPACT);
	assert_string_equal(text, "{\"v\":1,\"a\":[1,2,3],\"b\":[]}");
	free(text);
	json_decref(document);
	assert_int_equal(all, 7);

	assert_null(held_join(&h, 0, &all));
	assert_int_equal(part(&h, "{}", 10, &all), 1);
	assert_null(held_join(&h, 2, &all));
	assert_int_equal(all, 7);
	assert_null(held_join(&h, 1, &all));
}

static void parts_of_all_connections_are_bounded(void **state)
{
	struct held h[2] = {0};
	size_t all = 0;

	assert_int_equal(part(&h[0], "{}", LIMITS_PARTS_BYTES / 2, &all), 1);
	assert_int_equal(part(&h[1], "{}", LIMITS_PARTS_BYTES / 2 + 1, &all), -ENOSPC);
	assert_int_equal(part(&h[1], "{}", LIMITS_PARTS_BYTES / 2, &all), 1);
	assert_int_equal(part(&h[1], "{}", 1, &all), -ENOSPC);
	held_fini(&h[0], &all);
	assert_int_equal(part(&h[1], "{}", 1, &all), 2);
	held_fini(&h[1], &all);
	assert_int_equal(all, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_go_over_all_lists),
		cmocka_unit_test(page_ends_where_it_is_long_enough_but_has_one_entry),
		cmocka_unit_test(answer_that_is_cut_tells_how_many_are_missing),
		cmocka_unit_test(parts_become_one_document),
		cmocka_unit_test(parts_of_all_connections_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
