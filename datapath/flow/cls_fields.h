/* cls_fields.h - which bytes of a key the masks of a classifier look at.
 *
 * Counted by byte, so that a byte is in the set from when the first mask asks for some bit
 * of it until the last such mask is gone.
 *
 * Threads: control. */
#pragma once

#include <stdint.h>

#include "flow_key.h"

struct cls_fields {
	struct flow_key set; /* bytes of 0xff and 0 */
	uint32_t n_masks[sizeof(struct flow_key)];
};

/* All 0 is none.  A mask is a map and the words that it names. */
void cls_fields_add(struct cls_fields *f, flow_map map, const uint64_t *mask);
void cls_fields_del(struct cls_fields *f, flow_map map, const uint64_t *mask);
