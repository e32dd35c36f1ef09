#include "wire.h"

#include <errno.h>
#include <stdio.h>

int eth_addr_parse(const char *text, struct eth_addr *addr)
{
	unsigned b[6];
	int end = 0;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
			&end) != 6 ||
		end != 17)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		addr->b[i] = (uint8_t)b[i];
	return 0;
}
