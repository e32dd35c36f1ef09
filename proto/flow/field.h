/* field.h - the fields that rules match, set and move: one table for the text syntax
 * (ovs-fields(7)), for OXM (OpenFlow 1.3.5 section 7.2.3) and NXM, for prerequisites and
 * for set-field.
 *
 * A field is a run of bits of a big-endian container within struct flow_key: 'n_bits'
 * bits, of which the lowest is bit 'shift' of the container's value.  So one piece of code
 * reads and writes all of them.
 *
 * Some fields are views of the same bits: VLAN_TCI of VLAN_VID and VLAN_PCP, xregs and
 * xxregs of regs.  Others lie in the same place and are told apart by what else is asked
 * for: ports of TCP, UDP, SCTP and types of ICMP; addresses of IPv4, IPv6 and ARP.
 *
 * Of several VLAN tags the outermost is meant.  EtherType is the one behind all tags.
 *
 * Threads: constant; any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "flow_key.h"

enum field_id {
	FIELD_IN_PORT,
	FIELD_IN_PHY_PORT,
	FIELD_PKT_MARK,
	FIELD_METADATA,
	FIELD_TUN_ID,
	FIELD_TUN_SRC,
	FIELD_TUN_DST,
	FIELD_TUN_IPV6_SRC,
	FIELD_TUN_IPV6_DST,
	FIELD_TUN_FLAGS,
	FIELD_TUN_GBP_ID,
	FIELD_TUN_GBP_FLAGS,
	FIELD_TUN_TOS,
	FIELD_TUN_TTL,
	FIELD_REG0,
	FIELD_REG15 = FIELD_REG0 + FLOW_REGS - 1,
	FIELD_XREG0,
	FIELD_XREG7 = FIELD_XREG0 + FLOW_REGS / 2 - 1,
	FIELD_XXREG0,
	FIELD_XXREG3 = FIELD_XXREG0 + FLOW_REGS / 4 - 1,
	FIELD_ETH_DST,
	FIELD_ETH_SRC,
	FIELD_ETH_TYPE,
	FIELD_VLAN_TCI, /* NXM: priority, present bit and VID as one */
	FIELD_VLAN_VID, /* OXM: 13 bits, with the present bit */
	FIELD_VLAN_PCP,
	FIELD_MPLS_LABEL,
	FIELD_MPLS_TC,
	FIELD_MPLS_BOS,
	FIELD_MPLS_TTL,
	FIELD_PBB_ISID,
	FIELD_IP_PROTO,
	FIELD_IP_DSCP,
	FIELD_IP_ECN,
	FIELD_IP_TTL,
	FIELD_IP_FRAG,
	FIELD_IPV4_SRC,
	FIELD_IPV4_DST,
	FIELD_IPV6_SRC,
	FIELD_IPV6_DST,
	FIELD_IPV6_LABEL,
	FIELD_IPV6_EXTHDR,
	FIELD_TCP_SRC,
	FIELD_TCP_DST,
	FIELD_TCP_FLAGS,
	FIELD_UDP_SRC,
	FIELD_UDP_DST,
	FIELD_SCTP_SRC,
	FIELD_SCTP_DST,
	FIELD_ICMP_TYPE,
	FIELD_ICMP_CODE,
	FIELD_ICMPV6_TYPE,
	FIELD_ICMPV6_CODE,
	FIELD_ARP_OP,
	FIELD_ARP_SPA,
	FIELD_ARP_TPA,
	FIELD_ARP_SHA,
	FIELD_ARP_THA,
	FIELD_ND_TARGET,
	FIELD_ND_SLL,
	FIELD_ND_TLL,
	FIELD_N
};

/* What must be matched exactly, too, for a field to mean anything (OpenFlow 1.3.5
 * section 7.2.3.8). */
enum field_prereq {
	PREREQ_NONE,
	PREREQ_VLAN, /* a tag is there */
	PREREQ_MPLS, /* EtherType 0x8847 or 0x8848 */
	PREREQ_PBB,
	PREREQ_ARP, /* or RARP, which has the same format */
	PREREQ_IPV4,
	PREREQ_IPV6,
	PREREQ_IP, /* either */
	PREREQ_TCP,
	PREREQ_UDP,
	PREREQ_SCTP,
	PREREQ_ICMP,
	PREREQ_ICMPV6,
	PREREQ_ND,   /* neighbour solicitation or advertisement */
	PREREQ_ND_S, /* solicitation */
	PREREQ_ND_A, /* advertisement */
	PREREQ_N
};

/* How a value is written. */
enum field_form {
	FORM_DECIMAL,
	FORM_HEX,
	FORM_HEX_FIXED, /* with leading zeros */
	FORM_ETHERNET,
	FORM_IPV4,
	FORM_IPV6,
	FORM_PORT, /* an OpenFlow port: a number or a reserved name */
	FORM_FRAG,
	FORM_TCP_FLAGS,
	FORM_TUN_FLAGS,
	FORM_EXTHDR,
	FORM_N
};

struct field {
	const char *name;     /* as set_field prints it; what a match prints is match_print()'s */
	const char *alias;    /* also taken; or NULL */
	const char *oxm_name; /* OXM_OF_...: also taken; or NULL */
	const char *nxm_name; /* NXM_..._...; or NULL */
	uint16_t ofs;	      /* of the container, in struct flow_key */
	uint8_t container;    /* its bytes: 1, 2, 4, 6, 8 or 16 */
	uint8_t shift;	      /* of the lowest bit; 0 for containers of more than 8 bytes */
	uint8_t n_bits;	      /* 1 to 128 */
	bool maskable;	      /* by arbitrary bits */
	bool settable;	      /* by set_field, load and move */
	uint8_t prereq;	      /* enum field_prereq */
	uint8_t form;	      /* enum field_form */
	uint8_t oxm_bytes;    /* of a value in OXM; in NXM, too, but in_port has 2 there */
	uint8_t oxm_field;
	uint8_t nxm_field;
	uint16_t oxm_class; /* 0x8000 basic, 0x8001 packet registers, OXM_ONF; 0: none */
	uint16_t nxm_class; /* 0x0000 or 0x0001; NXM_NONE: none */
};

enum {
	OXM_BASIC = 0x8000,
	OXM_PACKET_REGS = 0x8001,
	OXM_ONF = 0xffff, /* experimenter, of which this is the one: */
	OXM_ONF_EXPERIMENTER = 0x4f4e4600,
	NXM_NONE = 0xffff,
	FIELD_BYTES_MAX = 16,
};

extern const struct field fields[FIELD_N];

static inline enum field_id field_id(const struct field *f)
{
	return (enum field_id)(f - fields);
}

/* By any of its names; "reg3[0..7]" not, the bare name only.  NULL. */
const struct field *field_lookup(const char *name, size_t len);
/* By class and number in OXM or NXM; class 0xffff is ONF's.  NULL.  (NXM_OF_IP_TOS, 0x0000
 * and 5, is none of them: its value is that of ip_dscp shifted left by two.) */
const struct field *field_by_oxm(uint16_t oxm_class, uint8_t oxm_field);

/* A value: the field's bits, right-aligned in big-endian bytes, the unused ones 0. */
struct field_value {
	uint8_t b[FIELD_BYTES_MAX];
};

struct field_value field_get(const struct field *f, const struct flow_key *k);
/* Bits of 'v' beyond the field are not looked at, here and below. */
void field_set(const struct field *f, struct flow_key *k, struct field_value v);
/* Set bits [ofs, ofs + n) of the field to the low 'n' bits of 'v'; the rest stays.  They
 * are within the field. */
void field_set_bits(
	const struct field *f, struct flow_key *k, unsigned ofs, unsigned n, struct field_value v);
struct field_value field_get_bits(
	const struct field *f, const struct flow_key *k, unsigned ofs, unsigned n);
struct field_value field_value_u64(uint64_t v);
uint64_t field_value_to_u64(struct field_value v);    /* its low 64 bits */
struct field_value field_ones(const struct field *f); /* all bits of the field */
bool field_value_equal(struct field_value a, struct field_value b);
struct field_value field_value_and(struct field_value a, struct field_value b);
