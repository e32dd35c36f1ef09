#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "iobatch.h"
#include "packet.h"

/* Datagrams keep their boundaries, as the frames of a tap do. */
struct pair {
	int fds[2];
	struct iobatch io;
	struct io_op ops[BATCH_MAX];
	struct iovec iov[BATCH_MAX][2];
	char head[BATCH_MAX][4], rest[BATCH_MAX][64];
};

static struct pair pair;

static int setup(void **state)
{
	memset(&pair, 0, sizeof(pair));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.fds))
		return -1;
	iobatch_init(&pair.io);
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		pair.iov[i][0] = (struct iovec){pair.head[i], sizeof(pair.head[i])};
		pair.iov[i][1] = (struct iovec){pair.rest[i], sizeof(pair.rest[i])};
		pair.ops[i] = (struct io_op){.iov = pair.iov[i], .n_iov = 2};
	}
	return 0;
}

static int teardown(void **state)
{
	iobatch_fini(&pair.io);
	close(pair.fds[0]);
	close(pair.fds[1]);
	return 0;
}

static void say(unsigned i)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "frame %u", i);

	assert_int_equal(send(pair.fds[1], text, (size_t)n, 0), n);
}

static void assert_frame(unsigned op, unsigned i)
{
	char want[32], got[80] = "";
	int n = snprintf(want, sizeof(want), "frame %u", i);

	assert_int_equal(pair.ops[op].result, n);
	memcpy(got, pair.head[op], 4);
	memcpy(got + 4, pair.rest[op], (size_t)n - 4);
	assert_string_equal(got, want);
}

static void a_burst_is_read_in_order_and_the_rest_finds_nothing(void **state)
{
	for (unsigned i = 0; i < 5; i++)
		say(i);
	iobatch_read(&pair.io, pair.fds[0], pair.ops, 8);
	for (unsigned i = 0; i < 5; i++)
		assert_frame(i, i);
	for (unsigned i = 5; i < 8; i++)
		assert_int_equal(pair.ops[i].result, -EAGAIN);
}

static void an_empty_descriptor_gives_eagain_every_time(void **state)
{
	for (unsigned round = 0; round < 1000; round++) {
		iobatch_read(&pair.io, pair.fds[0], pair.ops, 4);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(pair.ops[i].result, -EAGAIN);
	}
	say(7); /* and takes nothing that comes later */
	iobatch_read(&pair.io, pair.fds[0], pair.ops, 2);
	assert_frame(0, 7);
}

static void a_burst_is_written_whole_and_in_order(void **state)
{
	char text[8];

	for (unsigned i = 0; i < BATCH_MAX; i++) {
		memcpy(pair.head[i], "nr: ", 4);
		pair.iov[i][1].iov_len = (size_t)sprintf(pair.rest[i], "%u", i);
	}
	for (unsigned done = 0; done < BATCH_MAX; done += 8) {
		iobatch_write(&pair.io, pair.fds[0], pair.ops + done, 8);
		for (unsigned i = done; i < done + 8; i++) {
			ssize_t n = recv(pair.fds[1], text, sizeof(text), 0);

			assert_int_equal(pair.ops[i].result, 4 + pair.iov[i][1].iov_len);
			assert_int_equal(n, pair.ops[i].result);
			assert_memory_equal(text, "nr: ", 4);
			assert_memory_equal(text + 4, pair.rest[i], (size_t)n - 4);
		}
	}
}

static void a_full_descriptor_refuses_what_has_no_room(void **state)
{
	unsigned written = 0, refused = 0;

	for (unsigned round = 0; round < 100 && !refused; round++) {
		iobatch_write(&pair.io, pair.fds[0], pair.ops, BATCH_MAX);
		for (unsigned i = 0; i < BATCH_MAX; i++) {
			if (pair.ops[i].result == -EAGAIN)
				refused++;
			else if (pair.ops[i].result == 68)
				written++;
			else
				fail();
		}
	}
	assert_true(written > 0);
	assert_true(refused > 0);
	for (unsigned i = 0; i < written; i++)
		assert_int_equal(recv(pair.fds[1], pair.rest[0], 64, 0), 64);
	assert_int_equal(recv(pair.fds[1], pair.rest[0], 64, 0), -1);
}

static void an_error_is_the_operations_own(void **state)
{
	iobatch_read(&pair.io, -1, pair.ops, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pair.ops[i].result, -EBADF);
	say(1);
	iobatch_read(&pair.io, pair.fds[0], pair.ops, 3);
	assert_frame(0, 1);
}

/* A descriptor that cannot be asked not to wait: the ring is given up, nothing is lost
 * or done twice. */
static void a_device_without_nowait_is_served_one_by_one(void **state)
{
	int tty = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	assert_true(tty >= 0);
	iobatch_read(&pair.io, tty, pair.ops, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pair.ops[i].result, -EAGAIN);
	close(tty);
	say(3);
	iobatch_read(&pair.io, pair.fds[0], pair.ops, 2);
	assert_frame(0, 3);
}

static void without_rings_it_is_the_same(void **state)
{
	iobatch_fini(&pair.io);
	iobatch_forbid();
	iobatch_init(&pair.io);
	assert_null(pair.io.ring);
	a_burst_is_read_in_order_and_the_rest_finds_nothing(state);
	an_empty_descriptor_gives_eagain_every_time(state);
	an_error_is_the_operations_own(state);
	a_burst_is_written_whole_and_in_order(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(a_burst_is_read_in_order_and_the_rest_finds_nothing),
		TEST(an_empty_descriptor_gives_eagain_every_time),
		TEST(a_burst_is_written_whole_and_in_order),
		TEST(a_full_descriptor_refuses_what_has_no_room),
		TEST(an_error_is_the_operations_own),
		TEST(a_device_without_nowait_is_served_one_by_one),
		TEST(without_rings_it_is_the_same), /* the last: there is no way back */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
