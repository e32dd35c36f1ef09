#include "leftovers.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ethtool.h"
#include "tap.h"

struct filter {
	int ifindex;
	struct netlink_before before;
};

struct leftovers {
	struct netlink *nl;
	const char *owner;
	const struct leftovers_ops *ops;
	void *arg;
	struct filter *filters; /* with our owner; ifindex -1: dealt with */
	size_t n_filters;
	bool incomplete; /* out of memory while they were collected */
};

static void __attribute__((format(printf, 3, 4)))
tell(const struct leftovers *x, bool done, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->ops->tell(done, text, x->arg);
}

static bool wanted(const struct leftovers *x, enum leftover what, const struct netlink_link *l,
	const char *port)
{
	return x->ops->wanted && x->ops->wanted(what, l, port, x->arg);
}

/* ---- filters ---- */

static void collect_filter(int ifindex, const struct netlink_before *before, void *arg)
{
	struct leftovers *x = arg;
	struct filter *v;

	if (strcmp(before->owner, x->owner))
		return;
	v = realloc(x->filters, (x->n_filters + 1) * sizeof(*v));
	if (!v) {
		x->incomplete = true;
		return;
	}
	x->filters = v;
	v[x->n_filters++] = (struct filter){.ifindex = ifindex, .before = *before};
}

static const struct netlink_before *filter_of(const struct leftovers *x, int ifindex)
{
	for (size_t i = 0; i < x->n_filters; i++)
		if (x->filters[i].ifindex == ifindex)
			return &x->filters[i].before;
	return NULL;
}

/* As port_netdev.c does it; what somebody has changed meanwhile stays. */
static void give_back(
	struct leftovers *x, const struct netlink_link *l, const struct netlink_before *before)
{
	int rc = 0;

	if (before->mtu_given && l->mtu == before->mtu_given)
		netlink_link_set_mtu(x->nl, l->ifindex, before->mtu);
	if (before->lro)
		ethtool_set_flag(l->ifindex, ETH_FLAG_LRO, true);
	if (!before->up)
		netlink_link_set_up(x->nl, l->ifindex, false);
	rc = netlink_barrier_del(x->nl, l->ifindex, before);
	if (rc)
		tell(x, false, "interface %s cannot be given back: %s", l->name, strerror(-rc));
	else
		tell(x, true, "interface %s given back", l->name);
}

/* ---- taps ---- */

/* "vswitch tap NAME HASH OWNER" */
static bool tap_is_ours(
	const struct leftovers *x, const struct netlink_link *l, char port[TAP_NAME_LEN])
{
	int at = 0;

	if (strcmp(l->kind, "tun") || !l->tun.tap)
		return false;
	sscanf(l->alias, TAP_MARK_PREFIX " %15s %*s %n", port, &at);
	return at && !strcmp(l->alias + at, x->owner);
}

static void delete (struct leftovers *x, const struct netlink_link *l)
{
	int rc;

	if (l->carrier || l->tun.queues) {
		tell(x, false, "tap %s stays: another program holds it", l->name);
		return;
	}
	rc = netlink_link_del(x->nl, l->ifindex);
	if (rc)
		tell(x, false, "tap %s cannot be deleted: %s", l->name, strerror(-rc));
	else
		tell(x, true, "tap %s deleted", l->name);
}

static void look_at(const struct netlink_link *l, void *arg)
{
	struct leftovers *x = arg;
	const struct netlink_before *before = filter_of(x, l->ifindex);
	char port[TAP_NAME_LEN];

	if (before && !wanted(x, LEFTOVER_FILTER, l, l->name))
		give_back(x, l, before);
	if (tap_is_ours(x, l, port) && !wanted(x, LEFTOVER_TAP, l, port))
		delete (x, l);
}

int leftovers_clear(
	struct netlink *nl, const char *owner, const struct leftovers_ops *ops, void *arg)
{
	struct leftovers x = {.nl = nl, .owner = owner, .ops = ops, .arg = arg};
	int rc = netlink_barrier_each(nl, collect_filter, &x);

	if (!rc && x.incomplete)
		rc = -ENOMEM;
	if (!rc)
		rc = netlink_link_each(nl, look_at, &x);
	free(x.filters);
	return rc;
}
