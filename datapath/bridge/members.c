#include "members.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int members_create(struct members **members)
{
	struct members *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*members = m;
	return 0;
}

void members_destroy(struct members *m)
{
	if (!m)
		return;
	for (unsigned vid = 0; vid < MEMBERS_VLANS; vid++)
		free(m->named[vid]);
	free(m);
}

static void set_change(uint64_t *set, uint32_t slot, bool in)
{
	uint64_t *word = &set[slot / 64], bit = (uint64_t)1 << (slot % 64);

	__atomic_store_n(word, in ? *word | bit : *word & ~bit, __ATOMIC_RELAXED);
}

/* Then it is in no set of a single VLAN. */
static bool carries_every(const struct vlan_conf *conf)
{
	return conf->all_trunks && conf->mode != VLAN_ACCESS && conf->mode != VLAN_DOT1Q_TUNNEL;
}

int members_add(struct members *m, uint32_t slot, const struct vlan_conf *conf)
{
	assert(slot < MEMBERS_SLOTS);
	if (carries_every(conf)) {
		set_change(m->every, slot, true);
		return 0;
	}
	for (unsigned vid = 0; vid < MEMBERS_VLANS; vid++) {
		if (!vlan_carries(conf, (uint16_t)vid))
			continue;
		if (!m->named[vid]) {
			uint64_t *set = calloc(MEMBERS_WORDS, sizeof(*set));

			if (!set)
				return -ENOMEM;
			rcu_set(m->named[vid], set);
		}
		set_change(m->named[vid], slot, true);
	}
	return 0;
}

void members_trim(struct members *m, uint32_t slot, const struct vlan_conf *conf)
{
	bool every = conf && carries_every(conf);

	assert(slot < MEMBERS_SLOTS);
	if (!every)
		set_change(m->every, slot, false);
	for (unsigned vid = 0; vid < MEMBERS_VLANS; vid++)
		if (m->named[vid] && (every || !conf || !vlan_carries(conf, (uint16_t)vid)))
			set_change(m->named[vid], slot, false);
}
