/* The life of a port above its interface.
 *
 *	           open ok                 device gone, or reopened for new settings
 *	WAITING ------------> UP -----------------------------------> closing
 *	   ^  ^                |  removed                                |
 *	   |  +--- present --- | -----------> closing (leaving list)     |
 *	   +-------------------------------------------------------------+
 *
 * Closing takes three steps: no worker may begin to send (port_quiesce),
 * workers give the queues back, and a grace period passes; then the interface is
 * closed.  Its device may be held on for a while (port->releasing).  Only then may a
 * successor of the same name open the device. */
#include "dp_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "rcu.h"

LOG_MODULE(dataplane);

static const char *const state_names[] = {
	[DP_PORT_UP] = "up",
	[DP_PORT_WAITING] = "waiting",
	[DP_PORT_FAILED] = "failed",
};

const char *dp_port_state_name(enum dp_port_state state)
{
	return state_names[state];
}

static bool dp_port_has_predecessor(const struct dp_port *p)
{
	struct list *it;

	list_for_each (it, &p->dp->leaving) {
		struct dp_port *old = container_of(it, struct dp_port, link);

		if (!strcmp(old->port->conf.name, p->port->conf.name))
			return true;
	}
	return false;
}

static void dp_port_state(struct dp_port *p, enum dp_port_state state, const char *why)
{
	bool changed = p->state != state || strncmp(p->why, why, sizeof(p->why) - 1);

	if (!changed && p->since_ms)
		return;
	p->state = state;
	snprintf(p->why, sizeof(p->why), "%s", why);
	p->since_ms = clock_now_ms();
	p->changes++;
	if (p->removed)
		return;
	dp_tell_port(p);
	if (state == DP_PORT_UP)
		log_info("port %s: up", p->port->conf.name);
	else if (dp_port_has_predecessor(p))
		log_debug("port %s: %s: %s", p->port->conf.name, state_names[state], why);
	else
		log_warn("port %s: %s: %s", p->port->conf.name, state_names[state], why);
}

/* ---- opening ---- */

/* The bridge's own address stays at its own port. */
static void dp_port_note_address(struct dp_port *p, bool has_mac, struct eth_addr mac)
{
	if (p->ofport == OFPORT_LOCAL && has_mac && p->bport && bridge_set_local(p->bport, mac))
		log_warn("port %s: no memory to keep its address from others", p->port->conf.name);
}

static void dp_port_try_open(struct dp_port *p)
{
	struct strbuf why = STRBUF_INIT;
	int err;

	if (p->port->opened || p->closing || p->removed)
		return;
	if (dp_port_has_predecessor(p)) {
		dp_port_state(p, DP_PORT_WAITING, "the port that had this name is still closing");
		return;
	}
	err = port_open(p->port, &why);
	if (!err) {
		dp_port_note_address(p, p->port->has_mac, p->port->mac);
		workers_add_port(p->dp->workers, p->port);
		dp_port_state(p, DP_PORT_UP, "");
		dp_tell_port(p); /* also where it was up before, with another MTU */
	} else if (err == -ENODEV) {
		dp_port_state(p, DP_PORT_WAITING, why.len ? strbuf_str(&why) : "device absent");
	} else {
		dp_port_state(p, DP_PORT_FAILED, why.len ? strbuf_str(&why) : strerror(-err));
	}
	strbuf_fini(&why);
}

/* ---- closing ---- */

static void reconf_free(struct dp_port *p)
{
	if (p->reconf)
		port_conf_fini(p->reconf);
	free(p->reconf);
	p->reconf = NULL;
}

static void dp_port_free(struct dp_port *p)
{
	struct dataplane *dp = p->dp;
	char name[PORT_NAME_MAX + 1];
	struct dp_port *successor;

	snprintf(name, sizeof(name), "%s", p->port->conf.name);
	list_del(&p->link);
	port_destroy(p->port);
	reconf_free(p);
	free(p);
	successor = dataplane_port_lookup(dp, name);
	if (successor)
		dp_port_try_open(successor);
}

/* It was removed after it had been closed to be opened again, which has left its device
 * behind: take that once more. */
static void dp_port_close_for_good(struct dp_port *p)
{
	struct strbuf why = STRBUF_INIT;

	p->for_good = true;
	if (!port_open(p->port, &why))
		port_close(p->port, true);
	strbuf_fini(&why);
}

/* Nothing is held any more. */
static void dp_port_released(struct port *port, void *arg)
{
	struct dp_port *p = arg;
	struct dataplane *dp = p->dp;

	if (p->removed && !p->for_good && !dp->keep_devices)
		dp_port_close_for_good(p);
	if (port->releasing)
		return;
	p->closing = false;
	if (p->removed) {
		dp_port_free(p);
	} else {
		bridge_port_link_down(p->bport); /* again: workers had frames from it till now */
		if (p->reconf)
			port_set_conf(p->port, p->reconf);
		reconf_free(p);
		if (p->reopen)
			dp_port_try_open(p);
	}
	dp->n_closing--;
	dataplane_closing_finished(dp);
}

/* No worker can see the port any more. */
static void dp_port_closed(void *arg)
{
	struct dp_port *p = arg;

	p->for_good = p->removed && !p->dp->keep_devices;
	port_close(p->port, p->for_good);
	if (!p->port->releasing)
		dp_port_released(p->port, p);
}

static void dp_port_queues_back(void *arg)
{
	rcu_defer(dp_port_closed, arg);
}

static void dp_port_begin_close(struct dp_port *p)
{
	if (p->closing)
		return;
	p->closing = true;
	p->dp->n_closing++;
	port_quiesce(p->port);
	workers_remove_port(p->dp->workers, p->port, dp_port_queues_back, p);
}

/* ---- what interfaces report ---- */

static void dp_port_gone(struct port *port, void *arg)
{
	struct dp_port *p = arg;

	if (!port->opened || p->removed)
		return;
	bridge_port_link_down(p->bport);
	p->reopen = true;
	dp_port_begin_close(p);
	dp_port_state(p, DP_PORT_WAITING, "device absent");
}

static void dp_port_reopen(struct port *port, const char *why, void *arg)
{
	struct dp_port *p = arg;

	if (!port->opened || p->removed || p->closing)
		return;
	p->reopen = true;
	dp_port_begin_close(p);
	dp_port_state(p, DP_PORT_WAITING, why);
}

static void dp_port_present(struct port *port, void *arg)
{
	struct dp_port *p = arg;

	if (p->closing)
		p->reopen = true;
	else
		dp_port_try_open(p);
}

static void dp_port_changed(struct port *port, void *arg)
{
	struct dp_port *p = arg;

	if (p->removed)
		return;
	if (!port->link_up)
		bridge_port_link_down(p->bport);
	dp_port_note_address(p, port->has_mac, port->mac);
	dp_tell_port(p);
}

const struct port_events dp_port_events = {
	.gone = dp_port_gone,
	.present = dp_port_present,
	.changed = dp_port_changed,
	.reopen = dp_port_reopen,
	.released = dp_port_released,
};

/* ---- adding, changing, removing ---- */

int dataplane_port_add(struct dataplane *dp, const char *bridge, uint16_t ofport,
	const struct port_conf *conf, const struct bport_conf *bconf, struct strbuf *why)
{
	struct bridge *b = dataplane_bridge_lookup(dp, bridge);
	struct dp_port *p;
	int err;

	if (!b) {
		strbuf_printf(why, "no bridge named '%s'", bridge);
		return -ENOENT;
	}
	if (dataplane_port_lookup(dp, conf->name)) {
		strbuf_printf(why, "port %s exists already", conf->name);
		return -EEXIST;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->dp = dp;
	p->ofport = ofport;
	p->state = DP_PORT_WAITING;
	list_init(&p->news);
	err = port_create(conf, &dp->env, &dp_port_events, p, &p->port, why);
	if (err)
		goto free_self;
	err = strmap_try_put(&dp->by_name, conf->name, p);
	if (err)
		goto destroy_port;
	err = bridge_port_add(b, p->port, ofport, bconf, &p->bport);
	if (err == -ENOSPC)
		strbuf_printf(why, "bridge %s: no room for another port (%d at most)", bridge,
			BRIDGE_PORTS_MAX);
	if (err)
		goto forget_name;
	rcu_set(p->port->owner, p->bport);
	list_add_tail(&dp->ports, &p->link);
	dp_port_try_open(p);
	return 0;

forget_name:
	strmap_del(&dp->by_name, conf->name);
destroy_port:
	port_destroy(p->port);
free_self:
	free(p);
	return err;
}

int dataplane_port_check(
	const struct dataplane *dp, const struct port_conf *conf, struct strbuf *why)
{
	const struct dp_port *p = dataplane_port_lookup(dp, conf->name);

	return port_check(conf, &dp->env, p ? p->port : NULL, why);
}

int dataplane_port_set(struct dataplane *dp, const char *name, const struct port_conf *conf,
	const struct bport_conf *bconf, struct strbuf *why)
{
	struct dp_port *p = dataplane_port_lookup(dp, name);
	int err;

	if (!p) {
		strbuf_printf(why, "no port named '%s'", name);
		return -ENOENT;
	}
	assert(p->port->ops == conf->ops);
	if (memcmp(&p->bport->conf, bconf, sizeof(*bconf))) {
		err = bridge_port_set(p->bport, bconf);
		if (err)
			return err;
	}
	if (port_conf_equal(p->reconf ? p->reconf : &p->port->conf, conf))
		return 0;
	err = p->port->opened && !p->closing && p->port->ops->reconfigure
		      ? p->port->ops->reconfigure(p->port, conf, why)
		      : -EOPNOTSUPP;
	if (!err) {
		port_set_conf(p->port, conf);
		dp_port_note_address(
			p, conf->has_mac, conf->mac); /* the kernel's word is to come */
		dp_tell_port(p);
		return 0;
	}
	if (err != -EOPNOTSUPP)
		return err;
	if (!p->port->opened) {
		port_set_conf(p->port, conf);
		dp_port_try_open(p);
		return 0;
	}
	struct port_conf copy;
	err = port_check(conf, &dp->env, p->port, why);
	if (err)
		return err;
	err = port_conf_copy(&copy, conf);
	if (err)
		return err;
	if (p->reconf)
		port_conf_fini(p->reconf);
	else
		p->reconf = calloc(1, sizeof(*p->reconf));
	if (!p->reconf) {
		port_conf_fini(&copy);
		return -ENOMEM;
	}
	*p->reconf = copy;
	p->reopen = true;
	dp_port_begin_close(p);
	return 0;
}

void dp_port_remove(struct dp_port *p)
{
	struct dataplane *dp = p->dp;

	p->removed = true;
	dp_tell_port_removed(p);
	rcu_set(p->port->owner, NULL);
	bridge_port_del(p->bport);
	p->bport = NULL;
	port_forget(p->port);
	list_del(&p->link);
	strmap_del(&dp->by_name, p->port->conf.name);
	list_add_tail(&dp->leaving, &p->link);
	dp_port_begin_close(p);
}

void dataplane_port_del(struct dataplane *dp, const char *name)
{
	struct dp_port *p = dataplane_port_lookup(dp, name);

	if (p)
		dp_port_remove(p);
}
