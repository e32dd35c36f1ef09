/* A flow is words up to "actions=", and instructions behind it. */
#include "flow_mod.h"

#include <errno.h>
#include <string.h>

#include "number.h"
#include "ofport.h"
#include "text_word.h"

/* Which commands a key has an effect with. */
enum {
	ON_ADD = 1 << FLOW_ADD,
	ON_MODIFY = 1 << FLOW_MODIFY | 1 << FLOW_MODIFY_STRICT,
	ON_DELETE = 1 << FLOW_DELETE | 1 << FLOW_DELETE_STRICT,
	ON_STRICT = 1 << FLOW_MODIFY_STRICT | 1 << FLOW_DELETE_STRICT,
	ON_ALL = ON_ADD | ON_MODIFY | ON_DELETE,
};

struct parser {
	struct flow_mod *fm;
	struct match_words words;
	unsigned seen; /* keys, a bit each */
	const struct action_limits *limits;
	struct strbuf *why;
};

static int parse_table(struct parser *p, const struct text_word *w)
{
	bool is_delete = ON_DELETE >> p->fm->command & 1;
	uint64_t n;

	if (is_delete && !number_parse(w->value.pos, text_len(w->value), &n) &&
		n == FLOW_TABLE_ALL) {
		p->fm->table = FLOW_TABLE_ALL;
		return 0;
	}
	if (text_word_number(w, 0, p->limits->n_tables - 1u, &n, p->why))
		return -EINVAL;
	p->fm->table = (uint8_t)n;
	return 0;
}

static int parse_u16(struct parser *p, const struct text_word *w, uint16_t *out)
{
	uint64_t n = 0;
	int err = text_word_number(w, 0, UINT16_MAX, &n, p->why);

	*out = (uint16_t)n;
	return err;
}

static int parse_priority(struct parser *p, const struct text_word *w)
{
	return parse_u16(p, w, &p->fm->priority);
}

static int parse_idle(struct parser *p, const struct text_word *w)
{
	return parse_u16(p, w, &p->fm->idle_timeout);
}

static int parse_hard(struct parser *p, const struct text_word *w)
{
	return parse_u16(p, w, &p->fm->hard_timeout);
}

/* A number, or -1 for all bits of a mask. */
static bool parse_mask(struct text t, uint64_t *mask)
{
	*mask = UINT64_MAX;
	if (text_len(t) == 2 && !memcmp(t.pos, "-1", 2))
		return true;
	return !number_parse(t.pos, text_len(t), mask);
}

static int parse_cookie(struct parser *p, const struct text_word *w)
{
	struct flow_mod *fm = p->fm;
	const char *slash = memchr(w->value.pos, '/', text_len(w->value));
	bool chooses = slash || ON_DELETE >> fm->command & 1;
	struct text value = {w->value.pos, slash ? slash : w->value.end};
	uint64_t n, mask = UINT64_MAX;

	if (number_parse(value.pos, text_len(value), &n) ||
		(slash && !parse_mask((struct text){slash + 1, w->value.end}, &mask)))
		return text_word_refuse(w, "must be VALUE or VALUE/MASK, of 64 bits", p->why);
	if (slash && fm->command == FLOW_ADD)
		return text_word_refuse(w, "takes no mask: no rule is chosen", p->why);
	if (chooses ? fm->cookie_mask != 0 : fm->has_cookie)
		return text_word_refuse(w, "is given twice", p->why);
	if (!mask)
		return text_word_refuse(w, "a mask of 0 chooses nothing", p->why);
	if (n & ~mask)
		return text_word_refuse(w, "the value has bits outside the mask", p->why);
	if (chooses) {
		fm->cookie_match = n;
		fm->cookie_mask = mask;
	} else {
		fm->cookie = n;
		fm->has_cookie = true;
	}
	return 0;
}

static int parse_out_port(struct parser *p, const struct text_word *w)
{
	struct strbuf wrong = STRBUF_INIT;

	if (ofport_parse(w->value.pos, text_len(w->value), &p->fm->out_port, &wrong))
		text_word_refuse(w, strbuf_str(&wrong), p->why);
	else if (p->fm->out_port == OFPORT_ANY)
		text_word_refuse(w, "any port is what is meant without it", p->why);
	else
		return 0;
	strbuf_fini(&wrong);
	return -EINVAL;
}

static int parse_out_group(struct parser *p, const struct text_word *w)
{
	uint64_t n = 0;
	int err = text_word_number(w, 0, p->limits->groups_max, &n, p->why);

	p->fm->out_group = (uint32_t)n;
	return err;
}

static int refuse_importance(struct parser *p, const struct text_word *w)
{
	return text_word_refuse(w, "OpenFlow 1.3 has none", p->why);
}

static int pass_over(struct parser *p, const struct text_word *w)
{
	return text_len(w->value) ? 0 : text_word_refuse(w, "needs a value", p->why);
}

static const struct {
	const char *name;
	uint8_t commands;
	uint8_t flag; /* FLOW_*, which has no value */
	int (*parse)(struct parser *p, const struct text_word *w);
} keys[] = {
	{"table", ON_ALL, 0, parse_table},
	{"priority", ON_ADD | ON_STRICT, 0, parse_priority},
	{"cookie", ON_ALL, 0, parse_cookie},
	{"idle_timeout", ON_ADD, 0, parse_idle},
	{"hard_timeout", ON_ADD, 0, parse_hard},
	{"send_flow_rem", ON_ADD, FLOW_SEND_FLOW_REM, NULL},
	{"check_overlap", ON_ADD, FLOW_CHECK_OVERLAP, NULL},
	{"reset_counts", ON_ADD | ON_MODIFY, FLOW_RESET_COUNTS, NULL},
	{"no_packet_counts", ON_ADD, FLOW_NO_PKT_COUNTS, NULL},
	{"no_byte_counts", ON_ADD, FLOW_NO_BYT_COUNTS, NULL},
	{"out_port", ON_DELETE, 0, parse_out_port},
	{"out_group", ON_DELETE, 0, parse_out_group},
	{"importance", ON_ALL, 0, refuse_importance},
	{"duration", ON_ALL, 0, pass_over},
	{"n_packets", ON_ALL, 0, pass_over},
	{"n_bytes", ON_ALL, 0, pass_over},
	{"idle_age", ON_ALL, 0, pass_over},
	{"hard_age", ON_ALL, 0, pass_over},
};

enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };
_Static_assert(N_KEYS <= 32, "a bit each in 'seen'");

static const char *where(unsigned commands)
{
	if (commands == ON_DELETE)
		return "only where rules are deleted or shown";
	if (commands == (ON_ADD | ON_STRICT))
		return "only with --strict";
	return "only where a rule is added";
}

static int parse_key(struct parser *p, const struct text_word *w, unsigned i)
{
	bool again = p->seen & 1u << i && keys[i].parse != parse_cookie;

	if (!(keys[i].commands >> p->fm->command & 1))
		return text_word_refuse(w, where(keys[i].commands), p->why);
	if (again)
		return text_word_refuse(w, "is given twice", p->why);
	p->seen |= 1u << i;
	if (!keys[i].flag)
		return keys[i].parse(p, w);
	p->fm->flags |= keys[i].flag;
	return text_word_refuse_value(w, p->why);
}

static int refuse_name(struct parser *p, const struct text_word *w)
{
	int err = match_parse_word(&p->words, w->text, w->len, p->why);

	return err == -ENOENT ? -EINVAL : err;
}

/* Words of a match have no parentheses, and ':' is part of addresses. */
static int parse_word(struct parser *p, const struct text_word *w)
{
	for (unsigned i = 0; i < N_KEYS; i++)
		if (text_word_is(w, keys[i].name))
			return parse_key(p, w, i);
	return refuse_name(p, w);
}

static int parse_words(struct parser *p, struct text rest)
{
	struct text_word w;
	int err;

	match_words_init(&p->words);
	while ((err = text_word_next(&rest, &w, p->why)) > 0) {
		err = parse_word(p, &w);
		if (err)
			return err;
	}
	if (!err)
		err = match_check(&p->words, p->why);
	p->fm->match = p->words.match;
	return err;
}

/* Where "actions=" begins; NULL.  'behind' is what follows it. */
static const char *find_actions(const char *text, const char **behind)
{
	static const char *const names[] = {"actions=", "action="};
	static const char separators[] = ", \t\r\n";

	for (const char *p = text; *p; p += strcspn(p, separators)) {
		p += strspn(p, separators);
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!strncmp(p, names[i], strlen(names[i]))) {
				*behind = p + strlen(names[i]);
				return p;
			}
	}
	return NULL;
}

static int parse_all(struct parser *p, const char *text)
{
	struct flow_mod *fm = p->fm;
	const char *behind = NULL, *actions = find_actions(text, &behind);
	const char *end = actions ? actions : text + strlen(text);
	bool is_delete = ON_DELETE >> fm->command & 1;
	int err = parse_words(p, (struct text){text, end});

	if (err)
		return err;
	if (is_delete && !actions)
		return 0;
	if (is_delete || !actions) {
		strbuf_puts(p->why, is_delete ? "actions=: not where rules are deleted or shown"
					      : "needs actions=");
		return -EINVAL;
	}
	err = instructions_parse(&fm->ins, &fm->match, behind, p->why);
	return err ? err : instructions_check(&fm->ins, &fm->match, fm->table, p->limits, p->why);
}

int flow_mod_parse(struct flow_mod *fm, enum flow_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why)
{
	struct parser p = {.fm = fm, .limits = limits, .why = why};
	size_t from = why->len;
	int err;

	fm->command = command;
	if (ON_DELETE >> command & 1)
		fm->table = FLOW_TABLE_ALL;
	err = parse_all(&p, text);
	if (err)
		text_tame(why, from);
	return err;
}
