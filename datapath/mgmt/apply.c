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
 * say otherwise.  A number stays with its bridge, a MAC address with the type.  A port
 * that becomes a bridge's own, or no longer is one, is another port. */
static void keep_chosen(enum config_kind kind, json_t *base, const json_t *old, const json_t *given)
{
	const json_t *type = json_object_get(given, "type");
	unsigned bit = 0;

	if (kind == CONFIG_PORT && config_port_is_internal(old) !=
					   !strcmp(text_of(base, "name"), text_of(base, "bridge")))
		return;

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

/* One object of a document, or of the store. */
struct entry {
	enum config_kind kind;
	const json_t *given;
	char *name;	/* of the object; entry_fini() */
	json_t *base;	/* its identity */
	json_t *object; /* canonical; NULL where refused */
};

static void entry_fini(struct entry *e)
{
	free(e->name);
	json_decref(e->base);
	json_decref(e->object);
}

static int entry_identity(struct entry *e, struct refusal *r)
{
	bool is_port = e->kind == CONFIG_PORT;

	if (!json_is_object(e->given))
		return refuse(r, REFUSED_BAD, NULL, "is not an object");
	if (e->kind == CONFIG_FDB) {
		if (change_fdb_identity(e->given, &e->base, r))
			return -EINVAL;
		e->name = schema_fdb_name(e->base);
		return 0;
	}
	const char *name = schema_text(e->given, "name", r);
	if (!name || schema_name("name", name,
			     is_port ? CONFIG_PORT_NAME_MAX : CONFIG_BRIDGE_NAME_MAX, r))
		return -EINVAL;
	const char *bridge = is_port ? schema_text(e->given, "bridge", r) : NULL;
	if (is_port && !bridge) {
		refusal_prefix(r, "port %s", name);
		return -EINVAL;
	}
	e->base = must(json_pack("{s:s, s:s*}", "name", name, "bridge", bridge));
	e->name = must(strdup(name));
	return 0;
}

/* The identity is known. */
static int entry_object(struct config *c, struct entry *e, struct refusal *r)
{
	const json_t *old = config_get(c, e->kind, e->name);
	json_t *object = NULL;
	int rc;

	if (old)
		keep_chosen(e->kind, e->base, old, e->given);
	rc = schema_edit(e->kind, e->base, e->given, &object, r);
	if (!rc && e->kind == CONFIG_BRIDGE)
		rc = change_finish_bridge(c, object, r);
	else if (!rc && e->kind == CONFIG_PORT)
		rc = change_finish_port(c, object, r);
	else if (!rc)
		rc = schema_check(e->kind, object, r);
	if (rc)
		refusal_prefix(r, "%s %s", config_kind_name(e->kind), e->name);
	else
		e->object = schema_order(e->kind, object);
	json_decref(object);
	return rc;
}

/* Canonical objects of one list, by name, in 'want'. */
static int read_list(struct config *c, enum config_kind kind, const json_t *document, json_t *want,
	struct refusal *r)
{
	const json_t *list = json_object_get(document, list_names[kind]), *given;
	size_t i;

	if (!json_is_array(list))
		return refuse(r, REFUSED_BAD, list_names[kind], "document: '%s' is %s",
			list_names[kind], list ? "not a list" : "missing");
	json_array_foreach(list, i, given)
	{
		struct entry e = {.kind = kind, .given = given};
		int rc = entry_identity(&e, r);

		if (rc)
			refusal_prefix(r, "document: %s[%zu]", list_names[kind], i);
		else if (json_object_get(want, e.name))
			rc = refuse(r, REFUSED_EXISTS, e.name, "document: %s %s is there twice",
				config_kind_name(kind), e.name);
		else
			rc = entry_object(c, &e, r);
		if (!rc)
			must_do(json_object_set(want, e.name, e.object));
		entry_fini(&e);
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
	static const char *const known[] = {"document", "dry-run", "limit", NULL};
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

int config_load(struct config *c, enum config_kind kind, json_t *given, struct refusal *r)
{
	struct entry e = {.kind = kind, .given = given};
	struct config_tx tx;
	int rc = entry_identity(&e, r);

	if (!rc)
		rc = entry_object(c, &e, r);
	if (!rc) {
		config_tx_init(c, &tx);
		config_tx_put(&tx, kind, e.name, json_incref(e.object));
		rc = config_check_object(c, kind, e.name, e.object, r);
		if (rc)
			config_tx_undo(&tx);
		config_tx_fini(&tx);
	}
	entry_fini(&e);
	return rc;
}
