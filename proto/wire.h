/* wire.h - the units of bytes on the wire: network-order integers, Ethernet
 * addresses and types, and unaligned access.
 *
 * Pure; any thread. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t be16_t;
typedef uint32_t be32_t;
typedef uint64_t be64_t;

struct eth_addr {
	uint8_t b[6];
};

enum {
	ETH_ADDR_LEN = 6,
	ETH_HEADER_LEN = 14,
	ETH_VLAN_LEN = 4,
	ETH_FRAME_MIN = ETH_HEADER_LEN,
	VLAN_VID_MASK = 0x0fff,
	VLAN_PCP_SHIFT = 13,
};

/* EtherTypes, host order (IEEE 802 numbers). */
enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TEB = 0x6558, /* an Ethernet frame, within GRE (RFC 1701) and Geneve */
	ETHERTYPE_ARP_ = 0x0806,
	ETHERTYPE_RARP = 0x8035,
	ETHERTYPE_CTAG = 0x8100, /* 802.1Q customer tag */
	ETHERTYPE_IPV6_ = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MCAST = 0x8848,
	ETHERTYPE_STAG = 0x88a8, /* 802.1ad service tag */
	ETHERTYPE_PBB = 0x88e7,	 /* 802.1ah I-tag */
};

#define ETH_ADDR_FMT	 "%02x:%02x:%02x:%02x:%02x:%02x"
#define ETH_ADDR_ARGS(a) (a).b[0], (a).b[1], (a).b[2], (a).b[3], (a).b[4], (a).b[5]

static inline uint16_t wire_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t wire_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline void wire_put_u16(void *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void wire_put_u32(void *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

/* The 48 bits of an address as a number, first byte highest. */
static inline uint64_t eth_addr_u64(struct eth_addr a)
{
	return (uint64_t)wire_u16(a.b) << 32 | wire_u32(a.b + 2);
}

static inline struct eth_addr eth_addr_load(const void *p)
{
	struct eth_addr a;

	memcpy(a.b, p, sizeof(a.b));
	return a;
}

static inline bool eth_addr_equal(struct eth_addr a, struct eth_addr b)
{
	return !memcmp(a.b, b.b, sizeof(a.b));
}

static inline bool eth_addr_is_multicast(struct eth_addr a)
{
	return a.b[0] & 1;
}

static inline bool eth_addr_is_broadcast(struct eth_addr a)
{
	return eth_addr_u64(a) == 0xffffffffffffu;
}

/* 01:80:c2:00:00:00 to :0f, which an 802.1D bridge never forwards (802.1Q 8.6.3). */
static inline bool eth_addr_is_reserved_group(struct eth_addr a)
{
	return (eth_addr_u64(a) & ~0xfull) == 0x0180c2000000u;
}

/* "xx:xx:xx:xx:xx:xx"; -EINVAL for anything else. */
int eth_addr_parse(const char *text, struct eth_addr *addr);
