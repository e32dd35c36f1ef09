#include "meters.h"

#include <errno.h>
#include <stdlib.h>

#include "must.h"
#include "rcu.h"

enum { SLOTS = 1024 };

struct meters {
	struct meters_conf conf;
	unsigned n;
	struct meter *slots[SLOTS]; /* RCU */
};

int meters_create(const struct meters_conf *conf, struct meters **out)
{
	struct meters *ms = calloc(1, sizeof(*ms));

	if (!ms)
		return -ENOMEM;
	ms->conf = *conf;
	*out = ms;
	return 0;
}

static void meter_free(void *arg)
{
	struct meter *m = arg;

	if (m->counters && !--m->counters->refs)
		free(m->counters);
	free(m);
}

void meters_destroy(struct meters *ms)
{
	if (!ms)
		return;
	for (unsigned i = 0; i < SLOTS; i++) {
		for (struct meter *m = ms->slots[i], *next; m; m = next) {
			next = m->next;
			meter_free(m);
		}
	}
	free(ms);
}

/* Where the pointer to the meter is, or the end of its chain. */
static struct meter **find(struct meters *ms, uint32_t id)
{
	struct meter **at = &ms->slots[id % SLOTS];

	while (*at && (*at)->mod.id != id)
		at = &(*at)->next;
	return at;
}

struct meter *meters_lookup(const struct meters *ms, uint32_t id)
{
	struct meter *m = rcu_get(ms->slots[id % SLOTS]);

	while (m && m->mod.id != id)
		m = rcu_get(m->next);
	return m;
}

unsigned meters_count(const struct meters *ms)
{
	return ms->n;
}

/* ---- changes ---- */

static void set_rate(struct meter *m, unsigned band)
{
	const struct meter_band *b = &m->mod.bands[band];
	uint64_t unit = m->mod.flags & METER_KBPS ? 1000 : 1; /* bits, packets */
	uint64_t burst = m->mod.flags & METER_BURST && b->burst_size ? b->burst_size : b->rate;

	m->rates[band] = token_rate_make(b->rate * unit, burst * unit);
}

static int make(const struct meters *ms, const struct meter_mod *mm,
	struct meter_counters *counters, uint64_t now_ms, struct meter **out)
{
	struct meter *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->mod = *mm;
	if (counters) {
		counters->refs++;
	} else {
		counters = calloc(
			1, sizeof(*counters) + ms->conf.n_lanes * sizeof(counters->lanes[0]));
		if (!counters) {
			free(m);
			return -ENOMEM;
		}
		counters->refs = 1;
		counters->created_ms = now_ms;
	}
	m->counters = counters;
	for (unsigned i = 0; i < mm->n_bands; i++)
		set_rate(m, i);
	*out = m;
	return 0;
}

static int put(struct meters *ms, const struct meter_mod *mm, uint64_t now_ms, struct meter **at)
{
	struct meter *old = *at, *m;
	int rc = make(ms, mm, old ? old->counters : NULL, now_ms, &m);

	if (rc)
		return rc;
	m->next = old ? old->next : NULL;
	rcu_set(*at, m);
	ms->n += !old;
	if (old)
		rcu_defer(meter_free, old);
	return 0;
}

static void del(struct meters *ms, struct meter **at)
{
	struct meter *m = *at;

	rcu_set(*at, m->next);
	ms->n--;
	rcu_defer(meter_free, m);
}

static void del_all(struct meters *ms)
{
	for (unsigned i = 0; i < SLOTS; i++)
		while (ms->slots[i])
			del(ms, &ms->slots[i]);
}

int meters_change(
	struct meters *ms, const struct meter_mod *mm, uint64_t now_ms, struct strbuf *why)
{
	struct meter **at = find(ms, mm->id);

	switch (mm->command) {
	case METER_ADD:
		if (*at) {
			strbuf_printf(why, "meter=%u: exists already", mm->id);
			return METER_EXISTS;
		}
		if (ms->n >= ms->conf.max) {
			strbuf_printf(why, "meter=%u: there are %u meters, more there may not be",
				mm->id, ms->conf.max);
			return METER_OUT_OF_METERS;
		}
		return put(ms, mm, now_ms, at);
	case METER_MODIFY:
		if (!*at) {
			strbuf_printf(why, "meter=%u: there is no such meter", mm->id);
			return METER_UNKNOWN;
		}
		return put(ms, mm, now_ms, at);
	case METER_DELETE:
		if (mm->id == (uint32_t)METER_ID_ALL)
			del_all(ms);
		else if (*at) /* who deletes what is not there is not told (section 6.5) */
			del(ms, at);
		return 0;
	}
	return METER_INVALID;
}

/* ---- looking ---- */

static int by_id(const void *a, const void *b)
{
	uint32_t x = (*(struct meter *const *)a)->mod.id, y = (*(struct meter *const *)b)->mod.id;

	return x < y ? -1 : x > y;
}

void meters_visit(const struct meters *ms, bool (*fn)(struct meter *m, void *arg), void *arg)
{
	struct meter **all = must(calloc(ms->n + 1, sizeof(struct meter *)));
	unsigned n = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		for (struct meter *m = ms->slots[i]; m; m = m->next)
			all[n++] = m;
	qsort(all, n, sizeof(struct meter *), by_id);
	for (unsigned i = 0; i < n && fn(all[i], arg); i++)
		;
	free(all);
}

static void add_line(struct rule_line *sum, const struct rule_line *line)
{
	sum->packets += count_get(&line->packets);
	sum->bytes += count_get(&line->bytes);
}

struct meter_lane meter_counted(const struct meter *m, unsigned n_lanes)
{
	struct meter_lane sum = {0};

	for (unsigned i = 0; i < n_lanes; i++) {
		add_line(&sum.in, &m->counters->lanes[i].in);
		for (unsigned b = 0; b < m->mod.n_bands; b++)
			add_line(&sum.bands[b], &m->counters->lanes[i].bands[b]);
	}
	return sum;
}

/* ---- measuring ---- */

static void count_line(struct rule_line *line, uint32_t frames, uint64_t bytes)
{
	count_add(&line->packets, frames);
	count_add(&line->bytes, bytes);
}

struct meter_verdict meter_measure(
	struct meter *m, const struct lane *lane, uint32_t frames, uint64_t bytes)
{
	struct meter_lane *count = &m->counters->lanes[lane->id];
	uint64_t units = m->mod.flags & METER_KBPS ? bytes * 8 : frames;
	const struct meter_band *hit = NULL;

	count_line(&count->in, frames, bytes);
	for (unsigned i = 0; i < m->mod.n_bands; i++) {
		const struct meter_band *b = &m->mod.bands[i];

		if (!token_bucket_take(&m->buckets[i], &m->rates[i], units, lane->now_ns) &&
			(!hit || b->rate > hit->rate))
			hit = b;
	}
	if (!hit)
		return (struct meter_verdict){0};
	count_line(&count->bands[hit - m->mod.bands], frames, bytes);
	return (struct meter_verdict){.drop = hit->type == BAND_DROP,
		.raise = hit->type == BAND_DSCP_REMARK ? hit->prec_level : 0};
}
