#include "vlan.h"

#include <errno.h>
#include <stdlib.h>

#include "wire.h"

enum { TYPE_OFS = 12, TCI_DEI = 0x1000 };

static const char *const mode_names[] = {
	[VLAN_TRUNK] = "trunk",
	[VLAN_ACCESS] = "access",
	[VLAN_NATIVE_TAGGED] = "native-tagged",
	[VLAN_NATIVE_UNTAGGED] = "native-untagged",
	[VLAN_DOT1Q_TUNNEL] = "dot1q-tunnel",
};
_Static_assert(sizeof(mode_names) / sizeof(mode_names[0]) == VLAN_MODE_N, "a name per mode");

const char *vlan_mode_name(enum vlan_mode mode)
{
	return mode_names[mode];
}

int vlan_mode_parse(const char *word, enum vlan_mode *mode)
{
	for (int i = 0; i < VLAN_MODE_N; i++) {
		if (!strcmp(word, mode_names[i])) {
			*mode = (enum vlan_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool vlan_carries(const struct vlan_conf *conf, uint16_t vid)
{
	switch (conf->mode) {
	case VLAN_ACCESS:
	case VLAN_DOT1Q_TUNNEL:
		return vid == conf->tag;
	case VLAN_NATIVE_TAGGED:
	case VLAN_NATIVE_UNTAGGED:
		if (vid == conf->tag)
			return true;
		break;
	default:
		break;
	}
	return conf->all_trunks || vlan_set_has(conf->trunks, vid);
}

static bool is_tpid(uint16_t type)
{
	return type == ETHERTYPE_CTAG || type == ETHERTYPE_STAG;
}

/* The outer tag of a frame, as found. */
struct outer_tag {
	bool present;
	uint16_t tpid;
	uint16_t tci;
};

/* False where the frame ends within its tag. */
static bool outer_tag_read(const struct packet *p, struct outer_tag *t)
{
	t->tpid = wire_u16(p->data + TYPE_OFS);
	t->present = is_tpid(t->tpid);
	t->tci = 0;
	if (!t->present)
		return true;
	if (p->head_len < ETH_HEADER_LEN + ETH_VLAN_LEN)
		return false;
	t->tci = wire_u16(p->data + TYPE_OFS + 2);
	return true;
}

/* Whatever comes in belongs to the service VLAN; what tag it has stays on it. */
static bool tunnel_ingress(const struct vlan_conf *conf, const struct outer_tag *t,
	struct vlan_meta *m, enum drop_reason *reason)
{
	if (!conf->all_cvlans && !vlan_set_has(conf->cvlans, t->tci & VLAN_VID_MASK)) {
		*reason = DROP_RX_VLAN_NOT_MEMBER;
		return false;
	}
	m->vid = conf->tag;
	m->tpid = ETHERTYPE_STAG;
	return true;
}

bool vlan_ingress(const struct vlan_conf *conf, struct packet *p, struct vlan_meta *m,
	enum drop_reason *reason)
{
	struct outer_tag t;

	if (!outer_tag_read(p, &t)) {
		*reason = DROP_RX_VLAN_MALFORMED;
		return false;
	}
	m->pcp = (uint8_t)(t.tci >> VLAN_PCP_SHIFT);
	m->dei = t.tci & TCI_DEI;
	if (conf->mode == VLAN_DOT1Q_TUNNEL)
		return tunnel_ingress(conf, &t, m, reason);

	m->vid = t.tci & VLAN_VID_MASK;
	if (m->vid > VLAN_VID_MAX) {
		*reason = DROP_RX_VLAN_RESERVED;
		return false;
	}
	if (t.present && !m->vid && is_tpid(wire_u16(p->data + TYPE_OFS + ETH_VLAN_LEN))) {
		*reason = DROP_RX_VLAN_MALFORMED;
		return false;
	}
	m->tpid = t.present && m->vid ? t.tpid : ETHERTYPE_CTAG;
	if (m->vid && conf->mode == VLAN_ACCESS) {
		*reason = DROP_RX_VLAN_TAGGED_ON_ACCESS;
		return false;
	}
	if (!m->vid && conf->mode != VLAN_TRUNK)
		m->vid = conf->tag; /* untagged, or tagged for its priority only */
	if (!vlan_carries(conf, m->vid)) {
		*reason = DROP_RX_VLAN_NOT_MEMBER;
		return false;
	}
	if (t.present)
		packet_remove(p, TYPE_OFS, ETH_VLAN_LEN);
	return true;
}

static bool tag_push(struct packet *p, uint16_t tpid, uint16_t vid, const struct vlan_meta *m)
{
	if (!packet_insert(p, TYPE_OFS, ETH_VLAN_LEN))
		return false;
	wire_put_u16(p->data + TYPE_OFS, tpid);
	wire_put_u16(p->data + TYPE_OFS + 2,
		(uint16_t)(m->pcp << VLAN_PCP_SHIFT | (m->dei ? TCI_DEI : 0) | vid));
	return true;
}

bool vlan_egress(const struct vlan_conf *conf, const struct vlan_meta *m, struct packet *p)
{
	bool untagged = !m->vid || conf->mode == VLAN_ACCESS || conf->mode == VLAN_DOT1Q_TUNNEL ||
			(conf->mode == VLAN_NATIVE_UNTAGGED && m->vid == conf->tag);

	if (!untagged)
		return tag_push(p, m->tpid, m->vid, m);
	if (conf->mode != VLAN_DOT1Q_TUNNEL &&
		(conf->priority_tags == VLAN_PRIORITY_ALWAYS ||
			(conf->priority_tags == VLAN_PRIORITY_IF_NONZERO && m->pcp)))
		return tag_push(p, ETHERTYPE_CTAG, 0, m);
	return true;
}

/* One VLAN at *pos. */
static bool vid_parse(const char **pos, uint16_t *vid)
{
	char *end;

	if (**pos < '0' || **pos > '9')
		return false;
	unsigned long v = strtoul(*pos, &end, 10);
	if (v > VLAN_VID_MAX)
		return false;
	*vid = (uint16_t)v;
	*pos = end;
	return true;
}

bool vlan_set_parse(const char *text, uint64_t *set, const char **bad)
{
	const char *pos = text;

	memset(set, 0, VLAN_SET_WORDS * sizeof(*set));
	for (;;) {
		uint16_t first, last;

		*bad = pos;
		if (!vid_parse(&pos, &first))
			return false;
		last = first;
		if (*pos == '-' && (pos++, !vid_parse(&pos, &last)))
			return false;
		if (last < first)
			return false;
		for (unsigned v = first; v <= last; v++)
			vlan_set_add(set, (uint16_t)v);
		if (!*pos)
			return true;
		if (*pos++ != ',')
			return false;
	}
}
