/* list.h - an intrusive, circular, doubly linked list.
 *
 * A head is a 'struct list' that points at itself when empty.  Nothing is
 * allocated; the owner of the element owns its link.  Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Walk 'it' (a struct list *) over 'head'; the _safe form allows removal of 'it'. */
#define list_for_each(it, head) for (it = (head)->next; it != (head); it = it->next)
#define list_for_each_safe(it, tmp, head)                                                          \
	for (it = (head)->next, tmp = it->next; it != (head); it = tmp, tmp = it->next)

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Put 'l' before 'pos'; with a head as 'pos' that is the end of the list. */
static inline void list_add_before(struct list *pos, struct list *l)
{
	l->prev = pos->prev;
	l->next = pos;
	pos->prev->next = l;
	pos->prev = l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	list_add_before(head, l);
}

static inline void list_add_head(struct list *head, struct list *l)
{
	list_add_before(head->next, l);
}

/* Unlink 'l' and leave it pointing at itself, so that a second call is harmless. */
static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline struct list *list_pop(struct list *head)
{
	if (list_empty(head))
		return NULL;
	struct list *l = head->next;
	list_del(l);
	return l;
}

/* All elements of 'from' become those of 'to', whose own are forgotten. */
static inline void list_move_all(struct list *from, struct list *to)
{
	if (list_empty(from)) {
		list_init(to);
		return;
	}
	*to = *from;
	to->next->prev = to->prev->next = to;
	list_init(from);
}
