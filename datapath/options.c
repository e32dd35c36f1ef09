#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_RUNDIR = 256,
	OPT_DB,
	OPT_WORKERS,
	OPT_WORKER_CPUS,
	OPT_SPIN,
	OPT_DETACH,
	OPT_LOG,
	OPT_LOG_FILE,
	OPT_GROUP,
	OPT_CLEANUP,
	OPT_NO_IO_URING,
	OPT_HELP,
	OPT_VERSION,
	SPIN_US_DEFAULT = 50,
	SPIN_US_MAX = 1000000,
};

static const struct option longopts[] = {
	{"rundir", required_argument, NULL, OPT_RUNDIR},
	{"db", required_argument, NULL, OPT_DB},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"worker-cpus", required_argument, NULL, OPT_WORKER_CPUS},
	{"spin-us", required_argument, NULL, OPT_SPIN},
	{"no-io-uring", no_argument, NULL, OPT_NO_IO_URING},
	{"detach", no_argument, NULL, OPT_DETACH},
	{"log", required_argument, NULL, OPT_LOG},
	{"log-file", required_argument, NULL, OPT_LOG_FILE},
	{"group", required_argument, NULL, OPT_GROUP},
	{"cleanup", no_argument, NULL, OPT_CLEANUP},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: vswitchd [OPTION]...\n"
	"A virtual switch for the taps and interfaces of this host; vswitchctl(8) configures it.\n"
	"\n"
	"  --rundir DIR        sockets and pid file (VSWITCH_RUNDIR, else /run/vswitch)\n"
	"  --db FILE           configuration (/var/lib/vswitch/vswitch.db); ':memory:' keeps "
	"nothing\n"
	"  --workers N         threads that move packets, 1 to 16 (1)\n"
	"  --worker-cpus LIST  pin each worker: 2,3 or 4-7, one CPU per worker\n"
	"  --spin-us N         how long a quiet queue is polled before its worker may sleep (50)\n"
	"  --no-io-uring       a system call per frame for taps\n"
	"  --detach            go to the background once the switch is ready\n"
	"  --log LEVEL         error, warn, info or debug (info)\n"
	"  --log-file FILE     write messages there; SIGHUP opens it again\n"
	"  --group NAME        group that may use the management socket\n"
	"  --cleanup           do not run: give back interfaces and delete taps that the switch "
	"of\n"
	"                      this --rundir left behind\n"
	"  --help, --version\n";

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *c = line; *c; c++) /* one line, whatever the word */
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "vswitchd: %s\n", line);
	exit(2);
}

static const char *word(const char *option, const char *text)
{
	if (!*text)
		refuse("--%s: '' is empty", option);
	return text;
}

static unsigned long number(
	const char *option, const char *text, unsigned long min, unsigned long max)
{
	char *end;

	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text) || *end || v < min || v > max)
		refuse("--%s: '%s' is not a number from %lu to %lu", option, text, min, max);
	return v;
}

static long cpu_parse(const char *list, char **pos)
{
	if (!isdigit((unsigned char)**pos))
		refuse("--worker-cpus: '%s' is not a list of CPUs", list);
	return strtol(*pos, pos, 10);
}

static void cpu_add(const char *list, int cpu, unsigned *n, struct options *o)
{
	for (unsigned i = 0; i < *n; i++)
		if (o->cpus[i] == cpu)
			refuse("--worker-cpus: '%s' names CPU %d twice", list, cpu);
	if (*n == LANES_MAX)
		refuse("--worker-cpus: '%s' names more than %d CPUs", list, LANES_MAX);
	o->cpus[(*n)++] = cpu;
}

/* "2,4-6" into o->cpus; the count. */
static unsigned cpus_parse(char *list, struct options *o)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	char *pos = list;
	unsigned n = 0;

	for (;;) {
		long first = cpu_parse(list, &pos), last = first;

		if (*pos == '-') {
			pos++;
			last = cpu_parse(list, &pos);
		}
		if (last < first || last >= n_cpus)
			refuse("--worker-cpus: '%s' names a CPU that is not among 0-%ld", list,
				n_cpus - 1);
		for (long c = first; c <= last; c++)
			cpu_add(list, (int)c, &n, o);
		if (!*pos)
			return n;
		if (*pos++ != ',')
			refuse("--worker-cpus: '%s' is not a list of CPUs", list);
	}
}

void options_parse(int argc, char **argv, struct options *o)
{
	const char *rundir = getenv("VSWITCH_RUNDIR");
	unsigned n_cpus = 0;
	int c;

	*o = (struct options){
		.rundir = rundir && *rundir ? rundir : "/run/vswitch",
		.db = "/var/lib/vswitch/vswitch.db",
		.log_level = LOG_LEVEL_INFO,
		.spin_us = SPIN_US_DEFAULT,
	};
	for (unsigned i = 0; i < LANES_MAX; i++)
		o->cpus[i] = -1;
	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_RUNDIR:
			o->rundir = word("rundir", optarg);
			break;
		case OPT_DB:
			o->db = word("db", optarg);
			break;
		case OPT_WORKERS:
			o->workers = (unsigned)number("workers", optarg, 1, LANES_MAX);
			break;
		case OPT_WORKER_CPUS:
			n_cpus = cpus_parse(optarg, o);
			break;
		case OPT_SPIN:
			o->spin_us = (unsigned)number("spin-us", optarg, 0, SPIN_US_MAX);
			break;
		case OPT_NO_IO_URING:
			o->no_io_uring = true;
			break;
		case OPT_DETACH:
			o->detach = true;
			break;
		case OPT_LOG:
			if (log_level_parse(optarg, &o->log_level))
				refuse("--log: '%s' is not error, warn, info or debug", optarg);
			break;
		case OPT_LOG_FILE:
			o->log_file = word("log-file", optarg);
			break;
		case OPT_GROUP:
			o->group = word("group", optarg);
			break;
		case OPT_CLEANUP:
			o->cleanup = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(0);
		case OPT_VERSION:
			puts("vswitchd " VSWITCH_VERSION);
			exit(0);
		default:
			exit(2); /* it has said why */
		}
	}
	if (optind < argc)
		refuse("unexpected word '%s'", argv[optind]);
	if (!o->workers)
		o->workers = n_cpus ? n_cpus : 1;
	if (n_cpus && n_cpus != o->workers)
		refuse("--worker-cpus names %u CPUs for %u workers", n_cpus, o->workers);
}
