/* action_set.h - what Write-Actions gathers on a packet's way, and the order in which that is
 * executed at its end (OpenFlow 1.3.5 section 5.10); the actions of a bucket are executed
 * so, too.
 *
 * One action of each type is kept, the later one.  Of set_field, load and move, those of
 * different fields are all kept, in the order in which they came.  Order of execution:
 * copy_ttl_in, pops from the outside in, push_mpls, push_pbb, push_vlan, copy_ttl_out,
 * decrements of TTL, all that sets, set_queue, and then one of group, output, resubmit: the
 * first of these that is there.  As in Open vSwitch, where nothing but group, output or
 * resubmit would let anybody see it, what comes before is executed nevertheless.
 *
 * A set is a list that its owner frees.  Pure; any thread. */
#pragma once

#include "action.h"

/* May an action set hold it? */
bool action_set_takes(enum action_type type);

/* Merge 'written' into 'set'.  0; -ENOMEM; -E2BIG where the set would have more than
 * ACTION_LIST_MAX actions.  After an error 'set' holds a part of them. */
int action_set_write(struct action_list *set, const struct action_list *written);

/* Append the actions that are executed to 'list', in their order.  0; -ENOMEM; -E2BIG. */
int action_set_order(const struct action_list *set, struct action_list *list);
