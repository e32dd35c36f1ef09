/* options.h - the command line of vswitchd.
 *
 * Threads: start-up only. */
#pragma once

#include <stdbool.h>

#include "lane.h"
#include "log.h"

struct options {
	const char *rundir;
	const char *db;
	const char *group;
	const char *log_file;
	enum log_level log_level;
	bool detach;
	bool cleanup; /* instead of running */
	unsigned workers;
	int cpus[LANES_MAX]; /* -1: any */
	unsigned spin_us;
	bool no_io_uring;
};

/* Fill 'o' from the command line and the environment.  Prints and exits for
 * --help, --version and wrong words (status 2). */
void options_parse(int argc, char **argv, struct options *o);
