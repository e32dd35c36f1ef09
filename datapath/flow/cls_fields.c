#include "cls_fields.h"

#include <assert.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

static void count(struct cls_fields *f, unsigned byte, int by)
{
	uint8_t *set = (uint8_t *)(void *)&f->set;

	assert(by > 0 || f->n_masks[byte]);
	f->n_masks[byte] += (uint32_t)by;
	set[byte] = f->n_masks[byte] ? 0xff : 0;
}

static void count_all(struct cls_fields *f, flow_map map, const uint64_t *mask, int by)
{
	for (; map; map &= map - 1, mask++) {
		uint8_t bytes[WORD];

		memcpy(bytes, mask, WORD);
		for (unsigned i = 0; i < WORD; i++)
			if (bytes[i])
				count(f, (unsigned)__builtin_ctz(map) * WORD + i, by);
	}
}

void cls_fields_add(struct cls_fields *f, flow_map map, const uint64_t *mask)
{
	count_all(f, map, mask, 1);
}

void cls_fields_del(struct cls_fields *f, flow_map map, const uint64_t *mask)
{
	count_all(f, map, mask, -1);
}
