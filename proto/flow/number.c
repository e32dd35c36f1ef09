#include "number.h"

#include <errno.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

/* Of a digit in 'base'; -1. */
static int digit(char c, unsigned base)
{
	int d = -1;

	if (c >= '0' && c <= '9')
		d = c - '0';
	else if (c >= 'a' && c <= 'f')
		d = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		d = c - 'A' + 10;
	return d < (int)base ? d : -1;
}

static int parse(const char *text, size_t len, u128 *number)
{
	unsigned base = 10;
	u128 n = 0;
	int err = 0;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	} else if (len > 1 && text[0] == '0') {
		return -EINVAL;
	}
	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i], base);

		if (d < 0)
			return -EINVAL;
		if (n > (~(u128)0 - (unsigned)d) / base)
			err = -ERANGE;
		n = n * base + (unsigned)d;
	}
	*number = n;
	return err;
}

int number_parse(const char *text, size_t len, uint64_t *number)
{
	u128 n;
	int err = parse(text, len, &n);

	if (err)
		return err;
	if (n >> 64)
		return -ERANGE;
	*number = (uint64_t)n;
	return 0;
}

int number_parse_wide(const char *text, size_t len, uint8_t number[16])
{
	u128 n;
	int err = parse(text, len, &n);

	if (err)
		return err;
	for (int i = 15; i >= 0; i--, n >>= 8)
		number[i] = (uint8_t)n;
	return 0;
}
