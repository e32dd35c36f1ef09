/* The command line before any daemon: grammar, names, tables, numbers, completion. */
#include "args.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "completion.h"
#include "names.h"
#include "port_text.h"
#include "table.h"
#include "top.h"
#include "value.h"

/* ---- the grammar ---- */

struct parsed {
	struct globals globals;
	struct call call;
	struct strbuf why;
	int rc;
	char line[512];
	char *words[32];
};

static void parse(struct parsed *p, const char *line)
{
	*p = (struct parsed){.globals = {.timeout_s = 30}};
	snprintf(p->line, sizeof p->line, "%s", line);
	int n = words_split(p->line, p->words, 32);

	assert_true(n >= 0);
	p->rc = args_parse(commands, n, p->words, &p->globals, &p->call, &p->why);
}

static void parsed_fini(struct parsed *p)
{
	call_fini(&p->call);
	strbuf_fini(&p->why);
}

/* The line stands for this call. */
static void assert_call(const char *line, const char *method, const char *params)
{
	struct parsed p;

	parse(&p, line);
	if (p.rc)
		fail_msg("'%s' is refused: %s", line, strbuf_str(&p.why));
	char *text = json_dumps(p.call.params, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(p.call.command->method, method);
	assert_string_equal(text, params);
	free(text);
	parsed_fini(&p);
}

static void assert_refused(const char *line, const char *why)
{
	struct parsed p;

	parse(&p, line);
	if (!p.rc)
		fail_msg("'%s' is not refused", line);
	assert_int_equal(p.rc, -EINVAL);
	assert_string_equal(strbuf_str(&p.why), why);
	parsed_fini(&p);
}

static void words_become_parameters(void **state)
{
	assert_call("bridge add br0", "bridge.add", "{\"name\":\"br0\"}");
	assert_call("port add br0 p1 tag=10 trunks=1,2 --may-exist", "port.add",
		"{\"bridge\":\"br0\",\"may-exist\":true,\"name\":\"p1\",\"tag\":\"10\","
		"\"trunks\":\"1,2\"}");
	assert_call("port del --if-exists p1", "port.del", "{\"if-exists\":true,\"name\":\"p1\"}");
	assert_call("port set p1 external-id.a=b=c", "port.set",
		"{\"external-id.a\":\"b=c\",\"name\":\"p1\"}");
	assert_call("fdb add br0 52:54:00:00:00:01 p1 vlan=5", "fdb.add",
		"{\"bridge\":\"br0\",\"mac\":\"52:54:00:00:00:01\",\"port\":\"p1\",\"vlan\":"
		"\"5\"}");
	assert_call("fdb show br0 port=p1", "fdb.list", "{\"bridge\":\"br0\",\"port\":\"p1\"}");
	assert_call("port list bridge=br0", "port.list", "{\"bridge\":\"br0\"}");
	assert_call("drops", "drops", "{}");
	assert_call("drops p1 --all", "drops", "{\"all\":true,\"port\":\"p1\"}");
}

static void key_without_value_is_taken_away(void **state)
{
	assert_call("port set p1 tag=", "port.set", "{\"name\":\"p1\",\"tag\":null}");
}

static void shortened_names_are_found_where_unique(void **state)
{
	assert_call("po a br0 p1 --may", "port.add",
		"{\"bridge\":\"br0\",\"may-exist\":true,\"name\":\"p1\"}");
	assert_call("wo r", "worker.reset", "{}");
	assert_call("worker", "worker.stats", "{}");
	assert_refused("s", "command 's' is ambiguous: show, status");
	assert_refused("port s", "verb of port 's' is ambiguous: set, show, stats");
}

static void wrong_words_are_named(void **state)
{
	assert_refused("", "a command is missing; vswitchctl --help lists them");
	assert_refused("prot list", "no command 'prot', did you mean 'port'?");
	assert_refused("port lsit", "no verb of port 'lsit', did you mean 'list'?");
	assert_refused("xyzzy", "no command 'xyzzy'");
	assert_refused("port", "port: a verb is missing: add, del, set, show, list, stats");
	assert_refused("port add br0", "port add: PORT is missing");
	assert_refused("port add br0 tag=1", "port add: PORT is missing before 'tag=1'");
	assert_refused("port add br0 p1 tag", "port add: 'tag' is not KEY=VALUE");
	assert_refused("port add br0 p1 =5", "port add: '=5' is not KEY=VALUE");
	assert_refused("port add br0 p1 tag=1 tag=2", "port add: 'tag' is given twice");
	assert_refused("port set p1", "port set: KEY=VALUE is missing");
	assert_refused("bridge set br0", "bridge set: KEY=VALUE is missing");
	assert_refused("port set p1 name=p2", "port set: 'name' is given twice");
	assert_refused("bridge list br0", "bridge list: 'br0' is one word too many");
	assert_refused("port add br0 p1 --if-exists", "port add: no option '--if-exists'");
	assert_refused("port add br0 p1 --may-exist=1", "port add: '--may-exist' takes no value");
	assert_refused("--rundir", "'--rundir' lacks its DIR");
	assert_refused("--timeout 1s show", "--timeout: '1s' is not a number of seconds");
	assert_refused("-f x show", "show: -f FILE takes no other command");
	assert_refused("port del \xff", "port del: '\xff' is not UTF-8");
	assert_refused("port set p1 tag=\xff", "port set: 'tag=\xff' is not UTF-8");
}

static void general_options_stand_anywhere(void **state)
{
	struct parsed p;

	parse(&p, "--rundir /a port --timeout=0.5 list --json");
	assert_int_equal(p.rc, 0);
	assert_string_equal(p.globals.rundir, "/a");
	assert_true(p.globals.timeout_s == 0.5);
	assert_true(p.globals.json);
	assert_false(p.globals.human);
	parsed_fini(&p);
}

static void words_after_two_dashes_are_no_options(void **state)
{
	assert_call("port del -- --if-exists", "port.del", "{\"name\":\"--if-exists\"}");
}

static void option_values_come_joined_or_apart(void **state)
{
	static const char *const lines[] = {"top -n 3", "top -n3"};

	for (unsigned i = 0; i < 2; i++) {
		struct parsed p;

		parse(&p, lines[i]);
		assert_int_equal(p.rc, 0);
		assert_string_equal(call_option(&p.call, "-n"), "3");
		assert_null(call_option(&p.call, "-d"));
		parsed_fini(&p);
	}
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
	struct parsed p;

	parse(&p, "port add too few=words =x --help");
	assert_int_equal(p.rc, 0);
	assert_true(p.globals.help);
	assert_string_equal(p.call.command->verb, "add");
	parsed_fini(&p);
}

static void json_is_known_before_an_error(void **state)
{
	struct parsed p;

	parse(&p, "nonsense --json");
	assert_int_equal(p.rc, -EINVAL);
	assert_true(p.globals.json);
	parsed_fini(&p);
}

static void lines_are_cut_as_by_a_shell(void **state)
{
	char line[] = "a 'b c'  \"d \\\" 'e\"\tf\\ g x''y # no more";
	char open[] = "a 'b";
	char many[] = "a b c";
	char *words[8];

	assert_int_equal(words_split(line, words, 8), 5);
	assert_string_equal(words[1], "b c");
	assert_string_equal(words[2], "d \" 'e");
	assert_string_equal(words[3], "f g");
	assert_string_equal(words[4], "xy");
	assert_int_equal(words_split(open, words, 8), -EINVAL);
	assert_int_equal(words_split(many, words, 2), -E2BIG);
}

/* What the parser, the help and the manual take for granted of every entry. */
static void command_table_is_sound(void **state)
{
	for (const struct noun *const *n = commands; *n; n++) {
		assert_true((*n)->n_commands > 0);
		for (unsigned i = 0; i < (*n)->n_commands; i++) {
			const struct command *c = &(*n)->commands[i];
			bool optional = false;

			assert_true(c->verb || (*n)->n_commands == 1);
			assert_non_null(c->about);
			assert_true(c->method || c->run);
			assert_true(!c->config || (c->method && !c->run));
			for (const struct command_arg *a = c->args; a->word; a++) {
				assert_true(a->optional || !optional);
				optional = a->optional;
			}
			for (unsigned j = 0; j < i; j++)
				assert_string_not_equal(c->verb, (*n)->commands[j].verb);
		}
	}
}

/* ---- names ---- */

static void nearest_name_is_offered_only_if_near(void **state)
{
	static const char *const names[] = {"add", "del", "list", "status"};

	assert_string_equal(names_nearest(names, 4, "dell"), "del");
	assert_string_equal(names_nearest(names, 4, "stauts"), "status");
	assert_null(names_nearest(names, 4, "rm"));
	assert_null(names_nearest(names, 4, ""));
	assert_null(names_nearest(names, 4, "a-word-that-is-longer-than-any-name-here"));
}

/* ---- text ---- */

static const struct table_column two[] = {{"NAME", false}, {"N", true}};
static const struct table_column prose[] = {{"K", false}, {"ABOUT", false}};

static void columns_are_aligned_without_trailing_blanks(void **state)
{
	struct style style = {0};
	struct table *table = table_create(&style, two, 2);
	struct strbuf out = STRBUF_INIT;

	table_cell(table, COLOR_RED, "a");
	table_count(table, 1234567);
	table_cell(table, COLOR_NONE, "gr\xc3\xbcn");
	table_count(table, 5);
	table_print(table, 1, &out);
	assert_string_equal(
		strbuf_str(&out), " NAME        N\n a     1234567\n gr\xc3\xbcn        5\n");
	table_destroy(table);
	strbuf_fini(&out);
}

static void empty_table_prints_nothing(void **state)
{
	struct style style = {0};
	struct table *table = table_create(&style, two, 2);
	struct strbuf out = STRBUF_INIT;

	table_print(table, 0, &out);
	assert_string_equal(strbuf_str(&out), "");
	table_destroy(table);
}

static void terminal_gets_colours_separators_and_folds(void **state)
{
	struct style style = {.color = true, .thousands = true, .width = 27};
	struct table *table = table_create(&style, prose, 2);
	struct strbuf out = STRBUF_INIT;

	table_cell(table, COLOR_GREEN, "up");
	table_cell(table, COLOR_NONE, "words that do not fit in one line");
	table_print(table, 0, &out);
	assert_string_equal(strbuf_str(&out),
		"\033[1mK\033[0m   \033[1mABOUT\033[0m\n"
		"\033[32mup\033[0m  words that do not fit\n    in one line\n");
	table_destroy(table);
	strbuf_reset(&out);
	style_count(&style, &out, 1234567);
	assert_string_equal(strbuf_str(&out), "1,234,567");
	strbuf_fini(&out);
}

static void bytes_that_steer_a_terminal_are_not_passed_on(void **state)
{
	struct style style = {.color = true};
	struct strbuf out = STRBUF_INIT;

	style_puts(&style, &out, COLOR_NONE, "a\033[2Jb\nc");
	assert_string_equal(strbuf_str(&out), "a?[2Jb?c");
	strbuf_fini(&out);
}

static void assert_scaled(uint64_t n, const char *count)
{
	struct style style = {.human = true};
	struct strbuf out = STRBUF_INIT;

	style_count(&style, &out, n);
	assert_string_equal(strbuf_str(&out), count);
	strbuf_fini(&out);
}

static void round_numbers_keep_three_digits(void **state)
{
	assert_scaled(0, "0");
	assert_scaled(999, "999");
	assert_scaled(1000, "1.00 k");
	assert_scaled(9994, "9.99 k");
	assert_scaled(9996, "10.0 k");
	assert_scaled(123456, "123 k");
	assert_scaled(999499, "999 k");
	assert_scaled(999500, "1.00 M");
	assert_scaled(UINT64_MAX, "18.4 E");
}

static void lines_are_clipped_but_not_their_colours(void **state)
{
	struct strbuf out = STRBUF_INIT;

	top_clip(&out, "ab\033[31mcdef\033[0m\ngh\n", 3, "|");
	assert_string_equal(strbuf_str(&out), "ab\033[31mc\033[0m|gh|");
	strbuf_fini(&out);
}

static void assert_vlan(const char *port, const char *text)
{
	json_t *json = json_loads(port, 0, NULL);
	struct strbuf out = STRBUF_INIT;

	assert_non_null(json);
	port_vlan_text(&out, json);
	assert_string_equal(strbuf_str(&out), text);
	strbuf_fini(&out);
	json_decref(json);
}

static void vlan_configuration_reads_as_words(void **state)
{
	assert_vlan("{}", "trunk all");
	assert_vlan("{\"tag\": 5}", "access 5");
	assert_vlan("{\"trunks\": \"1,2\"}", "trunk 1,2");
	assert_vlan("{\"vlan-mode\": \"native-tagged\", \"tag\": 5, \"trunks\": \"1-9\"}",
		"native-tagged 5, 1-9");
	assert_vlan("{\"vlan-mode\": \"dot1q-tunnel\", \"tag\": 5, \"cvlans\": \"7\"}",
		"dot1q-tunnel 5, cvlans 7");
}

static void names_sort_with_their_numbers(void **state)
{
	static const char *const keys[] = {"name", NULL};
	json_t *array =
		json_loads("[{\"name\":\"p10\"},{\"name\":\"p2\"},{\"name\":\"a\"}]", 0, NULL);
	json_t *sorted = value_sorted(array, keys);

	assert_string_equal(value_str(json_array_get(sorted, 0), "name"), "a");
	assert_string_equal(value_str(json_array_get(sorted, 1), "name"), "p2");
	assert_string_equal(value_str(json_array_get(sorted, 2), "name"), "p10");
	json_decref(sorted);
	json_decref(array);
}

/* ---- completion ---- */

static json_t *some_names(const char *method, const char *rundir, void *arg)
{
	if (rundir)
		return NULL;
	return json_loads(!strcmp(method, "bridge.list") ? "[{\"name\":\"br0\"}]"
							 : "[{\"name\":\"p1\"},{\"name\":\"q1\"}]",
		0, NULL);
}

static void assert_completes(const char *line, const char *reply)
{
	struct strbuf out = STRBUF_INIT;

	completion_reply(commands, line, some_names, NULL, &out);
	assert_string_equal(strbuf_str(&out), reply);
	strbuf_fini(&out);
}

static void completion_follows_the_grammar(void **state)
{
	assert_completes("po", "port\n");
	assert_completes("--json wor", "worker\n");
	assert_completes("port d", "del\n");
	assert_completes("completion ", "bash\n");
	assert_completes("port del ", "p1\nq1\n");
	assert_completes("port del q", "q1\n");
	assert_completes("port add ", "br0\n");
	assert_completes("--rundir /x port add ", "");
	assert_completes("port add br0 p1 vlan-mode=n",
		"vlan-mode=native-tagged\nvlan-mode=native-untagged\n");
	assert_completes("port add br0 p1 ta", "tag=\n");
	assert_completes("port add br0 p1 tag=3 ta", "");
	assert_completes("port add br0 p1 ext", "external-id.\n");
	assert_completes("port add br0 p1 peer=", "peer=p1\npeer=q1\n");
	assert_completes("port list x bridge=", "bridge=br0\n");
	assert_completes("port list ", "p1\nq1\nbridge=\n"); /* PORT may be left out */
	assert_completes("port list bridge=", "bridge=br0\n");
	assert_completes("watch kind=po", "kind=port\n");
	assert_completes("port add br0 p1 type=", "type=tap\ntype=netdev\ntype=patch\ntype=pcap\n");
	assert_completes("port set p1 t", "tag=\ntrunks=\n"); /* the type is fixed */
	assert_completes("port add br0 p1 --m", "--may-exist\n");
	assert_completes("log w", "warn\n");
	assert_completes("--rundir ", "");
	assert_completes("config apply ", "");
	assert_completes("bogus ", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_parameters),
		cmocka_unit_test(key_without_value_is_taken_away),
		cmocka_unit_test(shortened_names_are_found_where_unique),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(general_options_stand_anywhere),
		cmocka_unit_test(words_after_two_dashes_are_no_options),
		cmocka_unit_test(option_values_come_joined_or_apart),
		cmocka_unit_test(help_is_given_whatever_else_is_wrong),
		cmocka_unit_test(json_is_known_before_an_error),
		cmocka_unit_test(lines_are_cut_as_by_a_shell),
		cmocka_unit_test(command_table_is_sound),
		cmocka_unit_test(nearest_name_is_offered_only_if_near),
		cmocka_unit_test(columns_are_aligned_without_trailing_blanks),
		cmocka_unit_test(empty_table_prints_nothing),
		cmocka_unit_test(terminal_gets_colours_separators_and_folds),
		cmocka_unit_test(bytes_that_steer_a_terminal_are_not_passed_on),
		cmocka_unit_test(round_numbers_keep_three_digits),
		cmocka_unit_test(lines_are_clipped_but_not_their_colours),
		cmocka_unit_test(vlan_configuration_reads_as_words),
		cmocka_unit_test(names_sort_with_their_numbers),
		cmocka_unit_test(completion_follows_the_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
