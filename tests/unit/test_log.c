/* The log's reader is a FIFO that the test empties when it likes. */
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"

LOG_MODULE(test);

static char dir[] = "/tmp/test_log.XXXXXX", path[64];
static int fifo;
static char text[256 * 1024];

static int setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDWR | O_NONBLOCK);
	assert_true(fifo >= 0);
	assert_int_equal(log_open(path), 0);
	alarm(30); /* ends a test that waits for the reader */
	return 0;
}

static int teardown(void **state)
{
	log_open(NULL);
	close(fifo);
	unlink(path);
	return rmdir(dir);
}

/* All that was written, and the number of lines. */
static unsigned take(void)
{
	ssize_t n = read(fifo, text, sizeof(text) - 1);
	unsigned lines = 0;

	text[n > 0 ? n : 0] = '\0';
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

static void write_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_info("message %u of many, none of which may keep its writer waiting", i);
}

static void message_has_time_level_and_module(void **state)
{
	log_warn("port %s: %d things", "a", 3);
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, " warn  test: port a: 3 things\n"));
	log_debug("not at this level");
	assert_int_equal(take(), 0);
}

static void long_message_is_cut_and_stays_one_line(void **state)
{
	char word[3000];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	log_info("%s", word);
	assert_int_equal(take(), 1);
	assert_in_range(strlen(text), 900, 1024);
	assert_string_equal(text + strlen(text) - 4, "xxx\n");
}

static void limited(int i)
{
	log_warn_rl("client: message %d", i);
}

static void limited_messages_tell_how_many_were_left_out(void **state)
{
	for (int i = 0; i < 7; i++)
		limited(i);
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, "client: message 0\n"));
	clock_warp_ms(200);
	limited(7);
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, "client: message 7 (6 more left out)\n"));
	clock_warp_ms(200);
	limited(8);
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, "client: message 8\n"));
}

static void reader_that_reads_nothing_holds_nobody_up(void **state)
{
	unsigned kept, lost;
	const char *told;

	write_some(5000); /* more than a pipe holds */
	kept = take();
	assert_in_range(kept, 100, 4999);
	log_info("after that");
	assert_int_equal(take(), 2);
	told = strstr(text, "log: ");
	assert_non_null(told);
	assert_int_equal(sscanf(told, "log: %u messages lost", &lost), 1);
	assert_int_equal(kept + lost, 5000);
	assert_non_null(strstr(text, "test: after that\n"));
	log_info("and on");
	assert_int_equal(take(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_has_time_level_and_module),
		cmocka_unit_test(long_message_is_cut_and_stays_one_line),
		cmocka_unit_test(limited_messages_tell_how_many_were_left_out),
		cmocka_unit_test(reader_that_reads_nothing_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
