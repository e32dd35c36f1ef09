#include "rule.h"

#include <errno.h>
#include <stdlib.h>

static int counters_create(unsigned n_lanes, uint64_t now_ms, struct rule_counters **out)
{
	struct rule_counters *c = calloc(1, sizeof(*c) + n_lanes * sizeof(c->lanes[0]));

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->created_ms = c->used_ms = now_ms;
	*out = c;
	return 0;
}

static void counters_put(struct rule_counters *c)
{
	if (c && !--c->refs)
		free(c);
}

static int create(const struct match *match, uint32_t priority, const struct instructions *ins,
	struct rule **out)
{
	struct rule *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	list_init(&r->timed);
	rc = cls_rule_init(&r->cls, match, priority);
	if (rc)
		goto free_self;
	rc = instructions_copy(&r->ins, ins);
	if (rc)
		goto fini_match;
	*out = r;
	return 0;

fini_match:
	cls_rule_fini(&r->cls);
free_self:
	free(r);
	return rc;
}

int rule_create(const struct flow_mod *fm, uint8_t table, unsigned n_lanes, uint64_t now_ms,
	struct rule **out)
{
	struct rule *r;
	int rc = create(&fm->match, fm->priority, &fm->ins, &r);

	if (rc)
		return rc;
	r->table = table;
	r->cookie = fm->cookie;
	r->flags = fm->flags;
	r->idle_timeout = fm->idle_timeout;
	r->hard_timeout = fm->hard_timeout;
	rc = counters_create(n_lanes, now_ms, &r->counters);
	if (rc) {
		rule_destroy(r);
		return rc;
	}
	*out = r;
	return 0;
}

int rule_create_modified(const struct rule *old, const struct instructions *ins, struct rule **out)
{
	struct match match;
	struct rule *r;

	cls_rule_match(&old->cls, &match);
	int rc = create(&match, old->cls.priority, ins, &r);
	if (rc)
		return rc;
	r->table = old->table;
	r->cookie = old->cookie;
	r->flags = old->flags;
	r->idle_timeout = old->idle_timeout;
	r->hard_timeout = old->hard_timeout;
	r->due_ms = old->due_ms;
	r->counters = old->counters;
	r->counters->refs++;
	*out = r;
	return 0;
}

void rule_destroy(struct rule *r)
{
	if (!r)
		return;
	counters_put(r->counters);
	instructions_fini(&r->ins);
	cls_rule_fini(&r->cls);
	free(r);
}

void rule_inherit_counters(struct rule *r, struct rule *old)
{
	/* its own age: to add is to begin anew, but for what was counted */
	uint64_t created_ms = r->counters->created_ms;

	counters_put(r->counters);
	r->counters = old->counters;
	r->counters->refs++;
	r->counters->created_ms = created_ms;
	__atomic_store_n(&r->counters->used_ms, created_ms, __ATOMIC_RELAXED);
}

static struct rule_line sum(const struct rule_counters *c, unsigned n_lanes)
{
	struct rule_line all = {0};

	for (unsigned i = 0; i < n_lanes; i++) {
		all.packets += count_get(&c->lanes[i].packets);
		all.bytes += count_get(&c->lanes[i].bytes);
	}
	return all;
}

void rule_reset_counters(struct rule *r, unsigned n_lanes)
{
	r->counters->reset = sum(r->counters, n_lanes);
}

struct rule_line rule_counted(const struct rule *r, unsigned n_lanes)
{
	struct rule_line all = sum(r->counters, n_lanes);

	all.packets -= r->counters->reset.packets;
	all.bytes -= r->counters->reset.bytes;
	return all;
}

static bool list_has(const struct action_list *list, enum action_type type, uint32_t number)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct action *a = &list->v[i];

		if (a->type == type &&
			(type == ACTION_OUTPUT ? a->output.port : a->group) == number)
			return true;
	}
	return false;
}

static bool has(const struct rule *r, enum action_type type, uint32_t number)
{
	return list_has(&r->ins.apply, type, number) || list_has(&r->ins.write, type, number);
}

bool rule_outputs_to(const struct rule *r, uint32_t port)
{
	return has(r, ACTION_OUTPUT, port);
}

bool rule_uses_group(const struct rule *r, uint32_t group)
{
	return has(r, ACTION_GROUP, group);
}

int rule_describe(const struct rule *r, struct flow_mod *fm)
{
	flow_mod_init(fm);
	cls_rule_match(&r->cls, &fm->match);
	fm->table = r->table;
	fm->priority = (uint16_t)r->cls.priority;
	fm->idle_timeout = r->idle_timeout;
	fm->hard_timeout = r->hard_timeout;
	fm->flags = r->flags;
	fm->cookie = r->cookie;
	return instructions_copy(&fm->ins, &r->ins);
}
