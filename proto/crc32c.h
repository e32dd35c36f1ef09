/* crc32c.h - the Castagnoli CRC that SCTP uses as its checksum (RFC 9260 section
 * 6.8 and appendix A).
 *
 * Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Begin with CRC32C_INIT, add pieces in order, end with crc32c_finish(), whose value
 * goes into the SCTP header in little-endian order. */
#define CRC32C_INIT 0xffffffffu

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);

static inline uint32_t crc32c_finish(uint32_t crc)
{
	return ~crc;
}
