/* action_parser.h - from words to actions: what the files that read actions share.
 *
 * Pure; any thread. */
#pragma once

#include "action.h"
#include "text_word.h"

struct action_parser {
	struct action_list *list; /* to be appended to */
	struct match known;	  /* of the packet, behind these actions */
	struct strbuf *why;
};

/* 'm' NULL: nothing is known. */
void action_parser_init(struct action_parser *p, struct action_list *list, const struct match *m,
	struct strbuf *why);

/* Append.  0; -EINVAL where there are too many; -ENOMEM. */
int action_parser_add(struct action_parser *p, const struct text_word *w, const struct action *a);

/* One word, which is not "drop" and no instruction.  0; -EINVAL with 'why'; -ENOMEM. */
int action_parse_word(struct action_parser *p, const struct text_word *w);

/* All words of 'rest'; "drop" stands alone.  Nothing is drop, too. */
int action_parse_all(struct action_parser *p, struct text rest);

/* Those that set fields; action_parse_set.c.  -ENOENT where the name is none of theirs. */
int action_parse_set(struct action_parser *p, const struct text_word *w);

/* The name of the i-th of them, for messages; NULL behind the last. */
const char *action_set_name(unsigned i);
