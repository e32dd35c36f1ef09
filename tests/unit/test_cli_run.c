/* The command line at work: the client against a server in a child process, whole runs of
 * the program, and what top makes of two looks. */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "help.h"
#include "rates.h"
#include "top.h"
#include "value.h"

/* ---- the client, against a server in a child ---- */

static char rundir[64];

static int make_rundir(void **state)
{
	strcpy(rundir, "/tmp/vswitch-test-cli-XXXXXX");
	return mkdtemp(rundir) ? 0 : -1;
}

static int remove_rundir(void **state)
{
	char path[128];

	snprintf(path, sizeof path, "%s/vswitchd.sock", rundir);
	unlink(path);
	return rmdir(rundir);
}

/* Listen, and in a child read one line of one connection, then write 'answer' in
 * pieces and close after the client has. */
static pid_t serve(const char *answer)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/vswitchd.sock", rundir);
	unlink(addr.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid_t pid = fork();

	if (pid) {
		close(fd);
		return pid;
	}
	int con = accept(fd, NULL, NULL);

	while (read(con, &c, 1) == 1 && c != '\n')
		;
	for (const char *p = answer; *p; p++)
		if (write(con, p, 1) != 1)
			_exit(1);
	/* After half a line the connection ends; else the client ends it. */
	if (!*answer || answer[strlen(answer) - 1] == '\n')
		while (read(con, &c, 1) == 1)
			;
	_exit(0);
}

static json_t *call_once(const char *answer, unsigned timeout_ms, json_t **error)
{
	pid_t pid = serve(answer);
	struct client *client = client_open(rundir, timeout_ms, error);

	assert_non_null(client);
	json_t *result = client_call(client, "status", NULL, error);

	client_close(client);
	waitpid(pid, NULL, 0);
	return result;
}

static void assert_call_fails(const char *answer, unsigned timeout_ms, int code)
{
	json_t *error = NULL;

	assert_null(call_once(answer, timeout_ms, &error));
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	json_decref(error);
}

static void client_returns_result_or_error(void **state)
{
	json_t *error = NULL;
	json_t *result = call_once("{\"id\":1,\"result\":{\"a\":[1,2]}}\n", 10000, &error);

	assert_null(error);
	assert_int_equal(json_array_size(json_object_get(result, "a")), 2);
	json_decref(result);
	assert_call_fails("{\"id\":1,\"error\":{\"code\":6,\"message\":\"full\"}}\n", 10000, 6);
}

static void client_survives_a_daemon_that_misbehaves(void **state)
{
	assert_call_fails("", 50, CLIENT_TIMEOUT);
	assert_call_fails("{\"id\":1,\"res", 10000, CLIENT_UNREACHABLE);
	assert_call_fails("no json\n", 10000, CLIENT_PROTOCOL);
	assert_call_fails("[]\n", 10000, CLIENT_PROTOCOL);
	assert_call_fails("{\"id\":1}\n", 10000, CLIENT_PROTOCOL);
}

/* ---- the whole program ---- */

/* Run the program in a child with its output in files; its exit status. */
static int run(const char *line, struct strbuf *out, struct strbuf *err)
{
	FILE *files[2] = {tmpfile(), tmpfile()};
	struct strbuf *texts[2] = {out, err};
	int status;

	assert_true(files[0] && files[1]);
	fflush(NULL);
	pid_t pid = fork();

	if (!pid) {
		char copy[512], *argv[34] = {(char *)"vswitchctl"};

		snprintf(copy, sizeof copy, "%s", line);
		dup2(fileno(files[0]), STDOUT_FILENO);
		dup2(fileno(files[1]), STDERR_FILENO);
		status = cli_main(1 + words_split(copy, argv + 1, 32), argv);
		/* Not _exit(): a leak is found at the end. */
		exit(status);
	}
	waitpid(pid, &status, 0);
	for (unsigned i = 0; i < 2; i++) {
		strbuf_reset(texts[i]);
		rewind(files[i]);
		for (int c; (c = fgetc(files[i])) != EOF;)
			strbuf_putc(texts[i], (char)c);
		fclose(files[i]);
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void exit_status_and_error_line_tell_what_was_wrong(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;

	assert_int_equal(run("port add", &out, &err), 2);
	assert_string_equal(strbuf_str(&out), "");
	assert_string_equal(strbuf_str(&err), "vswitchctl: port add: BRIDGE is missing\n");

	assert_int_equal(run("--rundir /nowhere show", &out, &err), 1);
	assert_string_equal(strbuf_str(&err),
		"vswitchctl: cannot reach vswitchd at /nowhere/vswitchd.sock: "
		"No such file or directory (is it running?)\n");

	assert_int_equal(run("--rundir /nowhere config diff /dev/null", &out, &err), 2);
	assert_int_equal(run("--version", &out, &err), 0);
	assert_string_equal(strbuf_str(&out), "vswitchctl " VSWITCH_VERSION "\n");
	strbuf_fini(&out);
	strbuf_fini(&err);
}

static void error_is_one_json_object_with_json(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;

	assert_int_equal(run("--json --rundir /nowhere show", &out, &err), 1);
	json_t *error = json_loads(strbuf_str(&err), 0, NULL);

	assert_int_equal(json_integer_value(json_object_get(error, "code")), CLIENT_UNREACHABLE);
	assert_string_equal(strbuf_str(&out), "");
	json_decref(error);
	strbuf_fini(&out);
	strbuf_fini(&err);
}

static void answer_of_the_daemon_is_printed_or_told(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT, line = STRBUF_INIT;
	pid_t pid =
		serve("{\"id\":1,\"result\":{\"list\":[{\"port\":\"p1\",\"reason\":\"r\",\"about\":"
		      "\"a b\",\"count\":3}]}}\n");

	strbuf_printf(&line, "--rundir %s drops", rundir);
	assert_int_equal(run(strbuf_str(&line), &out, &err), 0);
	assert_string_equal(
		strbuf_str(&out), "PORT  COUNT  REASON  ABOUT\np1        3  r       a b\n");
	waitpid(pid, NULL, 0);

	pid = serve("{\"id\":1,\"error\":{\"code\":2,\"message\":\"no port 'x'\"}}\n");
	assert_int_equal(run(strbuf_str(&line), &out, &err), 1);
	assert_string_equal(strbuf_str(&err), "vswitchctl: no port 'x'\n");
	waitpid(pid, NULL, 0);
	strbuf_fini(&out);
	strbuf_fini(&err);
	strbuf_fini(&line);
}

/* What the daemon's answer to the words looks like; borrowed until the next call. */
static const char *shown(const char *words, const char *answer, int status)
{
	static struct strbuf out;
	struct strbuf err = STRBUF_INIT, line = STRBUF_INIT;
	pid_t pid = serve(answer);

	strbuf_printf(&line, "--rundir %s %s", rundir, words);
	assert_int_equal(run(strbuf_str(&line), &out, &err), status);
	waitpid(pid, NULL, 0);
	strbuf_fini(&err);
	strbuf_fini(&line);
	return strbuf_str(&out);
}

static void nothing_to_show_is_said(void **state)
{
	static const char none[] = "{\"id\":1,\"result\":[]}\n";
	static const char no_page[] = "{\"id\":1,\"result\":{\"list\":[]}}\n";

	assert_string_equal(shown("port list", no_page, 0), "there is no port\n");
	assert_string_equal(shown("port show", no_page, 0), "there is no port\n");
	assert_string_equal(shown("port stats", no_page, 0), "there is no port\n");
	assert_string_equal(shown("bridge list", none, 0),
		"there is no bridge; vswitchctl bridge add NAME makes one\n");
	assert_string_equal(shown("bridge show", none, 0),
		"there is no bridge; vswitchctl bridge add NAME makes one\n");
	assert_string_equal(shown("fdb show br0", no_page, 0), "no MAC address is known\n");
	assert_string_equal(
		shown("fdb show br0 vlan=3", no_page, 0), "no such MAC address is known\n");
	assert_string_equal(shown("drops", no_page, 0), "no packet was dropped\n");
	assert_string_equal(shown("--json port list", no_page, 0), "[]\n");
}

static void what_is_not_known_is_not_shown_as_nothing(void **state)
{
	const char *out = shown("status",
		"{\"id\":1,\"result\":{\"store\":{\"last-error\":\"\"},\"limits\":["
		"{\"name\":\"a\",\"now\":null,\"max\":8,\"about\":\"x\"},"
		"{\"name\":\"b\",\"now\":4,\"max\":8,\"about\":\"y\"}]}}\n",
		0);

	assert_non_null(strstr(out, "last-error  -\n"));
	assert_non_null(strstr(out, "a        -    8     -  x\n"));
	assert_non_null(strstr(out, "b        4    8  50 %  y\n"));
	assert_non_null(
		strstr(shown("worker", "{\"id\":1,\"result\":[{\"id\":0,\"stuck\":true}]}\n", 0),
			" yes "));
}

#define EVENT(params) "{\"method\":\"event\",\"params\":{\"time\":86400.25," params "}}\n"

static void events_are_a_line_each(void **state)
{
	static const char *const events[] = {
		EVENT("\"event\":\"port\",\"name\":\"p\",\"state\":\"up\",\"link\":true,\"mtu\":"
		      "1500"),
		EVENT("\"event\":\"port\",\"name\":\"p\",\"state\":\"waiting\",\"why\":\"device "
		      "absent\""),
		EVENT("\"event\":\"link\",\"name\":\"p\",\"link\":false"),
		EVENT("\"event\":\"mtu\",\"name\":\"p\",\"mtu\":9,\"before\":8"),
		EVENT("\"event\":\"bridge\",\"name\":\"b\",\"present\":true"),
		EVENT("\"event\":\"drops\",\"name\":\"p\",\"reason\":\"r\",\"about\":\"s\",\"new\":"
		      "2,\"count\":7"),
		EVENT("\"event\":\"config\",\"revision\":5,\"changes\":[{\"action\":\"set\","
		      "\"kind\":\"port\",\"name\":\"p\",\"keys\":{\"tag\":[3,4]}}],\"more\":2"),
		EVENT("\"event\":\"missed\",\"count\":9"),
		EVENT("\"event\":\"new\""),
	};
	struct strbuf answer = STRBUF_INIT;

	strbuf_puts(&answer, "{\"id\":1,\"result\":{}}\n");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		strbuf_puts(&answer, events[i]);
	strbuf_putc(&answer, '{'); /* half a line: the daemon goes away */
	setenv("TZ", "UTC0", 1);
	assert_string_equal(shown("watch", strbuf_str(&answer), 1),
		"1970-01-02T00:00:00.250  port p  up, link up, MTU 1500\n"
		"1970-01-02T00:00:00.250  port p  waiting: device absent\n"
		"1970-01-02T00:00:00.250  port p  link down\n"
		"1970-01-02T00:00:00.250  port p  MTU 8 -> 9\n"
		"1970-01-02T00:00:00.250  bridge b  added\n"
		"1970-01-02T00:00:00.250  port p  +2 r, 7 in all: s\n"
		"1970-01-02T00:00:00.250  configuration  revision 5: set port p (tag 3 -> 4) and 2 "
		"more\n"
		"1970-01-02T00:00:00.250  9 events were missed here\n"
		"1970-01-02T00:00:00.250  time=86400.2 event=new\n");
	assert_string_equal(shown("watch -n 1", strbuf_str(&answer), 0),
		"1970-01-02T00:00:00.250  port p  up, link up, MTU 1500\n");
	assert_string_equal(shown("--json watch -n 1", strbuf_str(&answer), 0),
		"{\"time\":86400.25,\"event\":\"port\",\"name\":\"p\",\"state\":\"up\",\"link\":"
		"true,"
		"\"mtu\":1500}\n");
	strbuf_fini(&answer);
}

static void write_file(const char *name, const char *text, char path[128])
{
	snprintf(path, 128, "%s/%s", rundir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The exit status of "--rundir DIR WORDS PATH" where the daemon answers 'answer'. */
static int run_on_file(const char *words, const char *path, const char *answer, struct strbuf *out,
	struct strbuf *err)
{
	struct strbuf line = STRBUF_INIT;
	pid_t pid = serve(answer);

	strbuf_printf(&line, "--rundir %s %s %s", rundir, words, path);
	int status = run(strbuf_str(&line), out, err);

	waitpid(pid, NULL, 0);
	strbuf_fini(&line);
	return status;
}

static void diff_ends_as_diff_does(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char path[128];

	write_file("config", "{}", path);
	assert_int_equal(run_on_file("config diff", path,
				 "{\"id\":1,\"result\":{\"changes\":[]}}\n", &out, &err),
		0);
	assert_string_equal(strbuf_str(&out), "");
	assert_int_equal(run_on_file("config diff", path,
				 "{\"id\":1,\"result\":{\"changes\":[{\"action\":\"set\","
				 "\"kind\":\"port\",\"name\":\"p1\",\"keys\":{\"tag\":[1,2],"
				 "\"mtu\":[9000,null],\"queues\":[null,2]}}]}}\n",
				 &out, &err),
		1);
	assert_string_equal(strbuf_str(&out),
		"~ port p1\n    ~ tag: 1 -> 2\n    - mtu: 9000\n    + queues: 2\n");
	assert_int_equal(
		run_on_file("config diff", path,
			"{\"id\":1,\"error\":{\"code\":1,\"message\":\"no\"}}\n", &out, &err),
		2);
	unlink(path);
	strbuf_fini(&out);
	strbuf_fini(&err);
}

static void batch_names_the_line_that_was_refused(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char path[128], expected[256];

	write_file("batch", "# two\nbridge add br0\n\nport add br0 'p 1'\n", path);
	assert_int_equal(run_on_file("batch", path,
				 "[{\"id\":1,\"error\":{\"code\":7,\"message\":\"elsewhere\"}},"
				 "{\"id\":2,\"error\":{\"code\":1,\"message\":\"bad name\"}}]\n",
				 &out, &err),
		1);
	snprintf(expected, sizeof expected, "vswitchctl: %s:4: bad name\n", path);
	assert_string_equal(strbuf_str(&err), expected);
	assert_int_equal(
		run_on_file("-f", path, "[{\"id\":1,\"result\":{}},{\"id\":2,\"result\":{}}]\n",
			&out, &err),
		0);
	unlink(path);

	/* Refused before the daemon is asked: there is none here. */
	struct strbuf line = STRBUF_INIT;

	write_file("batch", "bridge add br0\nshow\n", path);
	strbuf_printf(&line, "--rundir /nowhere batch %s", path);
	assert_int_equal(run(strbuf_str(&line), &out, &err), 2);
	snprintf(expected, sizeof expected,
		"vswitchctl: %s:2: 'show' does not change the configuration\n", path);
	assert_string_equal(strbuf_str(&err), expected);
	unlink(path);
	strbuf_fini(&line);
	strbuf_fini(&out);
	strbuf_fini(&err);
}

static void help_names_every_noun_and_every_key(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;

	assert_int_equal(run("--help", &out, &err), 0);
	for (const struct noun *const *n = commands; *n; n++)
		assert_non_null(strstr(strbuf_str(&out), (*n)->name));
	assert_int_equal(run("port add --help", &out, &err), 0);
	assert_non_null(strstr(strbuf_str(&out), "vlan-mode=access|trunk"));
	assert_null(strstr(strbuf_str(&out), "bridge="));
	assert_non_null(strstr(strbuf_str(&out), "type=tap|netdev|patch|pcap\n"));
	assert_int_equal(run("port set --help", &out, &err), 0);
	assert_non_null(strstr(strbuf_str(&out), "port set PORT KEY=VALUE...\n"));
	assert_null(strstr(strbuf_str(&out), "ofport=")); /* cannot be set */
	strbuf_reset(&out);
	man_page(commands, &out);
	for (const struct config_key *k = NULL; (k = keys_next(KEYS_PORT, k));)
		if (k->value != CONFIG_IDS && !strchr(k->name, '-'))
			assert_non_null(strstr(strbuf_str(&out), k->name));
	strbuf_fini(&out);
	strbuf_fini(&err);
}

/* ---- rates ---- */

static struct snapshot snapshot(
	uint64_t at_ns, const char *stats, const char *workers, const char *drops)
{
	return (struct snapshot){at_ns, json_object(), json_array(), json_loads(stats, 0, NULL),
		json_loads(workers, 0, NULL), json_loads(drops, 0, NULL)};
}

static void rates_are_per_second_and_survive_a_reset(void **state)
{
	struct snapshot then = snapshot(0,
		"[{\"name\":\"a\",\"rx\":{\"packets\":100,\"bytes\":1000},\"tx\":{\"packets\":900}}"
		"]",
		"[{\"id\":0,\"seconds\":10,\"busy-percent\":10,\"cpu-s\":1}]",
		"[{\"port\":\"a\",\"reason\":\"x\",\"count\":5},"
		"{\"port\":\"a\",\"reason\":\"y\",\"count\":5}]");
	struct snapshot now = snapshot(2000000000,
		"[{\"name\":\"a\",\"rx\":{\"packets\":300,\"bytes\":3000},\"tx\":{\"packets\":40}},"
		"{\"name\":\"new\",\"rx\":{\"packets\":7},\"tx\":{\"packets\":7}}]",
		"[{\"id\":0,\"seconds\":12,\"busy-percent\":25,\"cpu-s\":2}]",
		"[{\"port\":\"a\",\"reason\":\"x\",\"count\":5},"
		"{\"port\":\"a\",\"reason\":\"y\",\"count\":25}]");
	json_t *rates = rates_between(&then, &now);
	json_t *ports = json_object_get(rates, "ports"), *drops = json_object_get(rates, "drops");
	json_t *rx = json_object_get(json_array_get(ports, 0), "rx");
	json_t *tx = json_object_get(json_array_get(ports, 0), "tx");
	json_t *fresh = json_object_get(json_array_get(ports, 1), "rx");
	json_t *worker = json_array_get(json_object_get(rates, "workers"), 0);

	assert_true(value_real(rx, "packets-per-s") == 100);
	assert_true(value_real(rx, "bits-per-s") == 8000);
	assert_true(value_real(tx, "packets-per-s") == 20);
	assert_true(value_real(fresh, "packets-per-s") == 0);
	/* 25 % of 12 s less 10 % of 10 s is all of 2 s. */
	assert_true(value_real(worker, "busy-percent") == 100);
	assert_true(value_real(worker, "cpu-percent") == 50);
	assert_int_equal(json_array_size(drops), 1);
	assert_true(value_real(json_array_get(drops, 0), "per-s") == 10);

	json_decref(rates);
	snapshot_fini(&then);
	snapshot_fini(&now);
}

static void picture_fits_its_rows_and_columns(void **state)
{
	struct style style = {.width = 40};
	json_t *rates = json_pack("{s:[], s:[], s:[]}", "ports", "workers", "drops");

	for (int i = 0; i < 100; i++) {
		json_array_append_new(
			json_object_get(rates, "ports"), json_pack("{s:s}", "name", "p"));
		json_array_append_new(
			json_object_get(rates, "workers"), json_pack("{s:i}", "id", i));
		json_array_append_new(json_object_get(rates, "drops"),
			json_pack(
				"{s:s}", "about", "a sentence that is much longer than the line"));
	}
	for (unsigned rows = 25; rows < 60; rows++) {
		struct strbuf out = STRBUF_INIT;
		unsigned lines = 0;

		top_draw(&style, rates, rows, &out);
		for (char *rest = out.str, *line; (line = strsep(&rest, "\n")) && rest; lines++)
			assert_true(strlen(line) <= 40);
		assert_true(lines < rows && lines + 3 > rows);
		strbuf_fini(&out);
	}
	json_decref(rates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_per_second_and_survive_a_reset),
		cmocka_unit_test(picture_fits_its_rows_and_columns),
		cmocka_unit_test(client_returns_result_or_error),
		cmocka_unit_test(client_survives_a_daemon_that_misbehaves),
		cmocka_unit_test(exit_status_and_error_line_tell_what_was_wrong),
		cmocka_unit_test(error_is_one_json_object_with_json),
		cmocka_unit_test(answer_of_the_daemon_is_printed_or_told),
		cmocka_unit_test(nothing_to_show_is_said),
		cmocka_unit_test(what_is_not_known_is_not_shown_as_nothing),
		cmocka_unit_test(events_are_a_line_each),
		cmocka_unit_test(diff_ends_as_diff_does),
		cmocka_unit_test(batch_names_the_line_that_was_refused),
		cmocka_unit_test(help_names_every_noun_and_every_key),
	};

	return cmocka_run_group_tests(tests, make_rundir, remove_rundir);
}
