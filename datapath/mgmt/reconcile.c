#include "reconcile.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "must.h"
#include "schema.h"

LOG_MODULE(reconcile);

struct reconcile {
	struct dataplane *dp;
	struct config *config;
	bool kernel;
	struct strmap applied[CONFIG_KINDS]; /* name -> json_t; bridges and ports only */
	struct strmap failed;		     /* port -> why, for ports that could not be added */
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int reconcile_create(const struct reconcile_conf *conf, struct reconcile **out)
{
	struct reconcile *rec = calloc(1, sizeof(*rec));
	int err = 0;

	if (!rec)
		return -ENOMEM;
	rec->dp = conf->dp;
	rec->config = conf->config;
	rec->kernel = conf->kernel;
	for (int kind = 0; !err && kind < CONFIG_KINDS; kind++)
		err = strmap_init(&rec->applied[kind]);
	if (!err)
		err = strmap_init(&rec->failed);
	if (err) {
		reconcile_destroy(rec);
		return err;
	}
	*out = rec;
	return 0;
}

static void object_free(void *object)
{
	json_decref(object);
}

void reconcile_destroy(struct reconcile *rec)
{
	if (!rec)
		return;
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		strmap_fini_values(&rec->applied[kind], object_free);
	strmap_fini_values(&rec->failed, free);
	free(rec);
}

static const json_t *applied(const struct reconcile *rec, enum config_kind kind, const char *name)
{
	return strmap_get(&rec->applied[kind], name);
}

static void set_applied(
	struct reconcile *rec, enum config_kind kind, const char *name, const json_t *object)
{
	json_decref(object ? strmap_put(&rec->applied[kind], name, json_incref((json_t *)object))
			   : strmap_del(&rec->applied[kind], name));
}

static void set_failed(struct reconcile *rec, const char *name, const char *why)
{
	free(why ? strmap_put(&rec->failed, name, must(strdup(why)))
		 : strmap_del(&rec->failed, name));
}

const char *reconcile_why(const struct reconcile *rec, const char *port)
{
	return strmap_get(&rec->failed, port);
}

/* The system said no.  'why' may or may not begin with the object. */
static int refused(
	struct refusal *r, const char *kind, const char *name, int err, const struct strbuf *why)
{
	int code = err == -ENOSPC ? REFUSED_LIMIT : REFUSED_SYSTEM;
	const char *text = why && why->len ? strbuf_str(why) : strerror(-err);

	if (!strncmp(text, "port ", 5) || !strncmp(text, "bridge ", 7))
		return refuse(r, code, name, "%s", text);
	return refuse(r, code, name, "%s %s: %s", kind, name, text);
}

/* Is the port, just added, one that cannot work?  (Absent devices are waited for.) */
static bool add_failed(struct reconcile *rec, const char *name, struct strbuf *why)
{
	const struct dp_port *p = dataplane_port_lookup(rec->dp, name);

	if (!p || p->state != DP_PORT_FAILED)
		return false;
	strbuf_reset(why);
	strbuf_puts(why, p->why);
	return true;
}

/* ---- static addresses ---- */

static int address_put(struct reconcile *rec, const json_t *object, struct refusal *r)
{
	struct bridge *b = dataplane_bridge_lookup(rec->dp, text_of(object, "bridge"));
	struct dp_port *p = dataplane_port_lookup(rec->dp, text_of(object, "port"));
	struct eth_addr mac;
	uint16_t vlan;

	if (!b || !p || p->bport->bridge != b) /* the port failed; its addresses follow it */
		return 0;
	schema_fdb_conf(object, &mac, &vlan);
	int err = fdb_add_static(b->fdb, mac, vlan, p->bport->index);
	if (err == -ENOSPC)
		return refuse(r, REFUSED_LIMIT, text_of(object, "mac"),
			"bridge %s: the MAC table is full of static addresses", b->conf.name);
	if (err)
		return refused(r, "fdb", text_of(object, "mac"), err, NULL);
	return 0;
}

static void address_del(struct reconcile *rec, const json_t *object)
{
	struct bridge *b = dataplane_bridge_lookup(rec->dp, text_of(object, "bridge"));
	struct eth_addr mac;
	uint16_t vlan;

	schema_fdb_conf(object, &mac, &vlan);
	if (b)
		fdb_del(b->fdb, mac, vlan);
}

/* All addresses of a port that has come (back). */
static int addresses_of(struct reconcile *rec, const char *port, struct refusal *r)
{
	size_t left = config_port_addresses(rec->config, port);
	const char **names = left ? config_names(rec->config, CONFIG_FDB) : NULL;
	int rc = 0;

	for (size_t i = 0; left && !rc && i < config_count(rec->config, CONFIG_FDB); i++) {
		const json_t *object = config_get(rec->config, CONFIG_FDB, names[i]);

		if (strcmp(text_of(object, "port"), port))
			continue;
		left--;
		rc = address_put(rec, object, r);
	}
	free(names);
	return rc;
}

/* ---- ports ---- */

static void port_del(struct reconcile *rec, const char *name)
{
	dataplane_port_del(rec->dp, name);
	set_applied(rec, CONFIG_PORT, name, NULL);
	set_failed(rec, name, NULL);
}

/* 'tolerate': a device that cannot be used stays as a failed port, as at start. */
static int port_add(struct reconcile *rec, const json_t *object, bool tolerate, struct refusal *r)
{
	const char *name = text_of(object, "name");
	struct strbuf why = STRBUF_INIT;
	struct bport_conf bconf;
	struct port_conf conf;

	schema_port_conf(object, &conf);
	schema_bport_conf(object, &bconf);
	int err = conf.ops ? dataplane_port_add(rec->dp, text_of(object, "bridge"),
				     schema_ofport(object), &conf, &bconf, &why)
			   : -EOPNOTSUPP;
	if (!err && !tolerate && add_failed(rec, name, &why)) {
		dataplane_port_del(rec->dp, name);
		err = -EIO;
	}
	if (err) {
		refused(r, "port", name, err, &why);
	} else {
		set_applied(rec, CONFIG_PORT, name, object);
		set_failed(rec, name, NULL);
	}
	strbuf_fini(&why);
	return err;
}

static int port_set(struct reconcile *rec, const json_t *object, struct refusal *r)
{
	const char *name = text_of(object, "name");
	struct strbuf why = STRBUF_INIT;
	struct bport_conf bconf;
	struct port_conf conf;

	schema_port_conf(object, &conf);
	schema_bport_conf(object, &bconf);
	int err = dataplane_port_set(rec->dp, name, &conf, &bconf, &why);
	/* Also when it was refused: part of it may be in force, and the next is compared. */
	set_applied(rec, CONFIG_PORT, name, object);
	if (err)
		refused(r, "port", name, err, &why);
	strbuf_fini(&why);
	return err;
}

/* What dataplane_port_set() does not change. */
static bool must_replace(const json_t *old, const json_t *new)
{
	return strcmp(text_of(old, "bridge"), text_of(new, "bridge")) ||
	       strcmp(text_of(old, "type"), text_of(new, "type")) ||
	       schema_ofport(old) != schema_ofport(new);
}

/* ---- bridges ---- */

static int internal_put(
	struct reconcile *rec, const json_t *bridge, bool tolerate, struct refusal *r)
{
	const char *name = text_of(bridge, "name");
	struct strbuf why = STRBUF_INIT;
	struct bport_conf bconf;
	struct port_conf conf;
	int err;

	if (!rec->kernel)
		return 0;
	const json_t *port = config_get(rec->config, CONFIG_PORT, name);
	schema_internal_conf(bridge, config_port_is_internal(port) ? port : NULL, &conf, &bconf);
	if (dataplane_port_lookup(rec->dp, name)) {
		err = dataplane_port_set(rec->dp, name, &conf, &bconf, &why);
	} else {
		err = dataplane_port_add(rec->dp, name, OFPORT_LOCAL, &conf, &bconf, &why);
		if (!err && !tolerate && add_failed(rec, name, &why))
			err = -EIO;
	}
	if (err)
		refused(r, "bridge", name, err, &why);
	strbuf_fini(&why);
	return err;
}

/* Its ports are gone. */
static void bridge_del(struct reconcile *rec, const char *name)
{
	dataplane_port_del(rec->dp, name);
	dataplane_bridge_del(rec->dp, name);
	set_applied(rec, CONFIG_BRIDGE, name, NULL);
}

static int bridge_put(struct reconcile *rec, const json_t *object, bool tolerate, struct refusal *r)
{
	const char *name = text_of(object, "name");
	bool is_new = !applied(rec, CONFIG_BRIDGE, name);
	struct bridge_conf conf;

	schema_bridge_conf(object, &conf);
	int err = is_new ? dataplane_bridge_add(rec->dp, &conf)
			 : dataplane_bridge_set(rec->dp, &conf);
	if (err == -ENOSPC)
		return refuse(r, REFUSED_LIMIT, "mac-limit",
			"bridge %s: mac-limit: it has more static addresses", name);
	if (err)
		return refused(r, "bridge", name, err, NULL);
	set_applied(rec, CONFIG_BRIDGE, name, object);
	err = internal_put(rec, object, tolerate, r);
	if (err && is_new && !tolerate)
		bridge_del(rec, name);
	return err;
}

/* ---- a transaction ---- */

/* What the change wants: what it put, or when taken back what was before. */
static const json_t *wanted(const struct config_change *ch, bool back)
{
	return back ? ch->old : ch->new;
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Does the change concern the settings of an internal port?  It comes and goes with its
 * bridge; without an object it has the defaults. */
static bool is_internal(const struct config_change *ch, const json_t *want)
{
	return ch->kind == CONFIG_PORT && config_port_is_internal(want	    ? want
								  : ch->old ? ch->old
									    : ch->new);
}

/* Whatever else has the name of something new goes first, and so does a port that
 * cannot be changed into what it shall be. */
static void make_way(struct reconcile *rec, enum config_kind kind, const json_t *want)
{
	const char *name = text_of(want, "name");
	const json_t *port = applied(rec, CONFIG_PORT, name);

	if (port && (kind == CONFIG_BRIDGE || must_replace(port, want)))
		port_del(rec, name);
	if (kind == CONFIG_BRIDGE || !applied(rec, CONFIG_BRIDGE, name))
		return;
	const char **ports = strmap_keys(&rec->applied[CONFIG_PORT]);
	size_t n = rec->applied[CONFIG_PORT].n;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text_of(applied(rec, CONFIG_PORT, ports[i]), "bridge"), name))
			port_del(rec, ports[i]);
	free(ports);
	bridge_del(rec, name);
}

/* Would what replaces a port be refused?  It cannot be opened before that one has gone. */
static int check_replacement(
	struct reconcile *rec, enum config_kind kind, const json_t *want, struct refusal *r)
{
	const char *name = text_of(want, "name");
	const json_t *port = applied(rec, CONFIG_PORT, name);
	struct strbuf why = STRBUF_INIT;
	struct bport_conf bconf;
	struct port_conf conf;
	int err = 0;

	if (!port || (kind == CONFIG_PORT && !must_replace(port, want)))
		return 0;
	if (kind == CONFIG_PORT)
		schema_port_conf(want, &conf);
	else
		schema_internal_conf(want, NULL, &conf, &bconf);
	if (conf.ops)
		err = dataplane_port_check(rec->dp, &conf, &why);
	if (err)
		refused(r, config_kind_name(kind), name, err, &why);
	strbuf_fini(&why);
	return err;
}

/* Before anything is touched. */
static int check_replacements(struct reconcile *rec, struct config_tx *tx, struct refusal *r)
{
	for (size_t i = 0; i < tx->n; i++) {
		const struct config_change *ch = &tx->changes[i];

		if (!ch->new || ch->kind == CONFIG_FDB || is_internal(ch, ch->new) ||
			!check_replacement(rec, ch->kind, ch->new, r))
			continue;
		tx->culprit = ch->op;
		return -EINVAL;
	}
	return 0;
}

static void make_way_for_all(struct reconcile *rec, const struct config_tx *tx, bool back)
{
	for (size_t i = 0; i < tx->n; i++) {
		const json_t *want = wanted(&tx->changes[i], back);

		if (want && tx->changes[i].kind != CONFIG_FDB &&
			!is_internal(&tx->changes[i], want))
			make_way(rec, tx->changes[i].kind, want);
	}
}

/* Its bridge, where that stays, has been put already. */
static int internal_set(struct reconcile *rec, const char *name, bool tolerate, struct refusal *r)
{
	const json_t *bridge = config_get(rec->config, CONFIG_BRIDGE, name);

	return bridge && applied(rec, CONFIG_BRIDGE, name) ? internal_put(rec, bridge, tolerate, r)
							   : 0;
}

static int put(struct reconcile *rec, enum config_kind kind, const json_t *want, bool tolerate,
	struct refusal *r)
{
	const char *name = text_of(want, "name");

	if (kind == CONFIG_FDB)
		return address_put(rec, want, r);
	if (same(applied(rec, kind, name), want) && !tolerate) {
		set_applied(rec, kind, name, want);
		return 0;
	}
	if (kind == CONFIG_BRIDGE)
		return bridge_put(rec, want, tolerate, r);
	if (applied(rec, CONFIG_PORT, name))
		return port_set(rec, want, r);
	int rc = port_add(rec, want, tolerate, r);
	return rc ? rc : addresses_of(rec, name, r);
}

static int put_change(
	struct reconcile *rec, const struct config_change *ch, bool back, struct refusal *r)
{
	const json_t *want = wanted(ch, back);

	if (is_internal(ch, want))
		return internal_set(rec, ch->name, back, r);
	return want ? put(rec, ch->kind, want, back, r) : 0;
}

/* Additions and settings.  Taking back tolerates and goes on. */
static int put_all(struct reconcile *rec, struct config_tx *tx, bool back, struct refusal *r)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		for (size_t i = 0; i < tx->n; i++) {
			const struct config_change *ch = &tx->changes[i];

			if (ch->kind != (enum config_kind)kind || !put_change(rec, ch, back, r))
				continue;
			tx->culprit = ch->op;
			if (!back)
				return -EINVAL;
			log_error("%s %s cannot be put back: %s", config_kind_name(kind), ch->name,
				strbuf_str(&r->text));
			if (kind == CONFIG_PORT)
				set_failed(rec, ch->name, strbuf_str(&r->text));
		}
	}
	return 0;
}

/* Removals: what the configuration no longer has. */
static void del_all(struct reconcile *rec, const struct config_tx *tx, bool back)
{
	for (int kind = CONFIG_KINDS - 1; kind >= 0; kind--) {
		for (size_t i = 0; i < tx->n; i++) {
			const struct config_change *ch = &tx->changes[i];

			if (ch->kind != (enum config_kind)kind || wanted(ch, back) ||
				is_internal(ch, NULL) || config_get(rec->config, kind, ch->name))
				continue; /* wanted again by a later transaction */
			if (kind == CONFIG_FDB && (ch->old || ch->new))
				address_del(rec, ch->old ? ch->old : ch->new);
			else if (kind == CONFIG_PORT && applied(rec, kind, ch->name))
				port_del(rec, ch->name);
			else if (kind == CONFIG_PORT)
				set_failed(rec, ch->name, NULL);
			else if (kind == CONFIG_BRIDGE && applied(rec, kind, ch->name))
				bridge_del(rec, ch->name);
		}
	}
}

int reconcile_prepare(struct reconcile *rec, struct config_tx *tx, struct refusal *r)
{
	int err = check_replacements(rec, tx, r);

	if (err)
		return err;
	make_way_for_all(rec, tx, false);
	return put_all(rec, tx, false, r);
}

void reconcile_finish(struct reconcile *rec, const struct config_tx *tx)
{
	del_all(rec, tx, false);
}

void reconcile_restore(struct reconcile *rec, struct config_tx *tx)
{
	struct refusal r = REFUSAL_INIT;

	/* What was added goes first: it may hold what the old objects need.  And before a
	 * new bridge goes, the ports that had moved to it. */
	make_way_for_all(rec, tx, true);
	del_all(rec, tx, true);
	put_all(rec, tx, true, &r);
	refusal_fini(&r);
}

void reconcile_start(struct reconcile *rec)
{
	struct refusal r = REFUSAL_INIT;

	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		size_t n = config_count(rec->config, kind);
		const char **names = n ? config_names(rec->config, kind) : NULL;

		for (size_t i = 0; i < n; i++) {
			const json_t *want = config_get(rec->config, kind, names[i]);

			if (config_port_is_internal(want)) /* came with its bridge */
				continue;
			if (kind == CONFIG_PORT ? !port_add(rec, want, true, &r)
						: !put(rec, kind, want, true, &r))
				continue;
			log_error("%s", strbuf_str(&r.text));
			if (kind == CONFIG_PORT)
				set_failed(rec, names[i], strbuf_str(&r.text));
		}
		free(names);
	}
	refusal_fini(&r);
}
