/* cls_group.h - one hash table of a classifier: rules by their values under one mask.
 *
 * The group's mask has no bit that one of its rules lacks, but may lack bits that they have.
 * So several rules can be under one hash, a chain; each is compared by its own match.  Of
 * rules that have the same match only the one of highest priority, the head, is in the
 * table; it and the others are in one struct cls_priorities.
 *
 * Bounds: none here; the classifier keeps chains short.  A probe reads on average less than
 * three slots that are not of the chain.
 *
 * Threads: control writes.  Any number of readers within an RCU read side call
 * cls_group_lookup(), and nothing else. */
#pragma once

#include "classifier.h"
#include "cls_priorities.h"
#include "rcu.h"

struct cls_slot {
	uint32_t hash;
	int32_t priority;      /* of the rule, or of the one before or after it there */
	struct cls_rule *rule; /* NULL: free, and the search ends */
};

/* Open, since lookups inline it. */
struct cls_group {
	uintptr_t table;  /* of slots, and in the low bits the log2 of their number */
	uint32_t n_pairs; /* of words; the second of the last one may be a dummy */
	uint8_t word[FLOW_WORDS + 1];
	uint64_t mask[FLOW_WORDS + 1];

	/* control's */
	flow_map map;
	uint32_t n_bits;  /* of the mask */
	uint32_t n_heads; /* rules in the table */
	uint32_t n_dead;  /* slots of which the rule is gone, but through which searches pass */
	struct cls_priorities priorities;     /* of all rules */
	uint32_t n_chains[CLS_CHAIN_MAX + 1]; /* by length; [0]: longer ones */
	uint32_t longest;		      /* while there is one of those */
} __attribute__((aligned(64)));

/* 'n_heads' are expected.  0 or -ENOMEM. */
int cls_group_create(const struct flow_key *mask, uint32_t n_heads, struct cls_group **g);
void cls_group_destroy(struct cls_group *g); /* no reader has it */
void cls_group_retire(struct cls_group *g);  /* ... any more in a grace period */

/* May rules of that mask lie here? */
bool cls_group_takes(const struct cls_group *g, flow_map map, const uint64_t *mask);

struct cls_chain {
	unsigned len;	       /* different matches */
	struct cls_rule *same; /* the head of a certain match; NULL */
};

/* What is there for a hash, and for a match. */
struct cls_chain cls_group_chain(
	const struct cls_group *g, uint32_t hash, const struct mini_match *m);

/* Make room for one more rule, of that priority; 'same' is the head of its match, or NULL.
 * 0 or -ENOMEM. */
int cls_group_reserve(struct cls_group *g, uint32_t priority, struct cls_rule *same);
/* There is room.  'chain' is what cls_group_chain() says of the rule's match. */
void cls_group_add(
	struct cls_group *g, struct cls_rule *r, uint32_t hash, const struct cls_chain *chain);
void cls_group_remove(struct cls_group *g, struct cls_rule *r);
/* 'r' has the same match and priority as 'old'. */
void cls_group_replace(struct cls_group *g, struct cls_rule *old, struct cls_rule *r);
/* A head, and those below it, that still are and are read in another group, before readers
 * have this one.  The rules are not touched until it takes over all of them.  0 or -ENOMEM,
 * and then the group is of no use. */
int cls_group_adopt(
	struct cls_group *g, struct cls_rule *head, uint32_t hash, const struct cls_chain *chain);
void cls_group_take_over(struct cls_group *g);

/* Give back memory after many rules have gone. */
void cls_group_trim(struct cls_group *g);

unsigned cls_group_longest(const struct cls_group *g); /* chain; at most that */
size_t cls_group_bytes(const struct cls_group *g);

/* Control's walk over heads: the i-th slot's, or NULL.  i counts round the table, as a
 * search does from its hash on, which ends at a free slot. */
static inline struct cls_slot *cls_group_slots(const struct cls_group *g, uint32_t *n_slots)
{
	*n_slots = 1u << (g->table & 63);
	return (struct cls_slot *)(g->table & ~(uintptr_t)63);
}

/* Is it the one of its match that lookups see? */
static inline bool cls_rule_is_head(const struct cls_rule *r)
{
	return !r->same || cls_priorities_max(r->same) == (int)r->priority;
}

/* Of the same match, the next lower one; NULL. */
static inline struct cls_rule *cls_rule_below(const struct cls_rule *r)
{
	const struct cls_priority *below =
		r->same ? cls_priorities_below(r->same, r->priority) : NULL;

	return below ? below->rule : NULL;
}

/* The rule of a head's match that has that priority; NULL. */
static inline struct cls_rule *cls_rule_at(struct cls_rule *head, uint32_t priority)
{
	const struct cls_priority *at;

	if (!head->same)
		return head->priority == priority ? head : NULL;
	at = cls_priorities_find(head->same, priority);
	return at ? at->rule : NULL;
}

extern struct cls_rule cls_rule_dead; /* is in slots that are not free, but without a rule */

/* Keyed, and of the words of the mask only.  'secret' are FLOW_WORDS + 1 random words.
 * It is NH (Black et al., UMAC, 1999): one multiplication for each two words, of which none
 * waits for another. */
static inline uint32_t cls_group_hash(
	const struct cls_group *g, const uint64_t *secret, const uint64_t *key)
{
	__extension__ typedef unsigned __int128 u128;
	const uint8_t *word = g->word;
	const uint64_t *mask = g->mask;
	u128 sum = 0;

	for (uint32_t i = g->n_pairs; i; i--, word += 2, mask += 2, secret += 2)
		sum += (u128)((key[word[0]] & mask[0]) + secret[0]) *
		       ((key[word[1]] & mask[1]) + secret[1]);
	return (uint32_t)(((uint64_t)sum ^ (uint64_t)(sum >> 64)) * 0x9e3779b97f4a7c15u >> 32);
}

struct cls_best {
	struct cls_rule *rule;
	int priority; /* -1: none yet */
};

/* Is there a better one? */
static inline void cls_group_lookup(const struct cls_group *g, const uint64_t *secret,
	const uint64_t *key, struct cls_best *best)
{
	uint32_t hash = cls_group_hash(g, secret, key);
	uintptr_t table = rcu_get(g->table);
	const struct cls_slot *slots = (const struct cls_slot *)(table & ~(uintptr_t)63);
	uint32_t last = (1u << (table & 63)) - 1;

	for (uint32_t i = hash & last;; i = (i + 1) & last) {
		struct cls_rule *r = rcu_get(slots[i].rule);

		if (!r)
			return;
		if (__atomic_load_n(&slots[i].hash, __ATOMIC_RELAXED) == hash &&
			__atomic_load_n(&slots[i].priority, __ATOMIC_RELAXED) > best->priority &&
			mini_match_hits(&r->match, key) && (int)r->priority > best->priority) {
			best->rule = r;
			best->priority = (int)r->priority;
		}
	}
}
