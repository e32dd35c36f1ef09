/* Actions that set fields: set_field, load, move, and OpenFlow 1.0's names of such, which are
 * set_fields here as they are in messages of OpenFlow 1.3. */
#include <errno.h>

#include "action_parser.h"
#include "field_text.h"
#include "number.h"

static const char arrow[] = "->";

/* ---- building ---- */

static int add_set_field(
	struct action_parser *p, const struct text_word *w, enum field_id id, struct field_value v)
{
	struct action a = {.type = ACTION_SET_FIELD,
		.set = {.dst = {.field = (uint8_t)id, .n = fields[id].n_bits}, .value = v}};

	return action_parser_add(p, w, &a);
}

static bool has_bit(struct field_value v, unsigned bit)
{
	return v.b[FIELD_BYTES_MAX - 1 - bit / 8] >> bit % 8 & 1;
}

/* Bits [from, from + n) of 'v', n at most 64. */
static struct field_value bits_of(struct field_value v, unsigned from, unsigned n)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++)
		bits |= (uint64_t)has_bit(v, from + i) << i;
	return field_value_u64(bits);
}

static int add_load(struct action_parser *p, const struct text_word *w, struct subfield dst,
	struct field_value v)
{
	struct action a = {.type = ACTION_LOAD, .set = {.dst = dst, .value = v}};

	return action_parser_add(p, w, &a);
}

/* Loads of up to 64 bits each, from the lowest bit on, as messages have them. */
static int add_loads(struct action_parser *p, const struct text_word *w, struct subfield dst,
	struct field_value v)
{
	int err = 0;

	for (unsigned done = 0; !err && done < dst.n;) {
		struct subfield part = {.field = dst.field, .ofs = (uint8_t)(dst.ofs + done)};

		part.n = (uint8_t)(dst.n - done < LOAD_BITS_MAX ? dst.n - done : LOAD_BITS_MAX);
		err = add_load(p, w, part, bits_of(v, done, part.n));
		done += part.n;
	}
	return err;
}

/* A mask is not to be had in a set-field of OpenFlow 1.3: a load for each run of its bits. */
static int add_masked(struct action_parser *p, const struct text_word *w, const struct field *f,
	struct field_value v, struct field_value mask)
{
	int err = 0;

	for (unsigned bit = 0; !err && bit < f->n_bits;) {
		struct subfield dst = {.field = (uint8_t)field_id(f), .ofs = (uint8_t)bit};

		while (bit < f->n_bits && has_bit(mask, bit) && bit - dst.ofs < LOAD_BITS_MAX)
			bit++;
		dst.n = (uint8_t)(bit - dst.ofs);
		if (dst.n)
			err = add_load(p, w, dst, bits_of(v, dst.ofs, dst.n));
		else
			bit++;
	}
	return err;
}

/* ---- set_field, load, move ---- */

/* "VALUE->FIELD"; false with 'why' where it is not. */
static bool split(
	const struct text_word *w, struct text *value, struct text *dst, struct strbuf *why)
{
	const char *at = memmem(w->value.pos, text_len(w->value), arrow, 2);

	*value = *dst = w->value;
	if (!at) {
		text_word_refuse(w, "must be VALUE->FIELD", why);
		return false;
	}
	value->end = at;
	dst->pos = at + 2;
	return true;
}

static int refuse_with(const struct text_word *w, struct strbuf *sentence, struct strbuf *why)
{
	text_word_refuse(w, strbuf_str(sentence), why);
	strbuf_fini(sentence);
	return -EINVAL;
}

static bool is(struct text t, const char *name)
{
	return strlen(name) == text_len(t) && !memcmp(t.pos, name, text_len(t));
}

/* Of fields that lie at one place the one that the packet has; the first if none. */
static const struct field *port_field(const struct match *known, bool src)
{
	static const uint8_t sources[] = {FIELD_TCP_SRC, FIELD_UDP_SRC, FIELD_SCTP_SRC};
	static const uint8_t destinations[] = {FIELD_TCP_DST, FIELD_UDP_DST, FIELD_SCTP_DST};
	const uint8_t *ids = src ? sources : destinations;

	for (unsigned i = 0; i < sizeof(sources); i++)
		if (match_prereq_met(known, &fields[ids[i]], NULL))
			return &fields[ids[i]];
	return NULL;
}

static const struct field *lookup(const struct action_parser *p, struct text name)
{
	const struct field *f = NULL;

	if (is(name, "tp_src") || is(name, "tp_dst"))
		f = port_field(&p->known, is(name, "tp_src"));
	return f ? f : field_lookup(name.pos, text_len(name));
}

static int set_tos(struct action_parser *p, const struct text_word *w, struct text value)
{
	uint64_t tos;

	if (number_parse(value.pos, text_len(value), &tos) || tos > UINT8_MAX || tos & 3)
		return text_word_refuse(w, "must be 0 to 252 in steps of 4", p->why);
	return add_set_field(p, w, FIELD_IP_DSCP, field_value_u64(tos >> 2));
}

static int parse_set_field(struct action_parser *p, const struct text_word *w)
{
	struct strbuf wrong = STRBUF_INIT;
	struct text text, dst;
	struct field_value value, mask;
	const struct field *f;

	if (!split(w, &text, &dst, p->why))
		return -EINVAL;
	if (is(dst, "nw_tos"))
		return set_tos(p, w, text);
	f = lookup(p, dst);
	if (!f)
		return text_word_refuse(w, "must end in a field's name", p->why);
	if (field_parse(f, text.pos, text_len(text), &value, &mask, &wrong))
		return refuse_with(w, &wrong, p->why);
	if (field_value_equal(mask, field_ones(f)))
		return add_set_field(p, w, field_id(f), value);
	if (field_value_equal(mask, field_value_u64(0)))
		return text_word_refuse(w, "under a mask of 0 nothing is set", p->why);
	if (field_id(f) == FIELD_VLAN_VID && has_bit(mask, 12))
		return text_word_refuse(w, "the mask must be of the VLAN ID, 0xfff", p->why);
	return add_masked(p, w, f, value, mask);
}

static int parse_load(struct action_parser *p, const struct text_word *w)
{
	struct strbuf wrong = STRBUF_INIT;
	struct text text, name;
	struct field_value v;
	struct subfield dst;

	if (!split(w, &text, &name, p->why))
		return -EINVAL;
	if (subfield_parse(name.pos, text_len(name), &dst, &wrong))
		return refuse_with(w, &wrong, p->why);
	if (number_parse_wide(text.pos, text_len(text), v.b))
		return text_word_refuse(w, "the value must be a number", p->why);
	for (unsigned bit = dst.n; bit < 8 * FIELD_BYTES_MAX; bit++)
		if (has_bit(v, bit)) {
			strbuf_printf(&wrong, "the value must fit into %u bits", dst.n);
			return refuse_with(w, &wrong, p->why);
		}
	return add_loads(p, w, dst, v);
}

static int parse_move(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_MOVE};
	struct strbuf wrong = STRBUF_INIT;
	struct text src, dst;

	if (!split(w, &src, &dst, p->why))
		return -EINVAL;
	if (subfield_parse(src.pos, text_len(src), &a.move.src, &wrong) ||
		subfield_parse(dst.pos, text_len(dst), &a.move.dst, &wrong))
		return refuse_with(w, &wrong, p->why);
	if (a.move.src.n != a.move.dst.n) {
		strbuf_printf(&wrong, "%u bits do not fit into %u", a.move.src.n, a.move.dst.n);
		return refuse_with(w, &wrong, p->why);
	}
	return action_parser_add(p, w, &a);
}

/* ---- OpenFlow 1.0's ---- */

static int set_value(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	struct strbuf wrong = STRBUF_INIT;
	struct field_value value, mask;
	const struct field *f = &fields[id];

	if (!field_parse(f, w->value.pos, text_len(w->value), &value, &mask, &wrong) &&
		!field_value_equal(mask, field_ones(f)))
		strbuf_puts(&wrong, "takes no mask");
	return wrong.len ? refuse_with(w, &wrong, p->why) : add_set_field(p, w, id, value);
}

/* A tag is pushed where there may be none, unless it is "set_vlan_...". */
static int need_tag(struct action_parser *p, const struct text_word *w)
{
	struct action push = {.type = ACTION_PUSH_VLAN, .ethertype = ETHERTYPE_CTAG};
	bool never = text_word_is(w, "set_vlan_vid") || text_word_is(w, "set_vlan_pcp");

	if (never || match_prereq_met(&p->known, &fields[FIELD_VLAN_PCP], NULL))
		return 0;
	return action_parser_add(p, w, &push);
}

static int set_vid(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	uint64_t vid;
	int err = text_word_number(w, 0, VLAN_VID_MASK, &vid, p->why);

	if (!err)
		err = need_tag(p, w);
	return err ? err : add_set_field(p, w, id, field_value_u64(vid | PARSED_VLAN_PRESENT));
}

static int set_pcp(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	uint64_t pcp;
	int err = text_word_number(w, 0, 7, &pcp, p->why);

	if (!err)
		err = need_tag(p, w);
	return err ? err : add_set_field(p, w, id, field_value_u64(pcp));
}

static int set_port(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	const struct field *f = port_field(&p->known, id == FIELD_TCP_SRC);

	return f ? set_value(p, w, field_id(f))
		 : text_word_refuse(w, "needs tcp, udp or sctp", p->why);
}

static int set_dscp(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	return set_tos(p, w, w->value);
}

static int set_tunnel32(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	uint64_t n;
	int err = text_word_number(w, 0, UINT32_MAX, &n, p->why);

	return err ? err : add_set_field(p, w, id, field_value_u64(n));
}

static int set_ttl(struct action_parser *p, const struct text_word *w, enum field_id id)
{
	struct action a = {.type = id == FIELD_IP_TTL ? ACTION_SET_NW_TTL : ACTION_SET_MPLS_TTL};
	uint64_t ttl;
	int err = text_word_number(w, 0, UINT8_MAX, &ttl, p->why);

	a.ttl = (uint8_t)ttl;
	return err ? err : action_parser_add(p, w, &a);
}

static const struct {
	const char *name;
	uint8_t field;
	int (*parse)(struct action_parser *p, const struct text_word *w, enum field_id id);
} words[] = {
	{"mod_dl_src", FIELD_ETH_SRC, set_value},
	{"mod_dl_dst", FIELD_ETH_DST, set_value},
	{"mod_nw_src", FIELD_IPV4_SRC, set_value},
	{"mod_nw_dst", FIELD_IPV4_DST, set_value},
	{"mod_nw_tos", FIELD_IP_DSCP, set_dscp},
	{"mod_nw_ecn", FIELD_IP_ECN, set_value},
	{"mod_nw_ttl", FIELD_IP_TTL, set_ttl},
	{"set_nw_ttl", FIELD_IP_TTL, set_ttl},
	{"mod_tp_src", FIELD_TCP_SRC, set_port},
	{"mod_tp_dst", FIELD_TCP_DST, set_port},
	{"mod_vlan_vid", FIELD_VLAN_VID, set_vid},
	{"set_vlan_vid", FIELD_VLAN_VID, set_vid},
	{"mod_vlan_pcp", FIELD_VLAN_PCP, set_pcp},
	{"set_vlan_pcp", FIELD_VLAN_PCP, set_pcp},
	{"set_mpls_label", FIELD_MPLS_LABEL, set_value},
	{"set_mpls_tc", FIELD_MPLS_TC, set_value},
	{"set_mpls_ttl", FIELD_MPLS_TTL, set_ttl},
	{"set_tunnel", FIELD_TUN_ID, set_tunnel32},
	{"set_tunnel64", FIELD_TUN_ID, set_value},
};

enum { N_WORDS = sizeof(words) / sizeof(words[0]) };

int action_parse_set(struct action_parser *p, const struct text_word *w)
{
	if (text_word_is(w, "set_field"))
		return parse_set_field(p, w);
	if (text_word_is(w, "load"))
		return parse_load(p, w);
	if (text_word_is(w, "move"))
		return parse_move(p, w);
	for (unsigned i = 0; i < N_WORDS; i++)
		if (text_word_is(w, words[i].name))
			return words[i].parse(p, w, (enum field_id)words[i].field);
	return -ENOENT;
}

const char *action_set_name(unsigned i)
{
	static const char *const first[] = {"set_field", "load", "move"};
	const unsigned n = sizeof(first) / sizeof(first[0]);

	if (i < n)
		return first[i];
	return i - n < N_WORDS ? words[i - n].name : NULL;
}
