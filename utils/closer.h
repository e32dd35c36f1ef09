/* closer.h - close descriptors for which the kernel makes close() wait.
 *
 * Closing a packet socket waits for an RCU grace period of the kernel, some 10 ms;
 * the control thread must not.  A few threads of their own do it, so that waits
 * overlap; they start with the first descriptor and end with the process.
 *
 * Threads: any. */
#pragma once

/* Close 'fd' soon.  It is the closer's from now on. */
void closer_close(int fd);
