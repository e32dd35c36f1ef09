/* vlan.h - which VLAN a frame is in, and how it is tagged on its way out.
 *
 * Modes as in Open vSwitch (Port table, "vlan_mode") and IEEE 802.1Q:
 *
 *	access           untagged frames, and priority-tagged ones, are in 'tag'
 *	trunk            tagged frames of 'trunks'; untagged ones are in VLAN 0
 *	native-tagged    a trunk whose untagged frames are in 'tag', sent tagged
 *	native-untagged  the same, sent untagged
 *	dot1q-tunnel     any frame, tagged or not, is in 'tag'; inside the switch and on
 *	                 trunks it carries an 802.1ad tag around what it came with
 *
 * A priority tag (VLAN 0) before another tag is refused, but by a tunnel: once it is
 * taken off, the frame would be in a VLAN that nobody has let it into.
 *
 * VLAN 4095, which is reserved (802.1Q table 9-2), is refused too; in a tunnel it is the
 * customer's affair.
 *
 * Threads: pure functions over a packet that the caller owns. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "packet.h"

enum vlan_mode {
	VLAN_TRUNK,  /* the default without a tag */
	VLAN_ACCESS, /* the default with a tag */
	VLAN_NATIVE_TAGGED,
	VLAN_NATIVE_UNTAGGED,
	VLAN_DOT1Q_TUNNEL,
	VLAN_MODE_N
};

enum vlan_priority_tags { VLAN_PRIORITY_NEVER, VLAN_PRIORITY_IF_NONZERO, VLAN_PRIORITY_ALWAYS };

enum { VLAN_SET_WORDS = 4096 / 64, VLAN_VID_MAX = 4094 };

struct vlan_conf {
	enum vlan_mode mode;
	enum vlan_priority_tags priority_tags; /* tag 0 on untagged egress, to carry the priority */
	uint16_t tag;			       /* access, native-*, dot1q-tunnel */
	bool all_trunks;
	bool all_cvlans;
	uint64_t trunks[VLAN_SET_WORDS]; /* a bit per VLAN */
	uint64_t cvlans[VLAN_SET_WORDS]; /* dot1q-tunnel: customer VLANs let in */
};

static inline bool vlan_set_has(const uint64_t *set, uint16_t vid)
{
	return set[vid / 64] >> (vid % 64) & 1;
}

static inline void vlan_set_add(uint64_t *set, uint16_t vid)
{
	set[vid / 64] |= (uint64_t)1 << (vid % 64);
}

/* A frame's VLAN while it is inside the switch: the tag itself is off the frame. */
struct vlan_meta {
	uint16_t vid;  /* 0: untagged traffic of a trunk */
	uint16_t tpid; /* ETHERTYPE_CTAG or ETHERTYPE_STAG: what a tagging egress pushes */
	uint8_t pcp;
	bool dei;
};

/* Names of modes: "access" …; lookup by name is -EINVAL for another word. */
const char *vlan_mode_name(enum vlan_mode mode);
int vlan_mode_parse(const char *word, enum vlan_mode *mode);

/* Does the port carry 'vid' at all? */
bool vlan_carries(const struct vlan_conf *conf, uint16_t vid);

/* Classify an incoming frame of at least ETH_HEADER_LEN bytes and take the tag
 * that says so off it.  False where the port does not let it in; *reason tells. */
bool vlan_ingress(const struct vlan_conf *conf, struct packet *p, struct vlan_meta *m,
	enum drop_reason *reason);

/* Put on the tag that the port wants, if any.  False where the headroom is used up. */
bool vlan_egress(const struct vlan_conf *conf, const struct vlan_meta *m, struct packet *p);

/* Parse "10,20,30-39", of VLANs 0 to VLAN_VID_MAX, into a set; false, with *bad at the wrong word,
 * otherwise. */
bool vlan_set_parse(const char *text, uint64_t *set, const char **bad);
