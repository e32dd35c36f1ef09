#include "action_set.h"

#include <errno.h>

enum rank {
	RANK_NONE, /* not for action sets */
	RANK_COPY_TTL_IN,
	RANK_POP_VLAN,
	RANK_POP_PBB,
	RANK_POP_MPLS,
	RANK_PUSH_MPLS,
	RANK_PUSH_PBB,
	RANK_PUSH_VLAN,
	RANK_COPY_TTL_OUT,
	RANK_DEC_NW_TTL,
	RANK_DEC_MPLS_TTL,
	RANK_SET,
	RANK_QUEUE,
	RANK_GROUP,
	RANK_OUTPUT,
	RANK_RESUBMIT,
	RANK_N
};

static const uint8_t ranks[] = {
	[ACTION_OUTPUT] = RANK_OUTPUT,
	[ACTION_OUTPUT_TRUNC] = RANK_NONE,
	[ACTION_OUTPUT_FIELD] = RANK_NONE,
	[ACTION_CONTROLLER] = RANK_NONE,
	[ACTION_GROUP] = RANK_GROUP,
	[ACTION_SET_QUEUE] = RANK_QUEUE,
	[ACTION_POP_QUEUE] = RANK_NONE,
	[ACTION_PUSH_VLAN] = RANK_PUSH_VLAN,
	[ACTION_POP_VLAN] = RANK_POP_VLAN,
	[ACTION_PUSH_MPLS] = RANK_PUSH_MPLS,
	[ACTION_POP_MPLS] = RANK_POP_MPLS,
	[ACTION_PUSH_PBB] = RANK_PUSH_PBB,
	[ACTION_POP_PBB] = RANK_POP_PBB,
	[ACTION_SET_FIELD] = RANK_SET,
	[ACTION_LOAD] = RANK_SET,
	[ACTION_MOVE] = RANK_SET,
	[ACTION_SET_MPLS_TTL] = RANK_SET,
	[ACTION_DEC_MPLS_TTL] = RANK_DEC_MPLS_TTL,
	[ACTION_SET_NW_TTL] = RANK_SET,
	[ACTION_DEC_NW_TTL] = RANK_DEC_NW_TTL,
	[ACTION_COPY_TTL_OUT] = RANK_COPY_TTL_OUT,
	[ACTION_COPY_TTL_IN] = RANK_COPY_TTL_IN,
	[ACTION_RESUBMIT] = RANK_RESUBMIT,
	[ACTION_EXIT] = RANK_NONE,
};
_Static_assert(sizeof(ranks) / sizeof(ranks[0]) == ACTION_N, "a rank for each type");

bool action_set_takes(enum action_type type)
{
	return ranks[type] != RANK_NONE;
}

static bool is_set(const struct action *a)
{
	return a->type == ACTION_SET_FIELD || a->type == ACTION_LOAD;
}

/* Does 'later' leave nothing of what 'a' does? */
static bool replaces(const struct action *later, const struct action *a)
{
	if (!is_set(later) || !is_set(a))
		return later->type == a->type && later->type != ACTION_MOVE;
	return later->set.dst.field == a->set.dst.field && later->set.dst.ofs <= a->set.dst.ofs &&
	       later->set.dst.ofs + later->set.dst.n >= a->set.dst.ofs + a->set.dst.n;
}

/* A field that is moved elsewhere between two settings needs both. */
static void drop_replaced(struct action_list *set, const struct action *later)
{
	unsigned first = 0, n;

	if (ranks[later->type] == RANK_SET)
		for (unsigned i = 0; i < set->n; i++)
			if (set->v[i].type == ACTION_MOVE)
				first = i + 1;
	n = first;
	for (unsigned i = first; i < set->n; i++)
		if (!replaces(later, &set->v[i]))
			set->v[n++] = set->v[i];
	set->n = n;
}

int action_set_write(struct action_list *set, const struct action_list *written)
{
	for (unsigned i = 0; i < written->n; i++) {
		int err;

		drop_replaced(set, &written->v[i]);
		err = action_list_add(set, &written->v[i]);
		if (err)
			return err;
	}
	return 0;
}

static int add_of_rank(const struct action_list *set, enum rank rank, struct action_list *list)
{
	for (unsigned i = 0; i < set->n; i++) {
		int err = ranks[set->v[i].type] == rank ? action_list_add(list, &set->v[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

int action_set_order(const struct action_list *set, struct action_list *list)
{
	int err = 0;

	for (enum rank rank = RANK_NONE + 1; !err && rank < RANK_N; rank++) {
		unsigned before = list->n;

		err = add_of_rank(set, rank, list);
		if (rank >= RANK_GROUP && list->n > before)
			break;
	}
	return err;
}
