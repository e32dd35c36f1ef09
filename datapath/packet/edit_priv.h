/* edit_priv.h - what the files about edits share: edit.c (tags, labels, time to live),
 * edit_field.c (where fields lie), edit_csum.c (checksums follow).  Nobody else includes it. */
#pragma once

#include "edit.h"

/* Which checksums cover some bytes. */
enum {
	COVER_IPV4 = 1 << 0,   /* the IPv4 header's */
	COVER_PSEUDO = 1 << 1, /* L4's, as part of the pseudo-header */
	COVER_L4 = 1 << 2,     /* L4's, as part of what it sums */
};

/* Write 'n' bytes at 'ofs', which lies in the head, and let the checksums in 'cover' follow.
 * False, and nothing is changed, where one of them is out of reach. */
bool edit_write(struct edit *e, size_t ofs, const void *bytes, size_t n, unsigned cover);
