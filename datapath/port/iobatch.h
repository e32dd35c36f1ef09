/* iobatch.h - a burst of reads or writes on one descriptor in one system call.
 *
 * For devices without a call of their own for that, as a tap is: it gives one frame
 * per read() and takes one per write().  The kernel runs the burst through an
 * io_uring; where that is missing or forbidden, each frame costs a call.
 *
 * Nothing is in flight between calls: when one returns, all of its operations have
 * ended and none refers to the caller's memory any more.
 *
 * Threads: made on control, then used by one worker. */
#pragma once

#include <stdbool.h>
#include <sys/uio.h>

struct io_uring;

struct iobatch {
	struct io_uring *ring; /* NULL: a system call each */
};

/* One operation: what to read to, or to write. */
struct io_op {
	struct iovec *iov;
	unsigned n_iov;
	int result; /* bytes, or -errno; set by the call */
};

/* Make no rings from now on (vswitchd --no-io-uring).  Before the first init. */
void iobatch_forbid(void);

/* Does not fail: without a ring it works all the same. */
void iobatch_init(struct iobatch *io);
void iobatch_fini(struct iobatch *io);

/* Run 'n' operations in their order, at most BATCH_MAX.  'fd' is non-blocking: what
 * finds no frame, or no room, ends with -EAGAIN, as do, for reads, those behind it
 * that were not tried any more. */
void iobatch_read(struct iobatch *io, int fd, struct io_op *ops, unsigned n);
void iobatch_write(struct iobatch *io, int fd, struct io_op *ops, unsigned n);
