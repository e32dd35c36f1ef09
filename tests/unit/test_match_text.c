#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "field_text.h"
#include "match.h"
#include "ofport.h"

static struct match parsed(const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct match m;

	match_init(&m);
	if (match_parse(&m, text, &why))
		fail_msg("'%s': %s", text, strbuf_str(&why));
	strbuf_fini(&why);
	return m;
}

/* The text is refused, for this reason and no other. */
static void check_refused(const char *text, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	struct match m, before;

	memset(&m, 0xa5, sizeof(m));
	before = m;
	if (match_parse(&m, text, &why) != -EINVAL)
		fail_msg("'%s' is taken", text);
	if (strcmp(strbuf_str(&why), reason) != 0)
		fail_msg("'%s': %s\ninstead of: %s", text, strbuf_str(&why), reason);
	assert_memory_equal(&m, &before, sizeof(m));
	strbuf_fini(&why);
}

static void check_printed(const char *text, const char *expected)
{
	struct match m = parsed(text), again;
	struct strbuf out = STRBUF_INIT;

	match_print(&m, &out);
	if (strcmp(strbuf_str(&out), expected) != 0)
		fail_msg("'%s' prints '%s' instead of '%s'", text, strbuf_str(&out), expected);
	again = parsed(strbuf_str(&out));
	if (!match_equal(&m, &again))
		fail_msg("'%s' is read as another match", strbuf_str(&out));
	strbuf_fini(&out);
}

/* ---- what is printed ---- */

struct pair {
	const char *text, *other;
};

/* As ovs-ofctl 3.1 prints them (tests/interop/flow_syntax.sh compares the two). */
static void matches_are_printed_as_open_vswitch_does(void **state)
{
	static const struct pair cases[] = {
		{"", ""},
		{"eth", ""},
		{"nw_proto=6,tp_dst=80,ip", "tcp,tp_dst=80"},
		{"ip,nw_proto=2", "ip,nw_proto=2"},
		{"dl_type=0x1234", "dl_type=0x1234"},
		{"dl_type=2054", "arp"},
		{"in_port=3,tun_id=1,tun_flags=+oam,tun_gbp_flags=3,metadata=4,pkt_mark=3,reg3=4,"
		 "dl_vlan=4",
			"pkt_mark=0x3,reg3=0x4,tun_id=0x1,tun_gbp_flags=0x3,tun_flags=+oam,"
			"metadata=0x4,in_port=3,dl_vlan=4"},
		{"ip,ip_src=1.2.3.4,nw_ecn=1,nw_ttl=3,ip_frag=first,nw_proto=99,nw_tos=4",
			"ip,nw_src=1.2.3.4,nw_proto=99,nw_tos=4,nw_ecn=1,nw_ttl=3,nw_frag=first"},
		{"ip,ip_dscp=17", "ip,nw_tos=68"},
		{"ip,nw_src=10.1.2.3/8", "ip,nw_src=10.0.0.0/8"},
		{"ip,nw_src=10.1.2.3/255.0.255.0", "ip,nw_src=10.0.2.0/255.0.255.0"},
		{"ipv6,ipv6_src=2001:DB8::1/64,ipv6_label=5/0xf",
			"ipv6,ipv6_src=2001:db8::/64,ipv6_label=0x00005/0x0000f"},
		{"arp,arp_op=1,arp_sha=00:11:22:33:44:55,nw_dst=1.2.3.4",
			"arp,arp_tpa=1.2.3.4,arp_op=1,arp_sha=00:11:22:33:44:55"},
		{"mpls,mpls_bos=0,mpls_ttl=1,mpls_tc=2,mpls_label=3",
			"mpls,mpls_label=3,mpls_tc=2,mpls_ttl=1,mpls_bos=0"},
		{"xxreg3=5", "reg12=0,reg13=0,reg14=0,reg15=0x5"},
		{"xreg0=0x500000006/0xff000000ff", "reg0=0x5/0xff,reg1=0x6/0xff"},
		{"udp,tp_src=80/0xfff0", "udp,tp_src=0x50/0xfff0"},
		{"icmp6,icmpv6_type=135,nd_target=::1/128", "icmp6,icmp_type=135,nd_target=::1"},
		{"tcp6,tcp_flags=0x2/0x12", "tcp6,tcp_flags=+syn-ack"},
		{"tcp,tcp_flags=0x812", "tcp,tcp_flags=syn|ack|[800]"},
		{"tcp,tcp_flags=0", "tcp,tcp_flags=0"},
		{"in_port=65534", "in_port=LOCAL"},
		{"in_port=none", "in_port=ANY"},
		{"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
			"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"},
		{"tun_ipv6_src=2001:db8::1,tun_ipv6_dst=fe80::/10",
			"tun_ipv6_src=2001:db8::1,tun_ipv6_dst=fe80::/10"},
		/* unknown there */
		{"ipv6,ipv6_exthdr=hop|frag", "ipv6,ipv6_exthdr=frag|hop"},
		{"ipv6,ipv6_exthdr=0x40/0x50", "ipv6,ipv6_exthdr=-frag+hop"},
		{"pbb_isid=0xffffff,dl_type=0x88e7", "dl_type=0x88e7,pbb_isid=16777215"},
		{"in_phy_port=7", "in_phy_port=7"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_printed(cases[i].text, cases[i].other);
}

static void tags_are_printed_as_open_vswitch_does(void **state)
{
	static const struct pair cases[] = {
		{"dl_vlan=0xffff", "vlan_tci=0x0000/0x1fff"},
		{"vlan_tci=0", "vlan_tci=0x0000/0x1fff"},
		{"vlan_vid=0", "vlan_tci=0x0000/0x1fff"},
		{"vlan_vid=0x1005", "dl_vlan=5"},
		{"vlan_vid=0x1005,vlan_pcp=3", "dl_vlan=5,dl_vlan_pcp=3"},
		{"vlan_tci=0xf123", "dl_vlan=291,dl_vlan_pcp=7"},
		{"dl_vlan_pcp=0", "dl_vlan_pcp=0"},
		{"vlan_vid=0x1000/0x1000", "vlan_tci=0x1000/0x1000"},
		{"vlan_vid=0x1000/0x1000,vlan_pcp=6", "dl_vlan_pcp=6"},
		{"vlan_vid=0x1001/0x1001", "vlan_tci=0x1001/0x1001"},
		{"vlan_tci=0x3005/0x3fff", "vlan_tci=0x3005/0x3fff"},
		{"vlan_tci=0/0xfff", "vlan_tci=0x0000/0x0fff"},
		{"vlan_tci=0/0xefff", "vlan_tci=0x0000/0xefff"},
		{"dl_vlan=4095", "dl_vlan=4095"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_printed(cases[i].text, cases[i].other);
}

/* ---- what is read ---- */

static void other_spellings_mean_the_same(void **state)
{
	static const struct pair cases[] = {
		{"tcp,tp_dst=80", " tcp ,, tcp_dst=0x50\t\n"},
		{"tcp,tp_dst=80", "tp_dst=80,nw_proto=6,eth_type=2048"},
		{"tcp,tp_dst=80", "ip,tcp,tcp,tp_dst=80,tp_dst=80"},
		{"tcp6,tp_dst=80", "ip6,ip_proto=6,tcp_dst=80/0xffff"},
		{"sctp,tp_src=5", "sctp,sctp_src=5"},
		{"udp,tp_dst=5", "udp,udp_dst=5"},
		{"icmp,icmp_type=3,icmp_code=1", "tp_src=3,tp_dst=1,icmp"},
		{"icmp6,icmp_type=3", "icmp6,icmpv6_type=3"},
		{"arp,arp_spa=1.2.3.4,arp_op=1", "nw_proto=1,nw_src=1.2.3.4,arp"},
		{"rarp,arp_tpa=1.2.3.4", "rarp,ip_dst=1.2.3.4"},
		{"ip,nw_tos=68", "ip,ip_dscp=17"},
		{"ip,nw_ecn=1,nw_frag=yes", "ip,ip_ecn=1,ip_frag=YES"},
		{"ip", "ip,nw_src=*,nw_dst=0.0.0.0/0,nw_tos=*"},
		{"", "dl_vlan=*,in_port=*,metadata=5/0"},
		{"dl_vlan=5", "vlan_tci=0x1005/0x1fff"},
		{"dl_vlan=5,dl_vlan_pcp=2", "vlan_tci=0x5005"},
		{"dl_vlan=0xffff", "vlan_tci=0/0x1000"},
		{"vlan_tci=0x1005/0x100f", "vlan_vid=0x1000/0x1000,vlan_tci=0x0005/0x000f"},
		{"reg0=1,reg1=2", "xreg0=0x100000002"},
		{"reg0=1,reg1=2", "reg1=2,xreg0=0x100000002"},
		{"tun_id=5", "tunnel_id=5"},
		{"in_port=LOCAL", "in_port=4294967294"},
		{"in_port=CONTROLLER", "in_port_oxm=controller"},
		{"tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=-ack+syn"},
		{"tun_flags=+oam", "tun_flags=1"},
		{"ipv6,ipv6_exthdr=+hop", "ipv6,ipv6_exthdr=0x40/0x40"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match a = parsed(cases[i].text), b = parsed(cases[i].other);

		if (!match_equal(&a, &b))
			fail_msg("'%s' is not '%s'", cases[i].text, cases[i].other);
	}
}

static void values_stand_where_the_packet_has_them(void **state)
{
	struct match m = parsed("in_port=3,dl_vlan=5,udp6,ipv6_src=2001:db8::1,tp_dst=53,"
				"ip_frag=first,reg2=0x12/0xff");

	assert_int_equal(m.key.in_port, htobe32(3));
	assert_int_equal(m.key.vlan[0].tci, htobe16(0x1005));
	assert_int_equal(m.mask.vlan[0].tci, htobe16(0x1fff));
	assert_int_equal(m.key.eth_type, htobe16(0x86dd));
	assert_int_equal(m.key.ip_proto, 17);
	assert_memory_equal(m.key.ip.src.v6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_int_equal(m.key.l4_dst, htobe16(53));
	assert_int_equal(m.mask.l4_src, 0);
	assert_int_equal(m.key.frag, 1);
	assert_int_equal(m.mask.frag, 3);
	assert_int_equal(m.mask.reg[2], htobe32(0xff));
	assert_int_equal(m.key.reg[2], htobe32(0x12));
	m = parsed("arp,arp_tpa=1.2.3.4,arp_tha=00:11:22:33:44:55");
	assert_memory_equal(&m.key.ip.ip4_dst, "\x01\x02\x03\x04", 4);
	assert_memory_equal(m.key.tll.b, "\x00\x11\x22\x33\x44\x55", 6);
}

/* ---- what is refused ---- */

static void unknown_names_are_told_with_the_nearest(void **state)
{
	static const struct pair cases[] = {
		{"tp_dts=80", "no field 'tp_dts', did you mean 'tp_dst'?"},
		{"nw_scr=1.2.3.4", "no field 'nw_scr', did you mean 'nw_src'?"},
		{"dlvlan=5", "no field 'dlvlan', did you mean 'dl_vlan'?"},
		{"tpc", "no field 'tpc', did you mean 'tcp'?"},
		{"something=5", "no field 'something'"},
		{"ip,reg16=1", "no field 'reg16', did you mean 'reg1'?"},
		{"NXM_OF_IP_SRC=5", "no field 'NXM_OF_IP_SRC'"},
		{"=5", "no field ''"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i].text, cases[i].other);
}

static void wrong_values_are_told_with_what_would_be_right(void **state)
{
	static const struct pair cases[] = {
		{"tcp,tp_dst=65536", "tp_dst=65536: must be 0 to 65535"},
		{"ip,nw_ttl=256", "nw_ttl=256: must be 0 to 255"},
		{"reg0=0x100000000", "reg0=0x100000000: must be 0 to 0xffffffff"},
		{"metadata=0x10000000000000000",
			"metadata=0x10000000000000000: must be 0 to 0xffffffffffffffff"},
		{"xxreg0=0x100000000000000000000000000000000",
			"xxreg0=0x100000000000000000000000000000000: must be 0 to "
			"0xffffffffffffffffffffffffffffffff"},
		{"vlan_pcp=8", "vlan_pcp=8: must be 0 to 7"},
		{"dl_vlan=4096", "dl_vlan=4096: must be 0 to 4095, or 0xffff for no tag"},
		{"dl_vlan=x", "dl_vlan=x: must be 0 to 4095, or 0xffff for no tag"},
		{"dl_vlan=5/1", "dl_vlan=5/1: takes no mask"},
		{"dl_vlan=", "dl_vlan=: needs a value"},
		{"ip,nw_tos=7", "nw_tos=7: must be 0 to 252 in steps of 4; nw_ecn is the rest"},
		{"ip,nw_tos=256", "nw_tos=256: must be 0 to 252 in steps of 4; nw_ecn is the rest"},
		{"tcp,tp_dst=8x", "tp_dst=8x: '8x' is no number (decimal, or hexadecimal with 0x)"},
		{"tcp,tp_dst=010",
			"tp_dst=010: '010' is no number (decimal, or hexadecimal with 0x)"},
		{"tcp,tp_dst=-1", "tp_dst=-1: '-1' is no number (decimal, or hexadecimal with 0x)"},
		{"tcp,tp_dst=80/x",
			"tp_dst=80/x: 'x' is no number (decimal, or hexadecimal with 0x)"},
		{"tcp,tp_dst=80/0x10000", "tp_dst=80/0x10000: must be 0 to 65535"},
		{"ip,nw_proto=6/3", "nw_proto=6/3: takes no mask"},
		{"in_port=1/1", "in_port=1/1: takes no mask"},
		{"tcp=5", "tcp=5: takes no value"},
		{"tcp,tp_dst", "tp_dst: needs a value"},
		{"ip,nw_src=", "nw_src=: needs a value"},
		{"ip,nw_src=10.0.1", "nw_src=10.0.1: '10.0.1' is not an IPv4 address"},
		{"ip,nw_src=10.0.0.0/255", "nw_src=10.0.0.0/255: a prefix has 0 to 32 bits"},
		{"ip,nw_src=10.0.0.0/33", "nw_src=10.0.0.0/33: a prefix has 0 to 32 bits"},
		{"ip,nw_src=10.0.0.0/08", "nw_src=10.0.0.0/08: a prefix has 0 to 32 bits"},
		{"ip,nw_src=10.0.0.0/x", "nw_src=10.0.0.0/x: 'x' is not an IPv4 address"},
		{"ipv6,ipv6_src=1::2::3", "ipv6_src=1::2::3: '1::2::3' is not an IPv6 address"},
		{"ipv6,ipv6_src=::/129", "ipv6_src=::/129: a prefix has 0 to 128 bits"},
		{"dl_src=00:11:22:33:44",
			"dl_src=00:11:22:33:44: '00:11:22:33:44' is not an Ethernet address"},
		{"ip,ip_frag=maybe",
			"ip_frag=maybe: 'maybe' is none of no, yes, first, later, not_later"},
		{"tcp,tcp_flags=+sin", "tcp_flags=+sin: no TCP flag 'sin', did you mean 'fin'?"},
		{"tcp,tcp_flags=+syn-syn", "tcp_flags=+syn-syn: 'syn' is given twice"},
		{"tcp,tcp_flags=syn|", "tcp_flags=syn|: a TCP flag is fin, syn, rst, psh, ack, "
				       "urg, ece, cwr, ns, [200], [400], [800]"},
		{"tcp,tcp_flags=0x1000", "tcp_flags=0x1000: must be 0 to 0xfff"},
		{"tun_flags=+key", "tun_flags=+key: a tunnel flag is oam"},
		{"ipv6,ipv6_exthdr=+hob",
			"ipv6_exthdr=+hob: no extension header 'hob', did you mean 'hop'?"},
		{"in_port=65300", "in_port=65300: a port's number is 0 to 65279"},
		{"in_port=vm1", "in_port=vm1: a port is a number, LOCAL, CONTROLLER, IN_PORT or "
				"another reserved name"},
		{"icmp,tp_src=300", "tp_src=300: must be 0 to 255"},
		{"vlan_vid=5",
			"vlan_vid=5: no packet has that; where a tag is, 0x1000 is set, too"},
		{"vlan_tci=0x0005/0x0fff,vlan_vid=0/0x1000",
			"vlan_vid=0/0x1000: no packet has that; where a tag is, 0x1000 is set, "
			"too"},
		{"tcp,ip_frag=later,tp_dst=80",
			"tp_dst=80: no packet has that; later fragments have no ports"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i].text, cases[i].other);
}

static void missing_prerequisites_are_told_whatever_the_order(void **state)
{
	static const struct pair cases[] = {
		{"tp_dst=80", "tp_dst=80 needs tcp, udp or sctp"},
		{"tp_dst=80,ip", "tp_dst=80 needs tcp, udp or sctp"},
		{"ip,nw_proto=99,tp_src=80", "tp_src=80 needs tcp, udp or sctp"},
		{"udp,tcp_dst=80", "tcp_dst=80 needs tcp or tcp6"},
		{"tcp_dst=80,udp", "tcp_dst=80 needs tcp or tcp6"},
		{"udp_dst=80", "udp_dst=80 needs udp or udp6"},
		{"sctp_dst=80", "sctp_dst=80 needs sctp or sctp6"},
		{"nw_src=1.2.3.4", "nw_src=1.2.3.4 needs ip or arp"},
		{"ip_dst=1.2.3.4,ipv6", "ip_dst=1.2.3.4 needs ip or arp"},
		{"nw_proto=6", "nw_proto=6 needs ip, ipv6 or arp"},
		{"nw_src=*", "nw_src=* needs ip or arp"},
		{"nw_ttl=5", "nw_ttl=5 needs ip or ipv6"},
		{"arp,nw_tos=4", "nw_tos=4 needs ip or ipv6"},
		{"ip,ipv6_src=::1", "ipv6_src=::1 needs ipv6"},
		{"ip,arp_spa=1.2.3.4", "arp_spa=1.2.3.4 needs arp or rarp"},
		{"mpls_bos=1", "mpls_bos=1 needs mpls or mplsm"},
		{"pbb_isid=5", "pbb_isid=5 needs eth_type=0x88e7"},
		{"icmp_type=3,udp", "icmp_type=3 needs icmp or icmp6"},
		{"icmp,icmpv6_type=3", "icmpv6_type=3 needs icmp6"},
		{"icmp6,nd_target=::1", "nd_target=::1 needs icmp6 and icmp_type=135 or 136"},
		{"icmp6,icmp_type=136,nd_sll=00:11:22:33:44:55",
			"nd_sll=00:11:22:33:44:55 needs icmp6 and icmp_type=135"},
		{"icmp6,nd_tll=00:11:22:33:44:55",
			"nd_tll=00:11:22:33:44:55 needs icmp6 and icmp_type=136"},
		{"vlan_pcp=*", "vlan_pcp=* needs a VLAN tag (vlan_vid=0x1000/0x1000)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i].text, cases[i].other);
}

static void contradictions_name_both_words(void **state)
{
	static const struct pair cases[] = {
		{"tcp,udp", "udp contradicts tcp"},
		{"ip,ipv6", "ipv6 contradicts ip"},
		{"udp,nw_proto=6", "nw_proto=6 contradicts udp"},
		{"nw_proto=6,udp", "nw_proto=6 contradicts udp"},
		{"dl_type=0x800,arp", "arp contradicts dl_type=0x800"},
		{"ip,dl_type=0x800,eth_type=0x0800",
			"eth_type is given twice: dl_type=0x800, eth_type=0x0800"},
		{"reg0=5,reg0=6", "reg0 is given twice: reg0=5, reg0=6"},
		{"reg1=5,xreg0=6", "xreg0=6 contradicts reg1=5"},
		{"ip,nw_src=10.0.0.0/8,nw_src=10.1.0.0/16",
			"nw_src is given twice: nw_src=10.0.0.0/8, nw_src=10.1.0.0/16"},
		{"dl_vlan=5,vlan_vid=0x1006",
			"vlan_vid is given twice: dl_vlan=5, vlan_vid=0x1006"},
		{"dl_vlan=5,vlan_tci=0x1006", "vlan_tci=0x1006 contradicts dl_vlan=5"},
		{"dl_vlan=0xffff,dl_vlan_pcp=3", "dl_vlan_pcp=3 contradicts dl_vlan=0xffff"},
		{"ip,nw_tos=4,ip_dscp=2", "ip_dscp is given twice: nw_tos=4, ip_dscp=2"},
		{"tcp,tp_dst=80,tcp_dst=81", "tcp_dst is given twice: tcp_dst=81, tp_dst=80"},
		{"tun_src=1.1.1.1,tun_ipv6_dst=::1",
			"tun_ipv6_dst=::1 contradicts tun_src=1.1.1.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i].text, cases[i].other);
}

static void a_strangers_word_is_shown_in_one_tame_line(void **state)
{
	char text[5000];
	struct strbuf why = STRBUF_INIT;
	struct match m;

	check_refused("tcp,tp_dst=\x1b[31m",
		"tp_dst=?[31m: '?[31m' is no number (decimal, or hexadecimal with 0x)");
	check_refused("\xc3\xa4=5", "no field '?"
				    "?'");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(match_parse(&m, text, &why), -EINVAL);
	assert_true(why.len < 200);
	memcpy(text, "tp_dst=", 7);
	strbuf_reset(&why);
	assert_int_equal(match_parse(&m, text, &why), -EINVAL);
	assert_true(why.len < 200);
	strbuf_fini(&why);
}

/* ---- by words ---- */

static void words_that_are_no_matchs_are_left_to_the_caller(void **state)
{
	static const char text[] = "priority=5,tcp,tp_dst=80";
	struct strbuf why = STRBUF_INIT;
	struct match_words w;
	struct match whole = parsed("tcp,tp_dst=80");

	match_words_init(&w);
	assert_int_equal(match_parse_word(&w, text, 10, &why), -ENOENT);
	assert_string_equal(strbuf_str(&why), "no field 'priority'");
	strbuf_reset(&why);
	/* not terminated behind the word */
	assert_int_equal(match_parse_word(&w, text + 11, 3, &why), 0);
	assert_int_equal(match_parse_word(&w, text + 15, 9, &why), 0);
	assert_int_equal(match_check(&w, &why), 0);
	assert_int_equal(why.len, 0);
	assert_true(match_equal(&w.match, &whole));
	assert_int_equal(match_parse_word(&w, "tcp\0x", 5, &why), -ENOENT);
	strbuf_reset(&why);
	assert_int_equal(match_parse_word(&w, "reg0=1\0", 7, &why), -EINVAL);
	strbuf_fini(&why);
}

/* ---- values alone, as in actions ---- */

static void values_are_read_and_printed_in_their_forms(void **state)
{
	static const struct {
		enum field_id field;
		const char *text, *printed;
	} cases[] = {
		{FIELD_XXREG0 + 1, "0x0011223344556677", "0x11223344556677"},
		{FIELD_XXREG0 + 1, "0x112233445566778899aabbccddeeff",
			"0x112233445566778899aabbccddeeff"},
		{FIELD_XXREG0 + 1, "18446744073709551616", "0x10000000000000000"},
		{FIELD_ETH_SRC, "52:54:00:AA:bb:cc", "52:54:00:aa:bb:cc"},
		{FIELD_IPV6_DST, "2001:db8:0:0:0:0:0:1", "2001:db8::1"},
		{FIELD_VLAN_VID, "0x1005", "4101"},
		{FIELD_IP_DSCP, "46", "46"},
		{FIELD_ETH_TYPE, "0x800", "0x0800"},
		{FIELD_IN_PORT, "local", "LOCAL"},
		{FIELD_MPLS_LABEL, "1048575", "1048575"},
		{FIELD_TCP_DST, "0x50/0xff", "0x50/0xff"},
		{FIELD_IPV4_SRC, "10.1.2.3/12", "10.0.0.0/12"},
	};
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct field *f = &fields[cases[i].field];
		struct field_value value, mask;

		strbuf_reset(&out);
		if (field_parse(f, cases[i].text, strlen(cases[i].text), &value, &mask, &out))
			fail_msg("%s: %s", cases[i].text, strbuf_str(&out));
		field_print(f, value, mask, &out);
		if (strcmp(strbuf_str(&out), cases[i].printed) != 0)
			fail_msg("%s prints %s", cases[i].text, strbuf_str(&out));
	}
	strbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_are_printed_as_open_vswitch_does),
		cmocka_unit_test(tags_are_printed_as_open_vswitch_does),
		cmocka_unit_test(other_spellings_mean_the_same),
		cmocka_unit_test(values_stand_where_the_packet_has_them),
		cmocka_unit_test(unknown_names_are_told_with_the_nearest),
		cmocka_unit_test(wrong_values_are_told_with_what_would_be_right),
		cmocka_unit_test(missing_prerequisites_are_told_whatever_the_order),
		cmocka_unit_test(contradictions_name_both_words),
		cmocka_unit_test(a_strangers_word_is_shown_in_one_tame_line),
		cmocka_unit_test(words_that_are_no_matchs_are_left_to_the_caller),
		cmocka_unit_test(values_are_read_and_printed_in_their_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
