/* The instructions around and between the actions of a rule. */
#include <errno.h>

#include "action_parser.h"
#include "meter_mod.h"
#include "number.h"

/* In the order of execution, which is that of the text (OpenFlow 1.3.5 section 5.9). */
enum step { STEP_NONE, STEP_METER, STEP_APPLY, STEP_CLEAR, STEP_WRITE, STEP_METADATA, STEP_GOTO };

struct parser {
	struct instructions *ins;
	struct action_parser actions; /* of Apply-Actions */
	enum step step;		      /* where the last word belonged */
	bool bare;		      /* actions without "apply_actions" were there */
	struct strbuf *why;
};

static int parse_meter(struct parser *p, const struct text_word *w)
{
	uint64_t n = 0;
	int err = text_word_number(w, 1, (uint32_t)METER_ID_MAX, &n, p->why);

	p->ins->meter = (uint32_t)n;
	return err;
}

static int parse_apply(struct parser *p, const struct text_word *w)
{
	int err = action_parse_all(&p->actions, w->value);

	if (!err && !p->ins->apply.n)
		return text_word_refuse(w, "needs an action", p->why);
	return err;
}

static int parse_clear(struct parser *p, const struct text_word *w)
{
	p->ins->clear = true;
	return text_word_refuse_value(w, p->why);
}

static int parse_write(struct parser *p, const struct text_word *w)
{
	struct action_parser actions;
	int err;

	action_parser_init(&actions, &p->ins->write, &p->actions.known, p->why);
	err = action_parse_all(&actions, w->value);
	if (!err && !p->ins->write.n)
		return text_word_refuse(w, "needs an action", p->why);
	return err;
}

static int parse_metadata(struct parser *p, const struct text_word *w)
{
	struct text v = w->value;
	const char *slash = memchr(v.pos, '/', text_len(v));
	struct instructions *ins = p->ins;

	ins->metadata_mask = UINT64_MAX;
	if (number_parse(v.pos, (size_t)((slash ? slash : v.end) - v.pos), &ins->metadata) ||
		(slash &&
			number_parse(slash + 1, (size_t)(v.end - slash - 1), &ins->metadata_mask)))
		return text_word_refuse(w, "must be VALUE or VALUE/MASK, of 64 bits", p->why);
	if (!ins->metadata_mask)
		return text_word_refuse(w, "under a mask of 0 nothing is written", p->why);
	if (ins->metadata & ~ins->metadata_mask)
		return text_word_refuse(w, "the value has bits outside the mask", p->why);
	return 0;
}

static int parse_goto(struct parser *p, const struct text_word *w)
{
	uint64_t n = 0;
	int err = text_word_number(w, 0, INSTRUCTIONS_NO_GOTO - 1, &n, p->why);

	p->ins->goto_table = (uint8_t)n;
	return err;
}

static const struct {
	const char *name;
	enum step step;
	int (*parse)(struct parser *p, const struct text_word *w);
} words[] = {
	{"meter", STEP_METER, parse_meter},
	{"apply_actions", STEP_APPLY, parse_apply},
	{"clear_actions", STEP_CLEAR, parse_clear},
	{"write_actions", STEP_WRITE, parse_write},
	{"write_metadata", STEP_METADATA, parse_metadata},
	{"goto_table", STEP_GOTO, parse_goto},
};

static int parse_word(void *arg, const struct text_word *w)
{
	struct parser *p = arg;
	static const char order[] = "must stand before what precedes it; the order is meter, "
				    "actions, clear_actions, write_actions, write_metadata, "
				    "goto_table";
	unsigned i = 0;
	bool bare;

	while (i < sizeof(words) / sizeof(words[0]) && !text_word_is(w, words[i].name))
		i++;
	bare = i == sizeof(words) / sizeof(words[0]);
	enum step step = bare ? STEP_APPLY : words[i].step;
	if (step < p->step)
		return text_word_refuse(w, order, p->why);
	if (step == p->step && !(bare && p->bare))
		return text_word_refuse(w,
			step == STEP_APPLY ? "actions are given twice, within "
					     "apply_actions and without"
					   : "is given twice",
			p->why);
	p->step = step;
	p->bare |= bare;
	return bare ? action_parse_word(&p->actions, w) : words[i].parse(p, w);
}

int instructions_parse(
	struct instructions *ins, const struct match *m, const char *text, struct strbuf *why)
{
	struct parser p = {.ins = ins, .why = why};
	size_t from = why->len;
	int err;

	action_parser_init(&p.actions, &ins->apply, m, why);
	err = text_words_or_drop((struct text){text, text + strlen(text)}, parse_word, &p, why);
	if (err)
		text_tame(why, from);
	return err;
}
