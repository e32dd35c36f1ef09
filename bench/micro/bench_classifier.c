/* The classifier: a lookup in tables of different kinds, and changes of large ones. */
#include <event2/event.h>

#include "bench.h"
#include "classifier_priv.h"
#include "hash.h"
#include "rcu.h"

enum {
	CALLS = 4096, /* of each round; a power of two */
	KEYS = 256,
	MILLION = 1000000,
	PROTO = 18, /* words of a key */
	ADDRS = 22,
	PORTS = 26,
};

struct table {
	struct classifier *cls;
	struct cls_rule *rules;
	unsigned n, room;
	struct flow_key keys[KEYS];
	unsigned i; /* calls so far */
};

/* The same numbers on every run: a table is the same, whatever else changes, and so are its
 * hashes. */
static uint64_t rnd(void)
{
	static const struct hash_seed seed = {0x1234567, 0x89abcdef};
	static uint64_t n;

	return hash_u64(seed, ++n);
}

static struct event_base *base;

static void table_init(struct table *t, unsigned room)
{
	*t = (struct table){.room = room, .rules = calloc(room, sizeof(*t->rules))};
	if (!t->rules || classifier_create(&t->cls))
		exit(1);
	for (unsigned i = 0; i < sizeof(t->cls->secret) / sizeof(t->cls->secret[0]); i++)
		t->cls->secret[i] = rnd();
	t->cls->masks.seed.k0 = rnd();
	t->cls->masks.seed.k1 = rnd();
}

static void add(struct table *t, const struct match *m, uint32_t priority)
{
	struct cls_rule *r = &t->rules[t->n++];

	if (cls_rule_init(r, m, priority) || classifier_insert(t->cls, r))
		exit(1);
}

static bool remove_one(struct cls_rule *r, void *arg)
{
	classifier_remove(arg, r);
	return true;
}

static void table_fini(struct table *t)
{
	classifier_visit(t->cls, NULL, remove_one, t->cls);
	classifier_destroy(t->cls);
	for (unsigned i = 0; i < t->n; i++)
		cls_rule_fini(&t->rules[i]);
	free(t->rules);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void tell(const struct table *t, const char *name)
{
	struct classifier_stats s = classifier_stats(t->cls);

	if (getenv("BENCH_TELL"))
		printf("# %s: %u rules, %u masks, %u groups, chains of %u, %s, %zu bytes/rule\n",
			name, s.rules, s.masks, s.groups, s.max_chain, s.form,
			s.bytes / s.rules + sizeof(struct cls_rule));
}

/* ---- keys and matches ---- */

static void set(struct match *m, unsigned word, uint64_t mask, uint64_t value)
{
	flow_words(&m->mask)[word] |= mask;
	flow_words(&m->key)[word] |= value & mask;
}

static uint64_t prefix(unsigned len)
{
	return len ? htobe32(0xffffffffu << (32 - len)) : 0;
}

/* TCP or UDP over IPv4 of a network with few prefixes, as a policy has them. */
static struct flow_key packet(void)
{
	struct flow_key k;
	uint64_t *w = flow_words(&k), x = rnd();

	memset(&k, 0, sizeof(k));
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		w[i] = i == 2 || i >= 17 ? rnd() % 16 : 0;
	w[PROTO] = x & 1 ? 0x0600000800000000u : 0x1100000800000000u;
	w[ADDRS] = (rnd() & 0xff0f010fff0f010fu) | 0x0000000a0000000au;
	w[PORTS] = rnd() & 0xff0f07000f000f00u;
	return k;
}

static uint64_t ports_mask(unsigned which)
{
	return (which & 1 ? 0xffff : 0) | (which & 2 ? 0xffff0000u : 0);
}

/* An access list: protocol, prefixes and ports; 'mask' says which. */
static struct match acl(unsigned src_len, unsigned dst_len, unsigned ports)
{
	struct flow_key k = packet();
	struct match m;

	match_init(&m);
	set(&m, PROTO, 0xff00ffff00000000u, flow_words(&k)[PROTO]);
	set(&m, ADDRS, prefix(src_len) | prefix(dst_len) << 32, flow_words(&k)[ADDRS]);
	set(&m, PORTS, ports_mask(ports), flow_words(&k)[PORTS]);
	return m;
}

/* Some fields of all that there are, whole or the upper bits of them. */
static struct match any_fields(void)
{
	static const uint8_t words[] = {0, 2, 9, 10, 11, 17, 18, 19, 22, 26};
	struct flow_key k = packet();
	struct match m;

	match_init(&m);
	for (unsigned i = 0; i < 4; i++) {
		unsigned word = words[rnd() % sizeof(words)];

		set(&m, word, rnd() & 1 ? UINT64_MAX : htobe64(UINT64_MAX << rnd() % 64),
			flow_words(&k)[word]);
	}
	return m;
}

/* No two masks have anything in common. */
static struct match one_bit(void)
{
	static unsigned i;
	struct match m;

	match_init(&m);
	set(&m, i / 64 % FLOW_WORDS, 1ull << i % 64, UINT64_MAX);
	i++;
	return m;
}

static struct match any_acl(void)
{
	return acl(rnd() % 33, rnd() % 33, rnd() % 4);
}

/* Half of them are of rules, with the rest at random. */
static void make_keys(struct table *t)
{
	for (unsigned i = 0; i < KEYS; i++) {
		uint64_t *w = flow_words(&t->keys[i]);
		struct match m;

		t->keys[i] = packet();
		if (i & 1)
			continue;
		cls_rule_match(&t->rules[rnd() % t->n], &m);
		for (unsigned j = 0; j < FLOW_WORDS; j++)
			w[j] = (w[j] & ~flow_words(&m.mask)[j]) | flow_words(&m.key)[j];
	}
}

/* Of a rule, but for a bit. */
static struct flow_key near_key(const struct table *t)
{
	struct match m;
	unsigned bit;

	cls_rule_match(&t->rules[rnd() % t->n], &m);
	do
		bit = rnd() % (FLOW_WORDS * 64);
	while (!(flow_words(&m.mask)[bit / 64] >> bit % 64 & 1));
	flow_words(&m.key)[bit / 64] ^= 1ull << bit % 64;
	return m.key;
}

/* Such that no rule matches, or if it must be, a low one: no group can be left out. */
static void make_missing_keys(struct table *t)
{
	for (unsigned i = 0; i < KEYS; i++) {
		int lowest = CLS_PRIORITY_MAX + 1;

		for (unsigned tries = 0; tries < 200 && lowest >= 0; tries++) {
			struct flow_key key = near_key(t);
			const struct cls_rule *r = classifier_lookup(t->cls, &key);
			int priority = r ? (int)r->priority : -1;

			if (priority < lowest) {
				t->keys[i] = key;
				lowest = priority;
			}
		}
	}
}

/* ---- lookups ---- */

static void lookup(unsigned n, void *arg)
{
	struct table *t = arg;
	uintptr_t sum = 0;

	while (n--)
		sum += (uintptr_t)classifier_lookup(t->cls, &t->keys[t->i++ % KEYS]);
	bench_use(&sum);
}

/* 'name' itself, or what has more words behind it. */
static bool wants_some(const char *name)
{
	const char *only = getenv("BENCH_ONLY");

	return !only || !strncmp(only, name, strlen(name));
}

static void few_rules(unsigned n)
{
	struct table t;
	char name[64];

	snprintf(name, sizeof(name), "cls %u rule%s", n, n > 1 ? "s" : "");
	if (!bench_wants(name))
		return;
	table_init(&t, n);
	for (unsigned i = 0; i < n; i++) {
		struct match m = acl(8 * (i % 5), 32 - 8 * (i % 3), i % 4);

		add(&t, &m, 1000 - i);
	}
	make_keys(&t);
	tell(&t, name);
	bench_run(name, lookup, &t, CALLS);
	table_fini(&t);
}

/* Keys that match, and keys that do not. */
static void run_lookups(struct table *t, const char *name)
{
	char missing[64];

	tell(t, name);
	make_keys(t);
	bench_run(name, lookup, t, CALLS);
	snprintf(missing, sizeof(missing), "%s, none", name);
	make_missing_keys(t);
	bench_run(missing, lookup, t, CALLS);
}

static void twenty_masks(const char *name)
{
	struct table t;

	if (!wants_some(name))
		return;
	table_init(&t, 1000);
	while (t.n < 1000) {
		unsigned mask = t.n % 20;
		struct match m = acl(8 * (mask % 5), 32 - 8 * (mask / 5), 3 - mask % 4);
		uint32_t priority = rnd() % 65536;

		if (!classifier_find(t.cls, &m, priority))
			add(&t, &m, priority);
	}
	run_lookups(&t, name);
	table_fini(&t);
}

typedef struct match (*match_fn)(void);

static void fill_masks(struct table *t, unsigned n, match_fn make)
{
	while (t->n < n) {
		struct match m = make();

		if (classifier_stats(t->cls).masks == t->n && !classifier_find(t->cls, &m, t->n))
			add(t, &m, rnd() % 65536);
		if (classifier_stats(t->cls).masks < t->n) { /* there was one already */
			classifier_remove(t->cls, &t->rules[--t->n]);
			cls_rule_fini(&t->rules[t->n]);
		}
	}
}

static void thousand_masks(const char *name, match_fn make)
{
	struct table t;

	if (!wants_some(name))
		return;
	table_init(&t, 1000);
	fill_masks(&t, 1000, make);
	run_lookups(&t, name);
	table_fini(&t);
}

/* ---- changes of small tables ---- */

static void change_mask(unsigned n, void *arg)
{
	struct table *t = arg;

	for (; n; n--, t->i++) {
		struct cls_rule *r = &t->rules[t->i % t->n];
		uint32_t priority = rnd() % 65536;
		struct match m = any_acl();

		classifier_remove(t->cls, r);
		cls_rule_fini(r);
		while (classifier_find(t->cls, &m, priority))
			m = any_acl();
		if (cls_rule_init(r, &m, priority) || classifier_insert(t->cls, r))
			exit(1);
		if (t->i % 64 == 0)
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static void changing_masks(const char *name)
{
	struct table t;

	if (!bench_wants(name))
		return;
	table_init(&t, 1000);
	fill_masks(&t, 1000, any_acl);
	bench_run(name, change_mask, &t, CALLS);
	table_fini(&t);
}

static void change_priority(unsigned n, void *arg)
{
	struct table *t = arg;

	while (n--) {
		struct cls_rule *r = &t->rules[t->i++ * 40503u % t->n];

		classifier_remove(t->cls, r);
		if (classifier_insert(t->cls, r))
			exit(1);
	}
}

static void same_match(const char *name)
{
	struct match m = acl(32, 32, 3);
	struct table t;

	if (!bench_wants(name))
		return;
	table_init(&t, CLS_PRIORITY_MAX + 1);
	while (t.n < t.room)
		add(&t, &m, CLS_PRIORITY_MAX - t.n);
	bench_run(name, change_priority, &t, CALLS);
	table_fini(&t);
}

/* ---- a million ---- */

static struct match five_tuple(unsigned n)
{
	struct match m;

	match_init(&m);
	set(&m, PROTO, 0xff00ffff00000000u, 0x0600000800000000u);
	set(&m, ADDRS, UINT64_MAX, 0x0a0000000a00u + (uint64_t)n * 0x100000001u);
	set(&m, PORTS, 0xffffffffu, n * 7919u);
	return m;
}

static void lookup_million(unsigned n, void *arg)
{
	static const struct hash_seed seed = {1, 2};
	struct table *t = arg;
	uintptr_t sum = 0;

	while (n--) {
		struct match m = five_tuple((unsigned)(hash_u64(seed, t->i++) % t->n));

		sum += (uintptr_t)classifier_lookup(t->cls, &m.key);
	}
	bench_use(&sum);
}

/* One goes, another one comes. */
static void change(unsigned n, void *arg)
{
	struct table *t = arg;

	for (; n; n--, t->i++) {
		struct cls_rule *r = &t->rules[t->i % t->n];
		struct match m = five_tuple(t->n + t->i);

		classifier_remove(t->cls, r);
		cls_rule_fini(r);
		if (cls_rule_init(r, &m, 1) || classifier_find(t->cls, &m, 1) ||
			classifier_insert(t->cls, r))
			exit(1);
	}
}

static void fill(struct table *t, unsigned n)
{
	while (t->n < n) {
		struct match m = five_tuple(t->n);

		if (classifier_find(t->cls, &m, 1))
			exit(1);
		add(t, &m, 1);
	}
}

static void million(const char *name, bench_fn fn)
{
	struct table t;

	if (!bench_wants(name))
		return;
	table_init(&t, MILLION);
	fill(&t, MILLION);
	tell(&t, name);
	bench_run(name, fn, &t, CALLS);
	table_fini(&t);
}

static void filling(const char *name)
{
	struct table t;
	uint64_t start = clock_now_ns();

	if (!bench_wants(name) || getenv("BENCH_COUNT"))
		return;
	table_init(&t, MILLION);
	fill(&t, MILLION);
	printf("%-28s %10.1f ns\n", name, (double)(clock_now_ns() - start) / MILLION);
	table_fini(&t);
}

int main(void)
{
	base = event_base_new();
	if (!base || rcu_init(base))
		return 1;
	few_rules(1);
	few_rules(8);
	few_rules(32);
	twenty_masks("cls 1000 rules, 20 masks");
	thousand_masks("cls 1000 masks, prefixes", any_acl);
	thousand_masks("cls 1000 masks, any fields", any_fields);
	thousand_masks("cls 1000 masks, disjoint", one_bit);
	changing_masks("cls 1000 masks, change");
	same_match("cls 65536 of a match, change");
	million("cls 1000000 rules", lookup_million);
	million("cls 1000000 rules, change", change);
	filling("cls 1000000 rules, fill");
	rcu_fini();
	event_base_free(base);
	return 0;
}
