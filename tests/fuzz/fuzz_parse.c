/* Input: two bytes of head length (little-endian), then a frame. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t l4_layers =
	PARSED_TCP | PARSED_UDP | PARSED_SCTP | PARSED_ICMP | PARSED_ICMPV6;

static void check(const struct parsed *f, size_t head_len, size_t frame_len)
{
	assert(f->stop < PARSE_STOP_N && f->stop_layer < PARSE_LAYER_N);
	assert(f->stop_ofs <= frame_len && f->payload_ofs <= frame_len);
	assert(f->type_ofs <= head_len && f->l3_ofs <= head_len && f->l4_ofs <= frame_len);
	if (f->stop == PARSE_COMPLETE)
		assert(f->payload_ofs >= ETH_HEADER_LEN);
	if (f->stop == PARSE_DEEPER)
		assert(head_len < frame_len);
	if (f->has & l4_layers) {
		assert(f->has & (PARSED_IPV4 | PARSED_IPV6));
		assert(f->frag != PARSE_FRAG_LATER);
		assert(f->l4_ofs > f->l3_ofs && f->l3_ofs > f->type_ofs);
	}
	if (f->has & PARSED_ND)
		assert(f->has & PARSED_ICMPV6);
	assert((f->n_mpls > 0) == !!(f->has & PARSED_MPLS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed part, whole;

	if (size < 2)
		return 0;
	size_t frame_len = size - 2, head_len = (size_t)(data[0] | data[1] << 8);
	if (head_len > frame_len)
		head_len = frame_len;
	/* exactly sized, so that the address sanitizer sees a read past the end */
	uint8_t *head = malloc(head_len ? head_len : 1);
	if (!head)
		abort();
	memcpy(head, data + 2, head_len);
	parse(head, head_len, frame_len, &part);
	free(head);
	parse(data + 2, frame_len, frame_len, &whole);

	if (head_len > PARSE_LEN_MAX)
		head_len = PARSE_LEN_MAX;
	check(&part, head_len, frame_len);
	check(&whole, frame_len < PARSE_LEN_MAX ? frame_len : PARSE_LEN_MAX, frame_len);
	/* a head that was long enough yields the same as the whole frame */
	assert(!(part.has & ~whole.has));
	if (part.stop != PARSE_DEEPER)
		assert(!memcmp(&part, &whole, sizeof(part)));
	return 0;
}
