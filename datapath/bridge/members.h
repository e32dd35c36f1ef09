/* members.h - which ports of a bridge carry a VLAN: whom a flood has to look at.
 *
 * Sets of slot numbers: one of the ports that carry every VLAN, and one for each VLAN
 * that ports carry by name.  A flood walks the union of two of them.  They may hold a
 * port that does not carry the VLAN any more, so whoever walks looks at its settings
 * too; but they lack none that a worker can find in the bridge's view, because a port
 * is put in before it is published, and taken out after.
 *
 * Bounded: 512 bytes for each VLAN that some port has ever carried by name.
 *
 * Threads: control changes; workers walk.  A bridge owns its sets. */
#pragma once

#include <stdint.h>

#include "rcu.h"
#include "vlan.h"
#include "wire.h"

enum {
	MEMBERS_SLOTS = 4096, /* slot numbers are below this */
	MEMBERS_WORDS = MEMBERS_SLOTS / 64,
	MEMBERS_VLANS = VLAN_VID_MASK + 1,
};

#define MEMBERS_END UINT32_MAX

struct members {
	uint64_t every[MEMBERS_WORDS];
	uint64_t *named[MEMBERS_VLANS]; /* RCU; NULL: nobody yet */
};

/* 0 or -ENOMEM. */
int members_create(struct members **members);
void members_destroy(struct members *m); /* no worker walks it */

/* The port in 'slot' is about to carry what 'conf' says.  -ENOMEM: it may be in some. */
int members_add(struct members *m, uint32_t slot, const struct vlan_conf *conf);

/* From now on it carries no more than what 'conf' says; NULL: nothing. */
void members_trim(struct members *m, uint32_t slot, const struct vlan_conf *conf);

struct members_walk {
	const uint64_t *every, *named;
	uint64_t bits; /* of 'word', those not walked yet */
	uint32_t word, n_slots;
};

static inline uint64_t members_bits(const struct members_walk *w)
{
	return __atomic_load_n(&w->every[w->word], __ATOMIC_RELAXED) |
	       (w->named ? __atomic_load_n(&w->named[w->word], __ATOMIC_RELAXED) : 0);
}

/* Begin with the slots below 'n_slots' (at most MEMBERS_SLOTS) that may carry 'vid'. */
static inline struct members_walk members_walk(
	const struct members *m, uint16_t vid, uint32_t n_slots)
{
	struct members_walk w = {
		.every = m->every, .named = rcu_get(m->named[vid]), .n_slots = n_slots};

	w.bits = members_bits(&w);
	return w;
}

/* The next one, ascending, or MEMBERS_END. */
static inline uint32_t members_next(struct members_walk *w)
{
	while (!w->bits) {
		if (++w->word * 64 >= w->n_slots)
			return MEMBERS_END;
		w->bits = members_bits(w);
	}
	uint32_t slot = w->word * 64 + (uint32_t)__builtin_ctzll(w->bits);

	w->bits &= w->bits - 1;
	return slot < w->n_slots ? slot : MEMBERS_END;
}
