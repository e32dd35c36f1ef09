/* The pid file: one holder at a time, also while holders come and go. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/vswitch-test-XXXXXX";
static char pidfile[64], token[64];

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	snprintf(token, sizeof(token), "%s/token", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(pidfile);
	unlink(token);
	return rmdir(dir);
}

/* What a daemon does from start to end; status 1 where it was not alone. */
static void __attribute__((noreturn)) live(void)
{
	pid_t holder;

	for (unsigned i = 0; i < 50; i++) {
		if (daemon_pidfile(pidfile, &holder))
			continue;
		if (open(token, O_CREAT | O_EXCL, 0600) < 0)
			_exit(1);
		unlink(token);
		unlink(pidfile);
		_exit(0);
	}
	_exit(0);
}

/* A claim holds for a whole network namespace and ends with its process; several
 * directories, several claims. */
static void directory_is_claimed_by_one_process(void **state)
{
	pid_t holder = 0, child;
	int ready[2], end[2], status;
	char name[80], byte = 0;

	snprintf(name, sizeof(name), "%s/claimed", dir);
	assert_int_equal(pipe(ready) | pipe(end), 0);
	child = fork();
	if (!child) {
		close(end[1]);
		byte = daemon_claim(name, &holder) ? 'x' : 'y';
		status = write(ready[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0;
		_exit(status);
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(daemon_claim(name, &holder), -EBUSY);
	assert_int_equal(holder, child);
	strcat(name, "-other");
	assert_int_equal(daemon_claim(name, &holder), 0);
	close(end[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	name[strlen(name) - strlen("-other")] = '\0';
	assert_int_equal(daemon_claim(name, &holder), 0);
	memset(name, 'x', sizeof(name) - 1);
	char longer[200];
	snprintf(longer, sizeof(longer), "%.79s%.79s", name, name);
	assert_int_equal(daemon_claim(longer, &holder), -ENAMETOOLONG);
	close(ready[0]);
	close(ready[1]);
}

static void second_holder_is_told_of_the_first(void **state)
{
	pid_t holder = 0, child;
	int ready[2], end[2], status;
	char byte = 0;

	assert_int_equal(pipe(ready) | pipe(end), 0);
	child = fork();
	if (!child) {
		close(end[1]);
		byte = daemon_pidfile(pidfile, &holder) ? 'n' : 'y';
		if (write(ready[1], &byte, 1) == 1 && read(end[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(daemon_pidfile(pidfile, &holder), -EBUSY);
	assert_int_equal(holder, child);
	close(end[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void holders_that_remove_the_file_never_overlap(void **state)
{
	enum { ALIVE = 8, LIVES = 4000 };
	int status;

	for (unsigned i = 0; i < LIVES; i++) {
		if (!fork())
			live();
		if (i >= ALIVE) {
			wait(&status);
			assert_int_equal(status, 0);
		}
	}
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_is_claimed_by_one_process),
		cmocka_unit_test(second_holder_is_told_of_the_first),
		cmocka_unit_test(holders_that_remove_the_file_never_overlap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
