/* number.h - numbers in the text of flows: decimal, or hexadecimal behind 0x.
 *
 * A leading 0 is refused: to some readers "010" is eight.
 *
 * Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0; -EINVAL for what is no number; -ERANGE for one of more than 64 bits. */
int number_parse(const char *text, size_t len, uint64_t *number);

/* The same for up to 128 bits, as 16 bytes, highest first. */
int number_parse_wide(const char *text, size_t len, uint8_t number[16]);
