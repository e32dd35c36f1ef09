/* drop.h - every reason for which the switch drops a packet, by name.
 *
 * A packet that enters the switch leaves through a port or is counted here, at
 * the port named in the sentence; nothing is dropped otherwise.  The names are
 * part of the interface ('vswitchctl drops', metrics).
 *
 * Pure; any thread. */
#pragma once

enum drop_reason {
	/* at the port where the packet came in */
	DROP_RX_TOO_SHORT,
	DROP_RX_TRUNCATED,
	DROP_RX_TOO_LONG,
	DROP_RX_BAD_OFFLOAD,
	DROP_RX_TOO_MANY_SEGMENTS,
	DROP_RX_NO_BRIDGE,
	DROP_RX_OVERRUN,
	DROP_RX_SRC_MULTICAST,
	DROP_RX_SRC_ZERO,
	DROP_RX_OWN_ADDRESS,
	DROP_RX_RESERVED_GROUP,
	DROP_RX_VLAN_MALFORMED,
	DROP_RX_VLAN_RESERVED,
	DROP_RX_VLAN_NOT_MEMBER,
	DROP_RX_VLAN_TAGGED_ON_ACCESS,
	DROP_RX_STORM_BROADCAST,
	DROP_RX_STORM_MULTICAST,
	DROP_RX_STORM_UNKNOWN,
	DROP_RX_REFLECTION,
	DROP_RX_NO_DESTINATION,
	DROP_RX_ALL_ISOLATED,
	DROP_RX_NO_BUFFERS,
	DROP_RX_CUT_BUDGET,
	DROP_RX_PATCH_LOOP,
	/* at the port that should have sent it */
	DROP_TX_VLAN_NOT_MEMBER,
	DROP_TX_ISOLATED,
	DROP_TX_PORT_DOWN,
	DROP_TX_TOO_LONG,
	DROP_TX_FULL,
	DROP_TX_ERROR,
	DROP_TX_NOT_SEGMENTABLE,
	DROP_TX_NO_CHECKSUM,
	DROP_TX_NO_HEADROOM,
	DROP_TX_NO_BUFFERS,
	DROP_N
};

/* "rx_too_short": lower case, stable. */
const char *drop_name(enum drop_reason reason);

/* One sentence for people, without a full stop. */
const char *drop_sentence(enum drop_reason reason);
