/* Words that people type, and the canonical objects and complaints they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema.h"

static const char *port_key(const char *key, const char *json, char *out, size_t len)
{
	struct refusal r = REFUSAL_INIT;
	json_t *in = json_loads(json, JSON_DECODE_ANY, NULL), *value = NULL;

	assert_non_null(in);
	if (schema_value(config_key_lookup(CONFIG_PORT, key), in, &value, &r)) {
		snprintf(out, len, "!%s", strbuf_str(&r.text));
	} else {
		char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

		snprintf(out, len, "%s", text ? text : "default");
		free(text);
	}
	json_decref(value);
	json_decref(in);
	refusal_fini(&r);
	return out;
}

struct value_case {
	const char *key, *in, *out;
};

static void values_become_canonical_or_a_complaint(void **state)
{
	static const struct value_case cases[] = {
		{"tag", "10", "10"},
		{"tag", "\"10\"", "10"},
		{"tag", "\"010\"", "10"},
		{"tag", "4095", "!4095 is not a VLAN (1-4094)"},
		{"tag", "0", "!0 is not a VLAN (1-4094)"},
		{"tag", "-1", "!-1 is not a VLAN (1-4094)"},
		{"tag", "\"\"", "!'' is not a VLAN (1-4094)"},
		{"tag", "\"1 \"", "!1  is not a VLAN (1-4094)"},
		{"tag", "1.5", "!1.5 is not a VLAN (1-4094)"},
		{"tag", "\"99999999999999999999999\"",
			"!99999999999999999999999 is not a VLAN (1-4094)"},
		{"mtu", "9000", "9000"},
		{"mtu", "67", "!67 is not a number from 68 to 65521"},
		{"queues", "1", "default"},
		{"queues", "\"2\"", "2"},
		{"isolated", "\"true\"", "true"},
		{"isolated", "false", "default"},
		{"isolated", "\"yes\"", "!yes is not true or false"},
		{"offload", "true", "default"},
		{"offload", "\"false\"", "false"},
		{"trunks", "\"30,10,20-22,21-25\"", "\"10,20-25,30\""},
		{"trunks", "[1, \"3-4\", 2]", "\"1-4\""},
		{"trunks", "7", "\"7\""},
		{"trunks", "\"0-4094\"", "default"},
		{"trunks", "\"all\"", "default"},
		{"trunks", "\"\"", "!'' is not a VLAN or range of VLANs (0-4094)"},
		{"trunks", "\"10,20-x,30\"", "!20-x is not a VLAN or range of VLANs (0-4094)"},
		{"trunks", "\"10,4095\"", "!4095 is not a VLAN or range of VLANs (0-4094)"},
		{"trunks", "{}", "!{} is not a list of VLANs (10,20-29)"},
		{"vlan-mode", "\"dot1q-tunnel\"", "\"dot1q-tunnel\""},
		{"vlan-mode", "\"acess\"",
			"!acess is not one of access, trunk, native-tagged, native-untagged, "
			"dot1q-tunnel"},
		{"priority-tags", "\"never\"", "default"},
		{"mac", "\"02:AB:00:00:00:01\"", "\"02:ab:00:00:00:01\""},
		{"mac", "\"01:00:00:00:00:01\"", "!01:00:00:00:00:01 is a group address"},
		{"mac", "\"00:00:00:00:00:00\"", "!00:00:00:00:00:00 is no station's address"},
		{"mac", "\"02:00:00:00:00\"",
			"!02:00:00:00:00 is not a MAC address (xx:xx:xx:xx:xx:xx)"},
		{"file", "\"/tmp/a.pcap\"", "\"/tmp/a.pcap\""},
		{"file", "\"a.pcap\"", "!a.pcap is not an absolute path"},
		{"file", "\"/\"", "!/ is not an absolute path"},
		{"file", "\"/a\\nb\"", "!/a?b has a control character"},
		{"peer", "\"p 1\"", "!p 1 is not a name of letters, digits and ._-:+@"},
		{"peer", "\"-p\"", "!-p is not a name"},
		{"peer", "\"..\"", "!.. is not a name"},
		{"external-ids", "{\"a\": \"b\"}", "{\"a\":\"b\"}"},
		{"external-ids", "{}", "default"},
		{"external-ids", "{\"a\": null}", "default"},
		{"external-ids", "{\"a\": 1}", "!1 is not a string"},
		{"external-ids", "\"a\"", "!a is not an object of strings"},
	};
	char out[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			port_key(cases[i].key, cases[i].in, out, sizeof(out)), cases[i].out);
}

/* A whole port from what was given over a base, as JSON or a complaint. */
static const char *port_object(const char *base, const char *given, char *out, size_t len)
{
	struct refusal r = REFUSAL_INIT;
	json_t *b = json_loads(base, 0, NULL), *g = json_loads(given, 0, NULL), *object = NULL;

	assert_non_null(b);
	assert_non_null(g);
	if (schema_edit(CONFIG_PORT, b, g, &object, &r) || schema_check(CONFIG_PORT, object, &r)) {
		snprintf(out, len, "!%s", strbuf_str(&r.text));
	} else {
		char *text = json_dumps(object, JSON_COMPACT);

		snprintf(out, len, "%s", text);
		free(text);
	}
	json_decref(object);
	json_decref(b);
	json_decref(g);
	refusal_fini(&r);
	return out;
}

#define TAP "{\"name\": \"vm1\", \"bridge\": \"br0\", \"type\": \"tap\", \"ofport\": 1}"

static void ports_become_canonical_or_a_complaint(void **state)
{
	static const struct {
		const char *base, *given, *out;
	} cases[] = {
		{TAP, "{\"isolated\": true, \"tag\": \"5\", \"mtu\": 1400}",
			"{\"name\":\"vm1\",\"bridge\":\"br0\",\"type\":\"tap\",\"ofport\":1,"
			"\"tag\":5,\"isolated\":true,\"mtu\":1400}"},
		{"{\"name\": \"vm1\", \"bridge\": \"br0\", \"type\": \"tap\", \"tag\": 5}",
			"{\"tag\": null}",
			"{\"name\":\"vm1\",\"bridge\":\"br0\",\"type\":\"tap\"}"},
		{TAP, "{\"tga\": 5}", "!unknown key 'tga' (did you mean 'tag'?)"},
		{TAP, "{\"trunk\": 5}", "!unknown key 'trunk' (did you mean 'trunks'?)"},
		{TAP, "{\"colour\": 5}", "!unknown key 'colour'"},
		{TAP, "{\"tag\": 4095}", "!tag: 4095 is not a VLAN (1-4094)"},
		{TAP, "{\"type\": \"patch\"}",
			"!type: cannot be changed; delete the port and add it again"},
		{TAP, "{\"type\": \"tap\", \"ofport\": \"1\"}",
			"{\"name\":\"vm1\",\"bridge\":\"br0\",\"type\":\"tap\",\"ofport\":1}"},
		{TAP, "{\"ofport\": null}",
			"!ofport: cannot be changed; delete the port and add it again"},
		{TAP, "{\"peer\": \"p\"}", "!peer: is not a key of type tap"},
		{TAP, "{\"tag\": 1, \"vlan-mode\": \"trunk\"}",
			"!tag: a trunk has none (vlan-mode=native-tagged or native-untagged has)"},
		{TAP, "{\"tag\": 1, \"trunks\": \"2\"}",
			"!trunks: a port of vlan-mode access has none (native-tagged and "
			"native-untagged have a tag and trunks)"},
		{TAP, "{\"vlan-mode\": \"access\"}", "!vlan-mode: access needs a tag"},
		{TAP, "{\"vlan-mode\": \"native-tagged\", \"trunks\": \"2\"}",
			"!vlan-mode: native-tagged needs a tag"},
		{TAP, "{\"tag\": 3, \"cvlans\": \"2\"}",
			"!cvlans: only vlan-mode dot1q-tunnel has them"},
		{TAP, "{\"tag\": 3, \"cvlans\": \"2\", \"vlan-mode\": \"dot1q-tunnel\"}",
			"{\"name\":\"vm1\",\"bridge\":\"br0\",\"type\":\"tap\",\"ofport\":1,"
			"\"tag\":3,\"vlan-mode\":\"dot1q-tunnel\",\"cvlans\":\"2\"}"},
		{TAP, "{\"external-id.vm\": \"a\", \"external-id.os\": \"b\"}",
			"{\"name\":\"vm1\",\"bridge\":\"br0\",\"type\":\"tap\",\"ofport\":1,"
			"\"external-ids\":{\"vm\":\"a\",\"os\":\"b\"}}"},
		{"{\"name\": \"a\", \"bridge\": \"b\", \"type\": \"tap\", \"external-ids\": "
		 "{\"vm\": \"a\"}}",
			"{\"external-id.vm\": null}",
			"{\"name\":\"a\",\"bridge\":\"b\",\"type\":\"tap\"}"},
		{TAP, "{\"external-id.\": \"a\"}",
			"!external-id.: '' is not a key of 1 to 255 bytes"},
		{"{\"name\": \"sixteen-bytes-ab\", \"bridge\": \"b\", \"type\": \"tap\"}", "{}",
			"!name: sixteen-bytes-ab is longer than 15 bytes, which a port of type tap "
			"may have"},
		{"{\"name\": \"sixteen-bytes-ab\", \"bridge\": \"b\", \"type\": \"patch\"}",
			"{\"peer\": \"x\"}",
			"{\"name\":\"sixteen-bytes-ab\",\"bridge\":\"b\",\"type\":\"patch\","
			"\"peer\":\"x\"}"},
		{"{\"name\": \"a:b\", \"bridge\": \"b\", \"type\": \"netdev\"}", "{}",
			"!name: a:b: no interface has a colon in its name"},
		{"{\"name\": \"p\", \"bridge\": \"b\", \"type\": \"patch\"}", "{}",
			"!peer: is missing; type patch needs it"},
		{"{\"name\": \"p\", \"bridge\": \"b\", \"type\": \"patch\"}", "{\"peer\": \"p\"}",
			"!peer: p is the port itself"},
		{"{\"name\": \"p\", \"bridge\": \"b\", \"type\": \"pcap\"}", "{}",
			"!file: is missing; type pcap needs file or record"},
		{"{\"name\": \"p\", \"bridge\": \"b\", \"type\": \"pcap\"}",
			"{\"record\": \"/r\", \"rate\": 5}", "!rate: is for a 'file' to play"},
	};
	char out[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			port_object(cases[i].base, cases[i].given, out, sizeof(out)), cases[i].out);
}

static void names_have_lengths_and_characters(void **state)
{
	struct refusal r = REFUSAL_INIT;

	assert_int_equal(schema_name("bridge", "br0", 15, &r), 0);
	assert_int_equal(schema_name("port", "a.b_c-d:e+f@g", 63, &r), 0);
	assert_int_not_equal(schema_name("bridge", "", 15, &r), 0);
	assert_string_equal(strbuf_str(&r.text), "bridge: the name is empty");
	assert_int_not_equal(schema_name("bridge", "sixteen-bytes-ab", 15, &r), 0);
	assert_string_equal(
		strbuf_str(&r.text), "bridge: sixteen-bytes-ab is longer than 15 bytes");
	assert_string_equal(strbuf_str(&r.word), "sixteen-bytes-ab");
	assert_int_not_equal(schema_name("port", "a/b", 63, &r), 0);
	assert_int_not_equal(schema_name("port", "\xc3\xa4", 63, &r), 0);
	refusal_fini(&r);
}

static void long_words_are_cut_between_characters(void **state)
{
	struct refusal r = REFUSAL_INIT;
	char word[1001];

	for (int i = 0; i < 1000; i += 2)
		memcpy(word + i, "\xc3\xa4", 2);
	word[1000] = '\0';
	for (int shift = 0; shift < 2; shift++) {
		refuse(&r, REFUSED_BAD, word, "%s%s is bad", shift ? "x" : "", word);
		assert_true(r.text.len <= REFUSAL_TEXT_MAX + 3);
		assert_true(r.word.len <= REFUSAL_WORD_MAX + 3);
		json_t *text = json_string(strbuf_str(&r.text));
		assert_non_null(text); /* valid UTF-8 */
		json_decref(text);
	}
	refusal_fini(&r);
}

static void objects_become_what_the_dataplane_takes(void **state)
{
	json_t *port = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:i, s:b}", "name",
		"vm1", "bridge", "br0", "type", "tap", "ofport", 7, "tag", 9, "vlan-mode",
		"native-untagged", "trunks", "10,20-22", "storm-broadcast", 1000, "mac",
		"02:00:00:00:00:07", "mac-limit", 33, "offload", 0);
	struct port_conf conf;
	struct bport_conf bconf;

	schema_port_conf(port, &conf);
	schema_bport_conf(port, &bconf);
	assert_string_equal(conf.name, "vm1");
	assert_ptr_equal(conf.ops, port_type_lookup("tap"));
	assert_true(conf.has_mac && conf.mac.b[5] == 7);
	assert_int_equal(conf.queues, 1);
	assert_int_equal(conf.mtu, 0);
	assert_true(conf.offloads_off);
	assert_int_equal(schema_ofport(port), 7);
	assert_int_equal(bconf.vlan.mode, VLAN_NATIVE_UNTAGGED);
	assert_int_equal(bconf.vlan.tag, 9);
	assert_false(bconf.vlan.all_trunks);
	assert_true(bconf.vlan.all_cvlans);
	assert_true(vlan_set_has(bconf.vlan.trunks, 21));
	assert_false(vlan_set_has(bconf.vlan.trunks, 23));
	assert_int_equal(bconf.storm.broadcast.rate, 1000);
	assert_int_equal(bconf.storm.unknown.rate, 0);
	assert_int_equal(bconf.fdb_limit, 33);
	json_decref(port);

	json_t *bridge = json_pack("{s:s, s:s, s:i, s:b}", "name", "br0", "mac",
		"02:00:00:00:00:09", "mac-age", 0, "forward-bpdu", 1);
	struct bridge_conf br;
	schema_bridge_conf(bridge, &br);
	assert_string_equal(br.name, "br0");
	assert_int_equal(br.mac_age_s, 0);
	assert_int_equal(br.mac_limit, 65536);
	assert_true(br.forward_bpdu);
	schema_internal_conf(bridge, NULL, &conf, &bconf);
	assert_ptr_equal(conf.ops, port_type_lookup("internal"));
	assert_int_equal(conf.mtu, 1500);
	assert_true(conf.has_mac && conf.mac.b[5] == 9);
	assert_false(conf.offloads_off);
	assert_int_equal(bconf.vlan.mode, VLAN_TRUNK);
	assert_true(bconf.vlan.all_trunks && bconf.vlan.all_cvlans);
	json_t *internal = json_pack("{s:s, s:s, s:s, s:i, s:b, s:i}", "name", "br0", "bridge",
		"br0", "type", "internal", "tag", 10, "isolated", 1, "storm-unknown", 50);
	schema_internal_conf(bridge, internal, &conf, &bconf);
	assert_int_equal(conf.mtu, 1500);
	assert_true(conf.has_mac && conf.mac.b[5] == 9);
	assert_int_equal(bconf.vlan.mode, VLAN_ACCESS);
	assert_int_equal(bconf.vlan.tag, 10);
	assert_true(bconf.isolated);
	assert_int_equal(bconf.storm.unknown.rate, 50);
	json_decref(internal);
	json_decref(bridge);
}

/* The table of keys and the code below agree on types, modes and limits. */
static void tables_of_the_layers_agree(void **state)
{
	for (unsigned i = 0; i < CONFIG_TYPES; i++) {
		const struct port_ops *ops = port_type_lookup(config_port_types[i]);

		assert_non_null(ops);
		assert_int_equal(ops->kernel_interface, CONFIG_TYPES_KERNEL >> i & 1);
	}
	assert_null(config_port_types[CONFIG_TYPES]);
	const struct config_key *mode = config_key_lookup(CONFIG_PORT, "vlan-mode");
	for (const char *const *w = mode->words; *w; w++) {
		enum vlan_mode m;

		assert_int_equal(vlan_mode_parse(*w, &m), 0);
	}
	assert_int_equal(CONFIG_MTU_MAX, PORT_MTU_MAX);
	assert_int_equal(CONFIG_MTU_MIN, PORT_MTU_MIN);
	assert_int_equal(CONFIG_QUEUES_MAX, PORT_QUEUES_MAX);
	assert_int_equal(CONFIG_MAC_LIMIT_MAX, FDB_ENTRIES_MAX);
	assert_int_equal(CONFIG_OFPORT_MAX, OFPORT_MAX);
	assert_int_equal(CONFIG_PORT_NAME_MAX, PORT_NAME_MAX);
	assert_int_equal(CONFIG_BRIDGE_NAME_MAX, BRIDGE_NAME_MAX);
}

static void every_default_is_a_value_that_is_left_out(void **state)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		for (const struct config_key *k = config_keys(kind); k->name; k++) {
			struct refusal r = REFUSAL_INIT;
			json_t *out = NULL, *in = k->def ? json_string(k->def) : NULL;

			if (in)
				assert_int_equal(schema_value(k, in, &out, &r), 0);
			assert_null(out);
			assert_non_null(k->about);
			json_decref(in);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_canonical_or_a_complaint),
		cmocka_unit_test(ports_become_canonical_or_a_complaint),
		cmocka_unit_test(names_have_lengths_and_characters),
		cmocka_unit_test(long_words_are_cut_between_characters),
		cmocka_unit_test(objects_become_what_the_dataplane_takes),
		cmocka_unit_test(tables_of_the_layers_agree),
		cmocka_unit_test(every_default_is_a_value_that_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
