#include "strmap.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

enum { STRMAP_BUCKETS_MIN = 16 };

void strmap_init(struct strmap *m)
{
	*m = (struct strmap){.n_buckets = STRMAP_BUCKETS_MIN, .seed = hash_seed()};
	m->buckets = must(calloc(m->n_buckets, sizeof(struct strmap_node *)));
}

void strmap_fini(struct strmap *m)
{
	for (size_t i = 0; i < m->n_buckets; i++) {
		struct strmap_node *next;

		for (struct strmap_node *node = m->buckets[i]; node; node = next) {
			next = node->next;
			free(node);
		}
	}
	free(m->buckets);
	*m = (struct strmap){0};
}

/* The place that points at the key's node, or at NULL where it would go. */
static struct strmap_node **find(const struct strmap *m, const char *key, uint64_t hash)
{
	struct strmap_node **at = &m->buckets[hash & (m->n_buckets - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key)))
		at = &(*at)->next;
	return at;
}

static uint64_t hash_key(const struct strmap *m, const char *key)
{
	return hash_bytes(m->seed, key, strlen(key));
}

static void grow(struct strmap *m)
{
	size_t n = m->n_buckets * 2;
	struct strmap_node **buckets = must(calloc(n, sizeof(struct strmap_node *)));

	for (size_t i = 0; i < m->n_buckets; i++) {
		struct strmap_node *next;

		for (struct strmap_node *node = m->buckets[i]; node; node = next) {
			next = node->next;
			node->next = buckets[node->hash & (n - 1)];
			buckets[node->hash & (n - 1)] = node;
		}
	}
	free(m->buckets);
	m->buckets = buckets;
	m->n_buckets = n;
}

void *strmap_get(const struct strmap *m, const char *key)
{
	struct strmap_node *node = *find(m, key, hash_key(m, key));

	return node ? node->value : NULL;
}

void *strmap_put(struct strmap *m, const char *key, void *value)
{
	uint64_t hash = hash_key(m, key);
	struct strmap_node **at = find(m, key, hash);

	if (*at) {
		void *old = (*at)->value;

		(*at)->value = value;
		return old;
	}
	size_t len = strlen(key) + 1;
	struct strmap_node *node = must(malloc(sizeof(*node) + len));
	*node = (struct strmap_node){.hash = hash, .value = value};
	memcpy(node->key, key, len);
	*at = node;
	if (++m->n > m->n_buckets)
		grow(m);
	return NULL;
}

void *strmap_del(struct strmap *m, const char *key)
{
	struct strmap_node **at = find(m, key, hash_key(m, key)), *node = *at;

	if (!node)
		return NULL;
	void *value = node->value;
	*at = node->next;
	free(node);
	m->n--;
	return value;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **strmap_keys(const struct strmap *m)
{
	const char **keys = must(malloc((m->n + 1) * sizeof(char *)));
	size_t n = 0;

	for (size_t i = 0; i < m->n_buckets; i++)
		for (const struct strmap_node *node = m->buckets[i]; node; node = node->next)
			keys[n++] = node->key;
	qsort(keys, n, sizeof(char *), compare);
	return keys;
}
