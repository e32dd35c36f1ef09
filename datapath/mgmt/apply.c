/* How config.apply works: each object of the document is made canonical over what the
 * switch once chose for the object of that name; what is not in the document goes;
 * the rest is put, and the transaction itself finds out what differs.  Ports without a
 * number get one last, when all given numbers are known. */
#include "change.h"

#include <errno.h>
#include <string.h>

#include "must.h"
#include "schema.h"

static const char *const list_names[CONFIG_KINDS] = {
	[CONFIG_BRIDGE] = "bridges", [CONFIG_PORT] = "ports", [CONFIG_FDB] = "fdb"};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* What the object of that name has as chosen by the switch, where the document does not
 * say otherwise.  A number stays with its bridge, a MAC address with the type. */
static void keep_chosen(enum config_kind kind, json_t *base, const json_t *old, const json_t *given)
{
	const json_t *type = json_object_get(given, "type");
	unsigned bit = 0;

	if (!type)
		type = json_object_get(old, "type");
	if (json_is_string(type))
		bit = config_type_bit(json_string_value(type));
	for (const struct config_key *k = config_keys(kind); k->name; k++) {
		json_t *v = json_object_get(old, k->name), *now = json_object_get(given, k->name);

		if (!v || (now && !json_is_null(now)) || !(k->flags & CONFIG_KEY_CHOSEN) ||
			(k->types && !(k->types & bit)))
			continue;
		if (!strcmp(k->name, "ofport") &&
			strcmp(text_of(old, "bridge"), text_of(base, "bridge")))
			continue;
		must_do(json_object_set(base, k->name, v));
	}
}

/* The name of an entry and the identity that it begins with. */
static int entry_identity(
	enum config_kind kind, const json_t *entry, json_t **base, char **name, struct refusal *r)
{
	if (kind == CONFIG_FDB) {
		if (change_fdb_identity(entry, base, r))
			return -EINVAL;
		*name = schema_fdb_name(*base);
		return 0;
	}
	const char *text = schema_text(entry, "name", r);
	if (!text ||
		schema_name("name", text,
			kind == CONFIG_BRIDGE ? CONFIG_BRIDGE_NAME_MAX : CONFIG_PORT_NAME_MAX, r))
		return -EINVAL;
	const char *bridge = kind == CONFIG_PORT ? schema_text(entry, "bridge", r) : NULL;
	if (kind == CONFIG_PORT && !bridge) {
		refusal_prefix(r, "port %s", text);
		return -EINVAL;
	}
	*base = must(json_pack("{s:s, s:s*}", "name", text, "bridge", bridge));
	*name = must(strdup(text));
	return 0;
}

static int entry_object(struct config *c, enum config_kind kind, const json_t *entry, json_t *base,
	const char *name, json_t **object, struct refusal *r)
{
	const json_t *old = config_get(c, kind, name);
	int rc;

	if (old)
		keep_chosen(kind, base, old, entry);
	*object = NULL;
	rc = schema_edit(kind, base, entry, NULL, object, r);
	if (!rc && kind == CONFIG_BRIDGE)
		rc = change_finish_bridge(c, *object, r);
	else if (!rc && kind == CONFIG_PORT)
		rc = change_finish_port(c, *object, r);
	else if (!rc)
		rc = schema_check(kind, *object, r);
	if (!rc) {
		json_t *ordered = schema_order(kind, *object);

		json_decref(*object);
		*object = ordered;
		return 0;
	}
	json_decref(*object);
	refusal_prefix(r, "%s %s", config_kind_name(kind), name);
	return rc;
}

/* Canonical objects of one list, by name, in 'want' (takes references). */
static int read_list(struct config *c, enum config_kind kind, const json_t *document, json_t *want,
	struct refusal *r)
{
	const json_t *list = json_object_get(document, list_names[kind]), *entry;
	size_t i;

	if (!json_is_array(list))
		return refuse(r, REFUSED_BAD, list_names[kind], "document: '%s' is %s",
			list_names[kind], list ? "not a list" : "missing");
	json_array_foreach(list, i, entry)
	{
		json_t *base = NULL, *object = NULL;
		char *name = NULL;
		int rc;

		if (!json_is_object(entry))
			return refuse(r, REFUSED_BAD, list_names[kind],
				"document: %s[%zu] is not an object", list_names[kind], i);
		rc = entry_identity(kind, entry, &base, &name, r);
		if (rc)
			refusal_prefix(r, "document: %s[%zu]", list_names[kind], i);
		else if (json_object_get(want, name))
			rc = refuse(r, REFUSED_EXISTS, name, "document: %s %s is there twice",
				config_kind_name(kind), name);
		else
			rc = entry_object(c, kind, entry, base, name, &object, r);
		if (!rc)
			must_do(json_object_set_new(want, name, object));
		json_decref(base);
		free(name);
		if (rc)
			return rc;
	}
	return 0;
}

static void del_unwanted(struct config_tx *tx, enum config_kind kind, const json_t *want)
{
	size_t n = config_count(tx->config, kind);
	const char **names = config_names(tx->config, kind);

	for (size_t i = 0; i < n; i++)
		if (!json_object_get(want, names[i]))
			config_tx_put(tx, kind, names[i], NULL);
	free(names);
}

static int put_wanted(struct config_tx *tx, enum config_kind kind, json_t *want, struct refusal *r)
{
	const char *name;
	json_t *object;

	json_object_foreach(want, name, object)
	{
		if (kind != CONFIG_PORT || json_object_get(object, "ofport"))
			config_tx_put(tx, kind, name, json_incref(object));
	}
	if (kind != CONFIG_PORT)
		return 0;
	json_object_foreach(want, name, object)
	{
		if (json_object_get(object, "ofport"))
			continue;
		if (change_number_port(tx->config, object, r)) {
			refusal_prefix(r, "port %s", name);
			return -EINVAL;
		}
		config_tx_put(tx, kind, name, schema_order(kind, object));
	}
	return 0;
}

static int apply_document(struct config_tx *tx, const json_t *document, struct refusal *r)
{
	static const char *const known[] = {"version", "bridges", "ports", "fdb", NULL};
	json_t *want[CONFIG_KINDS];
	int rc = 0;

	if (!json_is_object(document))
		return refuse(r, REFUSED_PARAMS, "document", "'document' is not an object");
	if (change_params(document, known, r)) {
		refusal_prefix(r, "document");
		return -EINVAL;
	}
	if (json_integer_value(json_object_get(document, "version")) != 1)
		return refuse(r, REFUSED_BAD, "version", "document: 'version' is not 1");
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		want[kind] = must(json_object());
	for (int kind = 0; !rc && kind < CONFIG_KINDS; kind++)
		rc = read_list(tx->config, kind, document, want[kind], r);
	for (int kind = 0; !rc && kind < CONFIG_KINDS; kind++)
		del_unwanted(tx, kind, want[kind]);
	for (int kind = 0; !rc && kind < CONFIG_KINDS; kind++)
		rc = put_wanted(tx, kind, want[kind], r);
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		json_decref(want[kind]);
	return rc;
}

int change_config_apply(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	static const char *const known[] = {"document", "dry-run", NULL};
	struct config_tx inner;
	bool dry_run;

	if (change_params(params, known, r) || schema_flag(params, "dry-run", &dry_run, r))
		return -EINVAL;
	config_tx_init(tx->config, &inner);
	int rc = apply_document(&inner, json_object_get(params, "document"), r);
	if (!rc && dry_run) /* nobody checks later */
		rc = config_tx_check(&inner, r);
	if (!rc)
		*result = must(json_pack("{s:o}", "changes", config_tx_describe(&inner)));
	if (rc || dry_run)
		config_tx_undo(&inner);
	else
		config_tx_merge(tx, &inner);
	config_tx_fini(&inner);
	return rc;
}

/* ---- from the store ---- */

int config_load(struct config *c, enum config_kind kind, json_t *entry, struct refusal *r)
{
	json_t *base = NULL, *object = NULL;
	struct config_tx tx;
	char *name = NULL;

	int rc = entry_identity(kind, entry, &base, &name, r);
	if (!rc)
		rc = entry_object(c, kind, entry, base, name, &object, r);
	if (!rc) {
		config_tx_init(c, &tx);
		config_tx_put(&tx, kind, name, object);
		rc = config_check_object(c, kind, name, object, r);
		if (rc)
			config_tx_undo(&tx);
		config_tx_fini(&tx);
	}
	json_decref(base);
	free(name);
	return rc;
}
