#include "watch.h"

#include <errno.h>
#include <string.h>

#include "must.h"
#include "names.h"
#include "schema.h"
#include "switch_limits.h"

struct watch_filter {
	unsigned kinds; /* bits */
	bool now;
	struct strmap ports, bridges; /* names, the values mean nothing; none of both: all */
};

typedef int (*word_fn)(struct watch_filter *f, const char *word, struct refusal *r);

static int add_kind(struct watch_filter *f, const char *word, struct refusal *r)
{
	for (unsigned k = 0; k < EVENT_KINDS; k++) {
		if (!strcmp(event_kinds[k], word)) {
			f->kinds |= 1u << k;
			return 0;
		}
	}
	const char *near = names_nearest(event_kinds, EVENT_KINDS, word);
	if (near)
		return refuse(r, REFUSED_BAD, word,
			"no kind of event is '%.80s' (did you mean '%s'?)", word, near);
	return refuse(r, REFUSED_BAD, word,
		"no kind of event is '%.80s' (port, link, mtu, bridge, drops, config)", word);
}

static int add_name(struct strmap *names, const char *word, size_t max, struct refusal *r)
{
	if (schema_name(NULL, word, max, r))
		return -EINVAL;
	strmap_put(names, word, names);
	if (names->n > LIMITS_WATCH_NAMES)
		return refuse(r, REFUSED_LIMIT, word, "%s is one name more than %d", word,
			LIMITS_WATCH_NAMES);
	return 0;
}

static int add_port(struct watch_filter *f, const char *word, struct refusal *r)
{
	return add_name(&f->ports, word, CONFIG_PORT_NAME_MAX, r);
}

static int add_bridge(struct watch_filter *f, const char *word, struct refusal *r)
{
	return add_name(&f->bridges, word, CONFIG_BRIDGE_NAME_MAX, r);
}

/* "a,b,c" */
static int each_in_text(struct watch_filter *f, const char *text, word_fn fn, struct refusal *r)
{
	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ",");
		char *word = must(strndup(at, n));
		int rc = fn(f, word, r);

		free(word);
		if (rc)
			return rc;
		at += n;
		if (!*at)
			return 0;
	}
}

/* A list of words, or a string of them with commas. */
static int each_word(struct watch_filter *f, const json_t *params, const char *key, word_fn fn,
	struct refusal *r)
{
	const json_t *v = json_object_get(params, key), *word;
	size_t i;
	int rc = 0;

	if (!v)
		return 0;
	if (json_is_string(v)) {
		rc = each_in_text(f, json_string_value(v), fn, r);
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, word)
		{
			if (!json_is_string(word))
				return refuse(
					r, REFUSED_PARAMS, key, "%s: is not a list of words", key);
			rc = fn(f, json_string_value(word), r);
			if (rc)
				break;
		}
	} else {
		return refuse(r, REFUSED_PARAMS, key, "%s: is not a list of words", key);
	}
	if (rc)
		refusal_prefix(r, "%s", key);
	return rc;
}

int watch_filter_create(const json_t *params, struct watch_filter **out, struct refusal *r)
{
	struct watch_filter *f = must(calloc(1, sizeof(*f)));

	must_do(strmap_init(&f->ports));
	must_do(strmap_init(&f->bridges));
	if (schema_flag(params, "now", &f->now, r) || each_word(f, params, "kind", add_kind, r) ||
		each_word(f, params, "port", add_port, r) ||
		each_word(f, params, "bridge", add_bridge, r)) {
		watch_filter_destroy(f);
		return -EINVAL;
	}
	if (!f->kinds)
		f->kinds = (1u << EVENT_KINDS) - 1;
	*out = f;
	return 0;
}

void watch_filter_destroy(struct watch_filter *f)
{
	if (!f)
		return;
	strmap_fini(&f->ports);
	strmap_fini(&f->bridges);
	free(f);
}

bool watch_filter_now(const struct watch_filter *f)
{
	return f->now;
}

bool watch_filter_kind(const struct watch_filter *f, enum event_kind kind)
{
	return f->kinds >> kind & 1;
}

static bool names_it(const struct watch_filter *f, const char *port, const char *bridge)
{
	return (port && strmap_get(&f->ports, port)) || (bridge && strmap_get(&f->bridges, bridge));
}

bool watch_filter_passes(const struct watch_filter *f, const struct event_about *about)
{
	return watch_filter_kind(f, about->kind) &&
	       ((!f->ports.n && !f->bridges.n) || names_it(f, about->port, about->bridge));
}

static bool names_object(const struct watch_filter *f, enum config_kind kind, const json_t *object)
{
	const char *key = kind == CONFIG_FDB ? "port" : "name";
	const char *name = json_string_value(json_object_get(object, key));

	if (kind == CONFIG_BRIDGE) /* and its port, whose settings are partly there */
		return names_it(f, name, name);
	return names_it(f, name, json_string_value(json_object_get(object, "bridge")));
}

bool watch_filter_passes_change(const struct watch_filter *f, const struct config_tx *tx)
{
	if (!watch_filter_kind(f, EVENT_CONFIG))
		return false;
	if (!f->ports.n && !f->bridges.n)
		return true;
	for (size_t i = 0; i < tx->n; i++) {
		const struct config_change *ch = &tx->changes[i];

		if (config_change_is_one(ch) &&
			(names_object(f, ch->kind, ch->old) || names_object(f, ch->kind, ch->new)))
			return true;
	}
	return false;
}
