/* As ovs-ofctl 3.1 prints what it sends by OpenFlow 1.3. */
#include "action.h"
#include "field_text.h"
#include "ofport.h"

static const char *const reasons[] = {
	[REASON_NO_MATCH] = "no_match",
	[REASON_ACTION] = "action",
	[REASON_INVALID_TTL] = "invalid_ttl",
	[REASON_ACTION_SET] = "action_set",
	[REASON_GROUP] = "group",
	[REASON_PACKET_OUT] = "packet_out",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == REASON_N, "a name for each");

static void print_output(const struct action *a, struct strbuf *out)
{
	if (a->output.port <= OFPORT_NUMBER_MAX)
		strbuf_puts(out, "output:");
	ofport_print(a->output.port, out);
	if (a->output.port == OFPORT_CONTROLLER)
		strbuf_printf(out, ":%u", a->output.max_len);
}

static void print_controller(const struct action *a, struct strbuf *out)
{
	const char *comma = "";

	strbuf_puts(out, "controller(");
	if (a->controller.reason != REASON_ACTION) {
		strbuf_printf(out, "reason=%s", reasons[a->controller.reason]);
		comma = ",";
	}
	if (a->controller.max_len != ACTION_MAX_LEN_ALL) {
		strbuf_printf(out, "%smax_len=%u", comma, a->controller.max_len);
		comma = ",";
	}
	if (a->controller.id)
		strbuf_printf(out, "%sid=%u", comma, a->controller.id);
	strbuf_putc(out, ')');
}

static void print_resubmit(const struct action *a, struct strbuf *out)
{
	bool same_port = a->resubmit.port == OFPORT_IN_PORT;

	if (a->resubmit.table == RESUBMIT_TABLE_SAME) {
		strbuf_puts(out, "resubmit:");
		return ofport_print(a->resubmit.port, out);
	}
	strbuf_puts(out, "resubmit(");
	if (!same_port)
		ofport_print(a->resubmit.port, out);
	strbuf_printf(out, ",%u)", a->resubmit.table);
}

/* A value has no leading zeros, and no flag a sign, where it is set. */
static void print_set_field(const struct action *a, struct strbuf *out)
{
	const struct field *f = &fields[a->set.dst.field];
	uint64_t n = field_value_to_u64(a->set.value);

	strbuf_puts(out, "set_field:");
	if (f->form == FORM_HEX_FIXED)
		strbuf_printf(out, "%#llx", (unsigned long long)n);
	else if (f->form == FORM_TUN_FLAGS)
		strbuf_puts(out, n ? "oam" : "0");
	else
		field_print(f, a->set.value, field_ones(f), out);
	strbuf_printf(out, "->%s", f->name);
}

static void print_load(const struct action *a, struct strbuf *out)
{
	strbuf_printf(out, "load:%#llx->", (unsigned long long)field_value_to_u64(a->set.value));
	subfield_print(a->set.dst, out);
}

/* Those that are a name, perhaps with a number. */
static void print_simple(const struct action *a, struct strbuf *out)
{
	switch ((enum action_type)a->type) {
	case ACTION_GROUP:
		strbuf_printf(out, "group:%u", a->group);
		break;
	case ACTION_SET_QUEUE:
		strbuf_printf(out, "set_queue:%u", a->queue);
		break;
	case ACTION_PUSH_VLAN:
		strbuf_printf(out, "push_vlan:0x%04x", a->ethertype);
		break;
	case ACTION_PUSH_MPLS:
		strbuf_printf(out, "push_mpls:0x%04x", a->ethertype);
		break;
	case ACTION_POP_MPLS:
		strbuf_printf(out, "pop_mpls:0x%04x", a->ethertype);
		break;
	case ACTION_PUSH_PBB:
		strbuf_printf(out, "push_pbb:0x%04x", a->ethertype);
		break;
	case ACTION_SET_MPLS_TTL:
		strbuf_printf(out, "set_mpls_ttl(%u)", a->ttl);
		break;
	case ACTION_SET_NW_TTL:
		strbuf_printf(out, "mod_nw_ttl:%u", a->ttl);
		break;
	default: {
		static const char *const names[ACTION_N] = {
			[ACTION_POP_QUEUE] = "pop_queue",
			[ACTION_POP_VLAN] = "pop_vlan",
			[ACTION_POP_PBB] = "pop_pbb",
			[ACTION_DEC_MPLS_TTL] = "dec_mpls_ttl",
			[ACTION_DEC_NW_TTL] = "dec_ttl",
			[ACTION_COPY_TTL_OUT] = "copy_ttl_out",
			[ACTION_COPY_TTL_IN] = "copy_ttl_in",
			[ACTION_EXIT] = "exit",
		};

		strbuf_puts(out, names[a->type]);
	}
	}
}

void action_print(const struct action *a, struct strbuf *out)
{
	switch ((enum action_type)a->type) {
	case ACTION_OUTPUT:
		return print_output(a, out);
	case ACTION_OUTPUT_TRUNC:
		strbuf_puts(out, "output(port=");
		ofport_print(a->trunc.port, out);
		return strbuf_printf(out, ",max_len=%u)", a->trunc.max_len);
	case ACTION_OUTPUT_FIELD:
		strbuf_puts(out, "output:");
		return subfield_print(a->src, out);
	case ACTION_CONTROLLER:
		return print_controller(a, out);
	case ACTION_SET_FIELD:
		return print_set_field(a, out);
	case ACTION_LOAD:
		return print_load(a, out);
	case ACTION_MOVE:
		strbuf_puts(out, "move:");
		subfield_print(a->move.src, out);
		strbuf_puts(out, "->");
		return subfield_print(a->move.dst, out);
	case ACTION_RESUBMIT:
		return print_resubmit(a, out);
	default:
		return print_simple(a, out);
	}
}

static void print_all(const struct action_list *list, struct strbuf *out)
{
	for (unsigned i = 0; i < list->n; i++) {
		if (i)
			strbuf_putc(out, ',');
		action_print(&list->v[i], out);
	}
}

void action_list_print(const struct action_list *list, struct strbuf *out)
{
	print_all(list, out);
	if (!list->n)
		strbuf_puts(out, "drop");
}

static void separate(struct strbuf *out, size_t from)
{
	if (out->len > from)
		strbuf_putc(out, ',');
}

void instructions_print(const struct instructions *ins, struct strbuf *out)
{
	size_t from = out->len;

	if (ins->meter)
		strbuf_printf(out, "meter:%u", ins->meter);
	if (ins->apply.n) {
		separate(out, from);
		print_all(&ins->apply, out);
	}
	if (ins->clear) {
		separate(out, from);
		strbuf_puts(out, "clear_actions");
	}
	if (ins->write.n) {
		separate(out, from);
		strbuf_puts(out, "write_actions(");
		print_all(&ins->write, out);
		strbuf_putc(out, ')');
	}
	if (ins->metadata_mask) {
		separate(out, from);
		strbuf_printf(out, "write_metadata:%#llx", (unsigned long long)ins->metadata);
		if (ins->metadata_mask != UINT64_MAX)
			strbuf_printf(out, "/%#llx", (unsigned long long)ins->metadata_mask);
	}
	if (ins->goto_table != INSTRUCTIONS_NO_GOTO) {
		separate(out, from);
		strbuf_printf(out, "goto_table:%u", ins->goto_table);
	}
	if (out->len == from)
		strbuf_puts(out, "drop");
}
