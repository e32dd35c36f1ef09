/* How it works: at first all masks are in one leaf.  As long as some leaf has long chains,
 * that is, too many rules with the same values under what its masks have in common, the
 * worst leaf is divided in two: the masks that have a certain unit (all bits of one byte of
 * the key), and those that lack it.  The first then have one more unit in common.  The unit
 * is the one that tells most pairs of rules apart: of n rules that have it, one collides
 * with sum(c^2)/n on average, where c are the counts of its values, and is parted from the
 * others.  So a byte that many rules look at, with values that differ, comes first; which
 * one that is, addresses, ports, metadata or registers, is in the rules and need not be
 * known here.  Where no byte divides, single bits do.
 *
 * Chains are counted among a sample of the rules, where there are many: every s-th, so a
 * chain there stands for one that is s times as long. */
#include "cls_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD_BYTES = 8,
	KEY_BYTES = FLOW_WORDS * WORD_BYTES,
	KEY_BITS = KEY_BYTES * 8,
};

struct plan_mask {
	struct cls_mask *mask;
	uint32_t first, n; /* its rules in the sample */
};

/* Some masks, side by side. */
struct node {
	uint32_t first, n;
	struct flow_key common;
	uint32_t excess; /* rules of the sample that make chains too long */
	bool is_final;
};

struct unit {
	unsigned word;
	uint64_t bits;
};

struct tally {
	uint32_t hash;
	uint32_t round; /* in which it was used last */
	uint32_t n;
};

struct byte_counts {
	uint32_t round;	 /* as in a tally */
	uint32_t n[256]; /* by value */
	uint64_t squares;
	uint32_t n_rules;
};

struct bit_counts {
	uint32_t n_rules, n_ones;
};

struct planner {
	struct plan_mask *masks;
	struct cls_rule **sample; /* by mask */
	uint32_t n_masks, n_sample;
	uint32_t chain; /* the longest that is good, in the sample */
	struct tally *tally;
	uint32_t n_tally, round;
	struct hash_seed seed;
	struct byte_counts *bytes; /* of those that some mask looks at */
	uint8_t column[KEY_BYTES]; /* where among them */
	struct bit_counts *bits;
	struct node nodes[CLS_LEAVES_MAX];
	unsigned n_nodes;
};

static uint64_t mask_word(const struct cls_mask *mask, unsigned word)
{
	return mask->map >> word & 1 ? mask->words[flow_map_rank(mask->map, word)] : 0;
}

/* ---- chains ---- */

static uint32_t hash_under(
	const struct planner *p, const struct cls_rule *r, const struct flow_key *mask)
{
	const uint64_t *value = r->match.words + r->match.n, *m = flow_words_const(mask);
	uint64_t hash = 0;

	for (flow_map map = r->match.map; map; map &= map - 1)
		hash = hash_u64(p->seed, hash ^ (*value++ & m[__builtin_ctz(map)]));
	return (uint32_t)hash;
}

/* How often it was counted in this round, with this time. */
static uint32_t count(struct planner *p, uint32_t hash)
{
	uint32_t i = hash & (p->n_tally - 1);

	while (p->tally[i].round == p->round && p->tally[i].hash != hash)
		i = (i + 1) & (p->n_tally - 1);
	if (p->tally[i].round != p->round)
		p->tally[i] = (struct tally){.hash = hash, .round = p->round};
	return ++p->tally[i].n;
}

static void find_common(const struct planner *p, struct node *node)
{
	uint64_t *common = flow_words(&node->common);
	flow_map map = p->masks[node->first].mask->map;

	memset(common, 0, sizeof(node->common));
	for (flow_map left = map; left; left &= left - 1)
		common[__builtin_ctz(left)] = UINT64_MAX;
	for (uint32_t i = 0; i < node->n; i++) {
		for (flow_map left = map; left; left &= left - 1) {
			unsigned word = (unsigned)__builtin_ctz(left);

			common[word] &= mask_word(p->masks[node->first + i].mask, word);
			if (!common[word])
				map &= ~(1u << word);
		}
	}
}

/* What the masks have in common, and what chains that makes. */
static void measure(struct planner *p, struct node *node)
{
	find_common(p, node);
	node->excess = 0;
	p->round++;
	for (uint32_t i = 0; i < node->n; i++) {
		const struct plan_mask *mask = &p->masks[node->first + i];

		for (uint32_t j = 0; j < mask->n; j++) {
			struct cls_rule *r = p->sample[mask->first + j];

			node->excess += count(p, hash_under(p, r, &node->common)) > p->chain;
		}
	}
}

/* ---- the best unit ---- */

static uint64_t parted(uint32_t n_rules, uint64_t squares)
{
	return n_rules - (n_rules ? squares / n_rules : 0);
}

static void count_bytes(struct planner *p, const struct cls_rule *r, const uint64_t *common)
{
	const uint64_t *mask = r->match.words, *value = mask + r->match.n;

	for (flow_map map = r->match.map; map; map &= map - 1, mask++, value++) {
		unsigned word = (unsigned)__builtin_ctz(map);

		for (unsigned i = 0; i < WORD_BYTES; i++) {
			struct byte_counts *c = &p->bytes[p->column[word * WORD_BYTES + i]];

			if ((uint8_t)(*mask >> 8 * i) != 0xff ||
				(uint8_t)(common[word] >> 8 * i) == 0xff)
				continue;
			if (c->round != p->round)
				*c = (struct byte_counts){.round = p->round};
			c->squares += 2 * c->n[(uint8_t)(*value >> 8 * i)]++ + 1;
			c->n_rules++;
		}
	}
}

static bool best_byte(struct planner *p, struct unit *unit)
{
	uint64_t best = 0;

	for (unsigned i = 0; i < KEY_BYTES; i++) {
		const struct byte_counts *c = &p->bytes[p->column[i]];
		uint64_t score = parted(c->n_rules, c->squares);

		if (c->round == p->round && score > best) {
			best = score;
			unit->word = i / WORD_BYTES;
			unit->bits = 0xffull << 8 * (i % WORD_BYTES);
		}
	}
	return best > 0;
}

static void count_bits(struct planner *p, const struct cls_rule *r, const uint64_t *common)
{
	const uint64_t *mask = r->match.words, *value = mask + r->match.n;

	for (flow_map map = r->match.map; map; map &= map - 1, mask++, value++) {
		unsigned word = (unsigned)__builtin_ctz(map);

		for (uint64_t bits = *mask & ~common[word]; bits; bits &= bits - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(bits);

			p->bits[word * 64 + bit].n_rules++;
			p->bits[word * 64 + bit].n_ones += *value >> bit & 1;
		}
	}
}

/* Also one that tells no values apart: it is the masks that then differ. */
static bool best_bit(struct planner *p, struct unit *unit)
{
	uint64_t best = 0;

	for (unsigned i = 0; i < KEY_BITS; i++) {
		uint64_t n = p->bits[i].n_rules, ones = p->bits[i].n_ones;
		uint64_t score =
			n + parted((uint32_t)n, ones * ones + (n - ones) * (n - ones)) * 64;

		if (score > best) {
			best = score;
			unit->word = i / 64;
			unit->bits = 1ull << i % 64;
		}
	}
	return best > 0;
}

static void count_all(struct planner *p, const struct node *node,
	void (*count_rule)(struct planner *p, const struct cls_rule *r, const uint64_t *common))
{
	for (uint32_t i = 0; i < node->n; i++) {
		const struct plan_mask *mask = &p->masks[node->first + i];

		for (uint32_t j = 0; j < mask->n; j++)
			count_rule(p, p->sample[mask->first + j], flow_words_const(&node->common));
	}
}

static bool best_unit(struct planner *p, const struct node *node, struct unit *unit)
{
	p->round++;
	count_all(p, node, count_bytes);
	if (best_byte(p, unit))
		return true;
	memset(p->bits, 0, KEY_BITS * sizeof(*p->bits));
	count_all(p, node, count_bits);
	return best_bit(p, unit);
}

/* ---- division ---- */

/* Masks with the unit to the front; how many. */
static uint32_t partition(struct plan_mask *masks, uint32_t n, struct unit unit)
{
	uint32_t n_with = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct plan_mask mask = masks[i];

		if ((mask_word(mask.mask, unit.word) & unit.bits) != unit.bits)
			continue;
		masks[i] = masks[n_with];
		masks[n_with++] = mask;
	}
	return n_with;
}

static void divide(struct planner *p, struct node *node)
{
	struct unit unit = {0};
	uint32_t n_with;

	if (!best_unit(p, node, &unit)) {
		node->is_final = true;
		return;
	}
	n_with = partition(p->masks + node->first, node->n, unit);
	assert(n_with && n_with < node->n);
	struct node *rest = &p->nodes[p->n_nodes++];

	*rest = (struct node){.first = node->first + n_with, .n = node->n - n_with};
	node->n = n_with;
	measure(p, node);
	measure(p, rest);
}

static struct node *worst(struct planner *p)
{
	struct node *found = NULL;

	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct node *node = &p->nodes[i];

		if (!node->is_final && node->excess && (!found || node->excess > found->excess))
			found = node;
	}
	return found;
}

static void divide_all(struct planner *p)
{
	struct node *node;

	p->n_nodes = 1;
	p->nodes[0] = (struct node){.n = p->n_masks};
	measure(p, &p->nodes[0]);
	while (p->n_nodes < CLS_LEAVES_MAX && (node = worst(p)))
		divide(p, node);
}

static void divide_exactly(struct planner *p)
{
	p->n_nodes = p->n_masks;
	for (uint32_t i = 0; i < p->n_masks; i++) {
		p->nodes[i] = (struct node){.first = i, .n = 1};
		measure(p, &p->nodes[i]);
	}
}

/* ---- in and out ---- */

static void number_masks(struct planner *p, struct cls_masks *masks)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < masks->n_buckets; i++) {
		for (struct cls_mask *mask = masks->buckets[i]; mask; mask = mask->next) {
			p->masks[n] = (struct plan_mask){.mask = mask};
			mask->leaf = n++;
		}
	}
}

static void take_sample(struct planner *p, struct cls_rule *const *heads, size_t n_heads)
{
	size_t step = n_heads / CLS_SAMPLE_MAX + 1;
	uint32_t first = 0;

	p->chain = step > CLS_LEAF_CHAIN ? 1 : CLS_LEAF_CHAIN / (uint32_t)step;
	for (size_t i = 0; i < n_heads; i += step)
		p->masks[heads[i]->mask->leaf].n++;
	for (uint32_t i = 0; i < p->n_masks; i++) {
		p->masks[i].first = first;
		first += p->masks[i].n;
		p->masks[i].n = 0;
	}
	for (size_t i = 0; i < n_heads; i += step) {
		struct plan_mask *mask = &p->masks[heads[i]->mask->leaf];

		p->sample[mask->first + mask->n++] = heads[i];
	}
	assert(first <= p->n_sample);
}

/* Column 0 is for bytes that nobody looks at. */
static unsigned number_bytes(struct planner *p, const struct flow_key *set)
{
	const uint8_t *bytes = (const uint8_t *)(const void *)set;
	unsigned n = 1;

	for (unsigned i = 0; i < KEY_BYTES; i++)
		p->column[i] = bytes[i] ? (uint8_t)n++ : 0;
	return n;
}

static int planner_init(struct planner *p, const struct cls_masks *masks, size_t n_heads)
{
	memset(p, 0, sizeof(*p));
	p->n_masks = masks->n;
	p->n_sample = n_heads < CLS_SAMPLE_MAX ? (uint32_t)n_heads : CLS_SAMPLE_MAX;
	p->seed = masks->seed;
	for (p->n_tally = 64; p->n_tally < 2 * p->n_sample;)
		p->n_tally *= 2;
	p->masks = calloc(p->n_masks, sizeof(*p->masks));
	p->sample = calloc(p->n_sample, sizeof(*p->sample));
	p->tally = calloc(p->n_tally, sizeof(*p->tally));
	p->bytes = calloc(number_bytes(p, &masks->fields.set), sizeof(*p->bytes));
	p->bits = calloc(KEY_BITS, sizeof(*p->bits));
	return p->masks && p->sample && p->tally && p->bytes && p->bits ? 0 : -ENOMEM;
}

static void planner_fini(struct planner *p)
{
	free(p->masks);
	free(p->sample);
	free(p->tally);
	free(p->bytes);
	free(p->bits);
}

static void write_plan(const struct planner *p, struct cls_plan *plan)
{
	plan->n = p->n_nodes;
	for (unsigned i = 0; i < p->n_nodes; i++) {
		plan->leaves[i] = p->nodes[i].common;
		for (uint32_t j = 0; j < p->nodes[i].n; j++)
			p->masks[p->nodes[i].first + j].mask->leaf = i;
	}
}

int cls_plan_create(struct cls_masks *masks, struct cls_rule *const *heads, size_t n_heads,
	struct cls_plan **out)
{
	struct planner *p = malloc(sizeof(*p));
	struct cls_plan *plan = malloc(sizeof(*plan));
	int err = -ENOMEM;

	if (!p || !plan)
		goto free_both;
	err = planner_init(p, masks, n_heads);
	if (err)
		goto fini;
	number_masks(p, masks);
	take_sample(p, heads, n_heads);
	if (p->n_masks <= CLS_EXACT_MAX)
		divide_exactly(p);
	else
		divide_all(p);
	write_plan(p, plan);
	*out = plan;
	plan = NULL;
fini:
	planner_fini(p);
free_both:
	free(p);
	free(plan);
	return err;
}

void cls_plan_destroy(struct cls_plan *plan)
{
	free(plan);
}
