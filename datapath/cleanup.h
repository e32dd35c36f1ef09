/* cleanup.h - vswitchd --cleanup: what a switch that does not run has left behind.
 *
 * Threads: start-up only. */
#pragma once

/* Give back interfaces and delete taps of the switch whose run directory is 'owner',
 * telling each; the caller has made sure that it does not run.  The exit status. */
int cleanup(const char *owner);
