/* flow_key.h - what rules can look at: the fields of a packet and of its way here, at
 * fixed places.
 *
 * A key is 31 words of 8 bytes, so that it is masked, hashed and compared a word at a
 * time, and a set of words is a bit map.  All numbers are in network order: every field
 * is then a run of bits within a big-endian container (field.h), whatever its width.
 *
 * The headers (from eth_dst on) are laid out exactly as in struct parsed and copied as
 * one.  IPv4 addresses, of ARP too, share the place of IPv6 addresses: both fit in one
 * word, and no rule may ask for either without asking for the EtherType.
 *
 * A mask is a key of bits that matter. */
#pragma once

#include <stdint.h>

#include "parse.h"

enum {
	FLOW_WORDS = 31,
	FLOW_REGS = 16,
};

/* Addresses of a tunnel, as those of the headers.  They have no EtherType beside them,
 * so tun_ipv6 says which they are, and who asks for an address asks for that, too. */
union flow_addrs {
	struct {
		be32_t ip4_src, ip4_dst;
	};
	struct {
		struct parsed_addr src, dst;
	};
};

struct flow_key {
	/* word 0: whatever else is asked for, these count for the cache */
	be32_t in_port;	 /* OpenFlow number */
	be16_t stage;	 /* where in the pipeline the packet was parsed again; 0: at its start */
	uint8_t stop;	 /* enum parse_stop, and << 4 the enum parse_layer */
	uint8_t n_vlans; /* tags; at most 255 */
	/* word 1 */
	be32_t in_phy_port;
	be32_t pkt_mark;
	be64_t metadata;
	/* words 3 to 8: the tunnel it came through; 0: none */
	be64_t tun_id;
	union flow_addrs tun;
	be16_t tun_flags;
	be16_t tun_gbp_id;
	uint8_t tun_gbp_flags;
	uint8_t tun_tos;
	uint8_t tun_ttl;
	uint8_t tun_ipv6; /* 1: the addresses are IPv6 */
	be32_t reg[FLOW_REGS];
	/* words 17 to 30: as in struct parsed */
	struct eth_addr eth_dst;
	struct eth_addr eth_src;
	be16_t eth_type;
	uint8_t frag;
	uint8_t ip_proto;
	struct parsed_vlan vlan[2];
	be32_t mpls_lse;
	be32_t pbb_tci;
	uint8_t ip_tos;
	uint8_t ip_ttl;
	be16_t ipv6_ext;
	be32_t ipv6_label;
	union flow_addrs ip;
	be16_t l4_src;
	be16_t l4_dst;
	be16_t tcp_flags;
	be16_t arp_op;
	uint8_t nd_target[16];
	struct eth_addr sll;
	struct eth_addr tll;
	uint8_t pad2[4];
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct flow_key) == FLOW_WORDS * 8, "whole words, no holes");

/* Bits of tun_flags. */
enum { FLOW_TUN_OAM = 1 };

/* A set of words, bit 0 for word 0. */
typedef uint32_t flow_map;
_Static_assert(FLOW_WORDS <= 32, "a bit each");

static inline uint64_t *flow_words(struct flow_key *k)
{
	return (uint64_t *)(void *)k;
}

static inline const uint64_t *flow_words_const(const struct flow_key *k)
{
	return (const uint64_t *)(const void *)k;
}

/* Words of 'k' that are not 0. */
flow_map flow_key_map(const struct flow_key *k);

/* The headers of 'k' from what parse() found, with stop and n_vlans.  The rest is kept. */
void flow_key_headers(struct flow_key *k, const struct parsed *p);

/* dst = a & mask, all words. */
void flow_key_mask(struct flow_key *dst, const struct flow_key *a, const struct flow_key *mask);
