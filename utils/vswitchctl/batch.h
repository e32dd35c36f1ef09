/* batch.h - several commands as one transaction.
 *
 * Threads: one. */
#pragma once

struct cli;

/* Do the commands in the file 'path', "-" being stdin, one per line as after
 * the program's name: all of them or none.  An exit status. */
int batch_run(struct cli *cli, const char *path);
