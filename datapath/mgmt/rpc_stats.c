#include "rpc_method.h"

#include <errno.h>
#include <string.h>

#include "absent.h"
#include "clock.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc_page.h"
#include "schema.h"

/* The ports to show: all, or the one that parameter 'key' names. */
static int chosen_port(struct rpc_call *call, const char *key, const struct dp_port **only)
{
	const char *name;

	*only = NULL;
	if (rpc_opt_text(call, key, &name))
		return -EINVAL;
	if (!name)
		return 0;
	*only = dataplane_port_lookup(call->mgmt->dp, name);
	if (!*only)
		return refuse_absent(call->mgmt->config, CONFIG_PORT, name, &call->refusal);
	return 0;
}

static json_t *sizes(const uint64_t *count)
{
	json_t *o = must(json_object());

	for (unsigned i = 0; i < SIZE_CLASSES; i++)
		must_do(json_object_set_new(
			o, size_class_name(i), must(json_integer((json_int_t)count[i]))));
	return o;
}

static uint64_t drops_between(const struct port_counters *c, unsigned first, unsigned end)
{
	uint64_t n = 0;

	for (unsigned i = first; i < end; i++)
		n += c->drops[i];
	return n;
}

enum { DROP_TX_FIRST = DROP_TX_VLAN_NOT_MEMBER };

static json_t *port_stats(const struct dp_port *p)
{
	struct port_counters c;

	port_counters_sum(p->port, &c);
	uint64_t rx_errors = c.drops[DROP_RX_TOO_SHORT] + c.drops[DROP_RX_TRUNCATED] +
			     c.drops[DROP_RX_TOO_LONG] + c.drops[DROP_RX_BAD_OFFLOAD] +
			     c.drops[DROP_RX_TOO_MANY_SEGMENTS] + c.drops[DROP_RX_VLAN_MALFORMED];
	json_t *rx = must(json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "packets",
		(json_int_t)c.rx_packets, "bytes", (json_int_t)c.rx_bytes, "gso",
		(json_int_t)c.rx_gso, "drops", (json_int_t)drops_between(&c, 0, DROP_TX_FIRST),
		"errors", (json_int_t)rx_errors, "sizes", sizes(c.rx_size)));
	json_t *tx = must(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "packets",
		(json_int_t)c.tx_packets, "bytes", (json_int_t)c.tx_bytes, "gso",
		(json_int_t)c.tx_gso, "drops", (json_int_t)drops_between(&c, DROP_TX_FIRST, DROP_N),
		"errors", (json_int_t)c.drops[DROP_TX_ERROR], "segmented",
		(json_int_t)c.tx_segmented, "checksummed", (json_int_t)c.tx_checksummed, "sizes",
		sizes(c.tx_size)));
	return must(json_pack("{s:s, s:s, s:o, s:o}", "name", p->port->conf.name, "bridge",
		p->bport->bridge->conf.name, "rx", rx, "tx", tx));
}

static void add_stats(struct rpc_page *page, const struct dp_port *p, bool all)
{
	rpc_page_add(page, port_stats(p));
}

static void add_drops(struct rpc_page *page, const struct dp_port *p, bool all)
{
	struct port_counters c;

	port_counters_sum(p->port, &c);
	for (unsigned i = 0; i < DROP_N; i++)
		if (c.drops[i] || all)
			rpc_page_add(
				page, must(json_pack("{s:s, s:s, s:s, s:I}", "port",
					      p->port->conf.name, "reason", drop_name(i), "about",
					      drop_sentence(i), "count", (json_int_t)c.drops[i])));
}

/* Pages end between ports. */
static int list_ports(struct rpc_call *call, const char *key,
	void (*add)(struct rpc_page *page, const struct dp_port *p, bool all), bool all)
{
	const struct dp_port *only;
	struct rpc_page page;
	size_t n;

	if (chosen_port(call, key, &only) || rpc_page_params(call, &page))
		return -EINVAL;
	const char **names = rpc_port_names(call->mgmt, &n);
	size_t i = rpc_name_after(names, n, page.after);
	rpc_page_begin(&page);
	for (; i < n && !rpc_page_full(&page); i++) {
		const struct dp_port *p = dataplane_port_lookup(call->mgmt->dp, names[i]);

		if (p && (!only || p == only))
			add(&page, p, all);
	}
	rpc_page_end(&page, i < n ? names[i - 1] : NULL);
	free(names);
	return 0;
}

int rpc_port_stats(struct rpc_call *call)
{
	return list_ports(call, "name", add_stats, false);
}

int rpc_drops(struct rpc_call *call)
{
	bool all;

	if (schema_flag(call->params, "all", &all, &call->refusal))
		return -EINVAL;
	return list_ports(call, "port", add_drops, all);
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static json_t *worker_stats(const struct workers *w, unsigned id, double seconds)
{
	struct worker_stats st;

	workers_stats(w, id, &st);
	json_t *o = must(json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:f, s:f, s:f}", "id", (int)id,
		"cpu", st.cpu, "queues", (int)st.queues, "queues-busy", (int)st.queues_busy,
		"packets", (json_int_t)st.packets, "bursts", (json_int_t)st.bursts,
		"packets-per-burst", ratio((double)st.packets, (double)st.bursts),
		"cycles-per-packet", ratio((double)st.busy_cycles, (double)st.packets),
		"busy-percent", 100 * ratio((double)st.busy_cycles, (double)st.total_cycles)));
	must_do(json_object_update_new(
		o, must(json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:f, s:f}", "queues-unwatched",
			   (int)st.queues_unwatched, "sleeps", (json_int_t)st.sleeps, "wakeups",
			   (json_int_t)st.wakeups, "polls", (json_int_t)st.polls, "armed",
			   (json_int_t)st.armed, "stuck", st.stuck, "cpu-s",
			   (double)st.cpu_ns / 1e9, "seconds", seconds))));
	return o;
}

int rpc_worker_stats(struct rpc_call *call)
{
	const struct workers *w = dataplane_workers(call->mgmt->dp);
	double seconds = (double)(clock_now_ms() - call->mgmt->workers_reset_ms) / 1e3;

	call->result = must(json_array());
	for (unsigned i = 0; i < workers_count(w); i++)
		must_do(json_array_append_new(call->result, worker_stats(w, i, seconds)));
	return 0;
}

int rpc_worker_reset(struct rpc_call *call)
{
	workers_stats_reset(dataplane_workers(call->mgmt->dp));
	call->mgmt->workers_reset_ms = clock_now_ms();
	return 0;
}
