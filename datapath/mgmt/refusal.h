/* refusal.h - why a request was not done: a code for programs, a line for people.
 *
 * The codes are those of proto/management.md.  The text is one line of at most
 * REFUSAL_TEXT_MAX bytes and names the offending word, which is also kept by itself.
 *
 * Threads: none of its own; one owner at a time. */
#pragma once

#include "strbuf.h"

enum {
	REFUSED_NOT_JSON = -32700,
	REFUSED_NOT_A_REQUEST = -32600,
	REFUSED_NO_METHOD = -32601,
	REFUSED_PARAMS = -32602,
	REFUSED_BAD = 1,    /* key, value, name or range */
	REFUSED_ABSENT = 2, /* no such object */
	REFUSED_EXISTS = 3,
	REFUSED_STORE = 4,  /* not stored */
	REFUSED_SYSTEM = 5, /* the device cannot be used */
	REFUSED_LIMIT = 6,
	REFUSED_BATCH = 7, /* part of a batch that failed elsewhere */
};

enum { REFUSAL_TEXT_MAX = 400, REFUSAL_WORD_MAX = 80 };

struct refusal {
	int code; /* 0: none */
	struct strbuf text;
	struct strbuf word;
};

#define REFUSAL_INIT ((struct refusal){0})

void refusal_fini(struct refusal *r);

/* Fill 'r', whose earlier content goes; 'word' may be NULL.  Returns -EINVAL, so that
 * "return refuse(…)" reads well. */
int refuse(struct refusal *r, int code, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Put "prefix: " before the text. */
void refusal_prefix(struct refusal *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
