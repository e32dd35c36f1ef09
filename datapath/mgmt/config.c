/* How it works: one map per kind holds the objects.  Beside them are counts that
 * answer questions about other objects in constant time: ports and their numbers per
 * bridge, static addresses per port.  They are kept by name, whether the bridge or the
 * port exists or not, so that objects can be put in any order: a transaction may be
 * inconsistent until config_tx_check() looks at it, and undo need not think. */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "must.h"
#include "schema.h"

/* Ports of one bridge by number. */
struct numbers {
	size_t n_ports;
	uint16_t *users; /* ports that have this number; more than one only within a transaction */
	uint32_t cap;
	uint32_t lowest; /* no number below is free */
};

struct config {
	const struct config_env *env;
	struct strmap objects[CONFIG_KINDS]; /* json_t */
	struct strmap numbers;		     /* bridge -> struct numbers */
	struct strmap addresses;	     /* port -> count of static addresses */
	size_t n_internal;		     /* objects of internal ports */
	struct config_sizes sizes;	     /* of all objects */
	json_t *exported;		     /* what config_export() gave out; NULL: it is old */
};

static bool interface_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static void random_mac(uint8_t mac[6])
{
	if (getrandom(mac, 6, 0) != 6)
		abort();
}

const struct config_env config_env_system = {
	.interface_exists = interface_exists, .random_mac = random_mac};

int config_create(const struct config_env *env, struct config **config)
{
	struct config *c = calloc(1, sizeof(*c));
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->env = env;
	for (int kind = 0; !err && kind < CONFIG_KINDS; kind++)
		err = strmap_init(&c->objects[kind]);
	if (!err)
		err = strmap_init(&c->numbers);
	if (!err)
		err = strmap_init(&c->addresses);
	if (err) {
		config_destroy(c);
		return err;
	}
	*config = c;
	return 0;
}

static void object_free(void *object)
{
	json_decref(object);
}

static void numbers_free(void *numbers)
{
	struct numbers *n = numbers;

	free(n->users);
	free(n);
}

void config_destroy(struct config *c)
{
	if (!c)
		return;
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		strmap_fini_values(&c->objects[kind], object_free);
	strmap_fini_values(&c->numbers, numbers_free);
	strmap_fini(&c->addresses);
	json_decref(c->exported);
	free(c);
}

const struct config_env *config_env(const struct config *c)
{
	return c->env;
}

json_t *config_get(const struct config *c, enum config_kind kind, const char *name)
{
	return strmap_get(&c->objects[kind], name);
}

size_t config_count(const struct config *c, enum config_kind kind)
{
	return c->objects[kind].n;
}

size_t config_ports(const struct config *c)
{
	return c->objects[CONFIG_PORT].n - c->n_internal;
}

const char **config_names(const struct config *c, enum config_kind kind)
{
	return strmap_keys(&c->objects[kind]);
}

bool config_port_is_internal(const json_t *port)
{
	const char *type = json_string_value(json_object_get(port, "type"));

	return type && !strcmp(type, "internal");
}

bool config_port_is_plain(const json_t *port)
{
	return config_port_is_internal(port) &&
	       json_object_size(port) == 3; /* name, bridge, type */
}

/* ---- counts ---- */

static void number_grow(struct numbers *n, uint32_t number)
{
	uint32_t cap = n->cap ? n->cap : 64;

	while (cap <= number)
		cap *= 2;
	if (cap == n->cap)
		return;
	n->users = must(realloc(n->users, cap * sizeof(*n->users)));
	memset(n->users + n->cap, 0, (cap - n->cap) * sizeof(*n->users));
	n->cap = cap;
}

static void count_port(struct config *c, const json_t *port, bool add)
{
	const char *bridge = json_string_value(json_object_get(port, "bridge"));
	uint16_t number = schema_ofport(port);
	struct numbers *n = strmap_get(&c->numbers, bridge);

	if (!n) {
		n = must(calloc(1, sizeof(*n)));
		n->lowest = 1;
		strmap_put(&c->numbers, bridge, n);
	}
	number_grow(n, number);
	n->users[number] += add ? 1 : -1;
	n->n_ports += add ? 1 : -1;
	if (!n->users[number] && number && number < n->lowest)
		n->lowest = number;
	if (!n->n_ports)
		numbers_free(strmap_del(&c->numbers, bridge));
}

static void count_address(struct config *c, const json_t *fdb, bool add)
{
	const char *port = json_string_value(json_object_get(fdb, "port"));
	size_t n = (size_t)strmap_get(&c->addresses, port) + (add ? 1 : -1);

	if (n)
		strmap_put(&c->addresses, port, (void *)n);
	else
		strmap_del(&c->addresses, port);
}

static void count_object(struct config *c, enum config_kind kind, const json_t *object, bool add)
{
	struct config_sizes sizes = config_object_sizes(object);

	c->sizes.ids += add ? sizes.ids : -sizes.ids;
	c->sizes.text += add ? sizes.text : -sizes.text;
	if (kind == CONFIG_PORT && config_port_is_internal(object))
		c->n_internal += add ? 1 : -1;
	else if (object && kind == CONFIG_PORT)
		count_port(c, object, add);
	if (object && kind == CONFIG_FDB)
		count_address(c, object, add);
}

struct config_sizes config_sizes(const struct config *c)
{
	return c->sizes;
}

size_t config_bridge_ports(const struct config *c, const char *bridge)
{
	const struct numbers *n = strmap_get(&c->numbers, bridge);

	return n ? n->n_ports : 0;
}

size_t config_port_addresses(const struct config *c, const char *port)
{
	return (size_t)strmap_get(&c->addresses, port);
}

unsigned config_ofport_users(const struct config *c, const char *bridge, uint16_t ofport)
{
	const struct numbers *n = strmap_get(&c->numbers, bridge);

	return n && ofport < n->cap ? n->users[ofport] : 0;
}

uint16_t config_ofport_free(struct config *c, const char *bridge)
{
	struct numbers *n = strmap_get(&c->numbers, bridge);

	if (!n)
		return 1;
	while (n->lowest < n->cap && n->users[n->lowest])
		n->lowest++;
	return n->lowest <= CONFIG_OFPORT_MAX ? (uint16_t)n->lowest : 0;
}

/* ---- transactions ---- */

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Put 'object' (takes the reference) and return what was there, with its reference. */
static json_t *config_put(struct config *c, enum config_kind kind, const char *name, json_t *object)
{
	json_t *old = strmap_get(&c->objects[kind], name);

	json_decref(c->exported);
	c->exported = NULL;
	count_object(c, kind, object, true);
	count_object(c, kind, old, false);
	if (object)
		strmap_put(&c->objects[kind], name, object);
	else
		strmap_del(&c->objects[kind], name);
	return old;
}

void config_tx_init(struct config *c, struct config_tx *tx)
{
	*tx = (struct config_tx){.config = c};
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		must_do(strmap_init(&tx->index[kind]));
}

void config_tx_fini(struct config_tx *tx)
{
	for (size_t i = 0; i < tx->n; i++) {
		free(tx->changes[i].name);
		json_decref(tx->changes[i].old);
		json_decref(tx->changes[i].new);
	}
	free(tx->changes);
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		strmap_fini(&tx->index[kind]);
	*tx = (struct config_tx){0};
}

/* Note a change; takes the reference of 'old', not that of 'new'. */
static void tx_note(
	struct config_tx *tx, enum config_kind kind, const char *name, json_t *old, json_t *new)
{
	size_t at = (size_t)strmap_get(&tx->index[kind], name);

	if (at) {
		json_decref(old); /* what an earlier change put */
		json_decref(tx->changes[at - 1].new);
		tx->changes[at - 1].new = json_incref(new);
		tx->changes[at - 1].op = tx->op;
		return;
	}
	if (tx->n == tx->cap) {
		tx->cap = tx->cap ? tx->cap * 2 : 4;
		tx->changes = must(realloc(tx->changes, tx->cap * sizeof(*tx->changes)));
	}
	tx->changes[tx->n++] = (struct config_change){.kind = kind,
		.name = must(strdup(name)),
		.old = old,
		.new = json_incref(new),
		.op = tx->op};
	strmap_put(&tx->index[kind], name, (void *)tx->n);
}

void config_tx_put(struct config_tx *tx, enum config_kind kind, const char *name, json_t *object)
{
	const json_t *now = config_get(tx->config, kind, name);

	if (kind == CONFIG_PORT && config_port_is_plain(object)) {
		json_decref(object);
		object = NULL;
	}
	if (same(object, now)) {
		json_decref(object);
		return;
	}
	/* 'name' may be the key of what goes, so note it before it goes */
	tx_note(tx, kind, name, json_incref((json_t *)now), object);
	json_decref(config_put(tx->config, kind,
		tx->changes[(size_t)strmap_get(&tx->index[kind], name) - 1].name, object));
}

void config_tx_undo(struct config_tx *tx)
{
	for (size_t i = tx->n; i-- > 0;) {
		struct config_change *ch = &tx->changes[i];

		json_decref(config_put(tx->config, ch->kind, ch->name, json_incref(ch->old)));
	}
}

void config_tx_merge(struct config_tx *outer, struct config_tx *inner)
{
	for (size_t i = 0; i < inner->n; i++) {
		struct config_change *ch = &inner->changes[i];

		tx_note(outer, ch->kind, ch->name, json_incref(ch->old), ch->new);
	}
}

/* ---- showing ---- */

static json_t *value_or_null(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return v ? json_incref(v) : json_null();
}

bool config_change_is_one(const struct config_change *ch)
{
	return !same(ch->old, ch->new);
}

/* A bridge's internal port is set as long as there is the bridge. */
static bool is_set(const struct config *c, const struct config_change *ch)
{
	const json_t *object = ch->new ? ch->new : ch->old;

	if (ch->old && ch->new)
		return true;
	return ch->kind == CONFIG_PORT && config_port_is_internal(object) &&
	       config_get(c, CONFIG_BRIDGE, ch->name);
}

static json_t *describe_keys(const struct config_change *ch, bool set)
{
	json_t *keys = must(json_object());

	for (const struct config_key *k = config_keys(ch->kind); k->name; k++) {
		bool whole = !ch->old || !ch->new;

		if (set && whole && k->flags & (CONFIG_KEY_IDENTITY | CONFIG_KEY_FIXED))
			continue;
		if (same(json_object_get(ch->old, k->name), json_object_get(ch->new, k->name)))
			continue;
		must_do(json_object_set_new(keys, k->name,
			must(json_pack("[o, o]", value_or_null(ch->old, k->name),
				value_or_null(ch->new, k->name)))));
	}
	return keys;
}

json_t *config_tx_describe(const struct config_tx *tx)
{
	json_t *list = must(json_array());

	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		for (size_t i = 0; i < tx->n; i++) {
			const struct config_change *ch = &tx->changes[i];

			if (ch->kind != (enum config_kind)kind || !config_change_is_one(ch))
				continue;
			bool set = is_set(tx->config, ch);
			json_t *o = must(json_pack("{s:s, s:s, s:s}", "action",
				set	   ? "set"
				: !ch->old ? "add"
					   : "del",
				"kind", config_kind_name(kind), "name", ch->name));
			if (set || ch->new)
				must_do(json_object_set_new(o, "keys", describe_keys(ch, set)));
			must_do(json_array_append_new(list, o));
		}
	}
	return list;
}

static json_t *export_kind(const struct config *c, enum config_kind kind)
{
	json_t *list = must(json_array());
	const char **names = config_names(c, kind);

	for (size_t i = 0; i < config_count(c, kind); i++)
		must_do(json_array_append(list, config_get(c, kind, names[i])));
	free(names);
	return list;
}

json_t *config_export(struct config *c)
{
	if (!c->exported)
		c->exported = must(json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "bridges",
			export_kind(c, CONFIG_BRIDGE), "ports", export_kind(c, CONFIG_PORT), "fdb",
			export_kind(c, CONFIG_FDB)));
	return json_incref(c->exported);
}
