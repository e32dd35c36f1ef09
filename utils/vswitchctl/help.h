/* help.h - help and the manual page, out of the command table.
 *
 * Threads: one. */
#pragma once

#include "cli.h"

/* Append help for the program ('noun' NULL), a noun ('command' NULL) or a
 * command.  CLI_DONE. */
int help_show(struct cli *cli, const struct noun *noun, const struct command *command);

/* Append vswitchctl(8) as roff. */
void man_page(const struct noun *const *nouns, struct strbuf *out);
