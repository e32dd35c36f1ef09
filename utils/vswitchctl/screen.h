/* screen.h - the terminal as a picture that is drawn over and over.
 *
 * Uses the alternate screen, without the cursor and without echo.  However the
 * program ends, but by SIGKILL, the terminal is as before: at a return, exit(),
 * a signal or a crash.  ^Z gives it back and fg takes it again.
 *
 * Threads: one; one screen per process. */
#pragma once

#include <stdbool.h>

#include "table.h"

/* Take the terminal at stdin and stdout; false where stdout is none. */
bool screen_open(void);
void screen_close(void);

/* The size now; rows 0 where it cannot be told. */
void screen_size(unsigned *columns, unsigned *rows);

/* Show 'text' in the place of the last picture; what does not fit is cut. */
void screen_draw(const char *text);

enum screen_event { SCREEN_TIME, SCREEN_RESIZED, SCREEN_QUIT };

/* Wait until 'deadline_ns' of clock.h, a new size, or the key q. */
enum screen_event screen_wait(uint64_t deadline_ns);
