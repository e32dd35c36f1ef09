#include "ofport.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "number.h"

static const struct {
	const char *name;
	uint32_t number;
} reserved[] = {
	{"UNSET", 0xfffffff7}, /* OpenFlow 1.5 */
	{"IN_PORT", 0xfffffff8}, {"TABLE", 0xfffffff9}, {"NORMAL", 0xfffffffa},
	{"FLOOD", 0xfffffffb}, {"ALL", 0xfffffffc}, {"CONTROLLER", 0xfffffffd},
	{"LOCAL", 0xfffffffe}, {"ANY", 0xffffffff}, {"NONE", 0xffffffff}, /* OpenFlow 1.0's name */
};

enum { N_RESERVED = sizeof(reserved) / sizeof(reserved[0]) };

bool ofport_exists(uint32_t number)
{
	return number <= OFPORT_NUMBER_MAX || number >= (uint32_t)OFPORT_RESERVED_MIN;
}

int ofport_parse(const char *text, size_t len, uint32_t *number, struct strbuf *why)
{
	const uint32_t reserved16 = (uint16_t)OFPORT_RESERVED_MIN;
	uint64_t n;

	for (unsigned i = 0; i < N_RESERVED; i++)
		if (strlen(reserved[i].name) == len && !strncasecmp(text, reserved[i].name, len)) {
			*number = reserved[i].number;
			return 0;
		}
	if (number_parse(text, len, &n)) {
		strbuf_puts(why, "a port is a number, LOCAL, CONTROLLER, IN_PORT or another "
				 "reserved name");
		return -EINVAL;
	}
	if (n >= reserved16 && n <= UINT16_MAX)
		n |= 0xffff0000;
	if (n > UINT32_MAX || !ofport_exists((uint32_t)n)) {
		strbuf_printf(why, "a port's number is 0 to %u", OFPORT_NUMBER_MAX);
		return -EINVAL;
	}
	*number = (uint32_t)n;
	return 0;
}

void ofport_print(uint32_t number, struct strbuf *out)
{
	for (unsigned i = 0; i < N_RESERVED; i++)
		if (reserved[i].number == number) {
			strbuf_puts(out, reserved[i].name);
			return;
		}
	strbuf_printf(out, "%u", number);
}
