/* Random transactions on the configuration against a naive twin: plain arrays, copied
 * whole before each batch and compared whole after it.  Along the way: undo, export,
 * apply of earlier exports, and that applying what is there changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "change.h"

enum { BRIDGES = 5, PORTS = 20, MACS = 6, VLANS = 2, BATCHES = 20000, SNAPSHOTS = 8 };

struct twin {
	struct {
		bool there;
		int mtu, tag; /* of its internal port */
	} bridge[BRIDGES];
	struct {
		int bridge; /* -1: absent */
		int tag, ofport;
	} port[PORTS];
	int address[BRIDGES][MACS][VLANS]; /* port, -1: absent */
};

static uint64_t rng;

static unsigned roll(unsigned n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rng >> 33) % n;
}

static bool interface_exists(const char *name)
{
	return false;
}

static void random_mac(uint8_t mac[6])
{
	memset(mac, 2, 6);
}

static const struct config_env env = {
	.interface_exists = interface_exists, .random_mac = random_mac};

/* ---- the twin ---- */

static int lowest_free(const struct twin *t, int bridge)
{
	for (int n = 1;; n++) {
		bool used = false;

		for (int p = 0; p < PORTS; p++)
			used |= t->port[p].bridge == bridge && t->port[p].ofport == n;
		if (!used)
			return n;
	}
}

static void twin_del_port(struct twin *t, int p)
{
	t->port[p].bridge = -1;
	for (int b = 0; b < BRIDGES; b++)
		for (int m = 0; m < MACS; m++)
			for (int v = 0; v < VLANS; v++)
				if (t->address[b][m][v] == p)
					t->address[b][m][v] = -1;
}

static void twin_del_bridge(struct twin *t, int b)
{
	t->bridge[b].there = false;
	t->bridge[b].tag = 0;
	memset(t->address[b], 0xff, sizeof(t->address[b]));
	for (int p = 0; p < PORTS; p++)
		if (t->port[p].bridge == b)
			t->port[p].bridge = -1;
}

static json_t *twin_bridge(const struct twin *t, int b)
{
	json_t *o = json_pack("{s:o, s:o, s:o}", "name", json_sprintf("b%d", b), "dpid",
		json_sprintf("00000000000000%02d", b + 1), "mac",
		json_sprintf("02:00:00:00:00:%02d", b));

	if (t->bridge[b].mtu != 1500)
		json_object_set_new(o, "mtu", json_integer(t->bridge[b].mtu));
	return o;
}

static json_t *twin_port(const struct twin *t, int p)
{
	json_t *o = json_pack("{s:o, s:o, s:s, s:i, s:s}", "name", json_sprintf("p%02d", p),
		"bridge", json_sprintf("b%d", t->port[p].bridge), "type", "patch", "ofport",
		t->port[p].ofport, "peer", "nobody");

	if (t->port[p].tag)
		json_object_set_new(o, "tag", json_integer(t->port[p].tag));
	return o;
}

static json_t *twin_internal(const struct twin *t, int b)
{
	return json_pack("{s:o, s:o, s:s, s:i}", "name", json_sprintf("b%d", b), "bridge",
		json_sprintf("b%d", b), "type", "internal", "tag", t->bridge[b].tag);
}

static json_t *twin_address(const struct twin *t, int b, int m, int v)
{
	json_t *o = json_pack("{s:o, s:o, s:o}", "bridge", json_sprintf("b%d", b), "mac",
		json_sprintf("02:00:00:00:01:%02d", m), "port",
		json_sprintf("p%02d", t->address[b][m][v]));

	if (v)
		json_object_set_new(o, "vlan", json_integer(v));
	return o;
}

static json_t *twin_export(const struct twin *t)
{
	json_t *bridges = json_array(), *ports = json_array(), *fdb = json_array();

	for (int b = 0; b < BRIDGES; b++)
		if (t->bridge[b].there)
			json_array_append_new(bridges, twin_bridge(t, b));
	for (int b = 0; b < BRIDGES; b++)
		if (t->bridge[b].tag)
			json_array_append_new(ports, twin_internal(t, b));
	for (int p = 0; p < PORTS; p++)
		if (t->port[p].bridge >= 0)
			json_array_append_new(ports, twin_port(t, p));
	for (int b = 0; b < BRIDGES; b++)
		for (int m = 0; m < MACS; m++)
			for (int v = 0; v < VLANS; v++)
				if (t->address[b][m][v] >= 0)
					json_array_append_new(fdb, twin_address(t, b, m, v));
	return json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "bridges", bridges, "ports", ports,
		"fdb", fdb);
}

/* ---- one operation for both: 'code' is the twin's answer; 'late' says that the check
 * of the whole batch may find more ---- */

struct op {
	const char *method;
	json_t *params;
	int code;
};

static struct op bridge_op(struct twin *t)
{
	int b = (int)roll(BRIDGES), mtu = 1500 + 100 * (int)roll(3);
	json_t *params = json_pack("{s:o}", "name", json_sprintf("b%d", b));

	if (!roll(4)) {
		struct op op = {"bridge.del", params, t->bridge[b].there ? 0 : 2};

		if (t->bridge[b].there)
			twin_del_bridge(t, b);
		return op;
	}
	json_object_set_new(params, "mtu", json_integer(mtu));
	if (roll(2)) {
		struct op op = {"bridge.set", params, t->bridge[b].there ? 0 : 2};

		if (t->bridge[b].there)
			t->bridge[b].mtu = mtu;
		return op;
	}
	json_object_set_new(params, "mac", json_sprintf("02:00:00:00:00:%02d", b));
	json_object_set_new(params, "dpid", json_sprintf("%d", b + 1));
	struct op op = {"bridge.add", params, t->bridge[b].there ? 3 : 0};
	if (!op.code) {
		t->bridge[b].there = true;
		t->bridge[b].mtu = mtu;
	}
	return op;
}

/* The internal port of a bridge: a tag, or an MTU, which is the bridge's. */
static struct op internal_op(struct twin *t)
{
	int b = (int)roll(BRIDGES), tag = (int)roll(3), mtu = 1500 + 100 * (int)roll(3);
	json_t *params = json_pack("{s:o, s:o, s:i}", "name", json_sprintf("b%d", b), "tag",
		tag ? json_integer(tag) : json_null(), "mtu", mtu);

	if (t->bridge[b].there) {
		t->bridge[b].tag = tag;
		t->bridge[b].mtu = mtu;
	}
	return (struct op){"port.set", params, t->bridge[b].there ? 0 : 2};
}

static struct op port_op(struct twin *t)
{
	int p = (int)roll(PORTS), b = (int)roll(BRIDGES), tag = (int)roll(3);
	json_t *params = json_pack("{s:o}", "name", json_sprintf("p%02d", p));

	if (!roll(4)) {
		struct op op = {"port.del", params, t->port[p].bridge >= 0 ? 0 : 2};

		twin_del_port(t, p);
		return op;
	}
	json_object_set_new(params, "tag", tag ? json_integer(tag) : json_null());
	if (!roll(3)) {
		struct op op = {"port.set", params, t->port[p].bridge >= 0 ? 0 : 2};

		if (!op.code)
			t->port[p].tag = tag;
		return op;
	}
	json_object_set_new(params, "bridge", json_sprintf("b%d", b));
	json_object_set_new(params, "type", json_string("patch"));
	json_object_set_new(params, "peer", json_string("nobody"));
	struct op op = {"port.add", params,
		!t->bridge[b].there	 ? 2
		: t->port[p].bridge >= 0 ? 3
					 : 0};
	if (!op.code) {
		t->port[p].tag = tag;
		t->port[p].ofport = lowest_free(t, b);
		t->port[p].bridge = b;
	}
	return op;
}

static struct op address_op(struct twin *t, bool *late)
{
	int b = (int)roll(BRIDGES), m = (int)roll(MACS), v = (int)roll(VLANS);
	int p = (int)roll(PORTS);
	json_t *params = json_pack("{s:o, s:o, s:i}", "bridge", json_sprintf("b%d", b), "mac",
		json_sprintf("02:00:00:00:01:%02d", m), "vlan", v);

	if (!roll(3)) {
		struct op op = {"fdb.del", params, t->bridge[b].there ? 0 : 2};

		t->address[b][m][v] = -1;
		return op;
	}
	json_object_set_new(params, "port", json_sprintf("p%02d", p));
	struct op op = {"fdb.add", params, 0};
	t->address[b][m][v] = p;
	*late = true;
	return op;
}

/* Does every address point at a port of its bridge? */
static bool twin_sound(const struct twin *t)
{
	for (int b = 0; b < BRIDGES; b++)
		for (int m = 0; m < MACS; m++)
			for (int v = 0; v < VLANS; v++)
				if (t->address[b][m][v] >= 0 &&
					t->port[t->address[b][m][v]].bridge != b)
					return false;
	return true;
}

static void compare(struct config *c, const struct twin *t, unsigned batch)
{
	json_t *is = config_export(c), *should = twin_export(t);

	if (!json_equal(is, should)) {
		char *a = json_dumps(is, JSON_COMPACT), *b = json_dumps(should, JSON_COMPACT);

		fail_msg("batch %u:\nis     %s\nshould %s", batch, a, b);
	}
	json_decref(is);
	json_decref(should);
	size_t all = 0;
	for (int p = 0; p < PORTS; p++)
		all += t->port[p].bridge >= 0;
	assert_int_equal(config_ports(c), all);
	for (int b = 0; b < BRIDGES; b++) {
		char name[8];
		size_t ports = 0;

		snprintf(name, sizeof(name), "b%d", b);
		for (int p = 0; p < PORTS; p++)
			ports += t->port[p].bridge == b;
		assert_int_equal(config_bridge_ports(c, name), ports);
		if (t->bridge[b].there)
			assert_int_equal(config_ofport_free(c, name), lowest_free(t, b));
	}
}

/* A batch of up to six; all or none. */
static void run_batch(struct config *c, struct twin *t, unsigned batch)
{
	struct refusal r = REFUSAL_INIT;
	struct twin before = *t;
	struct config_tx tx;
	bool refused = false, late = false;

	config_tx_init(c, &tx);
	for (unsigned n = 1 + roll(6); n && !refused; n--) {
		unsigned what = roll(5);
		struct op op = !roll(6)	  ? internal_op(t)
			       : what < 1 ? bridge_op(t)
			       : what < 3 ? port_op(t)
					  : address_op(t, &late);
		json_t *result = NULL;

		change_lookup(op.method)(&tx, op.params, &result, &r);
		if (r.code != op.code)
			fail_msg("batch %u: %s: code %d, should be %d: %s", batch, op.method,
				r.code, op.code, strbuf_str(&r.text));
		refused = r.code != 0;
		json_decref(result);
		json_decref(op.params);
	}
	if (!refused) {
		refused = config_tx_check(&tx, &r) != 0;
		if (refused == twin_sound(t))
			fail_msg("batch %u: the check says '%s'", batch, strbuf_str(&r.text));
		assert_true(!refused || late);
	}
	if (refused || !roll(8)) { /* and now and then the disk says no */
		config_tx_undo(&tx);
		*t = before;
	}
	config_tx_fini(&tx);
	refusal_fini(&r);
}

static size_t apply(struct config *c, json_t *document, bool dry_run)
{
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	json_t *result = NULL;
	json_t *params = json_pack("{s:o, s:b}", "document", document, "dry-run", dry_run);

	config_tx_init(c, &tx);
	if (change_config_apply(&tx, params, &result, &r) || config_tx_check(&tx, &r))
		fail_msg("%s", strbuf_str(&r.text));
	config_tx_fini(&tx);
	size_t n = json_array_size(json_object_get(result, "changes"));
	json_decref(result);
	json_decref(params);
	return n;
}

static void random_transactions_match_a_naive_twin(void **state)
{
	static struct twin snapshots[SNAPSHOTS];
	struct config *c;
	struct twin t;
	unsigned n_snapshots = 0;

	memset(&t, 0, sizeof(t));
	memset(t.address, 0xff, sizeof(t.address));
	for (int p = 0; p < PORTS; p++)
		t.port[p].bridge = -1;
	config_create(&env, &c);
	for (unsigned i = 0; i < BATCHES; i++) {
		run_batch(c, &t, i);
		compare(c, &t, i);
		if (!roll(50))
			snapshots[n_snapshots++ % SNAPSHOTS] = t;
		if (!roll(50)) {
			assert_int_equal(apply(c, config_export(c), false), 0);
			compare(c, &t, i);
		}
		if (n_snapshots && !roll(50)) {
			unsigned have = n_snapshots < SNAPSHOTS ? n_snapshots : SNAPSHOTS;
			const struct twin *to = &snapshots[roll(have)];
			size_t would = apply(c, twin_export(to), true);

			compare(c, &t, i);
			assert_int_equal(apply(c, twin_export(to), false), would);
			t = *to;
			compare(c, &t, i);
		}
	}
	config_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_transactions_match_a_naive_twin),
	};
	const char *seed = getenv("VSWITCH_SEED");

	rng = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("VSWITCH_SEED=%llu\n", (unsigned long long)rng);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
