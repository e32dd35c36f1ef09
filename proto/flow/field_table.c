/* The table of fields.  Numbers: OpenFlow 1.3.5 section 7.2.3.7, ONF extension 109 for TCP
 * flags, OpenFlow 1.5.1 section 7.2.3.9 for packet registers; ovs-fields(7) for NXM. */
#include "field.h"

#define AT(member)                                                                                 \
	.ofs = offsetof(struct flow_key, member),                                                  \
	.container = sizeof(((struct flow_key *)0)->member)
#define BITS(n, lowest) .n_bits = (n), .shift = (lowest)
#define MASKED		.maskable = true
#define SET		.settable = true
#define NEEDS(what)	.prereq = PREREQ_##what
#define FORM(what)	.form = FORM_##what
#define OXM_IN(class, n, bytes, str)                                                               \
	.oxm_class = (class), .oxm_field = (n), .oxm_bytes = (bytes), .oxm_name = (str)
#define OXM(n, bytes, str) OXM_IN(OXM_BASIC, n, bytes, "OXM_OF_" str)
#define NO_OXM(bytes)	   .oxm_bytes = (bytes) /* NXM's alone */
#define NXM_OF(n, str)	   .nxm_class = 0, .nxm_field = (n), .nxm_name = "NXM_OF_" str
#define NXM_NX(n, str)	   .nxm_class = 1, .nxm_field = (n), .nxm_name = "NXM_NX_" str
#define NO_NXM		   .nxm_class = NXM_NONE

/* By hand: a field to two or three lines, not a line to each of its properties. */
/* clang-format off */
#define REG(n) \
	[FIELD_REG0 + (n)] = {.name = "reg" #n, AT(reg[n]), BITS(32, 0), MASKED, SET, \
		FORM(HEX), NO_OXM(4), NXM_NX(n, "REG" #n)}
#define XREG(n) \
	[FIELD_XREG0 + (n)] = {.name = "xreg" #n, \
		.ofs = offsetof(struct flow_key, reg[2 * (n)]), .container = 8, BITS(64, 0), \
		MASKED, SET, FORM(HEX), OXM_IN(OXM_PACKET_REGS, n, 8, "OXM_OF_PKT_REG" #n), NO_NXM}
#define XXREG(n) \
	[FIELD_XXREG0 + (n)] = {.name = "xxreg" #n, \
		.ofs = offsetof(struct flow_key, reg[4 * (n)]), .container = 16, BITS(128, 0), \
		MASKED, SET, FORM(HEX), NO_OXM(16), NXM_NX(111 + (n), "XXREG" #n)}

const struct field fields[] = {
	[FIELD_IN_PORT] = {.name = "in_port", .alias = "in_port_oxm", AT(in_port), BITS(32, 0),
		SET, FORM(PORT), OXM(0, 4, "IN_PORT"), NXM_OF(0, "IN_PORT")},
	[FIELD_IN_PHY_PORT] = {.name = "in_phy_port", AT(in_phy_port), BITS(32, 0), FORM(PORT),
		OXM(1, 4, "IN_PHY_PORT"), NO_NXM},
	[FIELD_PKT_MARK] = {.name = "pkt_mark", AT(pkt_mark), BITS(32, 0), MASKED, SET, FORM(HEX),
		NO_OXM(4), NXM_NX(33, "PKT_MARK")},
	[FIELD_METADATA] = {.name = "metadata", AT(metadata), BITS(64, 0), MASKED, SET, FORM(HEX),
		OXM(2, 8, "METADATA"), NO_NXM},

	[FIELD_TUN_ID] = {.name = "tun_id", .alias = "tunnel_id", AT(tun_id), BITS(64, 0), MASKED,
		SET, FORM(HEX), OXM(38, 8, "TUNNEL_ID"), NXM_NX(16, "TUN_ID")},
	[FIELD_TUN_SRC] = {.name = "tun_src", AT(tun.ip4_src), BITS(32, 0), MASKED, SET,
		FORM(IPV4), NO_OXM(4), NXM_NX(31, "TUN_IPV4_SRC")},
	[FIELD_TUN_DST] = {.name = "tun_dst", AT(tun.ip4_dst), BITS(32, 0), MASKED, SET,
		FORM(IPV4), NO_OXM(4), NXM_NX(32, "TUN_IPV4_DST")},
	[FIELD_TUN_IPV6_SRC] = {.name = "tun_ipv6_src", AT(tun.src), BITS(128, 0), MASKED, SET,
		FORM(IPV6), NO_OXM(16), NXM_NX(109, "TUN_IPV6_SRC")},
	[FIELD_TUN_IPV6_DST] = {.name = "tun_ipv6_dst", AT(tun.dst), BITS(128, 0), MASKED, SET,
		FORM(IPV6), NO_OXM(16), NXM_NX(110, "TUN_IPV6_DST")},
	[FIELD_TUN_FLAGS] = {.name = "tun_flags", AT(tun_flags), BITS(1, 0), MASKED, SET,
		FORM(TUN_FLAGS), NO_OXM(2), NXM_NX(104, "TUN_FLAGS")},
	[FIELD_TUN_GBP_ID] = {.name = "tun_gbp_id", AT(tun_gbp_id), BITS(16, 0), MASKED, SET,
		FORM(DECIMAL), NO_OXM(2), NXM_NX(38, "TUN_GBP_ID")},
	[FIELD_TUN_GBP_FLAGS] = {.name = "tun_gbp_flags", AT(tun_gbp_flags), BITS(8, 0), MASKED,
		SET, FORM(HEX), NO_OXM(1), NXM_NX(39, "TUN_GBP_FLAGS")},
	[FIELD_TUN_TOS] = {.name = "tun_tos", AT(tun_tos), BITS(8, 0), SET, FORM(HEX), NO_OXM(1),
		NO_NXM},
	[FIELD_TUN_TTL] = {.name = "tun_ttl", AT(tun_ttl), BITS(8, 0), SET, FORM(DECIMAL),
		NO_OXM(1), NO_NXM},

	REG(0), REG(1), REG(2), REG(3), REG(4), REG(5), REG(6), REG(7), REG(8), REG(9), REG(10),
	REG(11), REG(12), REG(13), REG(14), REG(15), XREG(0), XREG(1), XREG(2), XREG(3), XREG(4),
	XREG(5), XREG(6), XREG(7), XXREG(0), XXREG(1), XXREG(2), XXREG(3),

	[FIELD_ETH_DST] = {.name = "eth_dst", .alias = "dl_dst", AT(eth_dst), BITS(48, 0), MASKED,
		SET, FORM(ETHERNET), OXM(3, 6, "ETH_DST"), NXM_OF(1, "ETH_DST")},
	[FIELD_ETH_SRC] = {.name = "eth_src", .alias = "dl_src", AT(eth_src), BITS(48, 0), MASKED,
		SET, FORM(ETHERNET), OXM(4, 6, "ETH_SRC"), NXM_OF(2, "ETH_SRC")},
	[FIELD_ETH_TYPE] = {.name = "eth_type", .alias = "dl_type", AT(eth_type), BITS(16, 0),
		SET, FORM(HEX_FIXED), OXM(5, 2, "ETH_TYPE"), NXM_OF(3, "ETH_TYPE")},
	[FIELD_VLAN_TCI] = {.name = "vlan_tci", AT(vlan[0].tci), BITS(16, 0), MASKED, SET,
		FORM(HEX_FIXED), NO_OXM(2), NXM_OF(4, "VLAN_TCI")},
	[FIELD_VLAN_VID] = {.name = "vlan_vid", AT(vlan[0].tci), BITS(13, 0), MASKED, SET,
		FORM(DECIMAL), OXM(6, 2, "VLAN_VID"), NO_NXM},
	[FIELD_VLAN_PCP] = {.name = "vlan_pcp", .alias = "dl_vlan_pcp", AT(vlan[0].tci),
		BITS(3, 13), SET, NEEDS(VLAN), FORM(DECIMAL), OXM(7, 1, "VLAN_PCP"), NO_NXM},
	[FIELD_MPLS_LABEL] = {.name = "mpls_label", AT(mpls_lse), BITS(20, 12), SET, NEEDS(MPLS),
		FORM(DECIMAL), OXM(34, 4, "MPLS_LABEL"), NO_NXM},
	[FIELD_MPLS_TC] = {.name = "mpls_tc", AT(mpls_lse), BITS(3, 9), SET, NEEDS(MPLS),
		FORM(DECIMAL), OXM(35, 1, "MPLS_TC"), NO_NXM},
	[FIELD_MPLS_BOS] = {.name = "mpls_bos", AT(mpls_lse), BITS(1, 8), SET, NEEDS(MPLS),
		FORM(DECIMAL), OXM(36, 1, "MPLS_BOS"), NO_NXM},
	[FIELD_MPLS_TTL] = {.name = "mpls_ttl", AT(mpls_lse), BITS(8, 0), SET, NEEDS(MPLS),
		FORM(DECIMAL), NO_OXM(1), NXM_NX(30, "MPLS_TTL")},
	[FIELD_PBB_ISID] = {.name = "pbb_isid", AT(pbb_tci), BITS(24, 0), MASKED, SET, NEEDS(PBB),
		FORM(DECIMAL), OXM(37, 3, "PBB_ISID"), NO_NXM},

	[FIELD_IP_PROTO] = {.name = "nw_proto", .alias = "ip_proto", AT(ip_proto), BITS(8, 0),
		SET, NEEDS(IP), FORM(DECIMAL), OXM(10, 1, "IP_PROTO"), NXM_OF(6, "IP_PROTO")},
	[FIELD_IP_DSCP] = {.name = "ip_dscp", AT(ip_tos), BITS(6, 2), SET, NEEDS(IP),
		FORM(DECIMAL), OXM(8, 1, "IP_DSCP"), NO_NXM},
	[FIELD_IP_ECN] = {.name = "nw_ecn", .alias = "ip_ecn", AT(ip_tos), BITS(2, 0), SET,
		NEEDS(IP), FORM(DECIMAL), OXM(9, 1, "IP_ECN"), NXM_NX(28, "IP_ECN")},
	[FIELD_IP_TTL] = {.name = "nw_ttl", .alias = "ip_ttl", AT(ip_ttl), BITS(8, 0), SET,
		NEEDS(IP), FORM(DECIMAL), NO_OXM(1), NXM_NX(29, "IP_TTL")},
	[FIELD_IP_FRAG] = {.name = "ip_frag", .alias = "nw_frag", AT(frag), BITS(2, 0), MASKED,
		NEEDS(IP), FORM(FRAG), NO_OXM(1), NXM_NX(26, "IP_FRAG")},
	[FIELD_IPV4_SRC] = {.name = "ip_src", .alias = "nw_src", AT(ip.ip4_src), BITS(32, 0),
		MASKED, SET, NEEDS(IPV4), FORM(IPV4), OXM(11, 4, "IPV4_SRC"), NXM_OF(7, "IP_SRC")},
	[FIELD_IPV4_DST] = {.name = "ip_dst", .alias = "nw_dst", AT(ip.ip4_dst), BITS(32, 0),
		MASKED, SET, NEEDS(IPV4), FORM(IPV4), OXM(12, 4, "IPV4_DST"), NXM_OF(8, "IP_DST")},
	[FIELD_IPV6_SRC] = {.name = "ipv6_src", AT(ip.src), BITS(128, 0), MASKED, SET,
		NEEDS(IPV6), FORM(IPV6), OXM(26, 16, "IPV6_SRC"), NXM_NX(19, "IPV6_SRC")},
	[FIELD_IPV6_DST] = {.name = "ipv6_dst", AT(ip.dst), BITS(128, 0), MASKED, SET,
		NEEDS(IPV6), FORM(IPV6), OXM(27, 16, "IPV6_DST"), NXM_NX(20, "IPV6_DST")},
	[FIELD_IPV6_LABEL] = {.name = "ipv6_label", AT(ipv6_label), BITS(20, 0), MASKED, SET,
		NEEDS(IPV6), FORM(HEX_FIXED), OXM(28, 4, "IPV6_FLABEL"), NXM_NX(27, "IPV6_LABEL")},
	[FIELD_IPV6_EXTHDR] = {.name = "ipv6_exthdr", AT(ipv6_ext), BITS(9, 0), MASKED,
		NEEDS(IPV6), FORM(EXTHDR), OXM(39, 2, "IPV6_EXTHDR"), NO_NXM},

	[FIELD_TCP_SRC] = {.name = "tcp_src", .alias = "tp_src", AT(l4_src), BITS(16, 0), MASKED,
		SET, NEEDS(TCP), FORM(DECIMAL), OXM(13, 2, "TCP_SRC"), NXM_OF(9, "TCP_SRC")},
	[FIELD_TCP_DST] = {.name = "tcp_dst", .alias = "tp_dst", AT(l4_dst), BITS(16, 0), MASKED,
		SET, NEEDS(TCP), FORM(DECIMAL), OXM(14, 2, "TCP_DST"), NXM_OF(10, "TCP_DST")},
	[FIELD_TCP_FLAGS] = {.name = "tcp_flags", AT(tcp_flags), BITS(12, 0), MASKED, NEEDS(TCP),
		FORM(TCP_FLAGS), OXM_IN(OXM_ONF, 42, 2, "ONFOXM_ET_TCP_FLAGS"),
		NXM_NX(34, "TCP_FLAGS")},
	[FIELD_UDP_SRC] = {.name = "udp_src", AT(l4_src), BITS(16, 0), MASKED, SET, NEEDS(UDP),
		FORM(DECIMAL), OXM(15, 2, "UDP_SRC"), NXM_OF(11, "UDP_SRC")},
	[FIELD_UDP_DST] = {.name = "udp_dst", AT(l4_dst), BITS(16, 0), MASKED, SET, NEEDS(UDP),
		FORM(DECIMAL), OXM(16, 2, "UDP_DST"), NXM_OF(12, "UDP_DST")},
	[FIELD_SCTP_SRC] = {.name = "sctp_src", AT(l4_src), BITS(16, 0), MASKED, SET, NEEDS(SCTP),
		FORM(DECIMAL), OXM(17, 2, "SCTP_SRC"), NO_NXM},
	[FIELD_SCTP_DST] = {.name = "sctp_dst", AT(l4_dst), BITS(16, 0), MASKED, SET, NEEDS(SCTP),
		FORM(DECIMAL), OXM(18, 2, "SCTP_DST"), NO_NXM},
	[FIELD_ICMP_TYPE] = {.name = "icmp_type", AT(l4_src), BITS(8, 0), SET, NEEDS(ICMP),
		FORM(DECIMAL), OXM(19, 1, "ICMPV4_TYPE"), NXM_OF(13, "ICMP_TYPE")},
	[FIELD_ICMP_CODE] = {.name = "icmp_code", AT(l4_dst), BITS(8, 0), SET, NEEDS(ICMP),
		FORM(DECIMAL), OXM(20, 1, "ICMPV4_CODE"), NXM_OF(14, "ICMP_CODE")},
	[FIELD_ICMPV6_TYPE] = {.name = "icmpv6_type", AT(l4_src), BITS(8, 0), SET, NEEDS(ICMPV6),
		FORM(DECIMAL), OXM(29, 1, "ICMPV6_TYPE"), NXM_NX(21, "ICMPV6_TYPE")},
	[FIELD_ICMPV6_CODE] = {.name = "icmpv6_code", AT(l4_dst), BITS(8, 0), SET, NEEDS(ICMPV6),
		FORM(DECIMAL), OXM(30, 1, "ICMPV6_CODE"), NXM_NX(22, "ICMPV6_CODE")},

	[FIELD_ARP_OP] = {.name = "arp_op", AT(arp_op), BITS(16, 0), SET, NEEDS(ARP),
		FORM(DECIMAL), OXM(21, 2, "ARP_OP"), NXM_OF(15, "ARP_OP")},
	[FIELD_ARP_SPA] = {.name = "arp_spa", AT(ip.ip4_src), BITS(32, 0), MASKED, SET,
		NEEDS(ARP), FORM(IPV4), OXM(22, 4, "ARP_SPA"), NXM_OF(16, "ARP_SPA")},
	[FIELD_ARP_TPA] = {.name = "arp_tpa", AT(ip.ip4_dst), BITS(32, 0), MASKED, SET,
		NEEDS(ARP), FORM(IPV4), OXM(23, 4, "ARP_TPA"), NXM_OF(17, "ARP_TPA")},
	[FIELD_ARP_SHA] = {.name = "arp_sha", AT(sll), BITS(48, 0), MASKED, SET, NEEDS(ARP),
		FORM(ETHERNET), OXM(24, 6, "ARP_SHA"), NXM_NX(17, "ARP_SHA")},
	[FIELD_ARP_THA] = {.name = "arp_tha", AT(tll), BITS(48, 0), MASKED, SET, NEEDS(ARP),
		FORM(ETHERNET), OXM(25, 6, "ARP_THA"), NXM_NX(18, "ARP_THA")},
	[FIELD_ND_TARGET] = {.name = "nd_target", AT(nd_target), BITS(128, 0), MASKED, SET,
		NEEDS(ND), FORM(IPV6), OXM(31, 16, "IPV6_ND_TARGET"), NXM_NX(23, "ND_TARGET")},
	[FIELD_ND_SLL] = {.name = "nd_sll", AT(sll), BITS(48, 0), MASKED, SET, NEEDS(ND_S),
		FORM(ETHERNET), OXM(32, 6, "IPV6_ND_SLL"), NXM_NX(24, "ND_SLL")},
	[FIELD_ND_TLL] = {.name = "nd_tll", AT(tll), BITS(48, 0), MASKED, SET, NEEDS(ND_A),
		FORM(ETHERNET), OXM(33, 6, "IPV6_ND_TLL"), NXM_NX(25, "ND_TLL")},
};
/* clang-format on */

_Static_assert(sizeof(fields) / sizeof(fields[0]) == FIELD_N, "a row for each field");
