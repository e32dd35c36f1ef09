#include "subfield.h"

#include <errno.h>

#include "number.h"

enum { VID_BITS = 12, NXM_PORT_BITS = 16, SHOWN = 80 };

bool subfield_equal(struct subfield a, struct subfield b)
{
	return a.field == b.field && a.ofs == b.ofs && a.n == b.n;
}

struct subfield subfield_whole(const struct field *f)
{
	unsigned n = field_id(f) == FIELD_VLAN_VID ? VID_BITS : f->n_bits;

	return (struct subfield){.field = (uint8_t)field_id(f), .n = (uint8_t)n};
}

static int refuse(const char *text, size_t len, const char *sentence, struct strbuf *why)
{
	strbuf_printf(why, "'%.*s' %s", len < SHOWN ? (int)len : SHOWN, text, sentence);
	return -EINVAL;
}

static bool is_nxm_in_port(const char *name, size_t len)
{
	static const char *const names[] = {"in_port", "NXM_OF_IN_PORT"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && !memcmp(name, names[i], len))
			return true;
	return false;
}

/* What stands between the brackets: nothing, BIT or FIRST..LAST. */
static int parse_bits(const char *text, const char *end, unsigned width, struct subfield *sf)
{
	const char *dots;
	uint64_t first, last;

	if (text == end) {
		sf->n = (uint8_t)width;
		return 0;
	}
	dots = memmem(text, (size_t)(end - text), "..", 2);
	if (number_parse(text, (size_t)((dots ? dots : end) - text), &first))
		return -EINVAL;
	last = first;
	if (dots && number_parse(dots + 2, (size_t)(end - dots - 2), &last))
		return -EINVAL;
	if (first > last || last >= width)
		return -ERANGE;
	sf->ofs = (uint8_t)first;
	sf->n = (uint8_t)(last - first + 1);
	return 0;
}

int subfield_parse(const char *text, size_t len, struct subfield *sf, struct strbuf *why)
{
	const char *open = memchr(text, '[', len), *end = text + len;
	size_t name_len = open ? (size_t)(open - text) : len;
	const struct field *f = field_lookup(text, name_len);
	unsigned width;
	int err;

	if (!f)
		return refuse(text, name_len, "is no field", why);
	*sf = subfield_whole(f);
	width = is_nxm_in_port(text, name_len) ? NXM_PORT_BITS : sf->n;
	sf->n = (uint8_t)width;
	if (!open)
		return 0;
	if (end[-1] != ']')
		return refuse(text, len, "must end in [], [BIT] or [FIRST..LAST]", why);
	err = parse_bits(open + 1, end - 1, width, sf);
	if (err == -ERANGE) {
		refuse(text, len, "", why);
		strbuf_printf(why, "must be of bits 0 to %u, the lower one first", width - 1);
		return -EINVAL;
	}
	return err ? refuse(text, len, "must end in [], [BIT] or [FIRST..LAST]", why) : 0;
}

void subfield_print(struct subfield sf, struct strbuf *out)
{
	const struct field *f = &fields[sf.field];
	bool oxm_port = sf.field == FIELD_IN_PORT && sf.ofs + sf.n > NXM_PORT_BITS;
	unsigned width = subfield_whole(f).n;
	const char *name = f->nxm_name;

	if (sf.field == FIELD_IN_PORT && !oxm_port)
		width = NXM_PORT_BITS;
	if (!name || oxm_port)
		name = f->oxm_name ? f->oxm_name : f->name;
	strbuf_puts(out, name);
	if (sf.n == width)
		strbuf_puts(out, "[]");
	else if (sf.n == 1)
		strbuf_printf(out, "[%u]", sf.ofs);
	else
		strbuf_printf(out, "[%u..%u]", sf.ofs, sf.ofs + sf.n - 1);
}
