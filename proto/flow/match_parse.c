/* From words to a match.
 *
 * Words come in any order, so what a word needs can be seen only after the last one.  A
 * field's bits are asked for at once; its word is kept to be named in messages.  Names that
 * mean a field of this protocol or that (tp_dst, nw_src, icmp_type) are kept aside and
 * resolved by match_check(), in an order in which each depends only on earlier ones. */
#include "match.h"

#include <ctype.h>
#include <errno.h>

#include "field_text.h"
#include "ip.h"
#include "names.h"
#include "number.h"

enum { WORD_SHOWN = 80 }; /* of a word in a message */

static const struct shorthand {
	const char *name;
	uint16_t eth_type; /* 0: none is asked for */
	uint8_t proto;	   /* likewise */
} shorthands[] = {
	{"eth", 0, 0},
	{"ip", ETHERTYPE_IPV4, 0},
	{"ip4", ETHERTYPE_IPV4, 0},
	{"ipv4", ETHERTYPE_IPV4, 0},
	{"ipv6", ETHERTYPE_IPV6_, 0},
	{"ip6", ETHERTYPE_IPV6_, 0},
	{"icmp", ETHERTYPE_IPV4, IP_PROTO_ICMP},
	{"icmp6", ETHERTYPE_IPV6_, IP_PROTO_ICMPV6},
	{"tcp", ETHERTYPE_IPV4, IP_PROTO_TCP},
	{"tcp6", ETHERTYPE_IPV6_, IP_PROTO_TCP},
	{"udp", ETHERTYPE_IPV4, IP_PROTO_UDP},
	{"udp6", ETHERTYPE_IPV6_, IP_PROTO_UDP},
	{"sctp", ETHERTYPE_IPV4, IP_PROTO_SCTP},
	{"sctp6", ETHERTYPE_IPV6_, IP_PROTO_SCTP},
	{"arp", ETHERTYPE_ARP_, 0},
	{"rarp", ETHERTYPE_RARP, 0},
	{"mpls", ETHERTYPE_MPLS, 0},
	{"mplsm", ETHERTYPE_MPLS_MCAST, 0},
};

enum {
	N_SHORTHANDS = sizeof(shorthands) / sizeof(shorthands[0]),
	CANDIDATES_MAX = 5,
	NO_FIELD = FIELD_N
};

/* In the order of resolution.  The first candidate takes the widest values. */
static const struct alias {
	const char *name, *other_name;
	const char *needs;
	uint8_t candidates[CANDIDATES_MAX]; /* NO_FIELD behind the last */
} aliases[] = {
	{"nw_proto", "ip_proto", "ip, ipv6 or arp", {FIELD_IP_PROTO, FIELD_ARP_OP, NO_FIELD}},
	{"icmp_type", NULL, "icmp or icmp6", {FIELD_ICMP_TYPE, FIELD_ICMPV6_TYPE, NO_FIELD}},
	{"icmp_code", NULL, "icmp or icmp6", {FIELD_ICMP_CODE, FIELD_ICMPV6_CODE, NO_FIELD}},
	{"tp_src", NULL, "tcp, udp or sctp",
		{FIELD_TCP_SRC, FIELD_UDP_SRC, FIELD_SCTP_SRC, FIELD_ICMP_TYPE, FIELD_ICMPV6_TYPE}},
	{"tp_dst", NULL, "tcp, udp or sctp",
		{FIELD_TCP_DST, FIELD_UDP_DST, FIELD_SCTP_DST, FIELD_ICMP_CODE, FIELD_ICMPV6_CODE}},
	{"nw_src", "ip_src", "ip or arp", {FIELD_IPV4_SRC, FIELD_ARP_SPA, NO_FIELD}},
	{"nw_dst", "ip_dst", "ip or arp", {FIELD_IPV4_DST, FIELD_ARP_TPA, NO_FIELD}},
};
_Static_assert(sizeof(aliases) / sizeof(aliases[0]) == MATCH_ALIASES, "a place for each");

static const char *const other_names[] = {"dl_vlan", "nw_tos"};

void match_words_init(struct match_words *w)
{
	memset(w, 0, sizeof(*w));
}

/* ---- words ---- */

static bool is(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(text, name, len);
}

static const struct shorthand *shorthand_lookup(const char *name, size_t len)
{
	for (unsigned i = 0; i < N_SHORTHANDS; i++)
		if (is(name, len, shorthands[i].name))
			return &shorthands[i];
	return NULL;
}

static const struct alias *alias_lookup(const char *name, size_t len)
{
	for (unsigned i = 0; i < MATCH_ALIASES; i++)
		if (is(name, len, aliases[i].name) ||
			(aliases[i].other_name && is(name, len, aliases[i].other_name)))
			return &aliases[i];
	return NULL;
}

static size_t name_len(struct match_word word)
{
	const char *eq = memchr(word.text, '=', word.len);

	return eq ? (size_t)(eq - word.text) : word.len;
}

/* What stands behind the '='; nothing where there is none. */
static struct match_word value_of(struct match_word word)
{
	size_t len = name_len(word);

	if (len < word.len)
		len++;
	return (struct match_word){word.text + len, word.len - len};
}

static bool same_word(struct match_word a, struct match_word b)
{
	return a.len == b.len && !memcmp(a.text, b.text, a.len);
}

static bool is_shorthand(struct match_word word)
{
	return name_len(word) == word.len;
}

static bool is_wildcard(struct match_word word)
{
	return is(value_of(word).text, value_of(word).len, "*");
}

static void put_word(struct match_word word, struct strbuf *why)
{
	strbuf_printf(why, "%.*s%s", word.len < WORD_SHOWN ? (int)word.len : WORD_SHOWN, word.text,
		word.len > WORD_SHOWN ? "..." : "");
}

static int refuse(struct match_word word, const char *sentence, struct strbuf *why)
{
	put_word(word, why);
	strbuf_puts(why, sentence);
	return -EINVAL;
}

static int refuse_twice(
	const char *name, struct match_word first, struct match_word second, struct strbuf *why)
{
	strbuf_printf(why, "%s is given twice: ", name);
	put_word(first, why);
	strbuf_puts(why, ", ");
	put_word(second, why);
	return -EINVAL;
}

/* ---- asking for fields ---- */

/* The first word that asks for other values than 'want' does. */
static int refuse_contradiction(const struct match_words *w, const struct match *want,
	struct match_word word, struct strbuf *why)
{
	for (unsigned i = 0; i < FIELD_N; i++) {
		const struct field *f = &fields[i];
		struct match earlier;

		if (!w->by_field[i].text)
			continue;
		match_init(&earlier);
		(void)match_set(
			&earlier, f, field_get(f, &w->match.key), field_get(f, &w->match.mask));
		if (match_overlaps(&earlier, want))
			continue;
		put_word(word, why);
		strbuf_puts(why, " contradicts ");
		put_word(w->by_field[i], why);
		return -EINVAL;
	}
	return refuse(word, " contradicts what is before it", why);
}

static int refuse_impossible(const struct field *f, struct match_word word, struct strbuf *why)
{
	bool is_vlan = f->ofs == offsetof(struct flow_key, vlan[0].tci);

	return refuse(word,
		is_vlan ? ": no packet has that; where a tag is, 0x1000 is set, too"
			: ": no packet has that; later fragments have no ports",
		why);
}

/* 'word' asks for the field. */
static int ask(struct match_words *w, const struct field *f, struct match_word word,
	struct field_value value, struct field_value mask, struct strbuf *why)
{
	struct match_word *by = &w->by_field[field_id(f)];
	struct match want;
	int err;

	if (by->text && !is_shorthand(*by) && !is_shorthand(word))
		return same_word(*by, word) ? 0 : refuse_twice(f->name, *by, word, why);
	match_init(&want);
	err = match_set(&want, f, value, mask);
	if (!err)
		err = match_set(&w->match, f, value, mask);
	if (err == -EEXIST)
		return refuse_contradiction(w, &want, word, why);
	if (err == -ERANGE)
		return refuse_impossible(f, word, why);
	if (err)
		return refuse(word, ": takes no mask", why);
	if (!by->text || is_shorthand(*by))
		*by = word;
	return 0;
}

static int ask_number(struct match_words *w, enum field_id id, struct match_word word,
	uint64_t number, struct strbuf *why)
{
	const struct field *f = &fields[id];

	return ask(w, f, word, field_value_u64(number), field_ones(f), why);
}

/* NAME=*: no value, but the prerequisites (ovs-fields(7), "Wildcard"). */
static int ask_wildcard(
	struct match_words *w, const struct field *f, struct match_word word, struct strbuf *why)
{
	return ask(w, f, word, field_value_u64(0), field_value_u64(0), why);
}

static int parse_value(const struct field *f, struct match_word word, struct field_value *value,
	struct field_value *mask, struct strbuf *why)
{
	struct strbuf wrong = STRBUF_INIT;
	struct match_word text = value_of(word);
	int err = field_parse(f, text.text, text.len, value, mask, &wrong);

	if (err) {
		put_word(word, why);
		strbuf_printf(why, ": %s", strbuf_str(&wrong));
	}
	strbuf_fini(&wrong);
	return err;
}

static int parse_field(
	struct match_words *w, const struct field *f, struct match_word word, struct strbuf *why)
{
	struct field_value value, mask;
	int err;

	if (is_wildcard(word))
		return ask_wildcard(w, f, word, why);
	err = parse_value(f, word, &value, &mask, why);
	return err ? err : ask(w, f, word, value, mask, why);
}

/* ---- kinds of words ---- */

static int parse_shorthand(struct match_words *w, const struct shorthand *s, struct match_word word,
	struct strbuf *why)
{
	int err = 0;

	if (!is_shorthand(word))
		return refuse(word, ": takes no value", why);
	if (s->eth_type)
		err = ask_number(w, FIELD_ETH_TYPE, word, s->eth_type, why);
	if (!err && s->proto)
		err = ask_number(w, FIELD_IP_PROTO, word, s->proto, why);
	return err;
}

/* What its value must be like is seen already now, so that it is the first fault that is
 * told. */
static int parse_alias(
	struct match_words *w, const struct alias *a, struct match_word word, struct strbuf *why)
{
	struct match_word *by = &w->alias[a - aliases];
	struct field_value value, mask;
	int err;

	if (by->text)
		return same_word(*by, word) ? 0 : refuse_twice(a->name, *by, word, why);
	err = is_wildcard(word) ? 0
				: parse_value(&fields[a->candidates[0]], word, &value, &mask, why);
	if (!err)
		*by = word;
	return err;
}

/* A number up to 'max'. */
static int parse_number(
	struct match_word word, uint64_t max, const char *must_be, uint64_t *n, struct strbuf *why)
{
	struct match_word text = value_of(word);

	if (!text.len)
		return refuse(word, ": needs a value", why);
	if (memchr(text.text, '/', text.len))
		return refuse(word, ": takes no mask", why);
	if (number_parse(text.text, text.len, n) || *n > max)
		return refuse(word, must_be, why);
	return 0;
}

/* OpenFlow 1.0's way: a VLAN ID of a packet that has a tag, or that there is none. */
static int parse_dl_vlan(struct match_words *w, struct match_word word, struct strbuf *why)
{
	static const char must_be[] = ": must be 0 to 4095, or 0xffff for no tag";
	uint64_t vid;
	int err;

	if (is_wildcard(word))
		return ask_wildcard(w, &fields[FIELD_VLAN_VID], word, why);
	err = parse_number(word, UINT16_MAX, must_be, &vid, why);
	if (err)
		return err;
	if (vid == UINT16_MAX)
		return ask_number(w, FIELD_VLAN_VID, word, 0, why);
	if (vid > VLAN_VID_MASK)
		return refuse(word, must_be, why);
	return ask_number(w, FIELD_VLAN_VID, word, vid | PARSED_VLAN_PRESENT, why);
}

/* DSCP at its place in the byte. */
static int parse_nw_tos(struct match_words *w, struct match_word word, struct strbuf *why)
{
	static const char must_be[] = ": must be 0 to 252 in steps of 4; nw_ecn is the rest";
	uint64_t tos;
	int err;

	if (is_wildcard(word))
		return ask_wildcard(w, &fields[FIELD_IP_DSCP], word, why);
	err = parse_number(word, 252, must_be, &tos, why);
	if (err)
		return err;
	if (tos & 3)
		return refuse(word, must_be, why);
	return ask_number(w, FIELD_IP_DSCP, word, tos >> 2, why);
}

static int refuse_name(struct match_word word, struct strbuf *why)
{
	const char *names[2 * FIELD_N + N_SHORTHANDS + 2 * MATCH_ALIASES + 2];
	char name[WORD_SHOWN];
	unsigned n = 0;

	for (unsigned i = 0; i < FIELD_N; i++) {
		names[n++] = fields[i].name;
		if (fields[i].alias)
			names[n++] = fields[i].alias;
	}
	for (unsigned i = 0; i < N_SHORTHANDS; i++)
		names[n++] = shorthands[i].name;
	for (unsigned i = 0; i < MATCH_ALIASES; i++)
		names[n++] = aliases[i].name;
	for (unsigned i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		names[n++] = other_names[i];
	word.len = name_len(word);
	strbuf_puts(why, "no field '");
	put_word(word, why);
	strbuf_putc(why, '\'');
	if (word.len < sizeof(name)) {
		memcpy(name, word.text, word.len);
		name[word.len] = '\0';
		const char *nearest = names_nearest(names, n, name);
		if (nearest)
			strbuf_printf(why, ", did you mean '%s'?", nearest);
	}
	return -ENOENT;
}

static int parse_word(struct match_words *w, struct match_word word, struct strbuf *why)
{
	size_t len = name_len(word);
	const struct shorthand *s = shorthand_lookup(word.text, len);
	const struct alias *a = alias_lookup(word.text, len);
	/* "NXM_OF_IP_SRC" is for actions only, as in Open vSwitch */
	const struct field *f =
		len && islower((unsigned char)*word.text) ? field_lookup(word.text, len) : NULL;

	if (s)
		return parse_shorthand(w, s, word, why);
	if (a)
		return parse_alias(w, a, word, why);
	if (is(word.text, len, "dl_vlan"))
		return parse_dl_vlan(w, word, why);
	if (is(word.text, len, "nw_tos"))
		return parse_nw_tos(w, word, why);
	if (f)
		return parse_field(w, f, word, why);
	return refuse_name(word, why);
}

/* Words are strangers' text: keep it to one line that can be shown. */
static void tame(struct strbuf *why, size_t from)
{
	for (size_t i = from; i < why->len; i++)
		if (why->str[i] < ' ' || why->str[i] > '~')
			why->str[i] = '?';
}

int match_parse_word(struct match_words *w, const char *word, size_t len, struct strbuf *why)
{
	size_t from = why->len;
	int err = parse_word(w, (struct match_word){word, len}, why);

	if (err)
		tame(why, from);
	return err;
}

/* ---- the whole ---- */

/* The field that the name means beside what else is asked for; NULL. */
static const struct field *alias_resolve(const struct alias *a, const struct match *m)
{
	for (unsigned i = 0; i < CANDIDATES_MAX && a->candidates[i] != NO_FIELD; i++)
		if (match_prereq_met(m, &fields[a->candidates[i]], NULL))
			return &fields[a->candidates[i]];
	return NULL;
}

static int check_aliases(struct match_words *w, struct strbuf *why)
{
	for (unsigned i = 0; i < MATCH_ALIASES; i++) {
		struct match_word word = w->alias[i];
		const struct field *f;
		int err;

		if (!word.text)
			continue;
		f = alias_resolve(&aliases[i], &w->match);
		if (!f) {
			put_word(word, why);
			strbuf_printf(why, " needs %s", aliases[i].needs);
			return -EINVAL;
		}
		err = parse_field(w, f, word, why);
		if (err)
			return err;
	}
	return 0;
}

static int check_prereqs(const struct match_words *w, struct strbuf *why)
{
	struct strbuf needs = STRBUF_INIT;

	for (unsigned i = 0; i < FIELD_N; i++) {
		if (!w->by_field[i].text || match_prereq_met(&w->match, &fields[i], &needs))
			continue;
		put_word(w->by_field[i], why);
		strbuf_printf(why, " %s", strbuf_str(&needs));
		strbuf_fini(&needs);
		return -EINVAL;
	}
	return 0;
}

int match_check(struct match_words *w, struct strbuf *why)
{
	size_t from = why->len;
	int err = check_aliases(w, why);

	if (!err)
		err = check_prereqs(w, why);
	if (err)
		tame(why, from);
	return err;
}

int match_parse(struct match *m, const char *text, struct strbuf *why)
{
	static const char blanks[] = ", \t\r\n";
	struct match_words w;
	int err = 0;

	match_words_init(&w);
	while (!err && *(text += strspn(text, blanks))) {
		size_t len = strcspn(text, blanks);

		err = match_parse_word(&w, text, len, why);
		text += len;
	}
	if (!err)
		err = match_check(&w, why);
	if (err)
		return -EINVAL;
	*m = w.match;
	return 0;
}
