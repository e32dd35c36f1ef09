#include "flags_text.h"

#include <errno.h>

#include "names.h"

enum { FLAGS_MAX = 12 };

struct flag_names {
	const char *what;
	const char *name[FLAGS_MAX]; /* from the lowest bit on */
};

static const struct flag_names tcp = {"TCP flag",
	{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}};
static const struct flag_names tunnel = {"tunnel flag", {"oam"}};
/* OpenFlow 1.3.5, enum ofp_ipv6exthdr_flags */
static const struct flag_names exthdr = {"extension header",
	{"nonext", "esp", "auth", "dest", "frag", "router", "hop", "unrep", "unseq"}};

static const struct flag_names *names_of(const struct field *f)
{
	return f->form == FORM_TCP_FLAGS ? &tcp : f->form == FORM_EXTHDR ? &exthdr : &tunnel;
}

/* Its bit; 0 with 'why'. */
static uint64_t flag_lookup(const struct field *f, const char *text, size_t len, struct strbuf *why)
{
	const struct flag_names *flags = names_of(f);
	char word[16];

	for (unsigned i = 0; i < f->n_bits; i++)
		if (strlen(flags->name[i]) == len && !memcmp(flags->name[i], text, len))
			return (uint64_t)1 << i;
	if (len < sizeof(word)) {
		memcpy(word, text, len);
		word[len] = '\0';
		const char *nearest = names_nearest(flags->name, f->n_bits, word);
		if (nearest) {
			strbuf_printf(
				why, "no %s '%s', did you mean '%s'?", flags->what, word, nearest);
			return 0;
		}
	}
	strbuf_printf(why, "a %s is ", flags->what);
	for (unsigned i = 0; i < f->n_bits; i++)
		strbuf_printf(why, "%s%s", i ? ", " : "", flags->name[i]);
	return 0;
}

int flags_parse(const struct field *f, const char *text, size_t len, uint64_t *value,
	uint64_t *mask, struct strbuf *why)
{
	bool is_signed = len && (text[0] == '+' || text[0] == '-');
	const char *const ends = is_signed ? "+-" : "|";
	const size_t n_ends = strlen(ends);
	const char *const end = text + len;
	uint64_t on = 0, seen = 0;

	while (text < end || !seen) {
		char sign = '+';

		if (is_signed || seen)
			sign = *text++;
		size_t n = 0;
		while (text + n < end && !memchr(ends, text[n], n_ends))
			n++;
		uint64_t bit = flag_lookup(f, text, n, why);
		if (!bit)
			return -EINVAL;
		if (seen & bit) {
			strbuf_printf(why, "'%.*s' is given twice", (int)n, text);
			return -EINVAL;
		}
		seen |= bit;
		if (sign != '-')
			on |= bit;
		text += n;
	}
	*value = on;
	*mask = is_signed ? seen : field_value_to_u64(field_ones(f));
	return 0;
}

void flags_print(const struct field *f, uint64_t value, uint64_t mask, struct strbuf *out)
{
	const struct flag_names *flags = names_of(f);
	/* with one flag both are the same, and Open vSwitch prints the sign */
	bool exact = mask == field_value_to_u64(field_ones(f)) && f->n_bits > 1;
	bool first = true;

	if (exact && !value)
		strbuf_putc(out, '0');
	for (unsigned i = 0; i < f->n_bits; i++) {
		uint64_t bit = (uint64_t)1 << i;

		if (exact && value & bit) {
			strbuf_printf(out, "%s%s", first ? "" : "|", flags->name[i]);
			first = false;
		} else if (!exact && mask & bit) {
			strbuf_printf(out, "%c%s", value & bit ? '+' : '-', flags->name[i]);
		}
	}
}
