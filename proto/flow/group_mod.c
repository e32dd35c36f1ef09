#include "group_mod.h"

#include <errno.h>
#include <stdlib.h>

static const char *const type_names[] = {
	[GROUP_ALL] = "all",
	[GROUP_SELECT] = "select",
	[GROUP_INDIRECT] = "indirect",
	[GROUP_FF] = "ff",
};

void group_mod_init(struct group_mod *gm)
{
	*gm = (struct group_mod){0};
}

void group_mod_fini(struct group_mod *gm)
{
	for (unsigned i = 0; i < gm->n_buckets; i++)
		action_list_fini(&gm->buckets[i].actions);
	free(gm->buckets);
	group_mod_init(gm);
}

int group_mod_copy(struct group_mod *dst, const struct group_mod *src)
{
	struct group_mod copy = *src;

	copy.n_buckets = 0;
	copy.buckets = src->n_buckets ? calloc(src->n_buckets, sizeof(*copy.buckets)) : NULL;
	if (src->n_buckets && !copy.buckets)
		return -ENOMEM;
	for (; copy.n_buckets < src->n_buckets; copy.n_buckets++) {
		struct bucket *b = &copy.buckets[copy.n_buckets];

		*b = src->buckets[copy.n_buckets];
		if (action_list_copy(&b->actions, &src->buckets[copy.n_buckets].actions)) {
			group_mod_fini(&copy);
			return -ENOMEM;
		}
	}
	*dst = copy;
	return 0;
}

static bool bucket_equal(const struct bucket *a, const struct bucket *b)
{
	return a->weight == b->weight && a->watch_port == b->watch_port &&
	       a->watch_group == b->watch_group && action_list_equal(&a->actions, &b->actions);
}

bool group_mod_equal(const struct group_mod *a, const struct group_mod *b)
{
	if (a->command != b->command || a->type != b->type || a->id != b->id ||
		a->n_buckets != b->n_buckets)
		return false;
	for (unsigned i = 0; i < a->n_buckets; i++)
		if (!bucket_equal(&a->buckets[i], &b->buckets[i]))
			return false;
	return true;
}

/* ---- is it possible? ---- */

static int refuse(struct strbuf *why, enum of_error error, const char *sentence)
{
	strbuf_puts(why, sentence);
	return (int)error;
}

static int check_watch(const struct group_mod *gm, const struct bucket *b, struct strbuf *why)
{
	bool watches = b->watch_port != (uint32_t)GROUP_WATCH_NONE ||
		       b->watch_group != (uint32_t)GROUP_WATCH_NONE;

	if (gm->type == GROUP_FF && !watches)
		return refuse(why, GROUP_BAD_WATCH,
			"type=ff: each bucket needs watch_port or watch_group");
	if (watches && gm->type != GROUP_FF && gm->type != GROUP_SELECT)
		return refuse(why, GROUP_WATCH_UNSUPPORTED,
			"watch_port, watch_group: only of type ff and select");
	if (b->watch_group == gm->id && gm->type == GROUP_FF)
		return refuse(why, GROUP_LOOP, "watch_group: the group watches itself");
	return 0;
}

static int check_bucket(const struct group_mod *gm, const struct bucket *b,
	const struct action_limits *limits, struct strbuf *why)
{
	int err = check_watch(gm, b, why);

	if (err)
		return err;
	if (b->weight && gm->type != GROUP_SELECT) {
		strbuf_printf(why, "weight:%u: only of type select", b->weight);
		return GROUP_WEIGHT_UNSUPPORTED;
	}
	for (unsigned i = 0; i < b->actions.n; i++)
		if (b->actions.v[i].type == ACTION_GROUP && b->actions.v[i].group == gm->id) {
			strbuf_printf(why, "group:%u: is the group itself", gm->id);
			return GROUP_LOOP;
		}
	return action_list_check_bucket(&b->actions, limits, why);
}

int group_mod_check(
	const struct group_mod *gm, const struct action_limits *limits, struct strbuf *why)
{
	int err = 0;

	if (gm->command == GROUP_DELETE && gm->id == (uint32_t)GROUP_ID_ALL)
		return 0;
	if (gm->id > (uint32_t)GROUP_ID_MAX || gm->id > limits->groups_max) {
		strbuf_printf(why, "group_id=%u: no group has that number", gm->id);
		return GROUP_INVALID;
	}
	if (gm->command == GROUP_DELETE)
		return 0;
	if (gm->n_buckets > GROUP_BUCKETS_MAX)
		return refuse(why, GROUP_OUT_OF_BUCKETS, "bucket: too many of them");
	if (gm->type == GROUP_INDIRECT && gm->n_buckets != 1)
		return refuse(why, GROUP_INVALID, "type=indirect: must have one bucket");
	for (unsigned i = 0; !err && i < gm->n_buckets; i++)
		err = check_bucket(gm, &gm->buckets[i], limits, why);
	return err;
}

/* ---- text ---- */

static void print_bucket(const struct group_mod *gm, const struct bucket *b, struct strbuf *out)
{
	strbuf_puts(out, ",bucket=");
	if (gm->type == GROUP_SELECT && b->weight != 1)
		strbuf_printf(out, "weight:%u,", b->weight);
	if (b->watch_port != (uint32_t)GROUP_WATCH_NONE)
		strbuf_printf(out, "watch_port:%u,", b->watch_port);
	if (b->watch_group != (uint32_t)GROUP_WATCH_NONE)
		strbuf_printf(out, "watch_group:%u,", b->watch_group);
	strbuf_puts(out, "actions=");
	action_list_print(&b->actions, out);
}

void group_print(const struct group_mod *gm, struct strbuf *out)
{
	if (gm->command == GROUP_DELETE && gm->id == (uint32_t)GROUP_ID_ALL)
		return strbuf_puts(out, "group_id=all");
	strbuf_printf(out, "group_id=%u", gm->id);
	if (gm->command == GROUP_DELETE)
		return;
	strbuf_printf(out, ",type=%s", type_names[gm->type]);
	for (unsigned i = 0; i < gm->n_buckets; i++)
		print_bucket(gm, &gm->buckets[i], out);
}
