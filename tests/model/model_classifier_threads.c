/* Readers of a classifier that control never stops changing.
 *
 * Among rules that come and go some are there all the time: each is alone with its
 * in-port, and no other rule has a higher priority there.  A reader that asks for a key of
 * one of these must get it, whatever is inserted, removed or planned anew meanwhile.
 * Control replaces them again and again, so a reader may get the old or the new one, but
 * never none.  What was removed is freed after a grace period, and overwritten before: a
 * reader that still had it would find out, and the sanitizers would tell. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "classifier.h"
#include "list.h"
#include "random_match.h"
#include "rcu.h"

enum {
	READERS = 2,
	LASTING = 12,	/* rules that are there all the time */
	CHANGES = 4000, /* of each round; and on until readers have looked enough */
	LOOKUPS = 40000,
	RULES_MAX = 400,
	BURST = 32,
	ALIVE = 0x600d,
	DEAD = 0xdead,
};

struct rule {
	struct cls_rule cls;
	unsigned port; /* of a lasting one, plus 1; else 0 */
	unsigned state;
};

struct game {
	struct classifier *cls;
	struct match lasting[LASTING];
	pthread_barrier_t start;
	unsigned n_running;
	unsigned n_missed; /* a lasting rule was not found */
	unsigned n_wrong;  /* what was found does not match, or is freed */
	uint64_t seed;
};

/* ---- readers ---- */

static bool is_right(const struct game *g, const struct rule *r, const struct flow_key *key)
{
	return __atomic_load_n(&r->state, __ATOMIC_RELAXED) == ALIVE &&
	       mini_match_hits(&r->cls.match, flow_words_const(key));
}

static void look_for_lasting(struct game *g, struct rng *rng)
{
	unsigned port = rng_below(rng, LASTING);
	struct flow_key key = random_key(rng, &g->lasting[port]);
	struct cls_rule *cls;
	struct rule *r;

	key.in_port = htobe32(port + 1);
	if (!match_hits(&g->lasting[port], &key))
		return;
	cls = classifier_lookup(g->cls, &key);
	if (!cls) {
		__atomic_add_fetch(&g->n_missed, 1, __ATOMIC_RELAXED);
		return;
	}
	r = container_of(cls, struct rule, cls);
	if (r->port != port + 1)
		__atomic_add_fetch(&g->n_missed, 1, __ATOMIC_RELAXED);
	if (!is_right(g, r, &key))
		__atomic_add_fetch(&g->n_wrong, 1, __ATOMIC_RELAXED);
}

static void look_for_any(struct game *g, struct rng *rng, enum match_kind kind)
{
	struct match m = random_match(rng, kind);
	struct flow_key key = random_key(rng, &m);
	struct cls_rule *cls = classifier_lookup(g->cls, &key);

	if (cls && !is_right(g, container_of(cls, struct rule, cls), &key))
		__atomic_add_fetch(&g->n_wrong, 1, __ATOMIC_RELAXED);
}

static void *reader_main(void *arg)
{
	struct game *g = arg;
	struct rng rng = {__atomic_add_fetch(&g->seed, 1, __ATOMIC_RELAXED)};

	rcu_reader_register();
	pthread_barrier_wait(&g->start);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		look_for_lasting(g, &rng);
		if (i % 4 == 0)
			look_for_any(g, &rng, rng_below(&rng, MATCH_KINDS));
		if (i % BURST == 0)
			rcu_quiescent();
	}
	rcu_reader_unregister();
	__atomic_sub_fetch(&g->n_running, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* ---- control ---- */

struct control {
	struct game g;
	struct event_base *base;
	struct rng rng;
	enum match_kind kind;
	unsigned n_max;
	struct rule *lasting[LASTING];
	struct rule *rules[RULES_MAX];
	unsigned n;
};

static void rule_free(void *arg)
{
	struct rule *r = arg;

	__atomic_store_n(&r->state, DEAD, __ATOMIC_RELAXED);
	cls_rule_fini(&r->cls);
	free(r);
}

static struct rule *rule_new(const struct match *m, uint32_t priority, unsigned port)
{
	struct rule *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(cls_rule_init(&r->cls, m, priority), 0);
	r->port = port;
	r->state = ALIVE;
	return r;
}

/* Rules of every kind may match at any in-port, but at a lower priority than those that
 * last; they even have the same match at times. */
static void insert(struct control *c)
{
	bool is_twin = rng_below(&c->rng, 8) == 0;
	struct match m = is_twin ? c->g.lasting[rng_below(&c->rng, LASTING)]
				 : random_match(&c->rng, c->kind);
	uint32_t priority = rng_below(&c->rng, 1000);
	struct rule *r;

	if (c->n == c->n_max || classifier_find(c->g.cls, &m, priority))
		return;
	r = rule_new(&m, priority, 0);
	assert_int_equal(classifier_insert(c->g.cls, &r->cls), 0);
	c->rules[c->n++] = r;
}

static void remove_one(struct control *c)
{
	unsigned i;

	if (!c->n)
		return;
	i = rng_below(&c->rng, c->n);
	classifier_remove(c->g.cls, &c->rules[i]->cls);
	rcu_defer(rule_free, c->rules[i]);
	c->rules[i] = c->rules[--c->n];
}

static void replace(struct control *c)
{
	unsigned i = rng_below(&c->rng, LASTING);
	struct rule *old = c->lasting[i];
	struct rule *r = rule_new(&c->g.lasting[i], old->cls.priority, old->port);

	classifier_replace(c->g.cls, &old->cls, &r->cls);
	rcu_defer(rule_free, old);
	c->lasting[i] = r;
}

static void change(struct control *c, unsigned growth)
{
	if (rng_below(&c->rng, 100) < growth)
		insert(c);
	else
		remove_one(c);
	replace(c);
	event_base_loop(c->base, EVLOOP_NONBLOCK);
}

static void add_lasting(struct control *c)
{
	for (unsigned i = 0; i < LASTING; i++) {
		struct match *m = &c->g.lasting[i];

		*m = random_match(&c->rng, c->kind);
		m->mask.in_port = 0xffffffffu;
		m->key.in_port = htobe32(i + 1);
		c->lasting[i] = rule_new(m, 1000 + i, i + 1);
		assert_int_equal(classifier_insert(c->g.cls, &c->lasting[i]->cls), 0);
	}
}

static void clear(struct control *c)
{
	while (c->n)
		remove_one(c);
	for (unsigned i = 0; i < LASTING; i++) {
		classifier_remove(c->g.cls, &c->lasting[i]->cls);
		rcu_defer(rule_free, c->lasting[i]);
	}
	classifier_destroy(c->g.cls);
	event_base_loop(c->base, EVLOOP_NONBLOCK);
}

/* The table grows, shrinks and grows again, through all forms that it can take. */
static void play(struct control *c)
{
	pthread_t threads[READERS];

	c->g.n_running = READERS;
	c->g.seed = rng_u64(&c->rng);
	pthread_barrier_init(&c->g.start, NULL, READERS + 1);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &c->g), 0);
	pthread_barrier_wait(&c->g.start);
	for (unsigned i = 0; i < CHANGES || __atomic_load_n(&c->g.n_running, __ATOMIC_ACQUIRE); i++)
		change(c, i / (3 * c->n_max) & 1 ? 5 : 95);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&c->g.start);
	assert_int_equal(c->g.n_missed, 0);
	assert_int_equal(c->g.n_wrong, 0);
}

static void readers_miss_nothing_and_see_nothing_freed(void **state)
{
	static struct control c;
	struct rng rng = rng_init("classifier_threads");

	for (unsigned kind = 0; kind < MATCH_KINDS; kind++) {
		static const unsigned maxima[] = {20, RULES_MAX};

		for (unsigned i = 0; i < 2; i++) {
			memset(&c, 0, sizeof(c));
			c.base = *state;
			c.rng.state = rng_u64(&rng);
			c.kind = kind;
			c.n_max = maxima[i];
			assert_int_equal(classifier_create(&c.g.cls), 0);
			add_lasting(&c);
			play(&c);
			clear(&c);
		}
	}
}

static int setup(void **state)
{
	struct event_base *base = event_base_new();

	*state = base;
	return base ? rcu_init(base) : -1;
}

static int teardown(void **state)
{
	rcu_fini();
	event_base_free(*state);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			readers_miss_nothing_and_see_nothing_freed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
