/* How long the configuration is: what many objects can hold together is bounded, too. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "switch_limits.h"

struct config_sizes config_object_sizes(const json_t *object)
{
	struct config_sizes sizes = {0};
	const char *key;
	json_t *value;

	if (!object)
		return sizes;
	sizes.text = (long long)json_dumpb(object, NULL, 0, JSON_COMPACT);
	json_object_foreach(json_object_get(object, "external-ids"), key, value) sizes.ids +=
		(long long)(strlen(key) + json_string_length(value));
	return sizes;
}

static long long member(const struct config_sizes *sizes, bool ids)
{
	return ids ? sizes->ids : sizes->text;
}

/* The last object that grew, where all together did. */
static const struct config_change *grown(const struct config_tx *tx, bool ids)
{
	const struct config_change *last = NULL;
	long long sum = 0;

	for (size_t i = 0; i < tx->n; i++) {
		const struct config_change *ch = &tx->changes[i];
		struct config_sizes old = config_object_sizes(ch->old);
		struct config_sizes new = config_object_sizes(ch->new);
		long long more = member(&new, ids) - member(&old, ids);

		sum += more;
		if (more > 0)
			last = ch;
	}
	return sum > 0 ? last : NULL;
}

static int check_size(struct config_tx *tx, bool ids, long long max, struct refusal *r)
{
	struct config_sizes all = config_sizes(tx->config);
	const struct config_change *ch = member(&all, ids) > max ? grown(tx, ids) : NULL;

	if (!ch) /* what is too long already may get shorter by and by */
		return 0;
	tx->culprit = ch->op;
	if (ids)
		refuse(r, REFUSED_LIMIT, "external-ids",
			"external-ids: those of all objects together would be %lld bytes, more "
			"than "
			"the limit external-ids-bytes, %lld",
			all.ids, max);
	else
		refuse(r, REFUSED_LIMIT, ch->name,
			"the configuration would be %lld bytes long, more than the limit "
			"configuration-bytes, %lld",
			all.text, max);
	refusal_prefix(r, "%s %s", config_kind_name(ch->kind), ch->name);
	return -EINVAL;
}

int config_check_sizes(struct config_tx *tx, struct refusal *r)
{
	return check_size(tx, true, LIMITS_EXTERNAL_IDS_BYTES, r)
		       ? -EINVAL
		       : check_size(tx, false, LIMITS_CONFIG_BYTES, r);
}
