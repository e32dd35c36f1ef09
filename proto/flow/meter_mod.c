#include "meter_mod.h"

static bool band_equal(const struct meter_band *a, const struct meter_band *b)
{
	return a->type == b->type && a->rate == b->rate && a->burst_size == b->burst_size &&
	       a->prec_level == b->prec_level;
}

bool meter_mod_equal(const struct meter_mod *a, const struct meter_mod *b)
{
	if (a->command != b->command || a->id != b->id || a->flags != b->flags ||
		a->n_bands != b->n_bands)
		return false;
	for (unsigned i = 0; i < a->n_bands; i++)
		if (!band_equal(&a->bands[i], &b->bands[i]))
			return false;
	return true;
}

/* ---- is it possible? ---- */

static int refuse(struct strbuf *why, enum of_error error, const char *sentence)
{
	strbuf_puts(why, sentence);
	return (int)error;
}

static int check_band(const struct meter_mod *mm, const struct meter_band *b, struct strbuf *why)
{
	bool burst = mm->flags & METER_BURST;

	if (b->type != BAND_DROP && b->type != BAND_DSCP_REMARK)
		return refuse(why, METER_BAD_BAND, "type: must be drop or dscp_remark");
	if (!b->rate)
		return refuse(why, METER_BAD_RATE, "rate: must be at least 1");
	if (!burst != !b->burst_size)
		return refuse(why, METER_BAD_BURST,
			burst ? "burst: each band needs a burst_size of at least 1"
			      : "burst_size: needs the flag burst");
	if ((b->type == BAND_DSCP_REMARK) != (b->prec_level == 1 || b->prec_level == 2))
		return refuse(why, METER_BAD_BAND_VALUE,
			"prec_level: must be 1 or 2, and of type dscp_remark");
	return 0;
}

static int check_bands(const struct meter_mod *mm, struct strbuf *why)
{
	int err = 0;

	if (!mm->n_bands || mm->n_bands > METER_BANDS_MAX)
		return refuse(why, METER_BAD_BAND, "bands: must be 1 to 16");
	for (unsigned i = 0; !err && i < mm->n_bands; i++) {
		err = check_band(mm, &mm->bands[i], why);
		for (unsigned j = 0; !err && j < i; j++)
			if (mm->bands[i].rate == mm->bands[j].rate) {
				strbuf_printf(why, "rate=%u: of two bands", mm->bands[i].rate);
				err = METER_BAD_RATE;
			}
	}
	return err;
}

int meter_mod_check(
	const struct meter_mod *mm, const struct action_limits *limits, struct strbuf *why)
{
	unsigned unit = mm->flags & (METER_KBPS | METER_PKTPS);
	bool is_virtual =
		mm->id == (uint32_t)METER_ID_SLOWPATH || mm->id == (uint32_t)METER_ID_CONTROLLER;

	if (mm->command == METER_DELETE && mm->id == (uint32_t)METER_ID_ALL)
		return 0;
	if (!is_virtual &&
		(!mm->id || mm->id > (uint32_t)METER_ID_MAX || mm->id > limits->meters_max)) {
		strbuf_printf(why, "meter=%u: no meter has that number", mm->id);
		return METER_INVALID;
	}
	if (mm->command == METER_DELETE)
		return 0;
	if (unit != METER_KBPS && unit != METER_PKTPS)
		return refuse(why, METER_BAD_FLAGS, "needs one of kbps and pktps");
	return check_bands(mm, why);
}

/* ---- text ---- */

static void print_band(const struct meter_mod *mm, const struct meter_band *b, struct strbuf *out)
{
	strbuf_printf(
		out, "type=%s rate=%u", b->type == BAND_DROP ? "drop" : "dscp_remark", b->rate);
	if (mm->flags & METER_BURST)
		strbuf_printf(out, " burst_size=%u", b->burst_size);
	if (b->type == BAND_DSCP_REMARK)
		strbuf_printf(out, " prec_level=%u", b->prec_level);
}

static void print_id(uint32_t id, struct strbuf *out)
{
	strbuf_puts(out, "meter=");
	if (id == (uint32_t)METER_ID_ALL)
		strbuf_puts(out, "all");
	else if (id == (uint32_t)METER_ID_SLOWPATH)
		strbuf_puts(out, "slowpath");
	else if (id == (uint32_t)METER_ID_CONTROLLER)
		strbuf_puts(out, "controller");
	else
		strbuf_printf(out, "%u", id);
}

void meter_print(const struct meter_mod *mm, struct strbuf *out)
{
	static const char *const flags[] = {" kbps", " pktps", " burst", " stats"};

	print_id(mm->id, out);
	if (mm->command == METER_DELETE)
		return;
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (mm->flags & 1u << i)
			strbuf_puts(out, flags[i]);
	for (unsigned i = 0; i < mm->n_bands; i++) {
		strbuf_puts(out, i ? " " : " bands=");
		print_band(mm, &mm->bands[i], out);
	}
}
