/* absent.h - refusing what names no object, with the name that was perhaps meant.
 *
 * Threads: control. */
#pragma once

#include "config.h"

/* "no port is named wbe0 (did you mean 'web0'?)"; REFUSED_ABSENT.  Of kind bridge or port;
 * the latter are the internal ones, too. */
int refuse_absent(
	const struct config *c, enum config_kind kind, const char *name, struct refusal *r);
