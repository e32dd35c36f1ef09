#include "command.h"

#include <stddef.h>

const struct noun *const commands[] = {
	&noun_bridge,
	&noun_port,
	&noun_fdb,
	&noun_drops,
	&noun_worker,
	&noun_top,
	&noun_watch,
	&noun_log,
	&noun_config,
	&noun_batch,
	&noun_show,
	&noun_status,
	&noun_version,
	&noun_completion,
	&noun_help,
	NULL,
};
