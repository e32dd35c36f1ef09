/* group_mod.h - groups, and changes of them, as text:
 * "group_id=1,type=select,bucket=weight:2,output:1,bucket=watch_port:3,actions=output:3".
 *
 * OpenFlow 1.3.5 sections 5.6, 7.3.4.2; ovs-ofctl(8), "Group Syntax".  Pure; any thread. */
#pragma once

#include "action.h"

enum group_command { GROUP_ADD, GROUP_MODIFY, GROUP_DELETE };
enum group_type { GROUP_ALL, GROUP_SELECT, GROUP_INDIRECT, GROUP_FF };

enum {
	GROUP_ID_MAX = (int)0xffffff00,
	GROUP_ID_ALL = (int)0xfffffffc, /* deletes */
	GROUP_BUCKETS_MAX = 1024,
	GROUP_WATCH_NONE = (int)0xffffffff, /* OFPP_ANY, OFPG_ANY */
};

struct bucket {
	uint16_t weight;	    /* select, where none is said 1, 0: never chosen; else 0 */
	uint32_t watch_port;	    /* fast failover, select; GROUP_WATCH_NONE */
	uint32_t watch_group;	    /* likewise */
	struct action_list actions; /* executed as an action set */
};

struct group_mod {
	enum group_command command;
	enum group_type type;
	uint32_t id;
	struct bucket *buckets;
	unsigned n_buckets;
};

void group_mod_init(struct group_mod *gm);
void group_mod_fini(struct group_mod *gm);
int group_mod_copy(struct group_mod *dst, const struct group_mod *src); /* 0 or -ENOMEM */
bool group_mod_equal(const struct group_mod *a, const struct group_mod *b);

/* Can it be?  A bucket of type indirect stands alone; of type ff each has something to
 * watch, of other types but select none; weights are of select only; no group is its own
 * bucket's.  0 or an OF_ERROR() with 'why'. */
int group_mod_check(
	const struct group_mod *gm, const struct action_limits *limits, struct strbuf *why);

/* 'gm' was initialised, and is to be freed whatever comes out.  Deleting takes a group_id (or
 * "all") only; others need a type.  Checks, too.  0; OF_ERROR() or -EINVAL, with 'why', which
 * names the word; -ENOMEM. */
int group_mod_parse(struct group_mod *gm, enum group_command command,
	const struct action_limits *limits, const char *text, struct strbuf *why);
/* As ovs-ofctl prints it; of deleting, the number alone. */
void group_print(const struct group_mod *gm, struct strbuf *out);
