/* text_word.h - the words of which flows, groups, meters and lists of actions consist.
 *
 *	NAME   NAME:VALUE   NAME=VALUE   NAME(VALUE)
 *
 * Commas and blanks separate them, but not within parentheses, which may be nested.
 * Words are borrowed from the text.
 *
 * Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strbuf.h"

struct text {
	const char *pos, *end;
};

struct text_word {
	const char *text;
	size_t len; /* of all of it */
	size_t name_len;
	char mark;	   /* '=', ':', '(' or, where there is no value, 0 */
	struct text value; /* without parentheses; empty where there is none */
};

static inline size_t text_len(struct text t)
{
	return (size_t)(t.end - t.pos);
}

/* 1: the next word; 0: there is none; -EINVAL with 'why'. */
int text_word_next(struct text *rest, struct text_word *w, struct strbuf *why);

/* fn(arg, word) for all words of 'rest' until it answers other than 0; "drop", which is not
 * given to it, stands alone, and means the same as nothing.  0; -EINVAL with 'why'; what 'fn'
 * answered. */
int text_words_or_drop(struct text rest, int (*fn)(void *arg, const struct text_word *w), void *arg,
	struct strbuf *why);

/* In either case, as Open vSwitch takes names of actions. */
bool text_word_is(const struct text_word *w, const char *name);

/* "WORD: SENTENCE"; a long word is cut.  -EINVAL. */
int text_word_refuse(const struct text_word *w, const char *sentence, struct strbuf *why);
int text_word_refuse_value(const struct text_word *w, struct strbuf *why); /* has one */

/* The value as a number from 'min' to 'max'.  0 or -EINVAL with 'why'. */
int text_word_number(const struct text_word *w, uint64_t min, uint64_t max, uint64_t *number,
	struct strbuf *why);

/* Words are strangers' text: keep what was written to 'why' behind 'from' one line that can
 * be shown. */
void text_tame(struct strbuf *why, size_t from);
