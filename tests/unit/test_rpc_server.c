/* The socket of the management part, and clients that do as they please. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "rpc_env.h"
#include "switch_limits.h"

static int client_connect(struct env *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	strcpy(sa.sun_path, e->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Read a line; false at the end of the connection. */
static bool client_line(struct env *e, int fd, char *line, size_t max)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, line + n, 1);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return false;
		if (got < 0) {
			turn(e);
			assert_true(clock_now_ms() < end_ms);
			continue;
		}
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		if (n < max - 1)
			n++;
	}
}

static void socket_is_for_owner_and_group(void **state)
{
	struct env *e = *state;
	struct stat st;

	assert_int_equal(stat(e->socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	stop(e, true);
	assert_int_equal(stat(e->socket, &st), -1); /* gone with us */
	start(e, true);
}

static void client_is_answered_line_by_line(void **state)
{
	struct env *e = *state;
	char line[400];
	int fd = client_connect(e);

	assert_int_equal(write(fd, "{\"id\":1,\"method\":\"ver", 21), 21);
	turn(e);
	assert_int_equal(write(fd, "sion\"}\r\n\n{\"id\":2,\"method\":\"version\"}\n", 37), 37);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":1,\"result\""));
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":2,\"result\""));
	close(fd);
	check_says(e, "{\"id\":1,\"method\":\"version\"}", "\"result\"");
}

static void one_client_too_many_is_told_so(void **state)
{
	struct env *e = *state;
	int fds[LIMITS_CLIENTS], n;
	char line[400];

	for (n = 0; n < LIMITS_CLIENTS; n++) {
		fds[n] = client_connect(e);
		turn(e);
	}
	int more = client_connect(e);
	assert_true(client_line(e, more, line, sizeof(line)));
	assert_non_null(strstr(line, "\"code\":6,"));
	assert_false(client_line(e, more, line, sizeof(line)));
	close(more);
	check_says(e, "{\"id\":1,\"method\":\"status\"}", "\"clients\":{\"now\":64,\"refused\":1,");
	close(fds[0]); /* one goes, one may come */
	const char *now;
	WAIT(e, (now = strstr(ask(e, "{\"id\":1,\"method\":\"status\"}"), "\"now\":63")) != NULL);
	fds[0] = client_connect(e);
	assert_int_equal(write(fds[0], "{\"id\":1,\"method\":\"version\"}\n", 28), 28);
	assert_true(client_line(e, fds[0], line, sizeof(line)));
	assert_non_null(strstr(line, "\"result\""));
	while (n)
		close(fds[--n]);
}

static void endless_line_ends_the_connection(void **state)
{
	struct env *e = *state;
	static char junk[65536];
	char line[400];
	int fd = client_connect(e);
	size_t sent = 0;

	memset(junk, 'x', sizeof(junk));
	while (sent <= LIMITS_TEXT_BYTES + sizeof(junk)) {
		ssize_t n = write(fd, junk, sizeof(junk));

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		turn(e);
		if (n < 0 && recv(fd, line, 1, MSG_PEEK) == 1)
			break;
	}
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "the request is longer than 16 MiB"));
	assert_false(client_line(e, fd, line, sizeof(line)));
	close(fd);
}

/* It asks and asks and never reads: no more is read from it than is allowed to wait. */
static void client_that_does_not_read_is_not_served_without_end(void **state)
{
	static const char ask_line[] = "{\"id\":1,\"method\":\"schema\"}\n";
	struct env *e = *state;
	int fd = client_connect(e), fd2;
	unsigned stuck = 0, sent = 0;
	char line[400];

	while (stuck < 1000) {
		ssize_t n = write(fd, ask_line, sizeof(ask_line) - 1);

		sent += n > 0;
		stuck = n > 0 ? 0 : stuck + 1;
		assert_true(n < 0 || n == sizeof(ask_line) - 1);
		turn(e);
		assert_true(sent < 1000000);
	}
	const char *status = ask(e, "{\"id\":1,\"method\":\"status\"}");
	const char *out = strstr(status, "{\"name\":\"client-output-bytes\",\"now\":");
	assert_non_null(out);
	assert_true(atoi(out + strlen("{\"name\":\"client-output-bytes\",\"now\":")) <=
		    LIMITS_CLIENT_OUTPUT + (1 << 16));
	fd2 = client_connect(e); /* others are served */
	assert_int_equal(write(fd2, "{\"id\":1,\"method\":\"version\"}\n", 28), 28);
	assert_true(client_line(e, fd2, line, sizeof(line)));
	close(fd2);
	/* and it gets every answer once it reads */
	static char big[1 << 16];
	for (unsigned i = 0; i < sent; i++) {
		assert_true(client_line(e, fd, big, sizeof(big)));
		assert_int_equal(strncmp(big, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\"", 32), 0);
	}
	close(fd);
}

static void notifications_alone_never_stop_the_reading(void **state)
{
	static const char note[] = "{\"method\":\"bridge.add\",\"params\":{\"name\":\"b\",\"may-"
				   "exist\":true}}\n";
	struct env *e = *state;
	char line[400];
	int fd = client_connect(e);

	for (unsigned i = 0; i < 3 * LIMITS_CLIENT_REQUESTS;) {
		ssize_t n = write(fd, note, sizeof(note) - 1);

		assert_true(n < 0 || n == sizeof(note) - 1);
		i += n > 0;
		if (n < 0)
			turn(e);
	}
	WAIT(e, write(fd, "{\"id\":9,\"method\":\"version\"}\n", 28) == 28);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"id\":9,\"result\""));
	close(fd);
}

static void watch(struct env *e, int fd)
{
	static const char ask_line[] =
		"{\"id\":1,\"method\":\"watch\",\"params\":{\"kind\":\"config\"}}\n";
	char line[400];

	assert_int_equal(write(fd, ask_line, sizeof(ask_line) - 1), sizeof(ask_line) - 1);
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"result\":{}"));
}

static void watcher_hears_through_its_connection(void **state)
{
	struct env *e = *state;
	char line[1000];
	int fd = client_connect(e);

	watch(e, fd);
	OK(e, "{\"id\":1,\"method\":\"bridge.add\",\"params\":{\"name\":\"br0\"}}");
	assert_true(client_line(e, fd, line, sizeof(line)));
	assert_int_equal(strncmp(line,
				 "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"event\":"
				 "\"config\",\"time\":1",
				 80 - 11),
		0);
	assert_non_null(strstr(line, "\"revision\":1,\"changes\":[{\"action\":\"add\","));
	close(fd);
}

/* It watches and never reads: the switch holds so many bytes for it and no more, does
 * not cut it off, and tells how much it missed once it reads. */
static void watcher_that_does_not_read_misses_events(void **state)
{
	struct env *e = *state;
	char line[8192];
	int fd = client_connect(e);
	unsigned long got = 0, missed = 0, sent = 0;

	add_basics(e);
	watch(e, fd);
	/* external-ids of 4 KB fill a megabyte in no time */
	char *value = malloc(4001);
	memset(value, 'x', 4000);
	value[4000] = '\0';
	for (; sent < 1000; sent++) {
		snprintf(line, sizeof(line),
			"{\"id\":1,\"method\":\"port.set\",\"params\":{\"name\":\"p\","
			"\"external-id.a\":\"%lu%.3990s\"}}",
			sent, value);
		OK(e, line);
	}
	free(value);
	const char *status = ask(e, "{\"id\":1,\"method\":\"status\"}");
	const char *out = strstr(status, "{\"name\":\"client-output-bytes\",\"now\":");
	assert_non_null(out);
	assert_in_range(atoi(out + strlen("{\"name\":\"client-output-bytes\",\"now\":")), 1,
		LIMITS_EVENT_BYTES);
	assert_null(strstr(status, "\"events-missed\":0,"));

	clock_warp_ms(1000ull * 2 * LIMITS_CLIENT_STALL_S); /* libevent's clock is another */
	while (got + missed < sent) {
		char *big = malloc(1 << 16), *count;

		assert_true(client_line(e, fd, big, 1 << 16));
		count = strstr(big, "\"event\":\"missed\"");
		if (count)
			missed += strtoul(strstr(count, "\"count\":") + 8, NULL, 10);
		else
			got++;
		free(big);
	}
	assert_int_equal(got + missed, sent);
	assert_true(missed > 0);
	assert_true(got > 100);
	close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(socket_is_for_owner_and_group),
		T(client_is_answered_line_by_line),
		T(one_client_too_many_is_told_so),
		T(endless_line_ends_the_connection),
		T(client_that_does_not_read_is_not_served_without_end),
		T(notifications_alone_never_stop_the_reading),
		T(watcher_hears_through_its_connection),
		T(watcher_that_does_not_read_misses_events),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
