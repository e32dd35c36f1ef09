#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

static void an_untouched_buffer_reads_as_the_empty_text(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	assert_string_equal(strbuf_str(&sb), "");
	strbuf_reset(&sb);
	assert_string_equal(strbuf_str(&sb), "");
	strbuf_fini(&sb);
}

static void text_is_appended_by_all_writers(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_puts(&sb, "port ");
	strbuf_putc(&sb, '\'');
	strbuf_printf(&sb, "%s%d", "tap", 7);
	strbuf_puts(&sb, "");
	strbuf_printf(&sb, "%s", "");
	strbuf_putc(&sb, '\'');
	assert_string_equal(strbuf_str(&sb), "port 'tap7'");
	assert_int_equal(sb.len, strlen("port 'tap7'"));
	strbuf_fini(&sb);
	assert_string_equal(strbuf_str(&sb), "");
}

/* Every length around the sizes at which the memory grows. */
static void text_of_any_length_stays_whole_and_terminated(void **state)
{
	char expected[600];

	memset(expected, 'x', sizeof(expected));
	for (size_t len = 0; len < sizeof(expected); len++) {
		struct strbuf by_char = STRBUF_INIT, by_printf = STRBUF_INIT;

		expected[len] = '\0';
		for (size_t i = 0; i < len; i++)
			strbuf_putc(&by_char, 'x');
		strbuf_puts(&by_printf, "");
		strbuf_printf(&by_printf, "%s", expected);
		assert_string_equal(strbuf_str(&by_char), expected);
		assert_string_equal(strbuf_str(&by_printf), expected);
		strbuf_fini(&by_char);
		strbuf_fini(&by_printf);
		expected[len] = 'x';
	}
}

static void stolen_text_outlives_the_buffer_which_starts_anew(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_puts(&sb, "one");
	char *one = strbuf_steal(&sb);
	strbuf_puts(&sb, "two");
	assert_string_equal(one, "one");
	assert_string_equal(strbuf_str(&sb), "two");
	free(one);
	strbuf_fini(&sb);

	char *none = strbuf_steal(&sb);
	assert_string_equal(none, "");
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_untouched_buffer_reads_as_the_empty_text),
		cmocka_unit_test(text_is_appended_by_all_writers),
		cmocka_unit_test(text_of_any_length_stays_whole_and_terminated),
		cmocka_unit_test(stolen_text_outlives_the_buffer_which_starts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
