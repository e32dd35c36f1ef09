/* Operations on the desired state: what they answer, what they refuse, and that what
 * they refuse leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge.h"
#include "change.h"
#include "clock.h"

static bool interface_exists(const char *name)
{
	return !strncmp(name, "eth", 3);
}

static void random_mac(uint8_t mac[6])
{
	static uint8_t n;

	memset(mac, 0xff, 6);
	mac[5] = ++n;
}

static const struct config_env env = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static int setup(void **state)
{
	struct config *c;

	config_create(&env, &c);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	config_destroy(*state);
	return 0;
}

static char *export_text(struct config *c)
{
	json_t *doc = config_export(c);
	char *text = json_dumps(doc, JSON_COMPACT);

	json_decref(doc);
	return text;
}

/* One operation as a transaction of its own; the code, and the message in 'said'. */
static char said[REFUSAL_TEXT_MAX + 8];

static int op_in(struct config_tx *tx, const char *method, const char *params, json_t **result,
	struct refusal *r)
{
	json_error_t error;
	json_t *json = json_loads(params, 0, &error);

	if (!json)
		fail_msg("%s: %s", params, error.text);
	assert_non_null(change_lookup(method));
	int rc = change_lookup(method)(tx, json, result, r);
	json_decref(json);
	return rc;
}

static int op_result(struct config *c, const char *method, const char *params, json_t **result)
{
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	char *before = export_text(c);

	*result = NULL;
	config_tx_init(c, &tx);
	if (op_in(&tx, method, params, result, &r) || config_tx_check(&tx, &r)) {
		config_tx_undo(&tx);
		char *after = export_text(c);
		assert_string_equal(before, after); /* refused: no trace */
		free(after);
	}
	config_tx_fini(&tx);
	int code = r.code;
	snprintf(said, sizeof(said), "%s", strbuf_str(&r.text));
	refusal_fini(&r);
	free(before);
	return code;
}

static int op(struct config *c, const char *method, const char *params)
{
	json_t *result;
	int code = op_result(c, method, params, &result);

	json_decref(result);
	return code;
}

static const char *port_text(struct config *c, const char *name, const char *key)
{
	return json_string_value(json_object_get(config_get(c, CONFIG_PORT, name), key));
}

static int ofport(struct config *c, const char *name)
{
	return (int)json_integer_value(json_object_get(config_get(c, CONFIG_PORT, name), "ofport"));
}

#define OK(method, params) assert_int_equal(op(c, method, params), 0)
#define REFUSED(method, params, code, text)                                                        \
	do {                                                                                       \
		assert_int_equal(op(c, method, params), code);                                     \
		assert_string_equal(said, text);                                                   \
	} while (0)

static void bridge_gets_address_and_dpid_once(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	const json_t *br = config_get(c, CONFIG_BRIDGE, "br0");
	const char *mac = json_string_value(json_object_get(br, "mac"));
	assert_int_equal(strncmp(mac, "fe:ff:ff:ff:ff:", 15), 0); /* local, unicast */
	char dpid[17];
	snprintf(dpid, sizeof(dpid), "0000feffffffff%.2s", mac + 15);
	assert_string_equal(json_string_value(json_object_get(br, "dpid")), dpid);

	char *mac_before = strdup(mac);
	OK("bridge.set", "{\"name\": \"br0\", \"mac-age\": \"10\", \"mac\": null}");
	br = config_get(c, CONFIG_BRIDGE, "br0");
	assert_string_equal(json_string_value(json_object_get(br, "mac")), mac_before);
	assert_int_equal(json_integer_value(json_object_get(br, "mac-age")), 10);
	free(mac_before);
	OK("bridge.set", "{\"name\": \"br0\", \"mac-age\": \"300\"}");
	assert_null(json_object_get(config_get(c, CONFIG_BRIDGE, "br0"), "mac-age"));
}

static void port_type_and_number_are_chosen_once(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("bridge.add", "{\"name\": \"br1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"eth1\"}");
	OK("port.add", "{\"bridge\": \"br1\", \"name\": \"vm2\"}");
	assert_string_equal(port_text(c, "vm1", "type"), "tap");
	assert_string_equal(port_text(c, "eth1", "type"), "netdev");
	assert_non_null(port_text(c, "vm1", "mac"));
	assert_null(port_text(c, "eth1", "mac"));
	assert_int_equal(ofport(c, "vm1"), 1);
	assert_int_equal(ofport(c, "eth1"), 2);
	assert_int_equal(ofport(c, "vm2"), 1);
	OK("port.del", "{\"name\": \"vm1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm3\", \"ofport\": 200}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm4\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm5\"}");
	assert_int_equal(ofport(c, "vm4"), 1); /* the lowest that is free */
	assert_int_equal(ofport(c, "vm5"), 3);
}

static void refusals_name_the_word_and_leave_no_trace(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("bridge.add", "{\"name\": \"br1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	REFUSED("bridge.add", "{\"name\": \"br0\"}", 3, "bridge br0 exists already");
	REFUSED("bridge.add", "{\"name\": \"a/b\"}", 1,
		"bridge: a/b is not a name of letters, digits and ._-:+@");
	REFUSED("bridge.add", "{}", -32602, "'name' is missing");
	REFUSED("bridge.add", "{\"name\": 7}", -32602, "'name' is not a string");
	REFUSED("bridge.set", "{\"name\": \"br0\", \"dpid\": \"xyz\"}", 1,
		"bridge br0: dpid: xyz is not a datapath id (1 to 16 hexadecimal digits)");
	REFUSED("bridge.set", "{\"name\": \"br9\"}", 2, "no bridge is named br9");
	REFUSED("bridge.del", "{\"name\": \"br9\"}", 2, "no bridge is named br9");
	REFUSED("bridge.del", "{\"name\": \"br0\", \"force\": true}", -32602,
		"unknown parameter 'force'");
	REFUSED("bridge.add", "{\"name\": \"vm1\"}", 3, "bridge vm1: a port is named vm1");
	REFUSED("port.add", "{\"bridge\": \"br9\", \"name\": \"x\"}", 2, "no bridge is named br9");
	REFUSED("port.add", "{\"bridge\": \"br1\", \"name\": \"vm1\"}", 3,
		"port vm1 is in bridge br0 already");
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}", 3,
		"port vm1 exists already");
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"br1\"}", 3,
		"port br1: a bridge is named br1");
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"vm2\", \"ofport\": 1}", 3,
		"port vm2: ofport: 1 is port vm1's in bridge br0");
	REFUSED("port.set", "{\"name\": \"vm1\", \"tag\": 4095}", 1,
		"port vm1: tag: 4095 is not a VLAN (1-4094)");
	REFUSED("port.set", "{\"name\": \"vm1\", \"bridge\": \"br1\"}", 1,
		"port vm1: bridge: cannot be changed; delete the port and add it again");
	REFUSED("port.set", "{\"name\": \"vm9\", \"tag\": 1}", 2, "no port is named vm9");
	REFUSED("port.del", "{\"name\": \"br0\"}", 1,
		"port br0 is the internal port of its bridge and goes with it");
	REFUSED("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"x\"}",
		2, "fdb br0 02:00:00:00:00:01 vlan 0: no port is named x");
	REFUSED("fdb.add",
		"{\"bridge\": \"br1\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"vm1\"}", 1,
		"fdb br1 02:00:00:00:00:01 vlan 0: port vm1 is in bridge br0");
	REFUSED("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"ff:00:00:00:00:01\"}", 1,
		"fdb: mac: ff:00:00:00:00:01 is a group address");
	REFUSED("fdb.del", "{\"bridge\": \"br9\", \"mac\": \"02:00:00:00:00:01\"}", 2,
		"no bridge is named br9");
}

static void name_that_was_perhaps_meant_is_told(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"lan\"}");
	OK("port.add", "{\"bridge\": \"lan\", \"name\": \"web1\"}");
	REFUSED("port.set", "{\"name\": \"wbe1\", \"tag\": 1}", 2,
		"no port is named wbe1 (did you mean 'web1'?)");
	REFUSED("port.del", "{\"name\": \"lann\"}", 2,
		"no port is named lann (did you mean 'lan'?)"); /* its internal one */
	REFUSED("port.add", "{\"bridge\": \"lna\", \"name\": \"x\"}", 2,
		"no bridge is named lna (did you mean 'lan'?)");
	REFUSED("bridge.del", "{\"name\": \"web\"}", 2, "no bridge is named web");
	/* another number is no misspelling */
	REFUSED("port.del", "{\"name\": \"web2\"}", 2, "no port is named web2");
	REFUSED("port.del", "{\"name\": \"web12\"}", 2, "no port is named web12");
	REFUSED("port.del", "{\"name\": \"web1\", \"if-exist\": true}", -32602,
		"unknown parameter 'if-exist' (did you mean 'if-exists'?)");
	OK("port.add", "{\"bridge\": \"lan\", \"name\": \"wb21\"}"); /* as near */
	REFUSED("port.set", "{\"name\": \"wbb1\", \"tag\": 1}", 2,
		"no port is named wbb1 (did you mean 'web1'?)");
}

static void may_exist_and_if_exists_repeat_harmlessly(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\", \"may-exist\": true}");
	OK("bridge.add", "{\"name\": \"br0\", \"may-exist\": \"true\", \"mtu\": 9000}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\", \"may-exist\": true}");
	char *before = export_text(c);
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\", \"may-exist\": true}");
	char *after = export_text(c);
	assert_string_equal(before, after);
	free(before);
	free(after);
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\", \"may-exist\": true, \"tag\": 4}");
	assert_int_equal(
		json_integer_value(json_object_get(config_get(c, CONFIG_PORT, "vm1"), "tag")), 4);
	json_t *result;
	assert_int_equal(
		op_result(c, "port.del", "{\"name\": \"vm1\", \"if-exists\": true}", &result), 0);
	assert_true(json_is_true(json_object_get(result, "removed")));
	json_decref(result);
	assert_int_equal(
		op_result(c, "port.del", "{\"name\": \"vm1\", \"if-exists\": true}", &result), 0);
	assert_true(json_is_false(json_object_get(result, "removed")));
	json_decref(result);
}

static void what_belongs_to_it_goes_with_it(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("bridge.add", "{\"name\": \"br1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm2\"}");
	OK("port.add", "{\"bridge\": \"br1\", \"name\": \"vm3\"}");
	for (int i = 1; i <= 3; i++) {
		char params[128];

		snprintf(params, sizeof(params),
			"{\"bridge\": \"br%d\", \"mac\": \"02:00:00:00:00:0%d\", \"port\": "
			"\"vm%d\", \"vlan\": %d}",
			i / 3, i, i, i);
		OK("fdb.add", params);
	}
	OK("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:08\", \"port\": \"br0\"}");
	OK("port.del", "{\"name\": \"vm1\"}");
	assert_int_equal(config_count(c, CONFIG_FDB), 3);
	OK("bridge.del", "{\"name\": \"br0\"}");
	assert_int_equal(config_count(c, CONFIG_BRIDGE), 1);
	assert_int_equal(config_count(c, CONFIG_PORT), 1);
	assert_int_equal(config_count(c, CONFIG_FDB), 1);
	assert_non_null(config_get(c, CONFIG_FDB, "br1 02:00:00:00:00:03 vlan 3"));
}

/* A bridge's own port is there as long as the bridge; what is set of it is kept like
 * another port's, and what is default is nowhere. */
static void internal_port_has_settings_of_its_own(void **state)
{
	struct config *c = *state;
	json_t *result;

	OK("bridge.add", "{\"name\": \"br0\", \"mac\": \"02:00:00:00:00:01\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	OK("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:09\", \"port\": \"br0\"}");
	OK("port.set", "{\"name\": \"br0\", \"tag\": \"10\", \"isolated\": true}");
	const json_t *port = config_get(c, CONFIG_PORT, "br0");
	char *text = json_dumps(port, JSON_COMPACT);
	assert_string_equal(text, "{\"name\":\"br0\",\"bridge\":\"br0\",\"type\":\"internal\","
				  "\"tag\":10,\"isolated\":true}");
	free(text);
	/* it is no port that somebody added, and takes no number */
	assert_int_equal(config_ports(c), 1);
	assert_int_equal(config_bridge_ports(c, "br0"), 1);
	OK("port.add",
		"{\"bridge\": \"br0\", \"name\": \"br0\", \"may-exist\": true, \"tag\": 11}");
	assert_int_equal(
		json_integer_value(json_object_get(config_get(c, CONFIG_PORT, "br0"), "tag")), 11);

	/* what is the bridge's goes there */
	assert_int_equal(
		op_result(c, "port.set", "{\"name\": \"br0\", \"mtu\": 9000, \"storm-unknown\": 7}",
			&result),
		0);
	json_decref(result);
	assert_int_equal(
		json_integer_value(json_object_get(config_get(c, CONFIG_BRIDGE, "br0"), "mtu")),
		9000);
	assert_null(json_object_get(config_get(c, CONFIG_PORT, "br0"), "mtu"));

	REFUSED("port.set", "{\"name\": \"br0\", \"mtu\": 9}", 1,
		"bridge br0: mtu: 9 is not a number from 68 to 65521");
	REFUSED("port.set", "{\"name\": \"br0\", \"mtu\": 1400, \"tag\": 4095}", 1,
		"port br0: tag: 4095 is not a VLAN (1-4094)");
	REFUSED("port.set", "{\"name\": \"br0\", \"ofport\": 5}", 1,
		"port br0: ofport: an internal port's is always 65534");
	REFUSED("port.set", "{\"name\": \"br0\", \"queues\": 2}", 1,
		"port br0: queues: is not a key of type internal");
	REFUSED("port.set", "{\"name\": \"br0\", \"type\": \"tap\"}", 1,
		"port br0: type: cannot be changed; delete the port and add it again");
	REFUSED("port.set", "{\"name\": \"br0\", \"bridge\": \"br0\"}", 1,
		"port br0: bridge: cannot be changed; delete the port and add it again");
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"br0\"}", 3,
		"port br0 exists already");
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"x\", \"type\": \"internal\"}", 1,
		"port x: type: internal is the one port that has its bridge's name (type tap is "
		"an interface for the host, too)");
	REFUSED("port.del", "{\"name\": \"br0\"}", 1,
		"port br0 is the internal port of its bridge and goes with it");
	REFUSED("bridge.add", "{\"name\": \"br0\"}", 3, "bridge br0 exists already");

	/* back to the defaults: no object; its addresses stay */
	OK("port.set",
		"{\"name\": \"br0\", \"tag\": null, \"isolated\": false, \"storm-unknown\": 0}");
	assert_null(config_get(c, CONFIG_PORT, "br0"));
	assert_int_equal(config_count(c, CONFIG_FDB), 1);

	OK("port.set", "{\"name\": \"br0\", \"tag\": 10}");
	OK("bridge.del", "{\"name\": \"br0\"}");
	assert_int_equal(config_count(c, CONFIG_PORT), 0);
	assert_int_equal(config_ports(c), 0);
}

static void address_without_vlan_is_deleted_in_all(void **state)
{
	struct config *c = *state;
	json_t *result;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	OK("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"vm1\"}");
	OK("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"vm1\", "
		      "\"vlan\": 5}");
	OK("fdb.add", "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"vm1\", "
		      "\"vlan\": 6}");
	assert_int_equal(
		op_result(c, "fdb.del",
			"{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"vlan\": 5}",
			&result),
		0);
	assert_int_equal(json_integer_value(json_object_get(result, "removed")), 1);
	json_decref(result);
	assert_int_equal(op_result(c, "fdb.del",
				 "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\"}", &result),
		0);
	assert_int_equal(json_integer_value(json_object_get(result, "removed")), 2);
	json_decref(result);
}

static void patch_ports_agree_about_each_other(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\"}");
	REFUSED("port.add",
		"{\"bridge\": \"br0\", \"name\": \"p\", \"type\": \"patch\", \"peer\": \"vm1\"}", 1,
		"port p: peer: port vm1 is not of type patch");
	REFUSED("port.add",
		"{\"bridge\": \"br0\", \"name\": \"p\", \"type\": \"patch\", \"peer\": \"br0\"}", 1,
		"port p: peer: br0 is a bridge");
	OK("port.add",
		"{\"bridge\": \"br0\", \"name\": \"p\", \"type\": \"patch\", \"peer\": \"q\"}");
	REFUSED("port.add",
		"{\"bridge\": \"br0\", \"name\": \"r\", \"type\": \"patch\", \"peer\": \"p\"}", 1,
		"port r: peer: port p has peer q");
	OK("port.add",
		"{\"bridge\": \"br0\", \"name\": \"q\", \"type\": \"patch\", \"peer\": \"p\"}");
}

static void bridge_has_room_for_so_many_ports(void **state)
{
	struct config *c = *state;
	char params[96];

	OK("bridge.add", "{\"name\": \"br0\"}");
	for (int i = 0; i < BRIDGE_PORTS_MAX - 1; i++) {
		json_t *result;

		snprintf(params, sizeof(params), "{\"bridge\": \"br0\", \"name\": \"t%d\"}", i);
		struct config_tx tx;
		struct refusal r = REFUSAL_INIT;
		config_tx_init(c, &tx);
		assert_int_equal(op_in(&tx, "port.add", params, &result, &r), 0);
		assert_int_equal(config_tx_check(&tx, &r), 0);
		config_tx_fini(&tx);
		json_decref(result);
	}
	REFUSED("port.add", "{\"bridge\": \"br0\", \"name\": \"one-more\"}", 6,
		"port one-more: bridge br0 has no room for it (4096 ports with its internal one)");
}

/* The cost of a change does not grow with the configuration: some hundred changes to one
 * port among 50,000 take a moment, where each dump of all would take many. */
static void change_among_very_many_ports_is_cheap(void **state)
{
	struct config *c = *state;
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	char params[96];
	json_t *result;

	config_tx_init(c, &tx);
	for (int b = 0; b < 25; b++) {
		snprintf(params, sizeof(params), "{\"name\": \"br%d\"}", b);
		assert_int_equal(op_in(&tx, "bridge.add", params, &result, &r), 0);
		json_decref(result);
		for (int i = 0; i < 2000; i++) {
			snprintf(params, sizeof(params),
				"{\"bridge\": \"br%d\", \"name\": \"t%d.%d\"}", b, b, i);
			assert_int_equal(op_in(&tx, "port.add", params, &result, &r), 0);
			json_decref(result);
		}
	}
	assert_int_equal(config_tx_check(&tx, &r), 0);
	config_tx_fini(&tx);
	uint64_t start = clock_now_ns();
	char *all = export_text(c);
	uint64_t one_dump = clock_now_ns() - start;
	free(all);
	start = clock_now_ns();
	for (int i = 0; i < 100; i++) {
		snprintf(params, sizeof(params), "{\"name\": \"t7.7\", \"tag\": %d}", i + 1);
		config_tx_init(c, &tx);
		assert_int_equal(op_in(&tx, "port.set", params, &result, &r), 0);
		assert_int_equal(config_tx_check(&tx, &r), 0);
		json_decref(result);
		if (i % 2)
			config_tx_undo(&tx);
		config_tx_fini(&tx);
	}
	uint64_t changes = clock_now_ns() - start;
	assert_true(changes < one_dump);
}

static void batch_is_checked_as_a_whole_and_undone_as_a_whole(void **state)
{
	struct config *c = *state;
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	json_t *result;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"vm1\", \"ofport\": 5}");
	char *before = export_text(c);
	config_tx_init(c, &tx);
	static const char *const ops[][2] = {
		{"bridge.add", "{\"name\": \"br1\"}"},
		{"port.del", "{\"name\": \"vm1\"}"},
		{"port.add", "{\"bridge\": \"br1\", \"name\": \"vm1\", \"tag\": 4}"},
		{"bridge.set", "{\"name\": \"br0\", \"mtu\": 9000}"},
		{"bridge.del", "{\"name\": \"br0\"}"},
		{"bridge.add", "{\"name\": \"br0\"}"},
		{"fdb.add", "{\"bridge\": \"br1\", \"mac\": \"02:00:00:00:00:01\", \"port\": "
			    "\"vm1\"}"},
		{"port.add", "{\"bridge\": \"br0\", \"name\": \"vm2\", \"type\": \"patch\", "
			     "\"peer\": \"vm1\"}"},
	};
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		tx.op = i;
		assert_int_equal(op_in(&tx, ops[i][0], ops[i][1], &result, &r), 0);
		json_decref(result);
	}
	assert_int_not_equal(config_tx_check(&tx, &r), 0);
	assert_string_equal(strbuf_str(&r.text), "port vm2: peer: port vm1 is not of type patch");
	assert_int_equal(tx.culprit, 7);
	config_tx_undo(&tx);
	config_tx_fini(&tx);
	refusal_fini(&r);
	char *after = export_text(c);
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_int_equal(config_bridge_ports(c, "br0"), 1);
	assert_int_equal(config_bridge_ports(c, "br1"), 0);
	assert_int_equal(config_ofport_users(c, "br0", 5), 1);
	assert_int_equal(config_port_addresses(c, "vm1"), 0);
	assert_int_equal(config_ofport_free(c, "br0"), 1);
}

#define DOC(bridges, ports, fdb)                                                                   \
	"{\"document\": {\"version\": 1, \"bridges\": [" bridges "], \"ports\": [" ports           \
	"], \"fdb\": [" fdb "]}}"

static size_t n_changes(struct config *c, const char *params)
{
	json_t *result;

	if (op_result(c, "config.apply", params, &result))
		fail_msg("%s", said);
	size_t n = json_array_size(json_object_get(result, "changes"));
	json_decref(result);
	return n;
}

static void apply_makes_it_so_and_twice_is_once(void **state)
{
	struct config *c = *state;
	const char *doc = DOC("{\"name\": \"br0\"}",
		"{\"name\": \"a\", \"bridge\": \"br0\"}, {\"name\": \"b\", \"bridge\": \"br0\", "
		"\"ofport\": 1, \"tag\": \"5\"}",
		"{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"port\": \"a\"}");

	OK("bridge.add", "{\"name\": \"old\"}");
	OK("port.add", "{\"bridge\": \"old\", \"name\": \"gone\"}");
	assert_int_equal(n_changes(c, doc), 6);
	assert_int_equal(ofport(c, "b"), 1);
	assert_int_equal(ofport(c, "a"), 2); /* given numbers come first */
	assert_int_equal(n_changes(c, doc), 0);

	json_t *params = json_pack("{s:o}", "document", config_export(c));
	char *text = json_dumps(params, 0);
	assert_int_equal(n_changes(c, text), 0);
	free(text);
	json_decref(params);
}

static void apply_sets_internal_ports(void **state)
{
	struct config *c = *state;
	const char *doc = DOC("{\"name\": \"br0\"}, {\"name\": \"br1\"}",
		"{\"name\": \"br0\", \"bridge\": \"br0\", \"tag\": 10}, "
		"{\"name\": \"br1\", \"bridge\": \"br1\", \"type\": \"internal\"}",
		"");
	json_t *result;

	/* also where a port of another kind had the name before */
	OK("bridge.add", "{\"name\": \"old\"}");
	OK("port.add", "{\"bridge\": \"old\", \"name\": \"br0\"}");
	n_changes(c, doc);
	assert_int_equal(n_changes(c, doc), 0);
	assert_string_equal(port_text(c, "br0", "type"), "internal");
	assert_null(config_get(c, CONFIG_PORT, "br1")); /* says nothing */

	/* it is always there: a document sets it, and never adds or deletes it */
	assert_int_equal(
		op_result(c, "config.apply",
			DOC("{\"name\": \"br0\"}, {\"name\": \"br1\"}",
				"{\"name\": \"br1\", \"bridge\": \"br1\", \"isolated\": true}", ""),
			&result),
		0);
	char *text = json_dumps(json_object_get(result, "changes"), JSON_COMPACT);
	assert_string_equal(text, "[{\"action\":\"set\",\"kind\":\"port\",\"name\":\"br0\","
				  "\"keys\":{\"tag\":[10,null]}},"
				  "{\"action\":\"set\",\"kind\":\"port\",\"name\":\"br1\",\"keys\":"
				  "{\"isolated\":[null,true]}}]");
	free(text);
	json_decref(result);

	REFUSED("config.apply",
		DOC("{\"name\": \"br0\"}",
			"{\"name\": \"br1\", \"bridge\": \"br1\", \"isolated\": true}", ""),
		2, "port br1: no bridge is named br1");
	REFUSED("config.apply",
		DOC("{\"name\": \"br0\"}",
			"{\"name\": \"br0\", \"bridge\": \"br0\", \"mtu\": 1400}", ""),
		1, "port br0: mtu: is a key of the bridge ('bridge set br0 mtu=')");
}

static void dry_run_tells_and_does_nothing(void **state)
{
	struct config *c = *state;
	json_t *result;

	OK("bridge.add", "{\"name\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"dpid\": \"1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"eth1\", \"tag\": 5}");
	char *before = export_text(c);
	assert_int_equal(
		op_result(c, "config.apply",
			"{\"dry-run\": true, \"document\": {\"version\": 1, \"bridges\": "
			"[{\"name\": "
			"\"br0\"}], \"ports\": [{\"name\": \"eth1\", \"bridge\": \"br0\", \"mtu\": "
			"9000}], \"fdb\": [{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:09\", "
			"\"port\": \"eth1\", \"vlan\": 3}]}}",
			&result),
		0);
	char *text = json_dumps(result, JSON_COMPACT);
	assert_string_equal(text,
		"{\"changes\":[{\"action\":\"set\",\"kind\":\"port\",\"name\":\"eth1\",\"keys\":"
		"{\"tag\":[5,null],\"mtu\":[null,9000]}},{\"action\":\"add\",\"kind\":\"fdb\","
		"\"name\":\"br0 02:00:00:00:00:09 vlan 3\",\"keys\":{\"bridge\":[null,\"br0\"],"
		"\"mac\":[null,\"02:00:00:00:00:09\"],\"vlan\":[null,3],\"port\":[null,\"eth1\"]}}"
		"]}");
	free(text);
	json_decref(result);
	char *after = export_text(c);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void apply_refuses_documents_that_are_wrong(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	REFUSED("config.apply", "{}", -32602, "'document' is not an object");
	REFUSED("config.apply", "{\"document\": {\"version\": 2}}", 1,
		"document: 'version' is not 1");
	REFUSED("config.apply", "{\"document\": {\"version\": 1, \"bridge\": []}}", -32602,
		"document: unknown parameter 'bridge' (did you mean 'bridges'?)");
	REFUSED("config.apply", "{\"document\": {\"version\": 1, \"bridges\": [], \"fdb\": []}}", 1,
		"document: 'ports' is missing");
	REFUSED("config.apply", DOC("7", "", ""), 1, "document: bridges[0]: is not an object");
	REFUSED("config.apply", DOC("{\"nam\": \"x\"}", "", ""), -32602,
		"document: bridges[0]: 'name' is missing");
	REFUSED("config.apply", DOC("{\"name\": \"a\"}, {\"name\": \"a\"}", "", ""), 3,
		"document: bridge a is there twice");
	REFUSED("config.apply", DOC("", "{\"name\": \"a\", \"bridge\": \"b\"}", ""), 2,
		"port a: no bridge is named b");
	REFUSED("config.apply",
		DOC("{\"name\": \"a\"}", "{\"name\": \"b\", \"bridge\": \"a\", \"tag\": 0}", ""), 1,
		"port b: tag: 0 is not a VLAN (1-4094)");
}

static void apply_replaces_a_port_by_one_of_another_type(void **state)
{
	struct config *c = *state;

	OK("bridge.add", "{\"name\": \"br0\"}");
	OK("bridge.add", "{\"name\": \"br1\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"a\"}");
	OK("port.add", "{\"bridge\": \"br0\", \"name\": \"b\"}");
	assert_int_equal(ofport(c, "b"), 2);
	assert_int_equal(
		n_changes(c, DOC("{\"name\": \"br0\"}, {\"name\": \"br1\"}",
				     "{\"name\": \"a\", \"bridge\": \"br0\", \"type\": \"patch\", "
				     "\"peer\": \"z\"}, {\"name\": \"b\", \"bridge\": \"br1\"}",
				     "")),
		2);
	assert_string_equal(port_text(c, "a", "type"), "patch");
	assert_null(port_text(c, "a", "mac"));
	assert_int_equal(ofport(c, "a"), 1); /* the number stays with the bridge */
	assert_int_equal(ofport(c, "b"), 1); /* and is another one in another */
	assert_non_null(port_text(c, "b", "mac"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(bridge_gets_address_and_dpid_once),
		T(port_type_and_number_are_chosen_once),
		T(refusals_name_the_word_and_leave_no_trace),
		T(name_that_was_perhaps_meant_is_told),
		T(may_exist_and_if_exists_repeat_harmlessly),
		T(what_belongs_to_it_goes_with_it),
		T(internal_port_has_settings_of_its_own),
		T(address_without_vlan_is_deleted_in_all),
		T(patch_ports_agree_about_each_other),
		T(bridge_has_room_for_so_many_ports),
		T(change_among_very_many_ports_is_cheap),
		T(batch_is_checked_as_a_whole_and_undone_as_a_whole),
		T(apply_makes_it_so_and_twice_is_once),
		T(apply_sets_internal_ports),
		T(dry_run_tells_and_does_nothing),
		T(apply_refuses_documents_that_are_wrong),
		T(apply_replaces_a_port_by_one_of_another_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
