/* edit.h - changing the headers of a packet: what the actions of a rule do to its bytes.
 *
 * Every edit leaves the packet right: IPv4's header checksum and the L4 checksum follow what
 * changes (RFC 1624), a wrong one stays wrong, UDP's 0 stays none; of a partial checksum the
 * pseudo-header's part follows; csum_start and the lengths of segmentation move with what is
 * put in and taken out.  SCTP's CRC, if it was right, becomes partial.
 *
 * A packet being edited goes with what parse() found in it, so that the next action sees
 * what the last one left.  An edit whose header is not there, or cannot be reached in the
 * head, changes nothing and answers false; the caller names the drop, or goes on.
 *
 * Sources: OpenFlow 1.3.5 section 5.12 (order of tags, and which fields a push copies),
 * IEEE 802.1Q-2018 sections 9.5 to 9.7, RFC 3032, RFC 3443.
 *
 * Threads: the worker that owns the packet. */
#pragma once

#include "field.h"
#include "packet.h"
#include "parse.h"

struct edit {
	struct packet *p;
	struct parsed *h; /* of 'p' as it is now, but for 'stale' */
	bool stale;	  /* values of 'h' that edit_headers() renews; offsets are always right */
};

/* Begin: 'h' is what parse() found in 'p', and is kept up to date by the edits. */
static inline void edit_init(struct edit *e, struct packet *p, struct parsed *h)
{
	*e = (struct edit){.p = p, .h = h};
}

/* The headers as they are now. */
const struct parsed *edit_headers(struct edit *e);

/* ---- tags and labels ---- */

/* Outermost.  Priority and VID are those of the tag that was outermost, else 0. */
bool edit_push_vlan(struct edit *e, uint16_t tpid);
bool edit_pop_vlan(struct edit *e);

/* Behind the VLAN tags.  Label and traffic class are those of the label that was outermost,
 * else 0; the TTL is its, or IP's, else 64. */
bool edit_push_mpls(struct edit *e, uint16_t ethertype);
bool edit_pop_mpls(struct edit *e, uint16_t ethertype);

/* An I-TAG around the whole frame, addresses copied, priority that of the outermost VLAN
 * tag; the I-SID is that of an I-TAG that is there, else 0.  Popped with the addresses and
 * the VLAN tags that stand before it. */
bool edit_push_pbb(struct edit *e, uint16_t ethertype);
bool edit_pop_pbb(struct edit *e);

/* ---- fields ---- */

/* Set the bits of 'mask' of a header field.  The field is one of headers and settable, and
 * of VLAN_VID the present bit is not looked at: there is a tag or there is none.  False
 * where the packet has no such field. */
bool edit_set(
	struct edit *e, const struct field *f, struct field_value value, struct field_value mask);

/* ---- time to live ---- */

enum edit_ttl { EDIT_TTL_DONE, EDIT_TTL_EXPIRED, EDIT_TTL_ABSENT };

/* EXPIRED, unchanged, where it is 0 or 1: the packet goes no further. */
enum edit_ttl edit_dec_nw_ttl(struct edit *e);
enum edit_ttl edit_dec_mpls_ttl(struct edit *e);

/* From the next header that has one to the outermost: label to label, or IP to label; and
 * back. */
bool edit_copy_ttl_out(struct edit *e);
bool edit_copy_ttl_in(struct edit *e);
