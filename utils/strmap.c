#include "strmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

enum { STRMAP_BUCKETS_MIN = 16 };

int strmap_init(struct strmap *m)
{
	*m = (struct strmap){.seed = hash_seed()};
	m->buckets = calloc(STRMAP_BUCKETS_MIN, sizeof(struct strmap_node *));
	if (!m->buckets)
		return -ENOMEM;
	m->n_buckets = STRMAP_BUCKETS_MIN;
	return 0;
}

static void keep(void *value)
{
	(void)value;
}

void strmap_fini(struct strmap *m)
{
	strmap_fini_values(m, keep);
}

void strmap_fini_values(struct strmap *m, void (*value_free)(void *value))
{
	for (size_t i = 0; i < m->n_buckets; i++) {
		struct strmap_node *next;

		for (struct strmap_node *node = m->buckets[i]; node; node = next) {
			next = node->next;
			value_free(node->value);
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

/* Where there is no memory for it, the map works on, slower. */
static void grow(struct strmap *m)
{
	size_t n = m->n_buckets * 2;
	struct strmap_node **buckets = calloc(n, sizeof(struct strmap_node *));

	if (!buckets)
		return;
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

static int put(struct strmap *m, const char *key, void *value, void **old)
{
	uint64_t hash = hash_key(m, key);
	struct strmap_node **at = find(m, key, hash);

	*old = NULL;
	if (*at) {
		*old = (*at)->value;
		(*at)->value = value;
		return 0;
	}
	size_t len = strlen(key) + 1;
	struct strmap_node *node = malloc(sizeof(*node) + len);
	if (!node)
		return -ENOMEM;
	*node = (struct strmap_node){.hash = hash, .value = value};
	memcpy(node->key, key, len);
	*at = node;
	if (++m->n > m->n_buckets)
		grow(m);
	return 0;
}

int strmap_try_put(struct strmap *m, const char *key, void *value)
{
	void *old;

	return put(m, key, value, &old);
}

void *strmap_put(struct strmap *m, const char *key, void *value)
{
	void *old;

	must_do(put(m, key, value, &old));
	return old;
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
