/* pcap_file.h - Ethernet captures on disk: read frame by frame, or written at the
 * end of; the only user of libpcap.
 *
 * Read is what libpcap reads: pcap in either byte order with micro- or nanosecond
 * stamps, and pcapng.  Written is pcap with nanosecond stamps; a file that is there
 * already is continued in its own resolution.  Link types other than Ethernet are
 * refused by name, and so is what is not a regular file, because opening or
 * writing a pipe may block.
 *
 * Memory is bounded whatever the file: a reader holds one frame, a writer
 * PCAP_FILE_BUFFER bytes.  Both may wait for the disk.
 *
 * Threads: none of its own; one owner at a time. */
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "strbuf.h"

struct pcap_file_reader;
struct pcap_file_writer;

enum {
	PCAP_FILE_FRAME_MAX = 262144, /* bytes of a frame; libpcap's own bound */
	PCAP_FILE_BUFFER = 512 * 1024,
};

struct pcap_file_frame {
	uint64_t time_ns;    /* since 1970 */
	uint32_t len;	     /* bytes at data */
	uint32_t wire_len;   /* bytes the frame had; more than len where the capture cut it */
	const uint8_t *data; /* valid until the next call on the reader */
};

/* Open 'path' and check its header.  0; -errno with 'why', which names the file. */
int pcap_file_reader_create(const char *path, struct pcap_file_reader **reader, struct strbuf *why);
void pcap_file_reader_destroy(struct pcap_file_reader *r);

/* The next frame: 1; 0 at the end; -EINVAL where the file is damaged or ends within
 * a record, -EIO where it cannot be read: nothing behind that point can be. */
int pcap_file_reader_next(struct pcap_file_reader *r, struct pcap_file_frame *frame);

/* Start over with the first frame.  0, or -errno: the reader yields no more frames. */
int pcap_file_reader_rewind(struct pcap_file_reader *r);

/* Open 'path' to add frames at its end, and make it (mode 0640) where it is absent or
 * empty.  What a writer that was killed left of its last record is cut off; finding it
 * takes a read of 16 bytes for each record.  0; -EBUSY where another writer has
 * it, -EINVAL where it is not a pcap file of this machine's byte order, or another
 * -errno; with 'why', which names the file. */
int pcap_file_writer_create(const char *path, struct pcap_file_writer **writer, struct strbuf *why);

/* Flush and close; the result is that of the flush. */
int pcap_file_writer_destroy(struct pcap_file_writer *w);

/* Add one frame, the pieces of 'iov' one after the other.  0; -EMSGSIZE above
 * PCAP_FILE_FRAME_MAX; another -errno where the buffer was full and
 * pcap_file_writer_flush() failed: then this frame is not taken. */
int pcap_file_writer_put(
	struct pcap_file_writer *w, uint64_t time_ns, const struct iovec *iov, int n);

/* Hand everything to the kernel.  0, or -errno, and then the frames that were waiting
 * are lost, the file ends with a whole record, and the writer can go on. */
int pcap_file_writer_flush(struct pcap_file_writer *w);

/* Frames waiting for a flush, and frames that failed ones have lost so far. */
unsigned pcap_file_writer_waiting(const struct pcap_file_writer *w);
uint64_t pcap_file_writer_lost(const struct pcap_file_writer *w);
