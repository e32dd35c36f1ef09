/* checksum.h - the Internet checksum (RFC 1071, updates by RFC 1624).
 *
 * A sum is the plain integer sum of words in memory order.  Sums may be added to
 * each other, and cannot overflow below 16 GB of data; csum_fold() yields the
 * value to store, in network order.
 *
 * Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Add 'len' bytes to a running sum.  Pieces must be given in order; every piece
 * but the last must have even length. */
uint64_t csum_add(uint64_t sum, const void *data, size_t len);

/* The scalar twin of csum_add(); what the vector forms are tested against. */
uint64_t csum_add_scalar(uint64_t sum, const void *data, size_t len);

/* csum_add() for a piece that lies 'ofs' bytes behind the start of what is
 * summed, odd or even: pieces of any length, in any order (RFC 1071 section 2 B). */
uint64_t csum_add_at(uint64_t sum, size_t ofs, const void *data, size_t len);

/* Fold to 16 bits and complement. */
be16_t csum_fold(uint64_t sum);

/* The pseudo-header of TCP and UDP: RFC 793, RFC 768, RFC 8200 section 8.1.
 * 'src' and 'dst' point at 4 or 16 bytes. */
uint64_t csum_pseudo4(const void *src, const void *dst, uint8_t proto, uint16_t len);
uint64_t csum_pseudo6(const void *src, const void *dst, uint8_t proto, uint32_t len);
