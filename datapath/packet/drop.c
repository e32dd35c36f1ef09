#include "drop.h"

#include <assert.h>

static const struct {
	const char *name;
	const char *sentence;
} drops[] = {
	[DROP_RX_TOO_SHORT] = {"rx_too_short", "frame shorter than an Ethernet header"},
	[DROP_RX_TRUNCATED] = {"rx_truncated",
		"the capture file holds only part of the frame, or is damaged there"},
	[DROP_RX_TOO_LONG] = {"rx_too_long", "frame longer than the largest this port may receive"},
	[DROP_RX_BAD_OFFLOAD] = {"rx_bad_offload",
		"the sender's checksum or segmentation request does not fit the frame, or is "
		"for what is within a tunnel of a kind that the switch does not know"},
	[DROP_RX_TOO_MANY_SEGMENTS] = {"rx_too_many_segments",
		"it asks to be cut into more segments than any stack needs (768)"},
	[DROP_RX_NO_BRIDGE] = {"rx_no_bridge", "the port was being removed from its bridge"},
	[DROP_RX_OVERRUN] = {"rx_overrun",
		"the kernel dropped it because the switch read too slowly"},
	[DROP_RX_SRC_MULTICAST] = {"rx_src_multicast", "the source address is a group address"},
	[DROP_RX_SRC_ZERO] = {"rx_src_zero", "the source address is 00:00:00:00:00:00"},
	[DROP_RX_OWN_ADDRESS] = {"rx_own_address",
		"the source address is that of the bridge's own port: a loop, or somebody else "
		"uses it"},
	[DROP_RX_RESERVED_GROUP] = {"rx_reserved_group",
		"sent to a group address that bridges must not forward (01:80:c2:00:00:0x)"},
	[DROP_RX_VLAN_MALFORMED] = {"rx_vlan_malformed",
		"the frame ends within its VLAN tag, or hides another tag behind a priority tag"},
	[DROP_RX_VLAN_RESERVED] = {"rx_vlan_reserved",
		"tagged with VLAN 4095, which is reserved and never on a wire"},
	[DROP_RX_VLAN_NOT_MEMBER] = {"rx_vlan_not_member",
		"tagged with a VLAN that this port does not carry"},
	[DROP_RX_VLAN_TAGGED_ON_ACCESS] = {"rx_vlan_tagged_on_access",
		"tagged, but the port is an access port"},
	[DROP_RX_STORM_BROADCAST] = {"rx_storm_broadcast",
		"over the port's storm limit for broadcast"},
	[DROP_RX_STORM_MULTICAST] = {"rx_storm_multicast",
		"over the port's storm limit for multicast"},
	[DROP_RX_STORM_UNKNOWN] = {"rx_storm_unknown",
		"over the port's storm limit for unicast to unknown addresses"},
	[DROP_RX_REFLECTION] = {"rx_reflection",
		"its destination is behind the port that it came from"},
	[DROP_RX_NO_DESTINATION] = {"rx_no_destination",
		"no other port that is up carries its VLAN"},
	[DROP_RX_ALL_ISOLATED] = {"rx_all_isolated",
		"its port is isolated, and so is every other that is up and carries its VLAN"},
	[DROP_RX_NO_BUFFERS] = {"rx_no_buffers", "the worker ran out of packet descriptors"},
	[DROP_RX_CUT_BUDGET] = {"rx_cut_budget",
		"cutting it, or a copy of it, into segments would have taken the time of other "
		"ports"},
	[DROP_RX_PATCH_LOOP] = {"rx_patch_loop", "it crossed too many patch ports"},
	[DROP_TX_VLAN_NOT_MEMBER] = {"tx_vlan_not_member",
		"the port of its destination address does not carry its VLAN"},
	[DROP_TX_ISOLATED] = {"tx_isolated", "both ports are isolated"},
	[DROP_TX_PORT_DOWN] = {"tx_port_down", "the port's device is absent or its link is down"},
	[DROP_TX_TOO_LONG] = {"tx_too_long", "longer than the port's MTU allows"},
	[DROP_TX_FULL] = {"tx_full", "the port's transmit queue was full"},
	[DROP_TX_ERROR] = {"tx_error", "the kernel refused to send it"},
	[DROP_TX_NOT_SEGMENTABLE] = {"tx_not_segmentable",
		"the port needs it cut into segments, and its headers do not allow that"},
	[DROP_TX_NO_CHECKSUM] = {"tx_no_checksum",
		"the port needs its checksum completed, and that lies out of reach"},
	[DROP_TX_NO_HEADROOM] = {"tx_no_headroom", "no room to push another header"},
	[DROP_TX_NO_BUFFERS] = {"tx_no_buffers",
		"the worker ran out of packet descriptors while it cut the frame into segments"},
};
_Static_assert(sizeof(drops) / sizeof(drops[0]) == DROP_N, "a sentence per reason");

const char *drop_name(enum drop_reason reason)
{
	assert(reason < DROP_N);
	return drops[reason].name;
}

const char *drop_sentence(enum drop_reason reason)
{
	assert(reason < DROP_N);
	return drops[reason].sentence;
}
