/* From words to actions, but those that set fields (action_parse_set.c). */
#include <errno.h>
#include <stdio.h>

#include "action_parser.h"
#include "names.h"
#include "ofport.h"

void action_parser_init(struct action_parser *p, struct action_list *list, const struct match *m,
	struct strbuf *why)
{
	p->list = list;
	p->why = why;
	if (m)
		p->known = *m;
	else
		match_init(&p->known);
}

int action_parser_add(struct action_parser *p, const struct text_word *w, const struct action *a)
{
	int err = action_list_add(p->list, a);

	if (err == -E2BIG)
		return text_word_refuse(w, "too many actions", p->why);
	action_follow(a, &p->known);
	return err;
}

/* ---- ports ---- */

static int refuse_with(const struct text_word *w, struct strbuf *sentence, struct strbuf *why)
{
	text_word_refuse(w, strbuf_str(sentence), why);
	strbuf_fini(sentence);
	return -EINVAL;
}

static int parse_port(
	const struct text_word *w, struct text text, uint32_t *port, struct strbuf *why)
{
	struct strbuf wrong = STRBUF_INIT;
	int err = ofport_parse(text.pos, text_len(text), port, &wrong);

	return err ? refuse_with(w, &wrong, why) : 0;
}

static int add_output(struct action_parser *p, const struct text_word *w, uint32_t port)
{
	struct action a = {.type = ACTION_OUTPUT, .output = {.port = port}};

	if (port == OFPORT_CONTROLLER)
		a.output.max_len = ACTION_MAX_LEN_ALL;
	return action_parser_add(p, w, &a);
}

/* "port=P,max_len=N" */
static int parse_trunc(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_OUTPUT_TRUNC};
	struct text rest = w->value;
	bool has_port = false, has_len = false;
	struct text_word part;
	int err;

	while ((err = text_word_next(&rest, &part, p->why)) > 0) {
		if (text_word_is(&part, "port") && !has_port) {
			has_port = true;
			err = parse_port(&part, part.value, &a.trunc.port, p->why);
		} else if (text_word_is(&part, "max_len") && !has_len) {
			uint64_t n = 0;

			has_len = true;
			err = text_word_number(&part, TRUNC_LEN_MIN, UINT32_MAX, &n, p->why);
			a.trunc.max_len = (uint32_t)n;
		} else {
			err = text_word_refuse(
				&part, "must be port and max_len, each once", p->why);
		}
		if (err < 0)
			return err;
	}
	if (err)
		return err;
	if (!has_port || !has_len)
		return text_word_refuse(w, "needs port and max_len", p->why);
	return action_parser_add(p, w, &a);
}

/* A port or a field that holds its number. */
static int parse_output(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_OUTPUT_FIELD};
	struct strbuf wrong = STRBUF_INIT;
	struct text v = w->value;
	uint32_t port;
	int err;

	if (w->mark == '(' && memchr(v.pos, '=', text_len(v)))
		return parse_trunc(p, w);
	if (!ofport_parse(v.pos, text_len(v), &port, &wrong))
		return add_output(p, w, port);
	strbuf_fini(&wrong);
	err = subfield_parse(v.pos, text_len(v), &a.src, &wrong);
	strbuf_fini(&wrong);
	if (err)
		return text_word_refuse(
			w, "must be a port's number, a reserved name or a field", p->why);
	return action_parser_add(p, w, &a);
}

/* ---- controller ---- */

static int parse_reason(const struct text_word *w, uint8_t *reason, struct strbuf *why)
{
	static const char *const names[REASON_N] = {
		"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"};

	for (unsigned i = 0; i < REASON_N; i++)
		if (strlen(names[i]) == text_len(w->value) &&
			!memcmp(names[i], w->value.pos, text_len(w->value))) {
			*reason = (uint8_t)i;
			return 0;
		}
	return text_word_refuse(
		w, "must be no_match, action, invalid_ttl, action_set, group or packet_out", why);
}

static int parse_controller_key(
	const struct text_word *w, struct action *a, unsigned *seen, struct strbuf *why)
{
	static const char *const keys[] = {"max_len", "id", "reason"};
	uint64_t n = 0;
	int err;

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!text_word_is(w, keys[i]))
			continue;
		if (*seen & 1u << i)
			return text_word_refuse(w, "is given twice", why);
		*seen |= 1u << i;
		if (i == 2)
			return parse_reason(w, &a->controller.reason, why);
		err = text_word_number(w, 0, UINT16_MAX, &n, why);
		if (i == 0)
			a->controller.max_len = (uint16_t)n;
		else
			a->controller.id = (uint16_t)n;
		return err;
	}
	return text_word_refuse(w, "is none of max_len, reason, id", why);
}

/* The plain output, where it is no more than that. */
static int add_controller(struct action_parser *p, const struct text_word *w, struct action a)
{
	uint16_t max_len = a.controller.max_len;

	if (a.controller.reason == REASON_ACTION && !a.controller.id)
		a = (struct action){.type = ACTION_OUTPUT,
			.output = {.port = OFPORT_CONTROLLER, .max_len = max_len}};
	return action_parser_add(p, w, &a);
}

static int parse_controller(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_CONTROLLER,
		.controller = {.max_len = ACTION_MAX_LEN_ALL, .reason = REASON_ACTION}};
	struct text rest = w->value;
	struct text_word key;
	unsigned seen = 0;
	uint64_t n = ACTION_MAX_LEN_ALL;
	int err = 0;

	if (w->mark == '(') {
		while (!err && (err = text_word_next(&rest, &key, p->why)) > 0)
			err = parse_controller_key(&key, &a, &seen, p->why);
	} else if (w->mark) {
		err = text_word_number(w, 0, UINT16_MAX, &n, p->why);
		a.controller.max_len = (uint16_t)n;
	}
	return err ? err : add_controller(p, w, a);
}

/* ---- resubmit, enqueue ---- */

/* "PORT", "PORT,TABLE", ",TABLE": two parts, which may be empty. */
static int parse_resubmit(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_RESUBMIT,
		.resubmit = {.port = OFPORT_IN_PORT, .table = RESUBMIT_TABLE_SAME}};
	struct text v = w->value;
	const char *comma = w->mark == '(' ? memchr(v.pos, ',', text_len(v)) : NULL;
	struct text_word table = *w;
	uint64_t n;
	int err = 0;

	if (comma) {
		table.value = (struct text){comma + 1, v.end};
		v.end = comma;
	}
	if (text_len(v))
		err = parse_port(w, v, &a.resubmit.port, p->why);
	if (!err && comma && text_len(table.value)) {
		err = text_word_number(&table, 0, RESUBMIT_TABLE_SAME, &n, p->why);
		a.resubmit.table = err ? 0 : (uint8_t)n;
	}
	if (err)
		return err;
	if (a.resubmit.port == OFPORT_IN_PORT && a.resubmit.table == RESUBMIT_TABLE_SAME)
		return text_word_refuse(w, "needs a port or a table", p->why);
	return action_parser_add(p, w, &a);
}

/* What OpenFlow 1.3 makes of it: the queue, the port, and the queue as it was. */
static int parse_enqueue(struct action_parser *p, const struct text_word *w)
{
	struct action set = {.type = ACTION_SET_QUEUE}, pop = {.type = ACTION_POP_QUEUE};
	struct text port_text = w->value;
	struct text_word queue = *w;
	const char *at = port_text.pos;
	uint32_t port;
	uint64_t n;
	int err;

	while (at < port_text.end && *at != ':' && *at != ',')
		at++;
	if (at == port_text.end)
		return text_word_refuse(w, "must be enqueue:PORT:QUEUE", p->why);
	port_text.end = at;
	queue.value.pos = at + 1;
	err = parse_port(w, port_text, &port, p->why);
	if (err)
		return err;
	if (port > OFPORT_NUMBER_MAX && port != OFPORT_IN_PORT && port != OFPORT_LOCAL)
		return text_word_refuse(w, "only at a port's number, IN_PORT or LOCAL", p->why);
	err = text_word_number(&queue, 0, UINT32_MAX - 1, &n, p->why);
	if (err)
		return err;
	set.queue = (uint32_t)n;
	err = action_parser_add(p, w, &set);
	if (!err)
		err = add_output(p, w, port);
	return err ? err : action_parser_add(p, w, &pop);
}

/* ---- those of a number, or of nothing ---- */

static int parse_dec_ttl(struct action_parser *p, const struct text_word *w)
{
	struct action a = {.type = ACTION_DEC_NW_TTL};

	if (w->mark)
		return text_word_refuse(w, "ids of controllers are not supported", p->why);
	return action_parser_add(p, w, &a);
}

enum kind { KIND_BARE, KIND_ETHERTYPE, KIND_NUMBER };

static const struct {
	const char *name;
	uint8_t type; /* enum action_type */
	uint8_t kind;
} simple[] = {
	{"group", ACTION_GROUP, KIND_NUMBER},
	{"set_queue", ACTION_SET_QUEUE, KIND_NUMBER},
	{"pop_queue", ACTION_POP_QUEUE, KIND_BARE},
	{"push_vlan", ACTION_PUSH_VLAN, KIND_ETHERTYPE},
	{"pop_vlan", ACTION_POP_VLAN, KIND_BARE},
	{"strip_vlan", ACTION_POP_VLAN, KIND_BARE},
	{"push_mpls", ACTION_PUSH_MPLS, KIND_ETHERTYPE},
	{"pop_mpls", ACTION_POP_MPLS, KIND_ETHERTYPE},
	{"push_pbb", ACTION_PUSH_PBB, KIND_ETHERTYPE},
	{"pop_pbb", ACTION_POP_PBB, KIND_BARE},
	{"dec_mpls_ttl", ACTION_DEC_MPLS_TTL, KIND_BARE},
	{"copy_ttl_out", ACTION_COPY_TTL_OUT, KIND_BARE},
	{"copy_ttl_in", ACTION_COPY_TTL_IN, KIND_BARE},
	{"exit", ACTION_EXIT, KIND_BARE},
};

static const struct {
	const char *name;
	int (*parse)(struct action_parser *p, const struct text_word *w);
} others[] = {
	{"output", parse_output},
	{"controller", parse_controller},
	{"enqueue", parse_enqueue},
	{"resubmit", parse_resubmit},
	{"dec_ttl", parse_dec_ttl},
};

/* Of Open vSwitch, and not here. */
static const char *const unsupported[] = {"bundle", "bundle_load", "check_pkt_larger", "clone",
	"conjunction", "ct", "ct_clear", "dec_nsh_ttl", "decap", "delete_field", "encap",
	"fin_timeout", "learn", "multipath", "note", "pop", "push", "sample"};

static const char *const instructions[] = {
	"meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table"};

enum {
	N_INSTRUCTIONS = sizeof(instructions) / sizeof(instructions[0]),
	N_SIMPLE = sizeof(simple) / sizeof(simple[0]),
	N_OTHERS = sizeof(others) / sizeof(others[0]),
	N_UNSUPPORTED = sizeof(unsupported) / sizeof(unsupported[0]),
	NAMES_MAX = 80,
	NAME_LEN_MAX = 80,
};

static int parse_simple(struct action_parser *p, const struct text_word *w, unsigned i)
{
	struct action a = {.type = simple[i].type};
	uint64_t n = 0;
	int err;

	if (simple[i].kind == KIND_BARE)
		err = text_word_refuse_value(w, p->why);
	else
		err = text_word_number(
			w, 0, simple[i].kind == KIND_NUMBER ? UINT32_MAX : UINT16_MAX, &n, p->why);
	if (err)
		return err;
	if (a.type == ACTION_GROUP)
		a.group = (uint32_t)n;
	else if (a.type == ACTION_SET_QUEUE)
		a.queue = (uint32_t)n;
	else
		a.ethertype = (uint16_t)n;
	return action_parser_add(p, w, &a);
}

/* ---- unknown ones ---- */

static const char *const reserved[] = {"drop", "in_port", "normal", "flood", "all", "local"};

static unsigned gather_names(const char **names)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_SIMPLE; i++)
		names[n++] = simple[i].name;
	for (unsigned i = 0; i < N_OTHERS; i++)
		names[n++] = others[i].name;
	for (unsigned i = 0; action_set_name(i); i++)
		names[n++] = action_set_name(i);
	for (unsigned i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		names[n++] = reserved[i];
	for (unsigned i = 0; i < N_INSTRUCTIONS; i++)
		names[n++] = instructions[i];
	return n;
}

static int refuse_name(const struct text_word *w, struct strbuf *why)
{
	const char *names[NAMES_MAX], *nearest;
	char name[NAME_LEN_MAX];

	for (unsigned i = 0; i < N_UNSUPPORTED; i++)
		if (text_word_is(w, unsupported[i]))
			return text_word_refuse(w, "is not supported", why);
	for (unsigned i = 0; i < N_INSTRUCTIONS; i++)
		if (text_word_is(w, instructions[i]))
			return text_word_refuse(w, "is an instruction, and not for here", why);
	snprintf(name, sizeof(name), "%.*s",
		w->name_len < sizeof(name) ? (int)w->name_len : (int)sizeof(name) - 1, w->text);
	strbuf_printf(why, "no action '%s'", name);
	nearest = names_nearest(names, gather_names(names), name);
	if (nearest)
		strbuf_printf(why, ", did you mean '%s'?", nearest);
	return -EINVAL;
}

int action_parse_word(struct action_parser *p, const struct text_word *w)
{
	struct strbuf ignored = STRBUF_INIT;
	uint32_t port;
	int err;

	for (unsigned i = 0; i < N_OTHERS; i++)
		if (text_word_is(w, others[i].name))
			return others[i].parse(p, w);
	for (unsigned i = 0; i < N_SIMPLE; i++)
		if (text_word_is(w, simple[i].name))
			return parse_simple(p, w, i);
	err = action_parse_set(p, w);
	if (err != -ENOENT)
		return err;
	err = ofport_parse(w->text, w->name_len, &port, &ignored);
	strbuf_fini(&ignored);
	if (err)
		return refuse_name(w, p->why);
	err = text_word_refuse_value(w, p->why);
	return err ? err : add_output(p, w, port);
}

static int parse_one(void *arg, const struct text_word *w)
{
	return action_parse_word(arg, w);
}

int action_parse_all(struct action_parser *p, struct text rest)
{
	return text_words_or_drop(rest, parse_one, p, p->why);
}

int action_list_parse(
	struct action_list *list, const struct match *m, const char *text, struct strbuf *why)
{
	struct action_parser p;
	size_t from = why->len;
	int err;

	action_parser_init(&p, list, m, why);
	err = action_parse_all(&p, (struct text){text, text + strlen(text)});
	if (err)
		text_tame(why, from);
	return err;
}
