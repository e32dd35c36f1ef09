/* Random instructions, printed and read again.  And random action sets against a twin that
 * carries out all that was written, one after the other: fields have the same values in the
 * end, though a set forgets what was written over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "action_set.h"
#include "ofport.h"
#include "rng.h"

enum { ROUNDS = 20000, LIST_MAX = 12 };

/* ---- random actions that can be ---- */

static uint32_t random_port(struct rng *r)
{
	static const uint32_t reserved[] = {OFPORT_IN_PORT, OFPORT_NORMAL, OFPORT_FLOOD, OFPORT_ALL,
		OFPORT_CONTROLLER, OFPORT_LOCAL};
	unsigned i = rng_below(r, 2 * 6);

	return i < 6 ? reserved[i] : 1 + rng_below(r, OFPORT_NUMBER_MAX);
}

static const struct field *random_settable(struct rng *r)
{
	const struct field *f;

	do
		f = &fields[rng_below(r, FIELD_N)];
	while (!f->settable);
	return f;
}

static struct field_value random_value(struct rng *r, unsigned n_bits)
{
	struct flow_key k = {0};
	const struct field *wide = &fields[FIELD_XXREG0];

	rng_fill(r, k.reg, 16);
	return field_get_bits(wide, &k, 0, n_bits);
}

/* in_port is written as a whole, and what is loaded has 64 bits at most. */
static struct subfield random_subfield(struct rng *r, const struct field *f, unsigned max)
{
	struct subfield sf = subfield_whole(f);
	unsigned width = sf.n;

	if (field_id(f) == FIELD_IN_PORT) {
		sf.n = rng_below(r, 2) ? 16 : 32;
		return sf;
	}
	do {
		sf.ofs = (uint8_t)rng_below(r, width);
		sf.n = (uint8_t)(1 + rng_below(r, width - sf.ofs));
		if (rng_below(r, 3) == 0) {
			sf.ofs = 0;
			sf.n = (uint8_t)width;
		}
	} while (sf.n > max);
	return sf;
}

static void random_set(struct rng *r, struct action *a)
{
	const struct field *f = random_settable(r);

	if (a->type == ACTION_LOAD) {
		a->set.dst = random_subfield(r, f, LOAD_BITS_MAX);
		a->set.value = random_value(r, a->set.dst.n);
		return;
	}
	a->set.dst = (struct subfield){.field = (uint8_t)field_id(f), .n = f->n_bits};
	a->set.value =
		f->form == FORM_PORT ? field_value_u64(random_port(r)) : random_value(r, f->n_bits);
}

/* From the narrower to as many bits of the wider. */
static void random_move(struct rng *r, struct action *a)
{
	do {
		a->move.src = random_subfield(r, &fields[rng_below(r, FIELD_N)], 128);
		a->move.dst = random_subfield(r, random_settable(r), 128);
		if (a->move.src.n > a->move.dst.n && a->move.src.field != FIELD_IN_PORT)
			a->move.src.n = a->move.dst.n;
	} while (a->move.src.n != a->move.dst.n);
}

static struct action random_action(struct rng *r, unsigned *seen)
{
	static const uint16_t tags[] = {ETHERTYPE_CTAG, ETHERTYPE_STAG};
	struct action a = {.type = (uint8_t)rng_below(r, ACTION_N)};
	uint16_t number = (uint16_t)rng_u64(r);

	seen[a.type]++;
	switch ((enum action_type)a.type) {
	case ACTION_OUTPUT:
		a.output.port = random_port(r);
		if (a.output.port == OFPORT_CONTROLLER)
			a.output.max_len = number;
		break;
	case ACTION_OUTPUT_TRUNC:
		a.trunc.port = 1 + rng_below(r, OFPORT_NUMBER_MAX);
		a.trunc.max_len = TRUNC_LEN_MIN + number;
		break;
	case ACTION_OUTPUT_FIELD:
		a.src = random_subfield(r, &fields[rng_below(r, FIELD_N)], 128);
		break;
	case ACTION_CONTROLLER:
		a.controller.max_len = rng_below(r, 2) ? ACTION_MAX_LEN_ALL : number;
		a.controller.reason = (uint8_t)rng_below(r, REASON_N);
		a.controller.id =
			(uint16_t)(a.controller.reason == REASON_ACTION ? 1 + rng_below(r, 9)
									: rng_below(r, 3));
		break;
	case ACTION_PUSH_VLAN:
		a.ethertype = tags[rng_below(r, 2)];
		break;
	case ACTION_PUSH_MPLS:
	case ACTION_POP_MPLS:
	case ACTION_PUSH_PBB:
		a.ethertype = number;
		break;
	case ACTION_SET_FIELD:
	case ACTION_LOAD:
		random_set(r, &a);
		break;
	case ACTION_MOVE:
		random_move(r, &a);
		break;
	case ACTION_SET_MPLS_TTL:
	case ACTION_SET_NW_TTL:
		a.ttl = (uint8_t)number;
		break;
	case ACTION_GROUP:
		a.group = number;
		break;
	case ACTION_SET_QUEUE:
		a.queue = number;
		break;
	case ACTION_RESUBMIT:
		a.resubmit.port = rng_below(r, 2) ? OFPORT_IN_PORT : 1 + number % 100u;
		a.resubmit.table = (uint8_t)rng_below(r, 255);
		if (a.resubmit.port != OFPORT_IN_PORT && rng_below(r, 2))
			a.resubmit.table = RESUBMIT_TABLE_SAME;
		break;
	default:
		break;
	}
	return a;
}

static void random_list(struct rng *r, struct action_list *list, unsigned *seen)
{
	for (unsigned n = rng_below(r, LIST_MAX); n > 0; n--) {
		struct action a = random_action(r, seen);

		assert_int_equal(action_list_add(list, &a), 0);
	}
}

static void random_instructions(struct rng *r, struct instructions *ins, unsigned *seen)
{
	instructions_init(ins);
	random_list(r, &ins->apply, seen);
	random_list(r, &ins->write, seen);
	if (rng_below(r, 2))
		ins->meter = 1 + rng_below(r, 1000);
	ins->clear = rng_below(r, 2);
	if (rng_below(r, 2)) {
		ins->metadata_mask = rng_below(r, 2) ? UINT64_MAX : 1 | rng_u64(r);
		ins->metadata = rng_u64(r) & ins->metadata_mask;
	}
	if (rng_below(r, 2))
		ins->goto_table = (uint8_t)rng_below(r, INSTRUCTIONS_NO_GOTO);
}

static void what_is_printed_is_read_as_the_same(void **state)
{
	struct rng r = rng_init("what_is_printed_is_read_as_the_same");
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	unsigned seen[ACTION_N] = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct instructions ins, again;

		random_instructions(&r, &ins, seen);
		instructions_init(&again);
		strbuf_reset(&text);
		instructions_print(&ins, &text);
		if (instructions_parse(&again, NULL, strbuf_str(&text), &why))
			fail_msg("%s: %s", strbuf_str(&text), strbuf_str(&why));
		if (!instructions_equal(&ins, &again))
			fail_msg("read as something else: %s", strbuf_str(&text));
		instructions_fini(&ins);
		instructions_fini(&again);
	}
	for (unsigned i = 0; i < ACTION_N; i++)
		assert_true(seen[i] > 0);
	strbuf_fini(&text);
	strbuf_fini(&why);
}

/* ---- sets ---- */

/* Of few registers, so that they meet; registers have views of two and four. */
static struct action random_write(struct rng *r)
{
	static const uint8_t ids[] = {FIELD_REG0, FIELD_REG0 + 1, FIELD_XREG0, FIELD_XXREG0};
	static const uint8_t types[] = {ACTION_SET_FIELD, ACTION_LOAD, ACTION_LOAD, ACTION_MOVE};
	struct action a = {.type = types[rng_below(r, 4)]};
	const struct field *f = &fields[ids[rng_below(r, 4)]];

	if (a.type == ACTION_SET_FIELD) {
		a.set.dst = subfield_whole(f);
		a.set.value = random_value(r, f->n_bits);
	} else if (a.type == ACTION_LOAD) {
		a.set.dst = random_subfield(r, f, LOAD_BITS_MAX);
		a.set.value = random_value(r, a.set.dst.n);
	} else {
		a.move.dst = random_subfield(r, f, 32);
		a.move.src = random_subfield(r, &fields[ids[rng_below(r, 2)]], 32);
		a.move.src.n = a.move.dst.n =
			a.move.src.n < a.move.dst.n ? a.move.src.n : a.move.dst.n;
	}
	return a;
}

static void carry_out(const struct action *a, struct flow_key *k)
{
	struct field_value v;

	if (a->type == ACTION_MOVE) {
		v = field_get_bits(&fields[a->move.src.field], k, a->move.src.ofs, a->move.src.n);
		field_set_bits(&fields[a->move.dst.field], k, a->move.dst.ofs, a->move.dst.n, v);
	} else {
		field_set_bits(
			&fields[a->set.dst.field], k, a->set.dst.ofs, a->set.dst.n, a->set.value);
	}
}

static void a_set_has_the_effect_of_all_that_was_written(void **state)
{
	struct rng r = rng_init("a_set_has_the_effect_of_all_that_was_written");
	unsigned forgotten = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct action_list set = {0}, ordered = {0};
		struct flow_key start = {0}, twin, key;
		unsigned written = rng_below(&r, 20);

		rng_fill(&r, start.reg, sizeof(start.reg));
		twin = key = start;
		for (unsigned j = 0; j < written; j++) {
			struct action a = random_write(&r);
			struct action_list one = {.v = &a, .n = 1};

			carry_out(&a, &twin);
			assert_int_equal(action_set_write(&set, &one), 0);
		}
		assert_int_equal(action_set_order(&set, &ordered), 0);
		for (unsigned j = 0; j < ordered.n; j++)
			carry_out(&ordered.v[j], &key);
		assert_memory_equal(&key, &twin, sizeof(key));
		forgotten += written - ordered.n;
		action_list_fini(&set);
		action_list_fini(&ordered);
	}
	assert_true(forgotten > ROUNDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read_as_the_same),
		cmocka_unit_test(a_set_has_the_effect_of_all_that_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
