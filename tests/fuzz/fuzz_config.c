/* The configuration against any operations.  Input: lines "METHOD PARAMS", each a
 * transaction; one that begins with "!" is undone all the same.  What is refused leaves no
 * trace, what is exported can be applied without a change, and loaded again. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool interface_exists(const char *name)
{
	return name[0] == 'e';
}

static void random_mac(uint8_t mac[6])
{
	static uint8_t n;

	memset(mac, n++, 6);
}

static const struct config_env env = {
	.interface_exists = interface_exists, .random_mac = random_mac};

static void one_operation(struct config *c, char *line, bool undo)
{
	char *params_text = strchr(line, ' ');
	struct refusal r = REFUSAL_INIT;
	json_t *result = NULL;
	struct config_tx tx;

	if (!params_text)
		return;
	*params_text++ = '\0';
	change_fn fn = change_lookup(line);
	json_t *params = json_loads(params_text, JSON_REJECT_DUPLICATES, NULL);
	if (fn && json_is_object(params)) {
		json_t *before = config_export(c);

		config_tx_init(c, &tx);
		int rc = fn(&tx, params, &result, &r);
		if (!rc)
			rc = config_tx_check(&tx, &r);
		assert(!rc == !r.code);
		assert(!rc || r.text.len);
		if (rc || undo) {
			config_tx_undo(&tx);
			json_t *after = config_export(c);
			assert(json_equal(before, after));
			json_decref(after);
		}
		config_tx_fini(&tx);
		json_decref(before);
	}
	json_decref(result);
	json_decref(params);
	refusal_fini(&r);
}

static void apply_changes_nothing(struct config *c, json_t *document)
{
	json_t *params = json_pack("{s:O}", "document", document), *result = NULL;
	struct refusal r = REFUSAL_INIT;
	struct config_tx tx;

	config_tx_init(c, &tx);
	int rc = change_config_apply(&tx, params, &result, &r);
	assert(!rc);
	assert(!json_array_size(json_object_get(result, "changes")));
	config_tx_fini(&tx);
	json_decref(result);
	json_decref(params);
}

static void load_gives_the_same(json_t *document)
{
	static const char *const lists[] = {"bridges", "ports", "fdb"};
	struct config *copy;

	config_create(&env, &copy);
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		size_t i;
		json_t *object;

		json_array_foreach(json_object_get(document, lists[kind]), i, object)
		{
			struct refusal r = REFUSAL_INIT;
			int rc = config_load(copy, kind, object, &r);

			assert(!rc);
		}
	}
	json_t *again = config_export(copy);
	assert(json_equal(document, again));
	json_decref(again);
	config_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *save = NULL;
	struct config *c;

	memcpy(text, data, size);
	text[size] = '\0';
	config_create(&env, &c);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool undo = line[0] == '!';

		one_operation(c, line + undo, undo);
	}
	json_t *document = config_export(c);
	apply_changes_nothing(c, document);
	load_gives_the_same(document);
	json_decref(document);
	config_destroy(c);
	free(text);
	return 0;
}
