/* cli.h - one run of the command line: what all commands share.
 *
 * A command appends what it says to cli->out, which is written at its end, and
 * returns an exit status.  Errors are one line on stderr, "vswitchctl: ...", or
 * with --json one JSON object {"code", "message", "data"?}.
 *
 * Threads: one. */
#pragma once

#include <jansson.h>

#include "args.h"
#include "client.h"
#include "strbuf.h"
#include "table.h"

enum {
	CLI_DONE = 0,
	CLI_REFUSED = 1,
	CLI_USAGE = 2,
	/* config diff, as diff(1) */
	CLI_DIFFERENT = 1,
	CLI_TROUBLE = 2,
};

/* Where there is nothing to show, that is said. */
#define NO_BRIDGE "there is no bridge; vswitchctl bridge add NAME makes one\n"
#define NO_PORT	  "there is no port\n"

struct cli {
	struct globals globals;
	struct style style;
	struct strbuf out;
	struct client *client;		  /* opened by the first call */
	unsigned pages;			  /* that a command has printed before this one */
	size_t widths[TABLE_COLUMNS_MAX]; /* of the table that goes over several pages */
};

/* The whole program; its exit status. */
int cli_main(int argc, char **argv);

/* 'given', or what stands for it where that is NULL. */
const char *cli_rundir(const char *given);

/* The connection; NULL after an error that has been told. */
struct client *cli_client(struct cli *cli);

/* Call 'method'.  The result, the caller's; NULL after an error that has been
 * told.  'params' is borrowed, NULL for none. */
json_t *cli_call(struct cli *cli, const char *method, json_t *params);

/* Tell an error, which is consumed.  CLI_REFUSED. */
int cli_error(struct cli *cli, json_t *error);

/* Append a document: indented on a terminal, else one line. */
void cli_json(struct cli *cli, const json_t *document);

/* Write what was appended.  'status', or CLI_REFUSED where that failed. */
int cli_flush(struct cli *cli, int status);
