#include "rates.h"

#include <string.h>

#include "value.h"

void snapshot_fini(struct snapshot *s)
{
	json_decref(s->status);
	json_decref(s->ports);
	json_decref(s->stats);
	json_decref(s->workers);
	json_decref(s->drops);
	*s = (struct snapshot){0};
}

static double grown(double then, double now)
{
	return now >= then ? now - then : now;
}

static double rate(const json_t *then, const json_t *now, const char *key, double seconds)
{
	return grown(value_real(then, key), value_real(now, key)) / seconds;
}

static json_t *direction(const json_t *then, const json_t *now, const char *dir, double seconds)
{
	const json_t *a = json_object_get(then, dir), *b = json_object_get(now, dir);

	/* A port that was not there before has no rate yet. */
	if (!a)
		a = b;
	return json_pack("{s:f, s:f, s:f}", "packets-per-s", rate(a, b, "packets", seconds),
		"bits-per-s", 8 * rate(a, b, "bytes", seconds), "drops-per-s",
		rate(a, b, "drops", seconds));
}

static json_t *port_rates(const struct snapshot *then, const struct snapshot *now, double seconds)
{
	static const char *const keys[] = {"name", NULL};
	json_t *ports = value_sorted(now->stats, keys), *rates = json_array(), *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		const char *name = value_str(port, "name");
		const json_t *before = value_find(then->stats, "name", name);
		const char *state = value_str(value_find(now->ports, "name", name), "state");

		json_array_append_new(
			rates, json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", name, "bridge",
				       value_str(port, "bridge"), "state", state, "rx",
				       direction(before, port, "rx", seconds), "tx",
				       direction(before, port, "tx", seconds)));
	}
	json_decref(ports);
	return rates;
}

/* A worker counts since its last reset: over 'seconds' it was busy for a part.
 * The part for the time between two looks is the difference of the products. */
static double busy_percent(const json_t *then, const json_t *now)
{
	double seconds = value_real(now, "seconds"),
	       busy = seconds * value_real(now, "busy-percent");
	double seconds_then = value_real(then, "seconds");

	if (seconds > seconds_then) {
		busy -= seconds_then * value_real(then, "busy-percent");
		seconds -= seconds_then;
	}
	busy = seconds > 0 ? busy / seconds : 0;
	return busy < 0 ? 0 : busy > 100 ? 100 : busy;
}

static const json_t *find_worker(const json_t *workers, uint64_t id)
{
	json_t *worker;
	size_t i;

	json_array_foreach(workers, i, worker) if (value_count(worker, "id") == id) return worker;
	return NULL;
}

static json_t *worker_rates(const struct snapshot *then, const struct snapshot *now, double seconds)
{
	json_t *rates = json_array(), *worker;
	size_t i;

	json_array_foreach(now->workers, i, worker)
	{
		uint64_t id = value_count(worker, "id");
		const json_t *before = find_worker(then->workers, id);

		if (!before)
			before = worker;
		json_array_append_new(
			rates, json_pack("{s:I, s:f, s:f, s:f, s:f}", "id", (json_int_t)id,
				       "busy-percent", busy_percent(before, worker), "cpu-percent",
				       100 * rate(before, worker, "cpu-s", seconds),
				       "packets-per-s", rate(before, worker, "packets", seconds),
				       "sleeps-per-s", rate(before, worker, "sleeps", seconds)));
	}
	return rates;
}

static double drops_before(const json_t *drops, const json_t *drop)
{
	json_t *before;
	size_t i;

	json_array_foreach(drops, i,
		before) if (!strcmp(value_str(before, "port"), value_str(drop, "port")) &&
			    !strcmp(value_str(before, "reason"),
				    value_str(drop, "reason"))) return value_real(before, "count");
	return 0;
}

static json_t *drop_rates(const struct snapshot *then, const struct snapshot *now, double seconds)
{
	static const char *const keys[] = {"falling", "port", "reason", NULL};
	json_t *rates = json_array(), *drop;
	size_t i;

	json_array_foreach(now->drops, i, drop)
	{
		double per_s =
			grown(drops_before(then->drops, drop), value_real(drop, "count")) / seconds;

		if (per_s <= 0)
			continue;
		json_array_append_new(
			rates, json_pack("{s:s, s:s, s:s, s:f, s:f, s:O}", "port",
				       value_str(drop, "port"), "reason", value_str(drop, "reason"),
				       "about", value_str(drop, "about"), "per-s", per_s, "falling",
				       -per_s, "count", json_object_get(drop, "count")));
	}

	json_t *sorted = value_sorted(rates, keys);

	json_array_foreach(sorted, i, drop) json_object_del(drop, "falling");
	json_decref(rates);
	return sorted;
}

json_t *rates_between(const struct snapshot *then, const struct snapshot *now)
{
	double seconds = (double)(now->at_ns - then->at_ns) / 1e9;

	return json_pack("{s:s, s:I, s:f, s:o, s:o, s:o}", "version",
		value_str(now->status, "version"), "uptime-s",
		(json_int_t)value_count(now->status, "uptime-s"), "seconds", seconds, "ports",
		port_rates(then, now, seconds), "workers", worker_rates(then, now, seconds),
		"drops", drop_rates(then, now, seconds));
}
