#include "cleanup.h"

#include <stdio.h>
#include <string.h>

#include "leftovers.h"
#include "netlink.h"

struct tally {
	unsigned done, failed;
};

static void tell(bool done, const char *text, void *arg)
{
	struct tally *t = arg;

	if (done) {
		t->done++;
		puts(text);
	} else {
		t->failed++;
		fprintf(stderr, "vswitchd: %s\n", text);
	}
}

int cleanup(const char *owner)
{
	static const struct leftovers_ops ops = {.tell = tell};
	struct tally t = {0};
	struct netlink *nl;
	int rc = netlink_open(&nl);

	if (!rc) {
		rc = leftovers_clear(nl, owner, &ops, &t);
		netlink_destroy(nl);
	}
	if (rc)
		fprintf(stderr, "vswitchd: interfaces cannot be listed: %s\n", strerror(-rc));
	else if (!t.done && !t.failed)
		printf("nothing is left of a switch in %s\n", owner);
	return rc || t.failed;
}
