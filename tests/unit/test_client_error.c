/* Errors of the command line tool as JSON, whatever is in the word that they name. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *word, const char *want)
{
	json_t *error = client_error(CLIENT_LOCAL, "the word '%s' is bad", word);

	assert_string_equal(json_string_value(json_object_get(error, "message")), want);
	json_decref(error);
}

static void word_that_is_not_utf8_is_named_all_the_same(void **state)
{
	check("x=1", "the word 'x=1' is bad");
	check("x=\xff", "the word 'x=?' is bad");
	check("x=\xc3\xbc", "the word 'x=\xc3\xbc' is bad");
	check("\xc3y", "the word '?y' is bad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_that_is_not_utf8_is_named_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
