#include "flow_mod.h"

#include <string.h>

void flow_mod_init(struct flow_mod *fm)
{
	*fm = (struct flow_mod){
		.priority = FLOW_PRIORITY_DEFAULT,
		.out_port = (uint32_t)FLOW_ANY,
		.out_group = (uint32_t)FLOW_ANY,
	};
	match_init(&fm->match);
	instructions_init(&fm->ins);
}

void flow_mod_fini(struct flow_mod *fm)
{
	instructions_fini(&fm->ins);
}

bool flow_mod_equal_rule(const struct flow_mod *a, const struct flow_mod *b)
{
	return a->table == b->table && a->priority == b->priority && a->cookie == b->cookie &&
	       a->idle_timeout == b->idle_timeout && a->hard_timeout == b->hard_timeout &&
	       a->flags == b->flags && match_equal(&a->match, &b->match) &&
	       instructions_equal(&a->ins, &b->ins);
}

/* ---- text ---- */

static void print_duration(uint64_t ns, struct strbuf *out)
{
	const uint64_t second = 1000000000;
	unsigned fraction = (unsigned)(ns % second), digits = 9;

	strbuf_printf(out, "%llu", (unsigned long long)(ns / second));
	while (digits > 3 && fraction % 1000 == 0) {
		fraction /= 1000;
		digits -= 3;
	}
	if (fraction)
		strbuf_printf(out, ".%0*u", (int)digits, fraction);
	strbuf_putc(out, 's');
}

static void print_flags(unsigned flags, struct strbuf *out)
{
	static const char *const names[] = {"send_flow_rem ", "check_overlap ", "reset_counts ",
		"no_packet_counts ", "no_byte_counts "};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & 1u << i)
			strbuf_puts(out, names[i]);
}

static void print_head(
	const struct flow_mod *fm, const struct flow_stats *stats, struct strbuf *out)
{
	if (stats || fm->cookie)
		strbuf_printf(out, "cookie=0x%llx, ", (unsigned long long)fm->cookie);
	if (stats) {
		strbuf_puts(out, "duration=");
		print_duration(stats->duration_ns, out);
		strbuf_puts(out, ", ");
	}
	if (stats || fm->table)
		strbuf_printf(out, "table=%u, ", fm->table);
	if (stats)
		strbuf_printf(out, "n_packets=%llu, n_bytes=%llu, ",
			(unsigned long long)stats->n_packets, (unsigned long long)stats->n_bytes);
	if (fm->idle_timeout)
		strbuf_printf(out, "idle_timeout=%u, ", fm->idle_timeout);
	if (fm->hard_timeout)
		strbuf_printf(out, "hard_timeout=%u, ", fm->hard_timeout);
	print_flags(fm->flags, out);
	if (stats)
		strbuf_printf(out, "idle_age=%llu, ", (unsigned long long)stats->idle_age_s);
}

void flow_print(const struct flow_mod *fm, const struct flow_stats *stats, struct strbuf *out)
{
	struct strbuf match = STRBUF_INIT;

	print_head(fm, stats, out);
	match_print(&fm->match, &match);
	if (fm->priority != FLOW_PRIORITY_DEFAULT)
		strbuf_printf(out, "priority=%u%s", fm->priority, match.len ? "," : " ");
	if (match.len)
		strbuf_printf(out, "%s ", strbuf_str(&match));
	strbuf_puts(out, "actions=");
	instructions_print(&fm->ins, out);
	strbuf_fini(&match);
}
