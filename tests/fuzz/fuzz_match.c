/* Input: the text of a match.  What is taken is printed, and read again as the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"

enum { TEXT_MAX = 512 }; /* a longer one has no more in it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct strbuf *why)
{
	assert(why->len > 0 && why->len < 1000);
	for (size_t i = 0; i < why->len; i++)
		assert(why->str[i] >= ' ' && why->str[i] <= '~');
}

/* Bits outside the mask are 0. */
static void check_key(const struct match *m)
{
	struct flow_key masked;

	flow_key_mask(&masked, &m->key, &m->mask);
	assert(!memcmp(&masked, &m->key, sizeof(masked)));
	assert(match_covers(m, m) && match_overlaps(m, m) && match_hits(m, &m->key));
}

/* What is taken is printed, and read again as the same. */
static void check_text(const char *input, struct strbuf *why)
{
	struct strbuf text = STRBUF_INIT, again = STRBUF_INIT;
	struct match m, copy;

	if (match_parse(&m, input, why))
		return check_error(why);
	assert(why->len == 0);
	check_key(&m);
	match_print(&m, &text);
	assert(!match_parse(&copy, strbuf_str(&text), why));
	assert(match_equal(&m, &copy));
	match_print(&copy, &again);
	assert(!strcmp(strbuf_str(&text), strbuf_str(&again)));
	strbuf_fini(&text);
	strbuf_fini(&again);
}

/* A word is not terminated. */
static void check_word(const char *input, size_t size, struct strbuf *why)
{
	struct match_words w;

	match_words_init(&w);
	if (match_parse_word(&w, input, size, why) || match_check(&w, why))
		check_error(why);
}

/* Exactly sized, so that the address sanitizer sees a read past the end. */
static char *copy_of(const uint8_t *data, size_t size, size_t room)
{
	char *copy = calloc(1, size + room);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf why = STRBUF_INIT;
	char *input;

	if (!size || size > TEXT_MAX)
		return 0;
	input = copy_of(data, size, 1);
	check_text(input, &why);
	free(input);
	strbuf_reset(&why);
	input = copy_of(data, size, 0);
	check_word(input, size, &why);
	free(input);
	strbuf_fini(&why);
	return 0;
}
