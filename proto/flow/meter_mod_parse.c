/* A meter is words up to "bands=", behind which each "type=" begins a band. */
#include <errno.h>
#include <string.h>

#include "meter_mod.h"
#include "text_word.h"

enum {
	SEEN_ID = 1 << 0,
	SEEN_RATE = 1 << 0,
	SEEN_BURST_SIZE = 1 << 1,
	SEEN_PREC_LEVEL = 1 << 2,
};

struct parser {
	struct meter_mod *mm;
	const struct action_limits *limits;
	unsigned seen;
	bool in_bands;
	unsigned band_seen;
	struct text_word band; /* its "type=", for messages */
	struct strbuf *why;
};

static bool is(struct text t, const char *name)
{
	return strlen(name) == text_len(t) && !memcmp(t.pos, name, text_len(t));
}

static int once(struct parser *p, const struct text_word *w, unsigned *seen, unsigned bit)
{
	if (*seen & bit)
		return text_word_refuse(w, "is given twice", p->why);
	*seen |= bit;
	return 0;
}

static int parse_id(struct parser *p, const struct text_word *w)
{
	struct meter_mod *mm = p->mm;
	uint64_t n = 0;
	int err = once(p, w, &p->seen, SEEN_ID);

	if (err)
		return err;
	if (is(w->value, "slowpath"))
		mm->id = (uint32_t)METER_ID_SLOWPATH;
	else if (is(w->value, "controller"))
		mm->id = (uint32_t)METER_ID_CONTROLLER;
	else if (is(w->value, "all") && mm->command == METER_DELETE)
		mm->id = (uint32_t)METER_ID_ALL;
	else {
		err = text_word_number(w, 1, p->limits->meters_max, &n, p->why);
		mm->id = (uint32_t)n;
	}
	return err;
}

static int parse_meter_word(struct parser *p, struct text *rest, const struct text_word *w)
{
	static const char *const flags[] = {"kbps", "pktps", "burst", "stats"};

	if (text_word_is(w, "meter"))
		return parse_id(p, w);
	if (p->mm->command == METER_DELETE)
		return text_word_refuse(w, "deleting takes meter only", p->why);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (text_word_is(w, flags[i])) {
			if (p->mm->flags & 1u << i)
				return text_word_refuse(w, "is given twice", p->why);
			p->mm->flags |= (uint16_t)(1u << i);
			return text_word_refuse_value(w, p->why);
		}
	if (text_word_is(w, "bands") && w->mark == '=') {
		p->in_bands = true;
		rest->pos = w->value.pos;
		return 0;
	}
	return text_word_refuse(w, "is none of meter, kbps, pktps, burst, stats, bands=", p->why);
}

/* ---- bands ---- */

static int end_band(struct parser *p)
{
	if (p->mm->n_bands && !(p->band_seen & SEEN_RATE))
		return text_word_refuse(&p->band, "the band needs a rate", p->why);
	return 0;
}

static int begin_band(struct parser *p, const struct text_word *w)
{
	struct meter_mod *mm = p->mm;
	struct meter_band band = {.type = BAND_DROP};

	if (end_band(p))
		return -EINVAL;
	if (is(w->value, "dscp_remark"))
		band.type = BAND_DSCP_REMARK;
	else if (!is(w->value, "drop"))
		return text_word_refuse(w, "must be drop or dscp_remark", p->why);
	if (mm->n_bands == METER_BANDS_MAX)
		return text_word_refuse(w, "too many bands", p->why);
	mm->bands[mm->n_bands++] = band;
	p->band = *w;
	p->band_seen = 0;
	return 0;
}

static int parse_band_word(struct parser *p, const struct text_word *w)
{
	static const struct {
		const char *name;
		unsigned bit;
		uint32_t max;
	} numbers[] = {{"rate", SEEN_RATE, UINT32_MAX}, {"burst_size", SEEN_BURST_SIZE, UINT32_MAX},
		{"prec_level", SEEN_PREC_LEVEL, 2}};
	struct meter_band *band;
	uint64_t n = 0;
	unsigned i = 0;

	if (text_word_is(w, "type"))
		return begin_band(p, w);
	if (!p->mm->n_bands)
		return text_word_refuse(w, "a band begins with type=", p->why);
	while (i < sizeof(numbers) / sizeof(numbers[0]) && !text_word_is(w, numbers[i].name))
		i++;
	if (i == sizeof(numbers) / sizeof(numbers[0]))
		return text_word_refuse(w, "is none of type, rate, burst_size, prec_level", p->why);
	if (once(p, w, &p->band_seen, numbers[i].bit) ||
		text_word_number(w, 1, numbers[i].max, &n, p->why))
		return -EINVAL;
	band = &p->mm->bands[p->mm->n_bands - 1];
	if (i == 0)
		band->rate = (uint32_t)n;
	else if (i == 1)
		band->burst_size = (uint32_t)n;
	else
		band->prec_level = (uint8_t)n;
	return 0;
}

static int parse_all(struct parser *p, struct text rest)
{
	struct text_word w;
	int err;

	while ((err = text_word_next(&rest, &w, p->why)) > 0) {
		err = p->in_bands ? parse_band_word(p, &w) : parse_meter_word(p, &rest, &w);
		if (err)
			return err;
	}
	if (!err)
		err = end_band(p);
	if (err)
		return err;
	if (!(p->seen & SEEN_ID)) {
		strbuf_puts(p->why, "needs meter=");
		return -EINVAL;
	}
	return meter_mod_check(p->mm, p->limits, p->why);
}

int meter_mod_parse(struct meter_mod *mm, enum meter_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why)
{
	struct parser p = {.mm = mm, .limits = limits, .why = why};
	size_t from = why->len;
	int err;

	*mm = (struct meter_mod){.command = command};
	err = parse_all(&p, (struct text){text, text + strlen(text)});
	if (err)
		text_tame(why, from);
	return err;
}
