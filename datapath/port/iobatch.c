/* How it works.  Every operation is submitted with RWF_NOWAIT, so that the kernel runs
 * it at once, within io_uring_enter(), in the order of the queue, and never parks it
 * for later.  The completions are there when the call returns.
 *
 * A ring that does not do as it should (a kernel whose device cannot RWF_NOWAIT, one
 * that is out of memory for requests) is given up for good: what has not been done by
 * then is done with one call each. */
#include "iobatch.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "packet.h"

LOG_MODULE(iobatch);

enum {
	NOT_DONE = 1 << 30, /* no result of an operation */
	TRIES = 100,	    /* of one submission that is interrupted */
};

static bool forbidden;

void iobatch_forbid(void)
{
	forbidden = true;
}

void iobatch_init(struct iobatch *io)
{
	struct io_uring *ring = forbidden ? NULL : malloc(sizeof(*ring));
	int err;

	io->ring = NULL;
	if (!ring)
		return;
	err = io_uring_queue_init(BATCH_MAX, ring, 0);
	if (err) {
		log_info("no io_uring (%s): taps cost a system call per frame", strerror(-err));
		free(ring);
		return;
	}
	io->ring = ring;
}

void iobatch_fini(struct iobatch *io)
{
	if (!io->ring)
		return;
	io_uring_queue_exit(io->ring);
	free(io->ring);
	io->ring = NULL;
}

/* ---- one call each ---- */

typedef ssize_t (*vector_fn)(int fd, const struct iovec *iov, int n_iov);

static int run_one(vector_fn fn, int fd, const struct io_op *op)
{
	ssize_t n;

	do
		n = fn(fd, op->iov, (int)op->n_iov);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static void read_each(int fd, struct io_op *ops, unsigned n)
{
	bool empty = false;

	for (unsigned i = 0; i < n; i++) {
		if (ops[i].result == NOT_DONE)
			ops[i].result = empty ? -EAGAIN : run_one(readv, fd, &ops[i]);
		empty |= ops[i].result == -EAGAIN;
	}
}

static void write_each(int fd, struct io_op *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ops[i].result == NOT_DONE)
			ops[i].result = run_one(writev, fd, &ops[i]);
	}
}

/* ---- by the ring ---- */

static void ring_submit(struct io_uring *ring, int fd, struct io_op *ops, unsigned n, bool write)
{
	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		assert(sqe); /* BATCH_MAX of them, and nothing is in flight */
		if (write)
			io_uring_prep_writev(sqe, fd, ops[i].iov, ops[i].n_iov, 0);
		else
			io_uring_prep_readv(sqe, fd, ops[i].iov, ops[i].n_iov, 0);
		sqe->rw_flags = RWF_NOWAIT;
		io_uring_sqe_set_data(sqe, &ops[i]);
	}
}

/* Take the completions that are there; how many operations have ended with them.
 * Where the device cannot RWF_NOWAIT, those have not. */
static unsigned ring_reap(struct io_uring *ring, bool *fit)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		struct io_op *op = io_uring_cqe_get_data(cqe);

		if (cqe->res == -EOPNOTSUPP)
			*fit = false;
		else
			op->result = cqe->res;
		seen++;
	}
	io_uring_cq_advance(ring, seen);
	return seen;
}

/* Run the operations; false where the ring is not fit for more.  Those that were not
 * done have NOT_DONE as their result. */
static bool ring_run(struct io_uring *ring, int fd, struct io_op *ops, unsigned n, bool write)
{
	unsigned ended = 0;
	bool fit = true;

	ring_submit(ring, fd, ops, n, write);
	for (unsigned tries = 0; ended < n && tries < TRIES; tries++) {
		int err = io_uring_submit_and_wait(ring, n - ended);

		ended += ring_reap(ring, &fit);
		if (err < 0 && err != -EINTR && err != -EAGAIN)
			break;
	}
	return fit && ended == n;
}

static void run(struct iobatch *io, int fd, struct io_op *ops, unsigned n, bool write)
{
	assert(n <= BATCH_MAX);
	for (unsigned i = 0; i < n; i++)
		ops[i].result = NOT_DONE;
	if (io->ring && n > 1 && !ring_run(io->ring, fd, ops, n, write)) {
		log_warn("io_uring does not serve taps here: they cost a system call per frame");
		iobatch_fini(io);
	}
	if (write)
		write_each(fd, ops, n);
	else
		read_each(fd, ops, n);
}

void iobatch_read(struct iobatch *io, int fd, struct io_op *ops, unsigned n)
{
	run(io, fd, ops, n, false);
}

void iobatch_write(struct iobatch *io, int fd, struct io_op *ops, unsigned n)
{
	run(io, fd, ops, n, true);
}
