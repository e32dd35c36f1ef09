#include "dp_priv.h"

#include "leftovers.h"
#include "log.h"
#include "netlink.h"

LOG_MODULE(leftovers);

struct known {
	struct dataplane *dp;
	bool (*fn)(const char *port, void *arg);
	void *arg;
};

static bool is_open(struct dataplane *dp, int ifindex)
{
	struct dp_port *p = NULL;

	while ((p = dataplane_port_next(dp, p)))
		if (p->port->opened && p->port->ifindex == ifindex)
			return true;
	return false;
}

/* An interface is taken as long as its port is up, no longer; a tap may have settings of
 * others, and stays for a port that is to be. */
static bool wanted(enum leftover what, const struct netlink_link *l, const char *port, void *arg)
{
	const struct known *k = arg;

	return (what == LEFTOVER_TAP && (k->fn(port, k->arg) || k->fn(l->name, k->arg))) ||
	       is_open(k->dp, l->ifindex);
}

static void tell(bool done, const char *text, void *arg)
{
	if (done)
		log_info("left by an earlier run: %s", text);
	else
		log_warn("left by an earlier run: %s", text);
}

void dataplane_clear_leftovers(
	struct dataplane *dp, bool (*known)(const char *port, void *arg), void *arg)
{
	static const struct leftovers_ops ops = {.wanted = wanted, .tell = tell};
	struct known k = {.dp = dp, .fn = known, .arg = arg};

	if (!dp->netlink || !dp->env.owner)
		return;
	int rc = leftovers_clear(dp->netlink, dp->env.owner, &ops, &k);
	if (rc)
		log_warn("what an earlier run left cannot be looked for: %s", strerror(-rc));
}
