/* document.h - documents of the configuration of any length: to the daemon in parts, from
 * it in pages (config.part and config.more of proto/management.md).
 *
 * Threads: one. */
#pragma once

#include "cli.h"

/* Call a method whose answer is an object of lists, and put its pages together.  The result,
 * the caller's; NULL after an error that has been told.  Takes the reference of 'params'. */
json_t *document_call(struct cli *cli, const char *method, json_t *params);

/* The result of config.apply, likewise.  'document' is borrowed. */
json_t *document_apply(struct cli *cli, json_t *document, bool dry_run);
