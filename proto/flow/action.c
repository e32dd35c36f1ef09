#include "action.h"

#include <errno.h>
#include <stdlib.h>

bool action_equal(const struct action *a, const struct action *b)
{
	if (a->type != b->type)
		return false;
	switch ((enum action_type)a->type) {
	case ACTION_OUTPUT:
		return a->output.port == b->output.port && a->output.max_len == b->output.max_len;
	case ACTION_OUTPUT_TRUNC:
		return a->trunc.port == b->trunc.port && a->trunc.max_len == b->trunc.max_len;
	case ACTION_OUTPUT_FIELD:
		return subfield_equal(a->src, b->src);
	case ACTION_CONTROLLER:
		return a->controller.max_len == b->controller.max_len &&
		       a->controller.id == b->controller.id &&
		       a->controller.reason == b->controller.reason;
	case ACTION_GROUP:
		return a->group == b->group;
	case ACTION_SET_QUEUE:
		return a->queue == b->queue;
	case ACTION_PUSH_VLAN:
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
	case ACTION_PUSH_PBB:
		return a->ethertype == b->ethertype;
	case ACTION_SET_FIELD:
	case ACTION_LOAD:
		return subfield_equal(a->set.dst, b->set.dst) &&
		       field_value_equal(a->set.value, b->set.value);
	case ACTION_MOVE:
		return subfield_equal(a->move.src, b->move.src) &&
		       subfield_equal(a->move.dst, b->move.dst);
	case ACTION_SET_MPLS_TTL:
	case ACTION_SET_NW_TTL:
		return a->ttl == b->ttl;
	case ACTION_RESUBMIT:
		return a->resubmit.port == b->resubmit.port &&
		       a->resubmit.table == b->resubmit.table;
	case ACTION_POP_QUEUE:
	case ACTION_POP_VLAN:
	case ACTION_POP_PBB:
	case ACTION_DEC_MPLS_TTL:
	case ACTION_DEC_NW_TTL:
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN:
	case ACTION_EXIT:
	case ACTION_N:
		break;
	}
	return true;
}

/* ---- lists ---- */

int action_list_add(struct action_list *list, const struct action *a)
{
	if (list->n == ACTION_LIST_MAX)
		return -E2BIG;
	if (list->n == list->cap) {
		unsigned cap = list->cap ? 2 * list->cap : 4;
		struct action *v = realloc(list->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = *a;
	return 0;
}

int action_list_copy(struct action_list *dst, const struct action_list *src)
{
	struct action_list copy = {.n = src->n, .cap = src->n};

	if (src->n) {
		copy.v = malloc(src->n * sizeof(*copy.v));
		if (!copy.v)
			return -ENOMEM;
		memcpy(copy.v, src->v, src->n * sizeof(*copy.v));
	}
	*dst = copy;
	return 0;
}

void action_list_fini(struct action_list *list)
{
	free(list->v);
	*list = (struct action_list){0};
}

bool action_list_equal(const struct action_list *a, const struct action_list *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!action_equal(&a->v[i], &b->v[i]))
			return false;
	return true;
}

/* ---- instructions ---- */

void instructions_init(struct instructions *ins)
{
	*ins = (struct instructions){.goto_table = INSTRUCTIONS_NO_GOTO};
}

int instructions_copy(struct instructions *dst, const struct instructions *src)
{
	struct instructions copy = *src;
	int err = action_list_copy(&copy.apply, &src->apply);

	if (err)
		return err;
	err = action_list_copy(&copy.write, &src->write);
	if (err) {
		action_list_fini(&copy.apply);
		return err;
	}
	*dst = copy;
	return 0;
}

void instructions_fini(struct instructions *ins)
{
	action_list_fini(&ins->apply);
	action_list_fini(&ins->write);
}

bool instructions_equal(const struct instructions *a, const struct instructions *b)
{
	return a->meter == b->meter && a->clear == b->clear && a->metadata == b->metadata &&
	       a->metadata_mask == b->metadata_mask && a->goto_table == b->goto_table &&
	       action_list_equal(&a->apply, &b->apply) && action_list_equal(&a->write, &b->write);
}
