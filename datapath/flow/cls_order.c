/* Each entry's bound is the highest priority of its group and of all behind it, so a lookup
 * is right in any order of groups, and ends soonest where the highest come first.  Bounds
 * are therefore kept exact in place, and the array is made anew only when enough groups are
 * out of order: a table of a hundred groups that is filled in rising priority does not leave
 * a hundred entries of garbage with every rule. */
#include "cls_view.h"

#include <stdlib.h>

#include "list.h"

enum { DISORDER_SHARE = 8 }; /* made anew when one group of so many may be out of order */

static int by_priority(const void *a, const void *b)
{
	const struct cls_order_entry *x = a, *y = b;

	return (x->bound < y->bound) - (x->bound > y->bound);
}

struct cls_order *cls_order_create(struct cls_group *const *groups, unsigned n)
{
	struct cls_order *o = malloc(sizeof(*o) + n * sizeof(o->entries[0]));

	if (!o)
		return NULL;
	o->view.form = CLS_ORDER;
	o->n = 0;
	o->disorder = 0;
	for (unsigned i = 0; i < n; i++) {
		int max = cls_priorities_max(&groups[i]->priorities);

		if (max >= 0)
			o->entries[o->n++] = (struct cls_order_entry){max, groups[i]};
	}
	qsort(o->entries, o->n, sizeof(o->entries[0]), by_priority);
	return o;
}

static void set_bound(struct cls_order_entry *e, int32_t bound)
{
	__atomic_store_n(&e->bound, bound, __ATOMIC_RELAXED);
}

void cls_order_raise(struct cls_order *o, const struct cls_group *g, uint32_t priority)
{
	if ((int)priority <= cls_priorities_max(&g->priorities))
		return;
	for (uint32_t i = 0; i < o->n; i++) {
		struct cls_order_entry *e = &o->entries[i];

		if (e->group == g) {
			if (e->bound < (int)priority)
				set_bound(e, (int)priority);
			break;
		}
		if (e->bound < (int)priority) {
			set_bound(e, (int)priority);
			o->disorder++;
		}
	}
}

void cls_order_lower(struct cls_order *o)
{
	int bound = -1;

	for (uint32_t i = o->n; i--;) {
		struct cls_order_entry *e = &o->entries[i];
		int max = cls_priorities_max(&e->group->priorities);

		if (max >= bound)
			bound = max;
		else if (e->bound > bound)
			o->disorder++;
		if (e->bound != bound)
			set_bound(e, bound);
	}
}

bool cls_order_is_stale(const struct cls_order *o)
{
	return o->disorder * DISORDER_SHARE >= o->n && o->disorder;
}

size_t cls_view_bytes(const struct cls_view *v)
{
	if (!v)
		return 0;
	if (v->form == CLS_LINEAR) {
		const struct cls_linear *l = container_of(v, const struct cls_linear, view);

		return sizeof(*l) + (size_t)l->n_blocks * l->n_words * sizeof(l->columns[0]);
	}
	const struct cls_order *o = container_of(v, const struct cls_order, view);

	return sizeof(*o) + o->n * sizeof(o->entries[0]);
}
