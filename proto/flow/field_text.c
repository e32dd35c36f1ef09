#include "field_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "flags_text.h"
#include "number.h"
#include "ofport.h"

enum { TEXT_MAX = 80 }; /* of a value without its mask; an IPv6 address has at most 45 */

/* A fragment's value and mask: bit 0 any fragment, bit 1 not the first (parse.h). */
static const struct {
	const char *name;
	uint8_t value, mask;
} frags[] = {
	{"no", PARSE_FRAG_NONE, 3},
	{"yes", 1, 1},
	{"first", PARSE_FRAG_FIRST, 3},
	{"later", PARSE_FRAG_LATER, 3},
	{"not_later", 0, 2},
};

enum { N_FRAGS = sizeof(frags) / sizeof(frags[0]) };

static bool value_fits(const struct field *f, struct field_value v)
{
	return field_value_equal(field_value_and(v, field_ones(f)), v);
}

static bool value_is_0(struct field_value v)
{
	return field_value_equal(v, field_value_u64(0));
}

static void print_hex(struct field_value v, struct strbuf *out)
{
	uint64_t high, low = field_value_to_u64(v);

	memcpy(&high, v.b, sizeof(high));
	high = be64toh(high);
	if (high)
		strbuf_printf(
			out, "0x%llx%016llx", (unsigned long long)high, (unsigned long long)low);
	else
		strbuf_printf(out, "%#llx", (unsigned long long)low);
}

/* ---- parsing ---- */

static int refuse_range(const struct field *f, struct strbuf *why)
{
	strbuf_puts(why, "must be 0 to ");
	if (f->form == FORM_DECIMAL)
		strbuf_printf(why, "%llu", (unsigned long long)field_value_to_u64(field_ones(f)));
	else
		print_hex(field_ones(f), why);
	return -EINVAL;
}

static int parse_number(
	const struct field *f, const char *text, struct field_value *v, struct strbuf *why)
{
	int err = number_parse_wide(text, strlen(text), v->b);

	if (err == -EINVAL) {
		strbuf_printf(why, "'%s' is no number (decimal, or hexadecimal with 0x)", text);
		return err;
	}
	return err || !value_fits(f, *v) ? refuse_range(f, why) : 0;
}

static int parse_address(
	const struct field *f, const char *text, struct field_value *v, struct strbuf *why)
{
	static const char *const kinds[FORM_N] = {[FORM_ETHERNET] = "an Ethernet address",
		[FORM_IPV4] = "an IPv4 address",
		[FORM_IPV6] = "an IPv6 address"};
	struct eth_addr mac = {{0}};
	bool ok;

	*v = field_value_u64(0);
	if (f->form == FORM_ETHERNET) {
		ok = !eth_addr_parse(text, &mac);
		memcpy(v->b + 10, mac.b, sizeof(mac.b));
	} else if (f->form == FORM_IPV4) {
		ok = inet_pton(AF_INET, text, v->b + 12) == 1;
	} else {
		ok = inet_pton(AF_INET6, text, v->b) == 1;
	}
	if (ok)
		return 0;
	strbuf_printf(why, "'%s' is not %s", text, kinds[f->form]);
	return -EINVAL;
}

static int parse_simple(
	const struct field *f, const char *text, struct field_value *v, struct strbuf *why)
{
	switch (f->form) {
	case FORM_ETHERNET:
	case FORM_IPV4:
	case FORM_IPV6:
		return parse_address(f, text, v, why);
	default:
		return parse_number(f, text, v, why);
	}
}

static struct field_value prefix_mask(const struct field *f, unsigned len)
{
	struct field_value v = field_value_u64(0);
	unsigned first = 8 * FIELD_BYTES_MAX - f->n_bits;

	for (unsigned i = first; i < first + len; i++)
		v.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return v;
}

static int parse_mask(
	const struct field *f, const char *text, struct field_value *mask, struct strbuf *why)
{
	bool is_ip = f->form == FORM_IPV4 || f->form == FORM_IPV6;
	uint64_t len;
	int err;

	if (is_ip && text[strspn(text, "0123456789")] == '\0' && *text) {
		if (number_parse(text, strlen(text), &len) || len > f->n_bits) {
			strbuf_printf(why, "a prefix has 0 to %u bits", f->n_bits);
			return -EINVAL;
		}
		*mask = prefix_mask(f, (unsigned)len);
		return 0;
	}
	err = parse_simple(f, text, mask, why);
	if (err)
		return err;
	if (!f->maskable && !value_is_0(*mask) && !field_value_equal(*mask, field_ones(f))) {
		strbuf_puts(why, "takes no mask");
		return -EINVAL;
	}
	return 0;
}

static int parse_frag(
	const char *text, struct field_value *value, struct field_value *mask, struct strbuf *why)
{
	for (unsigned i = 0; i < N_FRAGS; i++)
		if (!strcasecmp(text, frags[i].name)) {
			*value = field_value_u64(frags[i].value);
			*mask = field_value_u64(frags[i].mask);
			return 0;
		}
	strbuf_printf(why, "'%s' is none of no, yes, first, later, not_later", text);
	return -EINVAL;
}

static int parse_port(const char *text, struct field_value *value, struct strbuf *why)
{
	uint32_t number;
	int err = ofport_parse(text, strlen(text), &number, why);

	if (!err)
		*value = field_value_u64(number);
	return err;
}

/* By name; numbers of flags are as other numbers. */
static int parse_flags(const struct field *f, const char *text, struct field_value *value,
	struct field_value *mask, struct strbuf *why)
{
	uint64_t on = 0, seen = 0;
	int err = flags_parse(f, text, strlen(text), &on, &seen, why);

	*value = field_value_u64(on);
	*mask = field_value_u64(seen);
	return err;
}

static bool has_names(const struct field *f)
{
	return f->form == FORM_TCP_FLAGS || f->form == FORM_TUN_FLAGS || f->form == FORM_EXTHDR;
}

/* 'text' is a copy that may be cut. */
static int parse_text(const struct field *f, char *text, struct field_value *value,
	struct field_value *mask, struct strbuf *why)
{
	char *slash;
	int err;

	*mask = field_ones(f);
	if (f->form == FORM_FRAG)
		return parse_frag(text, value, mask, why);
	if (has_names(f) && !isdigit((unsigned char)*text))
		return parse_flags(f, text, value, mask, why);
	slash = strchr(text, '/');
	if (f->form == FORM_PORT) {
		if (!slash)
			return parse_port(text, value, why);
		strbuf_puts(why, "takes no mask");
		return -EINVAL;
	}
	if (slash)
		*slash = '\0';
	err = parse_simple(f, text, value, why);
	if (!err && slash)
		err = parse_mask(f, slash + 1, mask, why);
	return err;
}

int field_parse(const struct field *f, const char *text, size_t len, struct field_value *value,
	struct field_value *mask, struct strbuf *why)
{
	char copy[2 * TEXT_MAX];
	int err;

	if (len >= sizeof(copy) || memchr(text, '\0', len)) {
		strbuf_puts(why, "is no value");
		return -EINVAL;
	}
	if (!len) {
		strbuf_puts(why, "needs a value");
		return -EINVAL;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	err = parse_text(f, copy, value, mask, why);
	if (!err)
		*value = field_value_and(*value, *mask);
	return err;
}

/* ---- printing ---- */

/* Of a mask that is a prefix; -1. */
static int prefix_len(const struct field *f, struct field_value mask)
{
	unsigned first = 8 * FIELD_BYTES_MAX - f->n_bits, len = 0;

	while (len < f->n_bits && mask.b[(first + len) / 8] & 0x80 >> (first + len) % 8)
		len++;
	return field_value_equal(mask, prefix_mask(f, len)) ? (int)len : -1;
}

static void print_ip(const struct field *f, struct field_value v, struct strbuf *out)
{
	bool is_4 = f->form == FORM_IPV4;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(is_4 ? AF_INET : AF_INET6, v.b + (is_4 ? 12 : 0), text, sizeof(text));
	strbuf_puts(out, text);
}

static void print_frag(uint64_t value, uint64_t mask, struct strbuf *out)
{
	for (unsigned i = 0; i < N_FRAGS; i++)
		if (frags[i].value == value && frags[i].mask == mask) {
			strbuf_puts(out, frags[i].name);
			return;
		}
	strbuf_printf(out, "%#llx/%#llx", (unsigned long long)value, (unsigned long long)mask);
}

static void print_simple(
	const struct field *f, struct field_value v, bool masked, struct strbuf *out)
{
	unsigned long long n = field_value_to_u64(v);

	switch (f->form) {
	case FORM_ETHERNET:
		strbuf_printf(out, ETH_ADDR_FMT, ETH_ADDR_ARGS(eth_addr_load(v.b + 10)));
		break;
	case FORM_IPV4:
	case FORM_IPV6:
		print_ip(f, v, out);
		break;
	case FORM_HEX:
		print_hex(v, out);
		break;
	case FORM_HEX_FIXED:
		strbuf_printf(out, "0x%0*llx", (f->n_bits + 3) / 4, n);
		break;
	case FORM_PORT:
		ofport_print((uint32_t)n, out);
		break;
	default:
		strbuf_printf(out, masked ? "0x%llx" : "%llu", n);
	}
}

void field_print(const struct field *f, struct field_value value, struct field_value mask,
	struct strbuf *out)
{
	bool masked = !field_value_equal(mask, field_ones(f));
	int len;

	if (f->form == FORM_FRAG)
		return print_frag(field_value_to_u64(value), field_value_to_u64(mask), out);
	if (has_names(f))
		return flags_print(f, field_value_to_u64(value), field_value_to_u64(mask), out);
	print_simple(f, value, masked, out);
	if (!masked)
		return;
	strbuf_putc(out, '/');
	len = f->form == FORM_IPV4 || f->form == FORM_IPV6 ? prefix_len(f, mask) : -1;
	if (len >= 0)
		strbuf_printf(out, "%d", len);
	else
		print_simple(f, mask, masked, out);
}
