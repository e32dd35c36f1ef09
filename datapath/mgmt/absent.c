#include "absent.h"

#include <ctype.h>
#include <string.h>

#include "must.h"
#include "names.h"

/* Beyond this many a guess takes too long, and is a poor one. */
enum { NAMES_MAX = 4096 };

/* Is one just another number of the other's kind?  Whoever asks for vm7 does not mean vm1. */
static bool differ_in_digits(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (isdigit((unsigned char)*a))
			a++;
		while (isdigit((unsigned char)*b))
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static bool same_digits(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	for (;; a++, b++) {
		a += strcspn(a, digits);
		b += strcspn(b, digits);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static const char *nearest(const char **names, size_t n, const char *name)
{
	const char **with_digits = must(malloc((n + 1) * sizeof(*with_digits))), *near;
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (same_digits(names[i], name))
			with_digits[m++] = names[i];
	near = names_nearest(with_digits, (unsigned)m, name);
	free(with_digits);
	return near ? near : names_nearest(names, (unsigned)n, name);
}

/* Put the names of a kind behind the 'n' that are there; how many there are now. */
static size_t add_names(
	const struct config *c, enum config_kind kind, const char *name, const char **all, size_t n)
{
	const char **names = config_names(c, kind);

	for (size_t i = 0; i < config_count(c, kind); i++)
		if (!differ_in_digits(names[i], name))
			all[n++] = names[i];
	free(names);
	return n;
}

static const char *guess(const struct config *c, enum config_kind kind, const char *name)
{
	size_t max = config_count(c, CONFIG_PORT) + config_count(c, CONFIG_BRIDGE), n;
	const char **all, *near;

	if (max > NAMES_MAX)
		return NULL;
	all = must(malloc((max + 1) * sizeof(*all)));
	n = add_names(c, CONFIG_BRIDGE, name, all, 0);
	if (kind == CONFIG_PORT)
		n = add_names(c, CONFIG_PORT, name, all, n);
	near = nearest(all, n, name);
	free(all);
	return near;
}

int refuse_absent(
	const struct config *c, enum config_kind kind, const char *name, struct refusal *r)
{
	const char *near = guess(c, kind, name);

	if (near)
		return refuse(r, REFUSED_ABSENT, name, "no %s is named %.80s (did you mean '%s'?)",
			config_kind_name(kind), name, near);
	return refuse(
		r, REFUSED_ABSENT, name, "no %s is named %.80s", config_kind_name(kind), name);
}
