/* Few rules, side by side: for each word of the key that some rule looks at, the masks and
 * values of a block of them.  A block takes the same instructions whatever the key, and the
 * next one is looked at only where no rule of the one before matches. */
#include "cls_view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const struct cls_column *columns_of(const struct cls_linear *l, unsigned block)
{
	return &l->columns[(size_t)block * l->n_words];
}

static void fill_column(struct cls_column *c, struct cls_rule *const *rules, unsigned word)
{
	for (unsigned i = 0; i < CLS_BLOCK; i++) {
		const struct cls_rule *r = rules[i];

		c->mask[i] = 0;
		c->value[i] = !r; /* matches nothing */
		if (r && r->match.map >> word & 1) {
			const uint64_t *words = r->match.words + flow_map_rank(r->match.map, word);

			c->mask[i] = words[0];
			c->value[i] = words[r->match.n];
		}
	}
}

static void sort(struct cls_rule **rules, struct cls_rule *const *heads, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned at = i;

		for (; at && rules[at - 1]->priority < heads[i]->priority; at--)
			rules[at] = rules[at - 1];
		rules[at] = heads[i];
	}
}

struct cls_linear *cls_linear_create(struct cls_rule *const *heads, unsigned n)
{
	unsigned n_blocks = (n + CLS_BLOCK - 1) / CLS_BLOCK, n_words;
	struct cls_column *c;
	struct cls_linear *l;
	flow_map map = 0;
	size_t bytes;

	assert(n && n <= CLS_LINEAR_MAX);
	for (unsigned i = 0; i < n; i++)
		map |= heads[i]->match.map;
	map |= !map;
	n_words = (unsigned)__builtin_popcount(map);
	bytes = sizeof(*l) + (size_t)n_blocks * n_words * sizeof(*c);
	l = aligned_alloc(_Alignof(struct cls_linear), bytes);
	if (!l)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->view.form = CLS_LINEAR;
	l->n_blocks = n_blocks;
	sort(l->rules, heads, n);
	for (; map; map &= map - 1)
		l->word[l->n_words++] = (uint8_t)__builtin_ctz(map);
	c = l->columns;
	for (unsigned i = 0; i < n_blocks; i++)
		for (unsigned w = 0; w < n_words; w++)
			fill_column(c++, &l->rules[i * CLS_BLOCK], l->word[w]);
	return l;
}

void cls_linear_replace(struct cls_linear *l, struct cls_rule *old, struct cls_rule *r)
{
	for (unsigned i = 0; i < CLS_LINEAR_MAX; i++)
		if (l->rules[i] == old)
			rcu_set(l->rules[i], r);
}

unsigned cls_linear_hits_scalar(const struct cls_linear *l, unsigned block, const uint64_t *key)
{
	const struct cls_column *c = columns_of(l, block);
	uint64_t differs[CLS_BLOCK] = {0};
	unsigned hits = 0;

	for (uint32_t w = 0; w < l->n_words; w++, c++)
		for (unsigned i = 0; i < CLS_BLOCK; i++)
			differs[i] |= (key[l->word[w]] & c->mask[i]) ^ c->value[i];
	for (unsigned i = 0; i < CLS_BLOCK; i++)
		hits |= (unsigned)!differs[i] << i;
	return hits;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static inline __m256i differs4(
	__m256i word, const uint64_t *mask, const uint64_t *value)
{
	__m256i m = _mm256_load_si256((const __m256i *)(const void *)mask);
	__m256i v = _mm256_load_si256((const __m256i *)(const void *)value);

	return _mm256_xor_si256(_mm256_and_si256(word, m), v);
}

__attribute__((target("avx2"))) static inline unsigned zeros4(__m256i v)
{
	__m256i zero = _mm256_cmpeq_epi64(v, _mm256_setzero_si256());

	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(zero));
}

__attribute__((target("avx2"))) static unsigned hits_avx2(
	const struct cls_linear *l, unsigned block, const uint64_t *key)
{
	const struct cls_column *c = columns_of(l, block);
	__m256i low = _mm256_setzero_si256(), high = low;

	for (uint32_t w = 0; w < l->n_words; w++, c++) {
		__m256i word = _mm256_set1_epi64x((long long)key[l->word[w]]);

		low = _mm256_or_si256(low, differs4(word, c->mask, c->value));
		high = _mm256_or_si256(high, differs4(word, c->mask + 4, c->value + 4));
	}
	return zeros4(low) | zeros4(high) << 4;
}
#endif

unsigned cls_linear_hits(const struct cls_linear *l, unsigned block, const uint64_t *key)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return hits_avx2(l, block, key);
#endif
	return cls_linear_hits_scalar(l, block, key);
}

struct cls_rule *cls_linear_lookup(const struct cls_linear *l, const uint64_t *key)
{
	for (unsigned block = 0; block < l->n_blocks; block++) {
		unsigned hits = cls_linear_hits(l, block, key);

		if (hits)
			return rcu_get(l->rules[block * CLS_BLOCK + (unsigned)__builtin_ctz(hits)]);
	}
	return NULL;
}
