/* vswitchctl - the command line of the switch.  The table is in commands.c. */
#include "cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
