/* How it works: schema_value() reads one value by the kind that the key's row gives,
 * schema_edit() lays given keys over a base and puts the result in the order of the
 * table, schema_check() looks at keys that depend on each other.  What depends on
 * other objects is config_check.c's. */
#include "schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "must.h"

#define EXTERNAL_ID "external-id."

/* What the user wrote, as text for messages. */
static void value_text(const json_t *v, struct strbuf *sb)
{
	if (json_is_string(v)) {
		strbuf_puts(sb, *json_string_value(v) ? json_string_value(v) : "''");
		return;
	}
	char *dump = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	strbuf_puts(sb, dump ? dump : "?");
	free(dump);
}

__attribute__((format(printf, 3, 4))) static int refuse_value(
	struct refusal *r, const json_t *v, const char *fmt, ...)
{
	struct strbuf word = STRBUF_INIT, what = STRBUF_INIT;
	va_list ap;

	value_text(v, &word);
	va_start(ap, fmt);
	strbuf_vprintf(&what, fmt, ap);
	va_end(ap);
	refuse(r, REFUSED_BAD, strbuf_str(&word), "%s %s", strbuf_str(&word), strbuf_str(&what));
	strbuf_fini(&word);
	strbuf_fini(&what);
	return -EINVAL;
}

/* Decimal digits only, no sign, no space. */
static bool parse_uint(const json_t *v, uint64_t max, uint64_t *out)
{
	if (json_is_integer(v)) {
		json_int_t n = json_integer_value(v);

		*out = (uint64_t)n;
		return n >= 0 && (uint64_t)n <= max;
	}
	const char *s = json_string_value(v);
	uint64_t n = 0;
	if (!s || !*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max) /* max is far below what overflows the next step */
			return false;
	}
	*out = n;
	return true;
}

static int value_bool(const json_t *in, json_t **out, struct refusal *r)
{
	const char *s = json_string_value(in);

	if (json_is_boolean(in))
		*out = json_boolean(json_is_true(in));
	else if (s && (!strcmp(s, "true") || !strcmp(s, "false")))
		*out = json_boolean(*s == 't');
	else
		return refuse_value(r, in, "is not true or false");
	return 0;
}

static int value_uint(
	const struct config_key *key, const json_t *in, json_t **out, struct refusal *r)
{
	uint64_t n;

	if (!parse_uint(in, key->max, &n) || n < key->min)
		return refuse_value(r, in,
			key->value == CONFIG_VLAN ? "is not a VLAN (%llu-%llu)"
						  : "is not a number from %llu to %llu",
			(unsigned long long)key->min, (unsigned long long)key->max);
	*out = must(json_integer((json_int_t)n));
	return 0;
}

static int value_mac(const json_t *in, json_t **out, struct refusal *r)
{
	struct eth_addr mac;

	if (!json_is_string(in) || eth_addr_parse(json_string_value(in), &mac))
		return refuse_value(r, in, "is not a MAC address (xx:xx:xx:xx:xx:xx)");
	if (eth_addr_is_multicast(mac))
		return refuse_value(r, in, "is a group address");
	if (!eth_addr_u64(mac))
		return refuse_value(r, in, "is no station's address");
	*out = must(json_sprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(mac)));
	return 0;
}

static int value_dpid(const json_t *in, json_t **out, struct refusal *r)
{
	const char *s = json_string_value(in);
	size_t n = s ? strlen(s) : 0;

	if (!n || n > 16 || strspn(s, "0123456789abcdefABCDEF") != n || strspn(s, "0") == n)
		return refuse_value(r, in, "is not a datapath id (1 to 16 hexadecimal digits)");
	char digits[17] = "0000000000000000";
	for (size_t i = 0; i < n; i++)
		digits[16 - n + i] = (char)tolower((unsigned char)s[i]);
	*out = must(json_string(digits));
	return 0;
}

/* A list of numbers and strings becomes one string with commas; false for another thing. */
static bool vlan_set_join(const json_t *in, struct strbuf *text)
{
	size_t i;
	const json_t *v;

	if (json_is_string(in)) {
		strbuf_puts(text, json_string_value(in));
		return true;
	}
	if (json_is_integer(in)) {
		strbuf_printf(text, "%lld", (long long)json_integer_value(in));
		return true;
	}
	if (!json_is_array(in))
		return false;
	json_array_foreach(in, i, v)
	{
		if (i)
			strbuf_putc(text, ',');
		if (json_is_string(v))
			strbuf_puts(text, json_string_value(v));
		else if (json_is_integer(v))
			strbuf_printf(text, "%lld", (long long)json_integer_value(v));
		else
			return false;
	}
	return true;
}

static void vlan_set_print(const uint64_t *set, struct strbuf *text)
{
	for (unsigned first = 0; first <= VLAN_VID_MAX; first++) {
		unsigned last = first;

		if (!vlan_set_has(set, (uint16_t)first))
			continue;
		while (last < VLAN_VID_MAX && vlan_set_has(set, (uint16_t)(last + 1)))
			last++;
		strbuf_printf(text, "%s%u", text->len ? "," : "", first);
		if (last > first)
			strbuf_printf(text, "-%u", last);
		first = last;
	}
}

static int value_vlan_set(const json_t *in, json_t **out, struct refusal *r)
{
	uint64_t set[VLAN_SET_WORDS] = {0};
	struct strbuf text = STRBUF_INIT;
	const char *bad;
	int rc = 0;

	if (!vlan_set_join(in, &text)) {
		rc = refuse_value(r, in, "is not a list of VLANs (10,20-29)");
	} else if (!strcmp(strbuf_str(&text), "all")) {
		*out = NULL;
	} else if (!vlan_set_parse(strbuf_str(&text), set, &bad)) {
		json_t *word = json_stringn(bad, strcspn(bad, ","));

		rc = refuse_value(r, word ? word : in, "is not a VLAN or range of VLANs (0-4094)");
		json_decref(word);
	} else {
		strbuf_reset(&text);
		vlan_set_print(set, &text);
		*out = strcmp(strbuf_str(&text), "0-4094") ? must(json_string(strbuf_str(&text)))
							   : NULL;
	}
	strbuf_fini(&text);
	return rc;
}

static int value_word(
	const struct config_key *key, const json_t *in, json_t **out, struct refusal *r)
{
	struct strbuf all = STRBUF_INIT;

	for (const char *const *w = key->words; *w; w++) {
		if (json_is_string(in) && !strcmp(*w, json_string_value(in))) {
			strbuf_fini(&all);
			*out = must(json_string(*w));
			return 0;
		}
		strbuf_printf(&all, "%s%s", all.len ? ", " : "", *w);
	}
	refuse_value(r, in, "is not one of %s", strbuf_str(&all));
	strbuf_fini(&all);
	return -EINVAL;
}

static int value_path(const json_t *in, json_t **out, struct refusal *r)
{
	const char *s = json_string_value(in);

	if (!s || *s != '/' || strlen(s) > CONFIG_PATH_MAX || !s[strspn(s, "/")])
		return refuse_value(r, in, "is not an absolute path");
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return refuse_value(r, in, "has a control character");
	*out = must(json_string(s));
	return 0;
}

/* One entry of external-ids; null takes it away. */
static int ids_set(json_t *ids, const char *key, const json_t *v, struct refusal *r)
{
	if (!*key || strlen(key) > CONFIG_ID_KEY_MAX)
		return refuse(r, REFUSED_BAD, key, "%s is not a key of 1 to %d bytes",
			*key ? key : "''", CONFIG_ID_KEY_MAX);
	if (json_is_null(v)) {
		json_object_del(ids, key);
		return 0;
	}
	if (!json_is_string(v))
		return refuse_value(r, v, "is not a string");
	if (json_string_length(v) > CONFIG_ID_VALUE_MAX)
		return refuse_value(r, v, "is longer than %d bytes", CONFIG_ID_VALUE_MAX);
	must_do(json_object_set_new(ids, key, must(json_string(json_string_value(v)))));
	if (json_object_size(ids) > CONFIG_IDS_MAX)
		return refuse(r, REFUSED_LIMIT, key, "%s is one more than %d external-ids", key,
			CONFIG_IDS_MAX);
	return 0;
}

static int value_ids(const json_t *in, json_t **out, struct refusal *r)
{
	const char *key;
	json_t *v;

	if (!json_is_object(in))
		return refuse_value(r, in, "is not an object of strings");
	json_t *ids = must(json_object());
	json_object_foreach((json_t *)in, key, v)
	{
		if (ids_set(ids, key, v, r)) {
			json_decref(ids);
			return -EINVAL;
		}
	}
	*out = ids;
	return 0;
}

static bool is_default(const struct config_key *key, const json_t *v)
{
	switch (key->value) {
	case CONFIG_IDS:
		return !json_object_size(v);
	case CONFIG_BOOL:
		return key->def && json_is_true(v) == (*key->def == 't');
	case CONFIG_UINT:
	case CONFIG_VLAN:
		return key->def && json_integer_value(v) == atoll(key->def);
	default:
		return key->def && !strcmp(json_string_value(v), key->def);
	}
}

static int value_of_kind(
	const struct config_key *key, const json_t *in, json_t **out, struct refusal *r)
{
	switch (key->value) {
	case CONFIG_BOOL:
		return value_bool(in, out, r);
	case CONFIG_UINT:
	case CONFIG_VLAN:
		return value_uint(key, in, out, r);
	case CONFIG_MAC:
		return value_mac(in, out, r);
	case CONFIG_DPID:
		return value_dpid(in, out, r);
	case CONFIG_VLAN_SET:
		return value_vlan_set(in, out, r);
	case CONFIG_WORD:
		return value_word(key, in, out, r);
	case CONFIG_PATH:
		return value_path(in, out, r);
	case CONFIG_IDS:
		return value_ids(in, out, r);
	case CONFIG_BRIDGE_NAME:
	case CONFIG_PORT_NAME:
	case CONFIG_VALUES:
		break;
	}
	if (!json_is_string(in))
		return refuse_value(r, in, "is not a name");
	if (schema_name(NULL, json_string_value(in),
		    key->value == CONFIG_BRIDGE_NAME ? CONFIG_BRIDGE_NAME_MAX
						     : CONFIG_PORT_NAME_MAX,
		    r))
		return -EINVAL;
	*out = must(json_string(json_string_value(in)));
	return 0;
}

int schema_value(const struct config_key *key, const json_t *in, json_t **out, struct refusal *r)
{
	json_t *v = NULL;

	if (value_of_kind(key, in, &v, r))
		return -EINVAL;
	if (v && is_default(key, v)) {
		json_decref(v);
		v = NULL;
	}
	*out = v;
	return 0;
}

int schema_name(const char *what, const char *name, size_t max, struct refusal *r)
{
	size_t n = strlen(name);
	int rc = 0;

	if (!n)
		rc = refuse(r, REFUSED_BAD, "", "the name is empty");
	else if (n > max)
		rc = refuse(r, REFUSED_BAD, name, "%s is longer than %zu bytes", name, max);
	else if (*name == '-' || !strcmp(name, ".") || !strcmp(name, ".."))
		rc = refuse(r, REFUSED_BAD, name, "%s is not a name", name);
	for (const char *c = name; !rc && *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:+@",
			    *c))
			rc = refuse(r, REFUSED_BAD, name,
				"%s is not a name of letters, digits and ._-:+@", name);
	if (rc && what)
		refusal_prefix(r, "%s", what);
	return rc;
}

const char *schema_text(const json_t *params, const char *key, struct refusal *r)
{
	const json_t *v = json_object_get(params, key);

	if (!v)
		refuse(r, REFUSED_PARAMS, key, "'%s' is missing", key);
	else if (!json_is_string(v))
		refuse(r, REFUSED_PARAMS, key, "'%s' is not a string", key);
	else
		return json_string_value(v);
	return NULL;
}

int schema_flag(const json_t *params, const char *key, bool *flag, struct refusal *r)
{
	const json_t *v = json_object_get(params, key);
	json_t *out;

	*flag = false;
	if (!v)
		return 0;
	if (value_bool(v, &out, r)) {
		refusal_prefix(r, "%s", key);
		return -EINVAL;
	}
	*flag = json_is_true(out);
	return 0;
}

static int refuse_key(enum config_kind kind, const char *name, struct refusal *r)
{
	const char *guess = config_key_guess(kind, name);

	if (guess)
		return refuse(r, REFUSED_BAD, name, "unknown key '%.80s' (did you mean '%s'?)",
			name, guess);
	return refuse(r, REFUSED_BAD, name, "unknown key '%.80s'", name);
}

/* Lay "external-id.KEY": VALUE over the external-ids of 'object', which may be shared. */
static int edit_id(json_t *object, const char *key, const json_t *v, struct refusal *r)
{
	const json_t *old = json_object_get(object, "external-ids");
	json_t *ids = must(old ? json_copy((json_t *)old) : json_object());
	int rc = ids_set(ids, key, v, r);

	if (!rc && json_object_size(ids))
		must_do(json_object_set(object, "external-ids", ids));
	else if (!rc)
		json_object_del(object, "external-ids");
	json_decref(ids);
	return rc;
}

static int edit_key(
	json_t *object, enum config_kind kind, const char *name, const json_t *v, struct refusal *r)
{
	const struct config_key *key = config_key_lookup(kind, name);
	json_t *value = NULL;

	if (!key)
		return refuse_key(kind, name, r);
	if (!json_is_null(v) && schema_value(key, v, &value, r)) {
		refusal_prefix(r, "%s", name);
		return -EINVAL;
	}
	const json_t *old = json_object_get(object, name);
	if (old && (key->flags & CONFIG_KEY_FIXED) && !(value && json_equal(value, old))) {
		json_decref(value);
		return refuse(r, REFUSED_BAD, name,
			"%s: cannot be changed; delete the %s and add it again", name,
			config_kind_name(kind));
	}
	if (value)
		must_do(json_object_set_new(object, name, value));
	else if (!(key->flags & CONFIG_KEY_CHOSEN)) /* what is chosen once stays */
		json_object_del(object, name);
	return 0;
}

json_t *schema_order(enum config_kind kind, const json_t *object)
{
	json_t *out = must(json_object());

	for (const struct config_key *k = config_keys(kind); k->name; k++) {
		json_t *v = json_object_get(object, k->name);

		if (v)
			must_do(json_object_set(out, k->name, v));
	}
	return out;
}

int schema_edit(enum config_kind kind, const json_t *base, const json_t *given, json_t **out,
	struct refusal *r)
{
	json_t *object = must(json_copy((json_t *)base));
	const char *name;
	json_t *v;
	int rc = 0;

	json_object_foreach((json_t *)given, name, v)
	{
		const struct config_key *key = config_key_lookup(kind, name);

		if (key && (key->flags & CONFIG_KEY_IDENTITY))
			continue;
		if (!strncmp(name, EXTERNAL_ID, strlen(EXTERNAL_ID)) &&
			config_key_lookup(kind, "external-ids")) {
			rc = edit_id(object, name + strlen(EXTERNAL_ID), v, r);
			if (rc)
				refusal_prefix(r, "%s", name);
		} else {
			rc = edit_key(object, kind, name, v, r);
		}
		if (rc)
			break;
	}
	if (!rc)
		*out = schema_order(kind, object);
	json_decref(object);
	return rc;
}
