/* pcap_record.h - what a pcap port sends, written to its file by a thread of its own, so
 * that a disk that is slow, or hangs, holds up no worker.
 *
 * Bounds: RECORD_STASH bytes wait for the thread, and as many are with it; what comes when
 * there is no room is dropped as tx_full.  A frame is on its way to the disk RECORD_FLUSH_MS
 * after it was sent, or sooner.  One that was taken and could not be written counts as
 * tx_error with the next poll.
 *
 * Threads: record_tx() any worker, record_poll() the one that polls record_fd(); the rest
 * control, but for record_release(). */
#pragma once

#include "port.h"

struct record;

enum { RECORD_STASH = 512 * 1024, RECORD_FLUSH_MS = 20 };

/* Opens the file and starts the thread.  0; -errno with 'why'. */
int record_open(const char *port, const char *path, struct record **rec, struct strbuf *why);

/* Readable when record_poll() has something to count. */
int record_fd(const struct record *rec);
void record_poll(struct record *rec, const struct port *port, struct lane *lane);

/* Consumes the packets. */
void record_tx(
	struct record *rec, struct port *port, struct lane *lane, struct packet **pkts, unsigned n);

struct record_counts {
	uint64_t frames; /* taken */
	uint64_t lost;	 /* of these, not written */
};

struct record_counts record_counts(struct record *rec);

/* Have the thread write what it was given and end, and wait for it a little.  False: the
 * disk takes longer; record_release() is still to come.  No worker sees it any more. */
bool record_close(struct record *rec);
/* Wait for the thread and free all, on any thread; 'rec' may be NULL. */
void record_release(struct record *rec);
