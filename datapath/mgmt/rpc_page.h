/* rpc_page.h - lists that are given out whole, or with "limit" and "after" in pages.
 *
 * Without "limit" the answer is the list, and refused when it is too long.  With "limit" it
 * is {"list": […], "next"?: TEXT}: so many entries, or fewer once the page is
 * LIMITS_PAGE_BYTES long; and where there may be more, what the next call gives as "after".
 * A page is looked for anew each time, so between two of them nothing is kept.
 *
 * Threads: control. */
#pragma once

#include "rpc_method.h"

struct rpc_page {
	struct rpc_call *call; /* gets the answer in its 'text' */
	const char *after;     /* NULL: from the start */
	size_t limit;	       /* 0: whole */
	size_t n;
};

/* The parameters "limit" and "after", also where the call has more of its own. */
int rpc_page_params(struct rpc_call *call, struct rpc_page *page);

void rpc_page_begin(struct rpc_page *page);
bool rpc_page_full(const struct rpc_page *page);

/* An entry, or its text.  Takes the reference. */
void rpc_page_add(struct rpc_page *page, json_t *entry);
void rpc_page_text(struct rpc_page *page, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 'next' NULL: these were the last. */
void rpc_page_end(struct rpc_page *page, const char *next);
