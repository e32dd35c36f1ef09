/* How a transaction is undone: every rule that went in or came out is noted in its order,
 * nothing is freed before the end, and the notes are taken back in reverse. */
#include "tables_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "must.h"
#include "rcu.h"

static void free_rule(void *arg)
{
	rule_destroy(arg);
}

/* ---- a transaction ---- */

struct note {
	struct rule *out, *in;	/* either may be NULL */
	struct rule_line reset; /* of the counters of 'out', as they were */
	uint64_t created_ms, used_ms;
	enum rule_removed reason;
};

struct tx {
	struct tables *t;
	uint64_t now_ms;
	struct note *notes;
	unsigned n, cap;
	struct strbuf *why;
};

/* Room for one more note, so that what is done can be noted.  0 or -ENOMEM. */
static int tx_room(struct tx *tx)
{
	if (tx->n < tx->cap)
		return 0;
	unsigned cap = 2 * tx->cap + 16;
	struct note *notes = reallocarray(tx->notes, cap, sizeof(*notes));

	if (!notes)
		return -ENOMEM;
	tx->notes = notes;
	tx->cap = cap;
	return 0;
}

static void tx_note(struct tx *tx, struct rule *out, struct rule *in, enum rule_removed reason)
{
	struct note *note = &tx->notes[tx->n++];

	*note = (struct note){.out = out, .in = in, .reason = reason};
	if (!out)
		return;
	note->reset = out->counters->reset;
	note->created_ms = out->counters->created_ms;
	note->used_ms = __atomic_load_n(&out->counters->used_ms, __ATOMIC_RELAXED);
}

static void note_undo(struct tables *t, const struct note *note)
{
	struct rule_counters *c = note->out ? note->out->counters : NULL;

	if (c && note->in) { /* before the timeouts are looked at */
		c->reset = note->reset;
		c->created_ms = note->created_ms;
		__atomic_store_n(&c->used_ms, note->used_ms, __ATOMIC_RELAXED);
	}
	if (note->out && note->in)
		table_put(t, note->in, note->out);
	else if (note->in)
		table_take(t, note->in);
	else
		must_do(table_put(t, NULL, note->out));
	if (note->in)
		rcu_defer(free_rule, note->in);
}

static void tx_undo(struct tx *tx)
{
	while (tx->n)
		note_undo(tx->t, &tx->notes[--tx->n]);
}

static void tx_commit(struct tx *tx)
{
	for (unsigned i = 0; i < tx->n; i++)
		if (tx->notes[i].out)
			table_retire(tx->t, tx->notes[i].out, tx->notes[i].reason);
}

/* ---- changes ---- */

static int check_references(struct tx *tx, const struct flow_mod *fm)
{
	const struct tables_env *env = &tx->t->conf.env;
	const struct action_list *lists[] = {&fm->ins.apply, &fm->ins.write};

	for (unsigned l = 0; l < 2; l++) {
		for (unsigned i = 0; env->group_exists && i < lists[l]->n; i++) {
			const struct action *a = &lists[l]->v[i];

			if (a->type != ACTION_GROUP || env->group_exists(env->arg, a->group))
				continue;
			strbuf_printf(tx->why, "group:%u: there is no such group", a->group);
			return BAD_ACTION_OUT_GROUP;
		}
	}
	if (!fm->ins.meter || !env->meter_exists || env->meter_exists(env->arg, fm->ins.meter))
		return 0;
	strbuf_printf(tx->why, "meter:%u: there is no such meter", fm->ins.meter);
	return METER_UNKNOWN;
}

static int check_table(struct tx *tx, const struct flow_mod *fm)
{
	if (fm->table < tx->t->conf.n_tables)
		return 0;
	strbuf_printf(
		tx->why, "table=%u: the last one is %u", fm->table, tx->t->conf.n_tables - 1u);
	return FLOW_BAD_TABLE;
}

static int check_room(struct tx *tx, const struct flow_mod *fm, const struct rule *old)
{
	struct tables *t = tx->t;

	if (fm->flags & FLOW_CHECK_OVERLAP &&
		classifier_overlapping(t->cls[fm->table], &fm->match, fm->priority)) {
		strbuf_printf(
			tx->why, "check_overlap: a rule of priority %u overlaps it", fm->priority);
		return FLOW_OVERLAP;
	}
	if (!old && t->n_rules >= t->conf.rules_max) {
		strbuf_printf(tx->why, "the bridge has %u rules, more it may not have",
			t->conf.rules_max);
		return FLOW_TABLE_FULL;
	}
	return 0;
}

static int tx_add(struct tx *tx, const struct flow_mod *fm)
{
	struct tables *t = tx->t;
	struct rule *old = NULL, *r;
	int rc = check_table(tx, fm);

	if (!rc)
		rc = check_references(tx, fm);
	if (!rc)
		rc = table_make(t, fm->table);
	if (rc)
		return rc;
	struct cls_rule *cr = classifier_find(t->cls[fm->table], &fm->match, fm->priority);
	if (cr)
		old = rule_of(cr);
	rc = check_room(tx, fm, old);
	if (!rc)
		rc = rule_create(fm, fm->table, t->conf.n_lanes, tx->now_ms, &r);
	if (rc)
		return rc;
	tx_note(tx, old, r, RULE_REPLACED);
	if (old && !(fm->flags & FLOW_RESET_COUNTS))
		rule_inherit_counters(r, old);
	rc = table_put(t, old, r);
	if (rc) {
		tx->n--;
		rule_destroy(r);
	}
	return rc;
}

static int tx_modify(struct tx *tx, const struct flow_mod *fm)
{
	struct gather g = {.fm = fm};
	int rc = check_references(tx, fm);

	if (!rc)
		rc = tables_gather(tx->t, &g);
	if (rc)
		return rc;
	for (unsigned i = 0; !rc && i < g.n; i++) {
		struct rule *old = g.rules[i], *r;

		rc = tx_room(tx);
		if (!rc)
			rc = rule_create_modified(old, &fm->ins, &r);
		if (rc)
			break;
		tx_note(tx, old, r, RULE_REPLACED);
		if (fm->flags & FLOW_RESET_COUNTS)
			rule_reset_counters(r, tx->t->conf.n_lanes);
		table_put(tx->t, old, r);
	}
	free(g.rules);
	return rc;
}

static int tx_delete(struct tx *tx, const struct flow_mod *fm, enum rule_removed reason)
{
	struct gather g = {.fm = fm};
	int rc = tables_gather(tx->t, &g);

	if (rc)
		return rc;
	for (unsigned i = 0; !rc && i < g.n; i++) {
		rc = tx_room(tx);
		if (rc)
			break;
		tx_note(tx, g.rules[i], NULL, reason);
		table_take(tx->t, g.rules[i]);
	}
	free(g.rules);
	return rc;
}

static int tx_one(struct tx *tx, const struct flow_mod *fm)
{
	int rc = tx_room(tx);

	if (rc)
		return rc;
	switch (fm->command) {
	case FLOW_ADD:
		return tx_add(tx, fm);
	case FLOW_MODIFY:
	case FLOW_MODIFY_STRICT:
		return tx_modify(tx, fm);
	default:
		return tx_delete(tx, fm, RULE_DELETED);
	}
}

int tables_change(struct tables *t, const struct flow_mod *fms, unsigned n, uint64_t now_ms,
	unsigned *culprit, struct strbuf *why)
{
	struct tx tx = {.t = t, .now_ms = now_ms, .why = why};
	int rc = 0;

	for (unsigned i = 0; !rc && i < n; i++) {
		rc = tx_one(&tx, &fms[i]);
		if (rc && culprit)
			*culprit = i;
	}
	if (rc)
		tx_undo(&tx);
	else
		tx_commit(&tx);
	free(tx.notes);
	return rc;
}
