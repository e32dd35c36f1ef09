/* A group is words up to the first "bucket=".  A bucket is words up to the next one, of which
 * those that are not its own are actions. */
#include <errno.h>
#include <stdlib.h>

#include "action_parser.h"
#include "group_mod.h"
#include "ofport.h"

enum seen { SEEN_ID = 1, SEEN_TYPE = 2 };
enum {
	SEEN_WEIGHT = 1,
	SEEN_WATCH_PORT = 2,
	SEEN_WATCH_GROUP = 4,
	SEEN_ACTION = 8,
	SEEN_DROP = 16
};

struct parser {
	struct group_mod *gm;
	const struct action_limits *limits;
	struct action_parser actions; /* of this bucket */
	unsigned seen;
	unsigned bucket_seen;
	unsigned n_actions;	 /* words */
	struct text_word bucket; /* for messages */
	struct strbuf *why;
};

static bool is(struct text t, const char *name)
{
	return strlen(name) == text_len(t) && !memcmp(t.pos, name, text_len(t));
}

static int once(struct parser *p, const struct text_word *w, unsigned *seen, unsigned bit)
{
	if (*seen & bit)
		return text_word_refuse(w, "is given twice", p->why);
	*seen |= bit;
	return 0;
}

/* ---- the group ---- */

static int parse_id(struct parser *p, const struct text_word *w)
{
	uint64_t n = 0;

	if (once(p, w, &p->seen, SEEN_ID))
		return -EINVAL;
	if (p->gm->command == GROUP_DELETE && is(w->value, "all")) {
		p->gm->id = (uint32_t)GROUP_ID_ALL;
		return 0;
	}
	if (text_word_number(w, 0, p->limits->groups_max, &n, p->why))
		return -EINVAL;
	p->gm->id = (uint32_t)n;
	return 0;
}

static int parse_type(struct parser *p, const struct text_word *w)
{
	static const struct {
		const char *name;
		enum group_type type;
	} types[] = {{"all", GROUP_ALL}, {"select", GROUP_SELECT}, {"indirect", GROUP_INDIRECT},
		{"ff", GROUP_FF}, {"fast_failover", GROUP_FF}};

	if (once(p, w, &p->seen, SEEN_TYPE))
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is(w->value, types[i].name)) {
			p->gm->type = types[i].type;
			return 0;
		}
	return text_word_refuse(w, "must be all, select, indirect or ff", p->why);
}

static int parse_group_word(struct parser *p, const struct text_word *w)
{
	static const char *const later[] = {
		"selection_method", "selection_method_param", "fields", "command_bucket_id"};

	if (text_word_is(w, "group_id"))
		return parse_id(p, w);
	if (p->gm->command == GROUP_DELETE)
		return text_word_refuse(w, "deleting takes group_id only", p->why);
	if (text_word_is(w, "type"))
		return parse_type(p, w);
	for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (text_word_is(w, later[i]))
			return text_word_refuse(w, "OpenFlow 1.3 does not have it", p->why);
	return text_word_refuse(w, "is none of group_id, type, bucket", p->why);
}

/* ---- buckets ---- */

static int parse_number(
	struct parser *p, const struct text_word *w, unsigned bit, uint64_t max, uint32_t *out)
{
	uint64_t n = 0;
	int err = once(p, w, &p->bucket_seen, bit);

	if (!err)
		err = text_word_number(w, 0, max, &n, p->why);
	if (!err)
		*out = (uint32_t)n;
	return err;
}

static int parse_action(struct parser *p, const struct text_word *w)
{
	p->bucket_seen |= SEEN_ACTION;
	p->n_actions++;
	if (!text_word_is(w, "drop"))
		return action_parse_word(&p->actions, w);
	p->bucket_seen |= SEEN_DROP;
	return text_word_refuse_value(w, p->why);
}

static int parse_bucket_word(struct parser *p, struct text *rest, const struct text_word *w)
{
	struct bucket *b = &p->gm->buckets[p->gm->n_buckets - 1];
	uint32_t weight = 0;
	int err;

	if (text_word_is(w, "weight")) {
		err = parse_number(p, w, SEEN_WEIGHT, UINT16_MAX, &weight);
		b->weight = (uint16_t)weight;
		if (!err && p->gm->type != GROUP_SELECT)
			err = text_word_refuse(w, "only of type select", p->why);
		return err;
	}
	if (text_word_is(w, "watch_port"))
		return parse_number(
			p, w, SEEN_WATCH_PORT, (uint64_t)OFPORT_NUMBER_MAX, &b->watch_port);
	if (text_word_is(w, "watch_group"))
		return parse_number(p, w, SEEN_WATCH_GROUP, p->limits->groups_max, &b->watch_group);
	if (text_word_is(w, "bucket_id"))
		return text_word_refuse(w, "OpenFlow 1.3 does not have it", p->why);
	if (text_word_is(w, "actions") && w->mark == '=') {
		if (p->bucket_seen & SEEN_ACTION)
			return text_word_refuse(w, "actions are given twice", p->why);
		p->bucket_seen |= SEEN_ACTION;
		rest->pos = w->value.pos;
		return 0;
	}
	return parse_action(p, w);
}

/* The last one, if there is one. */
static int end_bucket(struct parser *p)
{
	if (!p->gm->n_buckets)
		return 0;
	if (!(p->bucket_seen & SEEN_ACTION))
		return text_word_refuse(&p->bucket, "needs actions", p->why);
	if (p->bucket_seen & SEEN_DROP && p->n_actions > 1)
		return text_word_refuse(&p->bucket, "drop must stand alone", p->why);
	return 0;
}

static int begin_bucket(struct parser *p, struct text *rest, const struct text_word *w)
{
	struct group_mod *gm = p->gm;
	struct bucket *b;

	if (gm->command == GROUP_DELETE)
		return text_word_refuse(w, "deleting takes group_id only", p->why);
	if (w->mark != '=')
		return text_word_refuse(w, "must be bucket=", p->why);
	if (gm->n_buckets == GROUP_BUCKETS_MAX)
		return text_word_refuse(w, "too many buckets", p->why);
	b = realloc(gm->buckets, (gm->n_buckets + 1) * sizeof(*b));
	if (!b)
		return -ENOMEM;
	gm->buckets = b;
	b += gm->n_buckets++;
	*b = (struct bucket){.weight = gm->type == GROUP_SELECT,
		.watch_port = (uint32_t)GROUP_WATCH_NONE,
		.watch_group = (uint32_t)GROUP_WATCH_NONE};
	p->bucket = *w;
	p->bucket_seen = p->n_actions = 0;
	action_parser_init(&p->actions, &b->actions, NULL, p->why);
	rest->pos = w->value.pos;
	return 0;
}

static int check_seen(const struct parser *p)
{
	const char *missing = NULL;

	if (!(p->seen & SEEN_ID))
		missing = "needs group_id=";
	else if (!(p->seen & SEEN_TYPE) && p->gm->command != GROUP_DELETE)
		missing = "needs type=";
	if (!missing)
		return 0;
	strbuf_puts(p->why, missing);
	return -EINVAL;
}

static int parse_word(struct parser *p, struct text *rest, const struct text_word *w)
{
	int err;

	if (text_word_is(w, "bucket")) {
		err = end_bucket(p);
		if (!err && !p->gm->n_buckets && p->gm->command != GROUP_DELETE)
			err = check_seen(p);
		return err ? err : begin_bucket(p, rest, w);
	}
	return p->gm->n_buckets ? parse_bucket_word(p, rest, w) : parse_group_word(p, w);
}

static int parse_all(struct parser *p, struct text rest)
{
	struct text_word w;
	int err;

	while ((err = text_word_next(&rest, &w, p->why)) > 0) {
		err = parse_word(p, &rest, &w);
		if (err)
			return err;
	}
	if (!err)
		err = end_bucket(p);
	if (!err)
		err = check_seen(p);
	return err ? err : group_mod_check(p->gm, p->limits, p->why);
}

int group_mod_parse(struct group_mod *gm, enum group_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why)
{
	struct parser p = {.gm = gm, .limits = limits, .why = why};
	size_t from = why->len;
	int err;

	gm->command = command;
	err = parse_all(&p, (struct text){text, text + strlen(text)});
	if (err)
		text_tame(why, from);
	return err;
}
