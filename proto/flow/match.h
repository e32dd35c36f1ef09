/* match.h - what a rule matches: values under a mask.
 *
 * Invariants: key bits outside the mask are 0, and what asks the same of VLAN tags or
 * fragments is stored in one way.  So matches that are written differently but mean the
 * same are, but for a few odd ones of VLAN tags, equal bytes.
 *
 *	no tag         vlan_vid 0 under 0x1fff, from whatever asks for the present bit to be 0
 *	a priority     the present bit, too
 *	no fragment    ip_frag 0 under 3; a later fragment 3 under 3
 *
 * The text is that of ovs-fields(7) and ovs-ofctl(8): comma or blank separated
 * NAME=VALUE[/MASK] and shorthands.  What match_print() writes, match_parse() takes, and
 * it gives the same match; ovs-ofctl takes it, too, but for fields that it does not know
 * (in_phy_port, pbb_isid, ipv6_exthdr, tun_tos, tun_ttl).
 *
 * Stricter than Open vSwitch, which drops, cuts or ignores what is wrong in some way:
 *
 *	- prerequisites must be there, in any order: "tp_dst=80" alone is refused, and so
 *	  is "udp,tcp_dst=80"
 *	- nothing is given twice; what contradicts is refused: "tcp,udp"
 *	- values must fit the field: ip_ecn=4, vlan_pcp=8, dl_vlan=4096, arp_op beyond 16 bits
 *	- what no packet can have is refused: vlan_vid=5 without 0x1000, ports of
 *	  ip_frag=later
 *	- a leading 0 does not make a number octal, it is refused
 *	- a shorthand has no value: "tcp=5"
 *
 * Bits of a value outside its mask are cleared, as there: nw_src=10.0.0.1/8.
 *
 * Pure; any thread. */
#pragma once

#include "field.h"
#include "strbuf.h"

struct match {
	struct flow_key key;
	struct flow_key mask;
};

/* Matches everything. */
void match_init(struct match *m);

/* Ask for a field to have 'value' under 'mask', as well as what is asked for already; value
 * bits outside the mask are not looked at.  A VLAN priority implies that there is a tag,
 * an address of a tunnel of which kind it is.  0, or 'm' is unchanged and
 *	-EEXIST where other values of these bits are asked for already
 *	-EINVAL where the field does not take that mask
 *	-ERANGE where no packet can have the value: an in_port that is none, a VLAN ID without
 *		a tag, ports of a later fragment. */
int match_set(
	struct match *m, const struct field *f, struct field_value value, struct field_value mask);

bool match_equal(const struct match *a, const struct match *b);
/* Every packet that 'b' matches, 'a' matches: 'a' is as wide or wider. */
bool match_covers(const struct match *a, const struct match *b);
/* Some packet is matched by both. */
bool match_overlaps(const struct match *a, const struct match *b);
bool match_hits(const struct match *m, const struct flow_key *k);

/* Does 'm' have what the field needs?  Where not, 'why' (may be NULL) says what it needs:
 * "needs tcp or tcp6". */
bool match_prereq_met(const struct match *m, const struct field *f, struct strbuf *why);

/* ---- text ---- */

/* What words asked for so far.  The words are borrowed, for messages, until match_check(). */
struct match_word {
	const char *text; /* NULL: none */
	size_t len;
};

enum { MATCH_ALIASES = 7 }; /* names that mean one field or another, by protocol */

struct match_words {
	struct match match;
	struct match_word by_field[FIELD_N];	/* the word that asked for it */
	struct match_word alias[MATCH_ALIASES]; /* tp_dst, nw_src and so on: see match_check() */
};

void match_words_init(struct match_words *w);

/* One word: "tcp", "nw_src=10.0.0.0/8", "reg3=5/0xff".  0; -ENOENT where the name is none
 * of a match (the caller may know it: "priority", "actions"); -EINVAL.  Both with 'why',
 * which names the word. */
int match_parse_word(struct match_words *w, const char *word, size_t len, struct strbuf *why);

/* Once all words were read: sees that prerequisites are met, and what names mean that
 * depend on the protocol.  Then w->match is the match.  0 or -EINVAL with 'why'. */
int match_check(struct match_words *w, struct strbuf *why);

/* The above in one: a whole match.  0 or -EINVAL with 'why'. */
int match_parse(struct match *m, const char *text, struct strbuf *why);

/* Without what is not asked for; "" for one that matches everything.  'm' was made by
 * match_parse(), or by match_set() of fields whose prerequisites are met. */
void match_print(const struct match *m, struct strbuf *out);
