#include "text_word.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "number.h"

enum { SHOWN = 80 }; /* of a word in a message */

static const char separators[] = ", \t\r\n";

static bool is_separator(char c)
{
	return !c || strchr(separators, c);
}

/* What stands before the parenthesis that closes the one before 'p'; NULL. */
static const char *closing(const char *p, const char *end)
{
	unsigned depth = 1;

	for (; p < end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && !--depth)
			return p;
	}
	return NULL;
}

/* The end of a value behind ':' or '='; NULL where a parenthesis is not closed. */
static const char *value_end(const char *p, const char *end)
{
	while (p && p < end && !is_separator(*p))
		p = *p == '(' ? closing(p + 1, end) : p + 1;
	return p;
}

static void word_end(struct text_word *w, const char *end)
{
	w->len = (size_t)(end - w->text);
}

static int parse_value(struct text_word *w, const char *end, struct strbuf *why)
{
	const char *p = w->text + w->name_len + 1, *last;

	if (w->mark == '(') {
		last = closing(p, end);
		w->value = (struct text){p, last ? last : end};
		word_end(w, last ? last + 1 : end);
		if (last && last + 1 < end && !is_separator(last[1])) {
			word_end(w, value_end(last + 1, end) ? value_end(last + 1, end) : end);
			return text_word_refuse(w, "something stands behind the parenthesis", why);
		}
	} else {
		last = value_end(p, end);
		w->value = (struct text){p, last ? last : end};
		word_end(w, w->value.end);
	}
	return last ? 1 : text_word_refuse(w, "a parenthesis is not closed", why);
}

int text_word_next(struct text *rest, struct text_word *w, struct strbuf *why)
{
	const char *p = rest->pos, *end = rest->end;
	int err = 1;

	while (p < end && is_separator(*p))
		p++;
	*w = (struct text_word){.text = p, .value = {p, p}};
	if (p == end) {
		rest->pos = end;
		return 0;
	}
	while (p < end && !is_separator(*p) && *p != '=' && *p != ':' && *p != '(')
		p++;
	w->name_len = (size_t)(p - w->text);
	word_end(w, p);
	w->value = (struct text){p, p};
	if (p < end && !is_separator(*p)) {
		w->mark = *p;
		err = parse_value(w, end, why);
	}
	rest->pos = w->text + w->len;
	return err;
}

bool text_word_is(const struct text_word *w, const char *name)
{
	return strlen(name) == w->name_len && !strncasecmp(w->text, name, w->name_len);
}

int text_word_refuse(const struct text_word *w, const char *sentence, struct strbuf *why)
{
	strbuf_printf(why, "%.*s%s: %s", w->len < SHOWN ? (int)w->len : SHOWN, w->text,
		w->len > SHOWN ? "..." : "", sentence);
	return -EINVAL;
}

int text_word_refuse_value(const struct text_word *w, struct strbuf *why)
{
	return w->mark ? text_word_refuse(w, "takes no value", why) : 0;
}

int text_word_number(
	const struct text_word *w, uint64_t min, uint64_t max, uint64_t *number, struct strbuf *why)
{
	if (!text_len(w->value))
		return text_word_refuse(w, "needs a number", why);
	if (!number_parse(w->value.pos, text_len(w->value), number) && *number >= min &&
		*number <= max)
		return 0;
	text_word_refuse(w, "must be ", why);
	strbuf_printf(why, "%llu to %llu", (unsigned long long)min, (unsigned long long)max);
	return -EINVAL;
}

int text_words_or_drop(struct text rest, int (*fn)(void *arg, const struct text_word *w), void *arg,
	struct strbuf *why)
{
	struct text_word w, drop = {0};
	unsigned n = 0;
	int err;

	while ((err = text_word_next(&rest, &w, why)) > 0) {
		if (text_word_is(&w, "drop")) {
			drop = w;
			err = text_word_refuse_value(&w, why);
		} else {
			err = fn(arg, &w);
		}
		if (err)
			return err;
		n++;
	}
	if (!err && drop.text && n > 1)
		return text_word_refuse(&drop, "must stand alone", why);
	return err;
}

void text_tame(struct strbuf *why, size_t from)
{
	for (size_t i = from; i < why->len; i++)
		if (why->str[i] < ' ' || why->str[i] > '~')
			why->str[i] = '?';
}
