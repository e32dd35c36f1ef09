/* Matches against a twin that keeps each bit by itself: '0', '1', or 'x' for either.  Where
 * a field's bits lie, the twin works out from the table of fields.  And random matches,
 * printed and read again, whole and with their words shuffled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "match.h"
#include "rng.h"

enum { BITS = FLOW_WORDS * 64, ROUNDS = 20000, FIELDS_MAX = 8, WORDS_MAX = 64 };

struct twin {
	char bit[BITS];
};

static void twin_init(struct twin *t)
{
	memset(t->bit, 'x', sizeof(t->bit));
}

/* Bit 'i' of a field, 0 the lowest. */
static char *twin_bit(struct twin *t, const struct field *f, unsigned i)
{
	unsigned at = f->shift + i;

	return &t->bit[8 * (f->ofs + f->container - 1u - at / 8) + at % 8];
}

static bool value_bit(struct field_value v, unsigned i)
{
	return v.b[FIELD_BYTES_MAX - 1 - i / 8] >> i % 8 & 1;
}

/* Asks for one bit; false where the other value is asked for. */
static bool twin_ask(char *bit, char value)
{
	if (*bit != 'x' && *bit != value)
		return false;
	*bit = value;
	return true;
}

static bool twin_implied(struct twin *t, enum field_id id)
{
	bool ok = true;

	if (id == FIELD_VLAN_PCP)
		ok = twin_ask(twin_bit(t, &fields[FIELD_VLAN_TCI], 12), '1');
	for (unsigned i = 0; i < 8; i++) {
		char *kind = &t->bit[8 * offsetof(struct flow_key, tun_ipv6) + i];

		if (id == FIELD_TUN_SRC || id == FIELD_TUN_DST)
			ok = ok && twin_ask(kind, '0');
		if (id == FIELD_TUN_IPV6_SRC || id == FIELD_TUN_IPV6_DST)
			ok = ok && twin_ask(kind, i ? '0' : '1');
	}
	return ok;
}

/* No tag: no other bit, and the same form whatever asked for it. */
static int twin_settle_vlan(struct twin *t)
{
	const struct field *tci = &fields[FIELD_VLAN_TCI];

	if (*twin_bit(t, tci, 12) != '0')
		return 0;
	for (unsigned i = 0; i < 16; i++) {
		if (*twin_bit(t, tci, i) == '1')
			return -ERANGE;
		*twin_bit(t, tci, i) = i <= 12 ? '0' : 'x';
	}
	return 0;
}

static int twin_settle_frag(struct twin *t)
{
	char *any = twin_bit(t, &fields[FIELD_IP_FRAG], 0);
	char *later = twin_bit(t, &fields[FIELD_IP_FRAG], 1);

	if (*any == '0' && *later == '1')
		return -ERANGE;
	if (*any == '0')
		*later = '0';
	if (*later == '1')
		*any = '1';
	return 0;
}

static bool twin_asks_any(struct twin *t, enum field_id id)
{
	for (unsigned i = 0; i < fields[id].n_bits; i++)
		if (*twin_bit(t, &fields[id], i) != 'x')
			return true;
	return false;
}

static bool twin_impossible_port(struct twin *t, enum field_id id)
{
	uint32_t port = 0;

	if (id != FIELD_IN_PORT && id != FIELD_IN_PHY_PORT)
		return false;
	for (unsigned i = 0; i < 32; i++)
		port |= (uint32_t)(*twin_bit(t, &fields[id], i) == '1') << i;
	return port > 0xfeff && port < 0xfffffff7;
}

static int twin_set(
	struct twin *t, const struct field *f, struct field_value value, struct field_value mask)
{
	struct twin new = *t;
	unsigned n = 0;
	int err;

	for (unsigned i = 0; i < f->n_bits; i++)
		n += value_bit(mask, i);
	if (!n)
		return 0;
	if (n < f->n_bits && !f->maskable)
		return -EINVAL;
	for (unsigned i = 0; i < f->n_bits; i++)
		if (value_bit(mask, i) &&
			!twin_ask(twin_bit(&new, f, i), value_bit(value, i) ? '1' : '0'))
			return -EEXIST;
	if (!twin_implied(&new, field_id(f)))
		return -EEXIST;
	err = twin_settle_vlan(&new);
	if (!err)
		err = twin_settle_frag(&new);
	if (err)
		return err;
	if (*twin_bit(&new, &fields[FIELD_IP_FRAG], 1) == '1' &&
		(twin_asks_any(&new, FIELD_TCP_SRC) || twin_asks_any(&new, FIELD_TCP_DST) ||
			twin_asks_any(&new, FIELD_TCP_FLAGS)))
		return -ERANGE;
	if (twin_impossible_port(&new, field_id(f)))
		return -ERANGE;
	*t = new;
	return 0;
}

static bool twin_covers(const struct twin *a, const struct twin *b)
{
	for (unsigned i = 0; i < BITS; i++)
		if (a->bit[i] != 'x' && a->bit[i] != b->bit[i])
			return false;
	return true;
}

static bool twin_overlaps(const struct twin *a, const struct twin *b)
{
	for (unsigned i = 0; i < BITS; i++)
		if (a->bit[i] != 'x' && b->bit[i] != 'x' && a->bit[i] != b->bit[i])
			return false;
	return true;
}

static bool key_bit(const struct flow_key *k, unsigned i)
{
	return ((const uint8_t *)k)[i / 8] >> i % 8 & 1;
}

static bool twin_hits(const struct twin *t, const struct flow_key *k)
{
	for (unsigned i = 0; i < BITS; i++)
		if (t->bit[i] != 'x' && t->bit[i] != (key_bit(k, i) ? '1' : '0'))
			return false;
	return true;
}

static void check_same(const struct match *m, const struct twin *t)
{
	for (unsigned i = 0; i < BITS; i++) {
		char bit = !key_bit(&m->mask, i) ? 'x' : key_bit(&m->key, i) ? '1' : '0';

		if (bit != t->bit[i])
			fail_msg("bit %u of byte %u is %c instead of %c", i % 8, i / 8, bit,
				t->bit[i]);
		if (key_bit(&m->key, i) && !key_bit(&m->mask, i))
			fail_msg("bit %u of byte %u is outside the mask", i % 8, i / 8);
	}
}

/* ---- random ones ---- */

static struct field_value random_value(struct rng *r)
{
	static const uint64_t often[] = {0, 1, 3, 6, 17, 58, 132, 135, 136, 0x800, 0x806, 0x86dd,
		0x8847, 0x88e7, 0x1000, 0x1005, 0xffffffff, 0xfffffffe};
	struct field_value v;

	if (rng_below(r, 2))
		return field_value_u64(often[rng_below(r, sizeof(often) / sizeof(often[0]))]);
	rng_fill(r, v.b, sizeof(v.b));
	return v;
}

static struct field_value random_mask(struct rng *r, const struct field *f)
{
	struct field_value v = field_ones(f);
	unsigned cut = rng_below(r, f->n_bits);

	switch (rng_below(r, 6)) {
	case 0: /* any bits */
		rng_fill(r, v.b, sizeof(v.b));
		break;
	case 1: /* a prefix */
		for (unsigned i = 0; i < cut; i++)
			v.b[FIELD_BYTES_MAX - 1 - i / 8] &= (uint8_t) ~(1u << i % 8);
		break;
	case 2: /* one bit */
		v = field_value_u64(0);
		v.b[FIELD_BYTES_MAX - 1 - cut / 8] = (uint8_t)(1u << cut % 8);
		break;
	case 3:
		if (!rng_below(r, 4))
			v = field_value_u64(0);
	}
	return v;
}

static void set_random(struct rng *r, struct match *m, struct twin *t)
{
	const struct field *f = &fields[rng_below(r, FIELD_N)];
	struct field_value value = random_value(r), mask = random_mask(r, f);
	int err = match_set(m, f, value, mask), twin_err = twin_set(t, f, value, mask);

	if (err != twin_err)
		fail_msg("%s: %d instead of %d", f->name, err, twin_err);
	check_same(m, t);
}

static void random_match(struct rng *r, struct match *m, struct twin *t)
{
	match_init(m);
	twin_init(t);
	for (unsigned n = rng_below(r, FIELDS_MAX); n > 0; n--)
		set_random(r, m, t);
}

/* Of the packets that 'm' matches; some bits, perhaps, of others. */
static struct flow_key random_key(struct rng *r, const struct match *m)
{
	struct flow_key k;

	rng_fill(r, &k, sizeof(k));
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		flow_words(&k)[i] = (flow_words(&k)[i] & ~flow_words_const(&m->mask)[i]) |
				    flow_words_const(&m->key)[i];
	if (rng_below(r, 2)) {
		unsigned i = rng_below(r, BITS);

		((uint8_t *)&k)[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	return k;
}

static void matches_compare_as_their_twins(void **state)
{
	struct rng r = rng_init("matches_compare_as_their_twins");
	unsigned covered = 0, overlapped = 0, hit = 0, missed = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct match a, b;
		struct twin ta, tb;

		random_match(&r, &a, &ta);
		if (rng_below(&r, 2)) {
			b = a;
			tb = ta;
			set_random(&r, &b, &tb);
		} else {
			random_match(&r, &b, &tb);
		}
		struct flow_key k = random_key(&r, &a);
		assert_int_equal(match_covers(&a, &b), twin_covers(&ta, &tb));
		assert_int_equal(match_covers(&b, &a), twin_covers(&tb, &ta));
		assert_int_equal(match_overlaps(&a, &b), twin_overlaps(&ta, &tb));
		assert_int_equal(match_equal(&a, &b), !memcmp(&ta, &tb, sizeof(ta)));
		assert_int_equal(match_hits(&a, &k), twin_hits(&ta, &k));
		assert_int_equal(match_hits(&b, &k), twin_hits(&tb, &k));
		covered += match_covers(&a, &b) && !match_equal(&a, &b);
		overlapped += match_overlaps(&a, &b);
		hit += match_hits(&a, &k);
		missed += !match_hits(&a, &k);
	}
	/* each answer was met, and often */
	assert_true(covered > ROUNDS / 20 && overlapped > ROUNDS / 20);
	assert_true(overlapped < ROUNDS - ROUNDS / 20);
	assert_true(hit > ROUNDS / 20 && missed > ROUNDS / 100);
}

/* ---- text ---- */

static void set_exact(struct match *m, enum field_id id, uint64_t value)
{
	(void)match_set(m, &fields[id], field_value_u64(value), field_ones(&fields[id]));
}

/* Fields whose prerequisites are met, and often enough those that others need. */
static void random_valid_match(struct rng *r, struct match *m, unsigned *asked)
{
	static const uint16_t types[] = {
		0x0800, 0x86dd, 0x0800, 0x86dd, 0x0806, 0x8035, 0x8847, 0x8848, 0x88e7, 0x1234, 0};
	static const uint8_t protos[] = {6, 17, 132, 1, 58, 2};

	match_init(m);
	if (rng_below(r, 8))
		set_exact(m, FIELD_ETH_TYPE, types[rng_below(r, sizeof(types) / sizeof(types[0]))]);
	if (rng_below(r, 8) && match_prereq_met(m, &fields[FIELD_IP_PROTO], NULL))
		set_exact(m, FIELD_IP_PROTO, protos[rng_below(r, sizeof(protos))]);
	if (rng_below(r, 2) && match_prereq_met(m, &fields[FIELD_ICMPV6_TYPE], NULL))
		set_exact(m, FIELD_ICMPV6_TYPE, 135 + rng_below(r, 2));
	for (unsigned n = rng_below(r, 24); n > 0; n--) {
		const struct field *f;

		do
			f = &fields[rng_below(r, FIELD_N)];
		while (!match_prereq_met(m, f, NULL));
		if (!match_set(m, f, random_value(r), random_mask(r, f)))
			asked[field_id(f)]++;
	}
}

/* The words of 'text' in another order, and with other blanks between them. */
static void shuffle(struct rng *r, const char *text, struct strbuf *out)
{
	static const char *const blanks[] = {",", " ", ", ", ",,"};
	char copy[4096];
	char *words[WORDS_MAX], *save = NULL;
	unsigned n = 0;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		assert_true(n < WORDS_MAX);
		words[n++] = w;
	}
	strbuf_reset(out);
	for (; n > 0; n--) {
		unsigned i = rng_below(r, n);

		strbuf_printf(out, "%s%s", words[i], blanks[rng_below(r, 4)]);
		words[i] = words[n - 1];
	}
}

static void what_is_printed_is_read_as_the_same(void **state)
{
	struct rng r = rng_init("what_is_printed_is_read_as_the_same");
	struct strbuf text = STRBUF_INIT, mixed = STRBUF_INIT, why = STRBUF_INIT;
	unsigned asked[FIELD_N] = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct match m, again;

		random_valid_match(&r, &m, asked);
		strbuf_reset(&text);
		match_print(&m, &text);
		if (match_parse(&again, strbuf_str(&text), &why))
			fail_msg("%s: %s", strbuf_str(&text), strbuf_str(&why));
		if (!match_equal(&m, &again))
			fail_msg("read as another match: %s", strbuf_str(&text));
		shuffle(&r, strbuf_str(&text), &mixed);
		if (match_parse(&again, strbuf_str(&mixed), &why))
			fail_msg("%s: %s", strbuf_str(&mixed), strbuf_str(&why));
		if (!match_equal(&m, &again))
			fail_msg("read as another match: %s", strbuf_str(&mixed));
	}
	for (unsigned i = 0; i < FIELD_N; i++)
		if (!asked[i])
			fail_msg("%s was never asked for", fields[i].name);
	strbuf_fini(&text);
	strbuf_fini(&mixed);
	strbuf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_compare_as_their_twins),
		cmocka_unit_test(what_is_printed_is_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
