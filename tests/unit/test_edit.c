/* Edits of random frames.  What is expected follows from the parser and from sums computed
 * anew: the key of the edited packet is the old one with the field changed, checksums are as
 * right or as wrong as before, and setting the old value again gives the old bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crc32c.h"
#include "edit.h"
#include "frame.h"
#include "offload.h"

static struct arena arena;
static struct frame frame; /* too large for the stack */

static int group_setup(void **state)
{
	return arena_init(&arena);
}

static int group_teardown(void **state)
{
	arena_fini(&arena); /* asserts that nothing leaked */
	return 0;
}

/* ---- frames ---- */

enum { SAMPLE_MAX = 400 };

struct sample {
	size_t l3, l4, len;
	bool ipv6;
	uint8_t proto;
	uint8_t b[SAMPLE_MAX];
};

static size_t sample_csum_ofs(const struct sample *s)
{
	return s->l4 + (s->proto == IP_PROTO_TCP	   ? TCP_CSUM_OFS
			       : s->proto == IP_PROTO_UDP  ? UDP_CSUM_OFS
			       : s->proto == IP_PROTO_SCTP ? SCTP_CSUM_OFS
							   : 2);
}

static uint32_t sample_pseudo(const struct sample *s, const uint8_t *b)
{
	const uint8_t *addr = b + s->l3 + (s->ipv6 ? 8 : 12);
	uint32_t sum = (uint32_t)(s->len - s->l4) + s->proto;

	if (s->proto == IP_PROTO_ICMP)
		return 0;
	for (size_t i = 0; i < (s->ipv6 ? 32 : 8); i += 2)
		sum += wire_u16(addr + i);
	return sum;
}

static uint32_t sample_crc(const struct sample *s, const uint8_t *b)
{
	uint8_t copy[SAMPLE_MAX];

	memcpy(copy, b, s->len);
	memset(copy + s->l4 + SCTP_CSUM_OFS, 0, 4);
	return htole32(crc32c_finish(crc32c_add(CRC32C_INIT, copy + s->l4, s->len - s->l4)));
}

/* How wrong the L4 checksum is; 0: right. */
static uint16_t residue(const struct sample *s, const uint8_t *b)
{
	if (s->proto == IP_PROTO_SCTP) {
		uint32_t crc = sample_crc(s, b);

		return memcmp(&crc, b + sample_csum_ofs(s), 4) != 0;
	}
	return naive_csum(sample_pseudo(s, b), b + s->l4, s->len - s->l4);
}

static uint16_t ipv4_residue(const struct sample *s, const uint8_t *b)
{
	return s->ipv6 ? 0 : naive_csum(0, b + s->l3, s->l4 - s->l3);
}

static void sample_finish(struct sample *s)
{
	uint8_t *csum = s->b + sample_csum_ofs(s);

	if (!s->ipv6) {
		wire_put_u16(s->b + s->l3 + 10, 0);
		wire_put_u16(s->b + s->l3 + 10, naive_csum(0, s->b + s->l3, s->l4 - s->l3));
	}
	if (s->proto == IP_PROTO_SCTP) {
		uint32_t crc = sample_crc(s, s->b);

		memcpy(csum, &crc, 4);
		return;
	}
	wire_put_u16(csum, 0);
	uint16_t v = residue(s, s->b);
	wire_put_u16(csum, v || s->proto != IP_PROTO_UDP ? v : 0xffff);
}

/* L4 headers that parse() reads whole; the rest is random. */
static void sample_l4(struct sample *s, struct rng *r)
{
	uint8_t *l4 = s->b + s->l4;

	if (s->proto == IP_PROTO_TCP)
		l4[12] = (uint8_t)(0x50 | (l4[12] & 15));
	if (s->proto == IP_PROTO_UDP)
		wire_put_u16(l4 + 4, (uint16_t)(s->len - s->l4));
	if (s->proto != IP_PROTO_ICMPV6)
		return;
	l4[0] = (uint8_t)(ICMPV6_ND_SOLICIT + rng_below(r, 2));
	l4[1] = 0;
	l4[24] = l4[0] == ICMPV6_ND_SOLICIT ? 1 : 2;
	l4[25] = 1;
	s->len = s->l4 + 32;
}

static void sample_build(struct sample *s, struct rng *r)
{
	static const uint8_t protos[] = {
		IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_ICMP, IP_PROTO_ICMPV6};
	unsigned n_tags = rng_below(r, 3);
	uint8_t *p = s->b + 12;

	s->proto = protos[rng_below(r, 5)];
	s->ipv6 = s->proto == IP_PROTO_ICMPV6 || (s->proto != IP_PROTO_ICMP && rng_below(r, 2));
	rng_fill(r, s->b, sizeof(s->b));
	s->b[0] &= 0xfe;
	for (unsigned i = 0; i < n_tags; i++, p += ETH_VLAN_LEN)
		wire_put_u16(p, rng_below(r, 2) ? ETHERTYPE_CTAG : ETHERTYPE_STAG);
	wire_put_u16(p, s->ipv6 ? ETHERTYPE_IPV6_ : ETHERTYPE_IPV4);
	s->l3 = (size_t)(p + 2 - s->b);
	s->l4 = s->l3 + (s->ipv6 ? (size_t)IPV6_HEADER_LEN : (size_t)IPV4_HEADER_MIN);
	s->len = s->l4 + 24 + rng_below(r, 200);
	sample_l4(s, r);
	p = s->b + s->l3;
	p[0] = (uint8_t)(s->ipv6 ? 0x60 | (p[0] & 15) : 0x45);
	p[s->ipv6 ? 6 : 9] = s->proto;
	if (s->ipv6) {
		wire_put_u16(p + 4, (uint16_t)(s->len - s->l4));
	} else {
		wire_put_u16(p + 2, (uint16_t)(s->len - s->l3));
		wire_put_u16(p + 6, IPV4_DF);
	}
	sample_finish(s);
}

/* ---- a packet that is edited ---- */

struct bench {
	struct frame_tail tail;
	struct parsed h;
	struct edit e;
	uint8_t out[PACKET_LEN_MAX];
};

static struct bench bench;

static void begin(const uint8_t *b, size_t len, struct rng *r)
{
	struct packet *p = frame_packet(&arena, b, len, PACKET_HEAD_FIRST, &bench.tail, r);

	assert_non_null(p);
	parse(p->data, p->head_len, p->len, &bench.h);
	edit_init(&bench.e, p, &bench.h);
}

static const uint8_t *bytes(void)
{
	assert_true(packet_read(bench.e.p, 0, bench.e.p->len, bench.out));
	return bench.out;
}

static void end(void)
{
	arena_free(&arena, bench.e.p);
	frame_tail_free(&bench.tail);
}

static struct flow_key key_now(void)
{
	struct flow_key k = {0};
	struct parsed h;

	parse(bench.e.p->data, bench.e.p->head_len, bench.e.p->len, &h);
	flow_key_headers(&k, &h);
	return k;
}

static struct field_value random_value(const struct field *f, struct rng *r)
{
	struct field_value v;

	rng_fill(r, v.b, sizeof(v.b));
	return field_value_and(v, field_ones(f));
}

/* Says what follows. */
static bool is_structure(enum field_id id)
{
	return id == FIELD_ETH_TYPE || id == FIELD_IP_PROTO || id == FIELD_ICMPV6_TYPE ||
	       id == FIELD_ICMPV6_CODE || id == FIELD_MPLS_BOS;
}

/* Set a random field to a random value under a random mask, in the packet and in 'k'. */
static bool set_something(struct rng *r, struct flow_key *k, const struct field **out)
{
	const struct field *f = &fields[FIELD_ETH_DST + rng_below(r, FIELD_N - FIELD_ETH_DST)];
	struct field_value v = random_value(f, r);
	struct field_value m = rng_below(r, 2) ? field_ones(f) : random_value(f, r);

	*out = f;
	if (!f->settable || is_structure(field_id(f)) || f == &fields[FIELD_VLAN_TCI])
		return false;
	if (f == &fields[FIELD_VLAN_VID]) /* the present bit stays */
		m = field_value_and(m, field_value_u64(0xfff));
	if (!edit_set(&bench.e, f, v, m))
		return false;
	struct field_value now = field_get(f, k);

	for (unsigned i = 0; i < sizeof(now.b); i++)
		now.b[i] = (uint8_t)((now.b[i] & ~m.b[i]) | (v.b[i] & m.b[i]));
	field_set(f, k, now);
	return true;
}

/* ---- tests ---- */

static void set_changes_the_field_and_the_sums_and_nothing_else(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned seen[FIELD_N] = {0};
	struct sample s;

	for (int i = 0; i < 20000; i++) {
		const struct field *f;

		sample_build(&s, &r);
		bool wrong = !rng_below(&r, 4);
		if (wrong)
			s.b[sample_csum_ofs(&s)] ^= (uint8_t)(1 + rng_below(&r, 254));
		bool none = s.proto == IP_PROTO_UDP && !wire_u16(s.b + sample_csum_ofs(&s));
		begin(s.b, s.len, &r);
		struct flow_key want = key_now(), before = want;
		if (set_something(&r, &want, &f)) {
			seen[field_id(f)]++;
			struct flow_key got = key_now();
			assert_memory_equal(&got, &want, sizeof(got));
			if (s.proto == IP_PROTO_SCTP && !wrong)
				assert_int_equal(offload_finish_csum(bench.e.p), 0);
			const uint8_t *b = bytes();
			assert_int_equal(ipv4_residue(&s, b), 0);
			if (none)
				assert_int_equal(wire_u16(b + sample_csum_ofs(&s)), 0);
			else
				assert_int_equal(residue(&s, b), residue(&s, s.b));
			assert_int_equal(bench.e.stale, memcmp(&before, &want, sizeof(want)) != 0);
			assert_true(edit_set(&bench.e, f, field_get(f, &before), field_ones(f)));
			assert_int_equal(offload_finish_csum(bench.e.p), 0);
			assert_memory_equal(bytes(), s.b, s.len);
		}
		end();
	}
	static const uint8_t all[] = {FIELD_ETH_DST, FIELD_ETH_SRC, FIELD_VLAN_VID, FIELD_VLAN_PCP,
		FIELD_IP_DSCP, FIELD_IP_ECN, FIELD_IP_TTL, FIELD_IPV4_SRC, FIELD_IPV4_DST,
		FIELD_IPV6_SRC, FIELD_IPV6_DST, FIELD_IPV6_LABEL, FIELD_TCP_SRC, FIELD_TCP_DST,
		FIELD_UDP_SRC, FIELD_UDP_DST, FIELD_SCTP_SRC, FIELD_SCTP_DST, FIELD_ICMP_TYPE,
		FIELD_ICMP_CODE, FIELD_ND_TARGET, FIELD_ND_SLL, FIELD_ND_TLL};
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_true(seen[all[i]] > 0);
}

/* As a guest gives it: the sum of the pseudo-header only, to be finished on the way out. */
static void partial_sums_are_right_once_they_are_finished(void **state)
{
	struct rng r = rng_init(__func__);

	for (int i = 0; i < 5000; i++) {
		struct frame_shape shape = frame_shape_random(&r, 100);
		const struct field *f;

		frame_build(&frame, &shape, &r);
		frame_make_partial(&frame);
		begin(frame.b, frame.len, &r);
		struct packet *p = bench.e.p;
		p->csum = PACKET_CSUM_PARTIAL;
		p->csum_start = (uint16_t)frame.l4;
		p->csum_offset = shape.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS;
		struct flow_key k = key_now();
		for (int n = 0; n < 5; n++)
			set_something(&r, &k, &f);
		if (rng_below(&r, 2)) {
			assert_true(edit_push_vlan(&bench.e, ETHERTYPE_CTAG));
			assert_true(edit_push_mpls(&bench.e, ETHERTYPE_MPLS));
			assert_true(edit_pop_mpls(
				&bench.e, shape.ipv6 ? ETHERTYPE_IPV6_ : ETHERTYPE_IPV4));
			assert_true(edit_pop_vlan(&bench.e));
		}
		for (int n = 0; n < 5; n++)
			set_something(&r, &k, &f);
		assert_int_equal(p->csum, PACKET_CSUM_PARTIAL);
		assert_int_equal(offload_finish_csum(p), 0);
		assert_int_equal(p->len, frame.len);
		memcpy(frame.b, bytes(), p->len);
		assert_int_equal(naive_csum(frame_pseudo(&frame, frame.len - frame.l4),
					 frame.b + frame.l4, frame.len - frame.l4),
			0);
		end();
	}
}

static void pushes_copy_what_is_there(void **state)
{
	struct rng r = rng_init(__func__);
	struct sample s;

	for (int i = 0; i < 2000; i++) {
		sample_build(&s, &r);
		begin(s.b, s.len, &r);
		struct edit *e = &bench.e;
		uint16_t tci = bench.h.n_vlans ? wire_u16(s.b + 14) & 0xefff : 0;
		uint8_t ttl = s.b[s.l3 + (s.ipv6 ? 7 : 8)];

		assert_true(edit_push_vlan(e, ETHERTYPE_STAG));
		assert_int_equal(wire_u16(bytes() + 12), ETHERTYPE_STAG);
		assert_int_equal(wire_u16(bytes() + 14), tci);
		assert_memory_equal(bytes() + 16, s.b + 12, s.len - 12);

		assert_true(edit_push_mpls(e, ETHERTYPE_MPLS));
		assert_int_equal(wire_u32(bytes() + bench.h.l3_ofs), 0x100u | ttl);
		assert_true(edit_set(e, &fields[FIELD_MPLS_LABEL], field_value_u64(0xabcde),
			field_ones(&fields[FIELD_MPLS_LABEL])));
		assert_true(edit_push_mpls(e, ETHERTYPE_MPLS_MCAST));
		assert_int_equal(wire_u32(bytes() + bench.h.l3_ofs), 0xabcde000u | ttl);
		assert_int_equal(wire_u32(bytes() + bench.h.l3_ofs + 4), 0xabcde100u | ttl);

		assert_true(edit_push_pbb(e, ETHERTYPE_PBB));
		assert_memory_equal(bytes(), s.b, 12);
		assert_int_equal(wire_u32(bytes() + 14), (uint32_t)(tci >> 13) << 29);
		assert_memory_equal(bytes() + 18, s.b, 12);
		assert_true(edit_set(e, &fields[FIELD_PBB_ISID], field_value_u64(77),
			field_ones(&fields[FIELD_PBB_ISID])));
		assert_true(edit_push_vlan(e, ETHERTYPE_STAG)); /* a backbone tag, popped with it */
		assert_true(edit_pop_pbb(e));

		assert_true(edit_pop_mpls(e, ETHERTYPE_MPLS));
		assert_true(edit_pop_mpls(e, s.ipv6 ? ETHERTYPE_IPV6_ : ETHERTYPE_IPV4));
		assert_true(edit_pop_vlan(e));
		assert_int_equal(e->p->len, s.len);
		assert_memory_equal(bytes(), s.b, s.len);
		assert_memory_equal(edit_headers(e), &bench.h, sizeof(bench.h));
		end();
	}
}

static void time_to_live_goes_down_to_one(void **state)
{
	struct rng r = rng_init(__func__);
	struct sample s;

	for (int i = 0; i < 2000; i++) {
		sample_build(&s, &r);
		uint8_t *ttl = s.b + s.l3 + (s.ipv6 ? 7 : 8);
		*ttl = (uint8_t)rng_below(&r, 4);
		sample_finish(&s);
		begin(s.b, s.len, &r);
		enum edit_ttl want = *ttl <= 1 ? EDIT_TTL_EXPIRED : EDIT_TTL_DONE;
		assert_int_equal(edit_dec_nw_ttl(&bench.e), want);
		assert_int_equal(edit_dec_mpls_ttl(&bench.e), EDIT_TTL_ABSENT);
		uint8_t now = (uint8_t)(*ttl - (want == EDIT_TTL_DONE));
		assert_int_equal(bytes()[ttl - s.b], now);
		assert_int_equal(ipv4_residue(&s, bytes()), 0);
		assert_true(edit_push_mpls(&bench.e, ETHERTYPE_MPLS));
		assert_int_equal(edit_dec_nw_ttl(&bench.e), EDIT_TTL_ABSENT);
		assert_int_equal(
			edit_dec_mpls_ttl(&bench.e), now <= 1 ? EDIT_TTL_EXPIRED : EDIT_TTL_DONE);
		assert_int_equal(bytes()[bench.h.l3_ofs + 3], now <= 1 ? now : now - 1);
		end();
	}
}

static void time_to_live_is_copied_between_headers(void **state)
{
	struct rng r = rng_init(__func__);
	const struct field *f = &fields[FIELD_MPLS_TTL];
	struct sample s;

	for (int i = 0; i < 2000; i++) {
		sample_build(&s, &r);
		begin(s.b, s.len, &r);
		struct edit *e = &bench.e;
		size_t ip_ttl = s.l3 + 4 + (s.ipv6 ? 7 : 8);

		assert_false(edit_copy_ttl_out(e));
		assert_false(edit_copy_ttl_in(e));
		assert_true(edit_push_mpls(e, ETHERTYPE_MPLS));
		assert_true(edit_set(e, f, field_value_u64(99), field_ones(f)));
		assert_true(edit_copy_ttl_in(e));
		assert_int_equal(bytes()[ip_ttl], 99);
		s.l3 += 4;
		s.l4 += 4;
		assert_int_equal(ipv4_residue(&s, bytes()), 0);
		assert_true(edit_push_mpls(e, ETHERTYPE_MPLS));
		assert_true(edit_set(e, f, field_value_u64(7), field_ones(f)));
		assert_true(edit_copy_ttl_in(e)); /* label to label */
		assert_int_equal(bytes()[bench.h.l3_ofs + 7], 7);
		assert_int_equal(bytes()[ip_ttl + 4], 99);
		assert_true(edit_pop_mpls(e, ETHERTYPE_MPLS));
		assert_true(edit_copy_ttl_out(e));
		assert_int_equal(bytes()[bench.h.l3_ofs + 3], 99);
		end();
	}
}

/* Whatever a frame is, no edit reads or writes beside it, and what answers false leaves it
 * as it was. */
static void random_bytes_are_edited_within_their_bounds(void **state)
{
	struct rng r = rng_init(__func__);
	static const uint16_t types[] = {ETHERTYPE_IPV4, ETHERTYPE_IPV6_, ETHERTYPE_ARP_,
		ETHERTYPE_MPLS, ETHERTYPE_PBB, ETHERTYPE_CTAG, ETHERTYPE_STAG, 0x40};
	uint8_t b[120], before[120];

	for (int i = 0; i < 100000; i++) {
		size_t len = 14 + rng_below(&r, sizeof(b) - 14);
		struct flow_key k;
		const struct field *f;
		bool done = false;

		rng_fill(&r, b, len);
		wire_put_u16(b + 12, types[rng_below(&r, 8)]);
		if (rng_below(&r, 2) && len > 15)
			b[14] = rng_below(&r, 2) ? 0x45 : 0x60;
		begin(b, len, &r);
		memcpy(before, bytes(), len);
		k = key_now();
		switch (rng_below(&r, 9)) {
		case 0:
			done = rng_below(&r, 2) ? edit_pop_vlan(&bench.e)
						: edit_push_vlan(&bench.e, ETHERTYPE_CTAG);
			break;
		case 2:
			done = edit_push_mpls(&bench.e, ETHERTYPE_MPLS);
			break;
		case 3:
			done = edit_pop_mpls(&bench.e, ETHERTYPE_IPV4);
			break;
		case 4:
			done = edit_push_pbb(&bench.e, ETHERTYPE_PBB);
			break;
		case 5:
			done = edit_pop_pbb(&bench.e);
			break;
		case 6:
			done = edit_dec_nw_ttl(&bench.e) == EDIT_TTL_DONE ||
			       edit_dec_mpls_ttl(&bench.e) == EDIT_TTL_DONE;
			break;
		case 7:
			done = edit_copy_ttl_in(&bench.e);
			break;
		case 8:
			done = edit_copy_ttl_out(&bench.e);
			break;
		default:
			done = set_something(&r, &k, &f);
		}
		if (!done) {
			assert_int_equal(bench.e.p->len, len);
			assert_memory_equal(bytes(), before, len);
		}
		end();
	}
}

/* A field that says what follows: the headers are read anew. */
static void a_changed_type_is_seen_by_the_next_edit(void **state)
{
	const struct field *type = &fields[FIELD_ETH_TYPE], *ttl = &fields[FIELD_IP_TTL];
	struct rng r = rng_init(__func__);
	struct sample s;

	sample_build(&s, &r);
	begin(s.b, s.len, &r);
	assert_true(edit_set(&bench.e, type, field_value_u64(0x1234), field_ones(type)));
	assert_false(edit_set(&bench.e, ttl, field_value_u64(3), field_ones(ttl)));
	end();
}

/* What cannot be kept right is refused. */
static void edits_that_cannot_be_right_change_nothing(void **state)
{
	static const uint8_t llc[60] = {[12] = 0, [13] = 40, [14] = 0x42, [15] = 0x42, [16] = 3};
	static const uint8_t below_label[40] = {[12] = 0x88, [13] = 0x47, [16] = 1, [17] = 9};
	static const uint8_t short_inner[31] = {[12] = 0x88, [13] = 0xe7, [17] = 1};
	struct rng r = rng_init(__func__);

	begin(llc, sizeof(llc), &r); /* a length of 802.3 is no type */
	assert_false(edit_push_mpls(&bench.e, ETHERTYPE_MPLS));
	end();
	begin(below_label, sizeof(below_label), &r); /* neither IPv4 nor IPv6 */
	assert_false(edit_copy_ttl_in(&bench.e));
	assert_false(edit_copy_ttl_out(&bench.e));
	end();
	begin(short_inner, sizeof(short_inner), &r); /* no frame would be left */
	assert_false(edit_pop_pbb(&bench.e));
	end();
}

/* SCTP's CRC of a fragment covers bytes that are elsewhere. */
static void ports_of_an_sctp_fragment_stay(void **state)
{
	const struct field *f = &fields[FIELD_SCTP_DST];
	struct rng r = rng_init(__func__);
	struct sample s;

	do
		sample_build(&s, &r);
	while (s.proto != IP_PROTO_SCTP || s.ipv6);
	wire_put_u16(s.b + s.l3 + 6, IPV4_MF);
	sample_finish(&s);
	begin(s.b, s.len, &r);
	assert_int_equal(bench.h.frag, PARSE_FRAG_FIRST);
	assert_false(edit_set(
		&bench.e, f, field_value_u64(wire_u16(s.b + s.l4 + 2) ^ 1u), field_ones(f)));
	assert_memory_equal(bytes(), s.b, s.len);
	end();
}

static void udp_without_a_checksum_stays_so(void **state)
{
	const struct field *f = &fields[FIELD_UDP_DST];
	struct rng r = rng_init(__func__);
	struct sample s;

	do
		sample_build(&s, &r);
	while (s.proto != IP_PROTO_UDP);
	wire_put_u16(s.b + sample_csum_ofs(&s), 0);
	begin(s.b, s.len, &r);
	assert_true(edit_set(
		&bench.e, f, field_value_u64(wire_u16(s.b + s.l4 + 2) ^ 1u), field_ones(f)));
	assert_int_equal(wire_u16(bytes() + sample_csum_ofs(&s)), 0);
	end();
}

/* Behind extension headers it stands in the last one. */
static void protocol_behind_extension_headers_stays(void **state)
{
	const struct field *f = &fields[FIELD_IP_PROTO];
	struct frame_shape shape = {.ipv6 = true, .tcp = true, .n_ext = 1, .payload_len = 20};
	struct rng r = rng_init(__func__);

	for (int i = 0; i < 2; i++) {
		shape.n_ext = (unsigned)i;
		frame_build(&frame, &shape, &r);
		begin(frame.b, frame.len, &r);
		assert_int_equal(edit_set(&bench.e, f, field_value_u64(99), field_ones(f)), !i);
		assert_int_equal(bytes()[frame.l3 + 6] == 99, !i);
		end();
	}
}

/* A push needs headroom; without it nothing changes. */
static void pushes_end_with_the_headroom(void **state)
{
	struct rng r = rng_init(__func__);
	unsigned n = 0;
	struct sample s;

	sample_build(&s, &r);
	begin(s.b, s.len, &r);
	while (edit_push_pbb(&bench.e, ETHERTYPE_PBB))
		n++;
	assert_int_equal(n, PACKET_HEADROOM / 18);
	assert_int_equal(bench.e.p->len, s.len + n * 18);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_changes_the_field_and_the_sums_and_nothing_else),
		cmocka_unit_test(partial_sums_are_right_once_they_are_finished),
		cmocka_unit_test(pushes_copy_what_is_there),
		cmocka_unit_test(time_to_live_goes_down_to_one),
		cmocka_unit_test(time_to_live_is_copied_between_headers),
		cmocka_unit_test(random_bytes_are_edited_within_their_bounds),
		cmocka_unit_test(a_changed_type_is_seen_by_the_next_edit),
		cmocka_unit_test(edits_that_cannot_be_right_change_nothing),
		cmocka_unit_test(ports_of_an_sctp_fragment_stay),
		cmocka_unit_test(udp_without_a_checksum_stays_so),
		cmocka_unit_test(protocol_behind_extension_headers_stays),
		cmocka_unit_test(pushes_end_with_the_headroom),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
