#include "flow_key.h"

#include <stddef.h>

/* The headers are copied as one, so every member lies as far from eth_dst as in struct
 * parsed. */
enum {
	KEY_HEADERS = offsetof(struct flow_key, eth_dst),
	PARSED_HEADERS = offsetof(struct parsed, eth_dst),
	HEADERS_LEN = offsetof(struct parsed, tll) + sizeof(struct eth_addr) - PARSED_HEADERS,
};

#define SAME_PLACE(key_member, parsed_member)                                                      \
	_Static_assert(offsetof(struct flow_key, key_member) - KEY_HEADERS ==                      \
			       offsetof(struct parsed, parsed_member) - PARSED_HEADERS,            \
		#key_member " is at another place in struct parsed");                              \
	_Static_assert(sizeof(((struct flow_key *)0)->key_member) ==                               \
			       sizeof(((struct parsed *)0)->parsed_member),                        \
		#key_member " has another size in struct parsed")

SAME_PLACE(eth_dst, eth_dst);
SAME_PLACE(eth_src, eth_src);
SAME_PLACE(eth_type, eth_type);
SAME_PLACE(frag, frag);
SAME_PLACE(ip_proto, ip_proto);
SAME_PLACE(vlan, vlan);
SAME_PLACE(mpls_lse, mpls_lse);
SAME_PLACE(pbb_tci, pbb_tci);
SAME_PLACE(ip_tos, ip_tos);
SAME_PLACE(ip_ttl, ip_ttl);
SAME_PLACE(ipv6_ext, ipv6_ext);
SAME_PLACE(ipv6_label, ipv6_label);
SAME_PLACE(ip.ip4_src, ip4_src);
SAME_PLACE(ip.ip4_dst, ip4_dst);
SAME_PLACE(ip.src, src);
SAME_PLACE(ip.dst, dst);
SAME_PLACE(l4_src, l4_src);
SAME_PLACE(l4_dst, l4_dst);
SAME_PLACE(tcp_flags, tcp_flags);
SAME_PLACE(arp_op, arp_op);
SAME_PLACE(nd_target, nd_target);
SAME_PLACE(sll, sll);
SAME_PLACE(tll, tll);
_Static_assert(KEY_HEADERS % 8 == 0, "the headers start a word");
_Static_assert(KEY_HEADERS + HEADERS_LEN == offsetof(struct flow_key, pad2), "nothing else there");
_Static_assert(PARSE_STOP_N <= 16 && PARSE_LAYER_N <= 16, "four bits each in 'stop'");

flow_map flow_key_map(const struct flow_key *k)
{
	const uint64_t *w = flow_words_const(k);
	flow_map map = 0;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		map |= (flow_map) !!w[i] << i;
	return map;
}

void flow_key_headers(struct flow_key *k, const struct parsed *p)
{
	k->stop = (uint8_t)(p->stop | p->stop_layer << 4);
	k->n_vlans = p->n_vlans;
	memcpy(&k->eth_dst, &p->eth_dst, HEADERS_LEN);
	memset(k->pad2, 0, sizeof(k->pad2));
}

void flow_key_mask(struct flow_key *dst, const struct flow_key *a, const struct flow_key *mask)
{
	const uint64_t *w = flow_words_const(a), *m = flow_words_const(mask);
	uint64_t *d = flow_words(dst);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		d[i] = w[i] & m[i];
}
