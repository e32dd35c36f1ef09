/* Reading and writing fields, and finding them by name or number.
 *
 * A container is loaded as one number of 128 bits, whatever its size.  Names are sorted
 * at the first look-up: there are up to four to a field, so a sorted list kept by hand
 * would be longer than the table. */
#include "field.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

static u128 load(const uint8_t *p, unsigned bytes)
{
	u128 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static void store(uint8_t *p, unsigned bytes, u128 v)
{
	for (unsigned i = bytes; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

/* 'n' is 1 to 128. */
static u128 low_bits(unsigned n)
{
	return ~(u128)0 >> (128 - n);
}

static struct field_value value_of(u128 v)
{
	struct field_value value = {{0}};

	store(value.b, sizeof(value.b), v);
	return value;
}

struct field_value field_get_bits(
	const struct field *f, const struct flow_key *k, unsigned ofs, unsigned n)
{
	const uint8_t *p = (const uint8_t *)k + f->ofs;

	assert(n > 0 && ofs + n <= f->n_bits);
	return value_of(load(p, f->container) >> (f->shift + ofs) & low_bits(n));
}

void field_set_bits(
	const struct field *f, struct flow_key *k, unsigned ofs, unsigned n, struct field_value v)
{
	uint8_t *p = (uint8_t *)k + f->ofs;
	unsigned shift = f->shift + ofs;

	assert(n > 0 && ofs + n <= f->n_bits);
	u128 mask = low_bits(n) << shift;
	u128 bits = load(v.b, sizeof(v.b)) << shift & mask;
	store(p, f->container, (load(p, f->container) & ~mask) | bits);
}

struct field_value field_get(const struct field *f, const struct flow_key *k)
{
	return field_get_bits(f, k, 0, f->n_bits);
}

void field_set(const struct field *f, struct flow_key *k, struct field_value v)
{
	field_set_bits(f, k, 0, f->n_bits, v);
}

struct field_value field_value_u64(uint64_t v)
{
	return value_of(v);
}

uint64_t field_value_to_u64(struct field_value v)
{
	return (uint64_t)load(v.b + 8, 8);
}

struct field_value field_ones(const struct field *f)
{
	return value_of(low_bits(f->n_bits));
}

bool field_value_equal(struct field_value a, struct field_value b)
{
	return !memcmp(a.b, b.b, sizeof(a.b));
}

struct field_value field_value_and(struct field_value a, struct field_value b)
{
	for (unsigned i = 0; i < sizeof(a.b); i++)
		a.b[i] &= b.b[i];
	return a;
}

/* By name and number. */

struct entry {
	const char *name;
	const struct field *field;
};

enum { CLASSES = 5, NUMBERS = 128 /* an OXM field number has 7 bits */ };

static struct entry entries[4 * FIELD_N];
static unsigned n_entries;
static const struct field *numbers[CLASSES][NUMBERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int class_index(uint16_t oxm_class)
{
	static const uint16_t classes[CLASSES] = {0, 1, OXM_BASIC, OXM_PACKET_REGS, OXM_ONF};

	for (int i = 0; i < CLASSES; i++)
		if (classes[i] == oxm_class)
			return i;
	return -1;
}

static int entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void index_init(void)
{
	for (const struct field *f = fields; f < fields + FIELD_N; f++) {
		const char *const names[] = {f->name, f->alias, f->oxm_name, f->nxm_name};

		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (names[i])
				entries[n_entries++] = (struct entry){names[i], f};
		if (f->oxm_name)
			numbers[class_index(f->oxm_class)][f->oxm_field] = f;
		if (f->nxm_name)
			numbers[class_index(f->nxm_class)][f->nxm_field] = f;
	}
	qsort(entries, n_entries, sizeof(entries[0]), entry_compare);
}

/* The name at 'name' is not terminated. */
static int name_compare(const char *name, size_t len, const char *entry)
{
	int order = strncmp(name, entry, len);

	return order ? order : -(int)(entry[len] != '\0');
}

const struct field *field_lookup(const char *name, size_t len)
{
	unsigned lo = 0, hi;

	if (memchr(name, '\0', len))
		return NULL;
	pthread_once(&once, index_init);
	hi = n_entries;
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		int order = name_compare(name, len, entries[mid].name);

		if (!order)
			return entries[mid].field;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct field *field_by_oxm(uint16_t oxm_class, uint8_t oxm_field)
{
	int index = class_index(oxm_class);

	pthread_once(&once, index_init);
	return index < 0 || oxm_field >= NUMBERS ? NULL : numbers[index][oxm_field];
}
