/* How much text all objects together may hold. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "switch_limits.h"

enum { VALUE = 256 << 10, FULL = LIMITS_EXTERNAL_IDS_BYTES / VALUE };

/* A bridge whose external-ids have 'bytes', the key among them. */
static void put(struct config_tx *tx, unsigned n, size_t bytes)
{
	char name[16], *value = calloc(1, bytes);

	snprintf(name, sizeof(name), "b%u", n);
	memset(value, 'v', bytes - 1);
	config_tx_put(tx, CONFIG_BRIDGE, name,
		json_pack("{s:s, s:{s:s}}", "name", name, "external-ids", "k", value));
	free(value);
}

static int change(struct config *c, unsigned n, size_t bytes, struct refusal *r)
{
	struct config_tx tx;

	config_tx_init(c, &tx);
	put(&tx, n, bytes);
	int rc = config_tx_check(&tx, r);
	if (rc)
		config_tx_undo(&tx);
	config_tx_fini(&tx);
	return rc;
}

static void external_ids_are_full_at_their_limit(void **state)
{
	struct refusal r = REFUSAL_INIT;
	struct config *c;

	assert_int_equal(config_create(&config_env_system, &c), 0);
	for (unsigned n = 0; n < FULL; n++)
		assert_int_equal(change(c, n, VALUE, &r), 0);
	assert_int_equal(config_sizes(c).ids, LIMITS_EXTERNAL_IDS_BYTES);
	assert_int_not_equal(change(c, FULL, 2, &r), 0);
	assert_int_equal(r.code, REFUSED_LIMIT);
	assert_string_equal(strbuf_str(&r.text),
		"bridge b16: external-ids: those of all objects together would be 4194306 bytes, "
		"more than the limit external-ids-bytes, 4194304");
	assert_int_equal(config_sizes(c).ids, LIMITS_EXTERNAL_IDS_BYTES);
	assert_int_equal(change(c, 0, VALUE - 2, &r), 0);
	assert_int_equal(change(c, FULL, 2, &r), 0);
	refusal_fini(&r);
	config_destroy(c);
}

/* As a database of an earlier version may have it. */
static void what_is_too_much_already_can_become_less(void **state)
{
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	struct config *c;

	assert_int_equal(config_create(&config_env_system, &c), 0);
	config_tx_init(c, &tx);
	for (unsigned n = 0; n < FULL + 4; n++)
		put(&tx, n, VALUE);
	config_tx_fini(&tx);
	assert_int_equal(change(c, 0, VALUE - 1, &r), 0);
	assert_int_not_equal(change(c, 0, VALUE, &r), 0);
	refusal_fini(&r);
	config_destroy(c);
}

static void text_of_all_objects_is_bounded(void **state)
{
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;
	struct config *c;
	unsigned n = 0;

	assert_int_equal(config_create(&config_env_system, &c), 0);
	config_tx_init(c, &tx); /* paths, as they are not counted otherwise */
	char *path = calloc(1, 1 << 20);
	memset(path, '/', (1 << 20) - 1);
	for (; config_sizes(c).text < LIMITS_CONFIG_BYTES - (2 << 20); n++) {
		char name[16];

		snprintf(name, sizeof(name), "b%u", n);
		config_tx_put(
			&tx, CONFIG_BRIDGE, name, json_pack("{s:s, s:s}", "name", name, "x", path));
	}
	assert_int_equal(config_tx_check(&tx, &r), 0);
	config_tx_put(&tx, CONFIG_BRIDGE, "last", json_pack("{s:s, s:s}", "x", path, "y", path));
	config_tx_put(&tx, CONFIG_BRIDGE, "last", json_pack("{s:s, s:s}", "x", path, "y", path));
	config_tx_put(&tx, CONFIG_BRIDGE, "least", json_pack("{s:s}", "x", path));
	assert_int_not_equal(config_tx_check(&tx, &r), 0);
	assert_int_equal(r.code, REFUSED_LIMIT);
	assert_non_null(strstr(strbuf_str(&r.text), "bridge least: "));
	assert_non_null(strstr(strbuf_str(&r.text), "limit configuration-bytes, 134217728"));
	config_tx_undo(&tx);
	assert_int_equal(config_sizes(c).text, 0);
	config_tx_fini(&tx);
	free(path);
	refusal_fini(&r);
	config_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(external_ids_are_full_at_their_limit),
		cmocka_unit_test(what_is_too_much_already_can_become_less),
		cmocka_unit_test(text_of_all_objects_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
