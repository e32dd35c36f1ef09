/* Reading is libpcap's.  A reader keeps a descriptor of its own beside libpcap's
 * stream, so that starting over needs no path: the file may have been renamed.
 *
 * Writing is not: libpcap's dumper does not say what reached the disk.  The format is
 * 24 bytes of file header and 16 before each frame.  The buffer holds whole records
 * only, and 'end' is where the file ends without it, which is always at the end
 * of a record: a flush that fails half-way is undone with ftruncate().  So a full disk
 * costs frames, never the file. */
#include "pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAGIC_USEC = 0xa1b2c3d4,
	MAGIC_NSEC = 0xa1b23c4d,
	NSEC_PER_SEC = 1000000000,
};

/* What stands before each frame, in the byte order that the magic has. */
struct record_header {
	uint32_t sec;
	uint32_t fraction; /* microseconds or nanoseconds */
	uint32_t len;
	uint32_t wire_len;
};

/* A descriptor of a regular file, or -errno.  O_NONBLOCK: a pipe must not hold us up
 * before it is refused. */
static int open_regular(const char *path, int flags, struct strbuf *why)
{
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);

	if (fd < 0) {
		int err = -errno;

		strbuf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		strbuf_printf(why, "%s: not a regular file", path);
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static int check_link_type(const char *path, int link_type, struct strbuf *why)
{
	if (link_type == DLT_EN10MB)
		return 0;
	const char *name = pcap_datalink_val_to_name(link_type);

	strbuf_printf(why, "%s: link type %s (%d) is not Ethernet", path, name ? name : "unknown",
		link_type);
	return -EINVAL;
}

/* ---- reader ---- */

struct pcap_file_reader {
	int fd;
	pcap_t *pcap; /* NULL after a failed rewind */
};

static int reader_start(struct pcap_file_reader *r, char errbuf[PCAP_ERRBUF_SIZE])
{
	int err, fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		err = -errno;
		goto close_fd;
	}
	FILE *f = fdopen(fd, "r");
	if (!f) {
		err = -errno;
		goto close_fd;
	}
	r->pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	if (!r->pcap) {
		fclose(f);
		return -EINVAL;
	}
	return 0;

close_fd:
	snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s", strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

int pcap_file_reader_create(const char *path, struct pcap_file_reader **reader, struct strbuf *why)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	int err, fd = open_regular(path, O_RDONLY, why);

	if (fd < 0)
		return fd;
	struct pcap_file_reader *r = calloc(1, sizeof(*r));
	if (!r) {
		strbuf_printf(why, "%s: out of memory", path);
		err = -ENOMEM;
		goto close_fd;
	}
	r->fd = fd;
	err = reader_start(r, errbuf);
	if (err) {
		strbuf_printf(why, "%s: %s", path, errbuf);
		goto free_reader;
	}
	err = check_link_type(path, pcap_datalink(r->pcap), why);
	if (err)
		goto close_pcap;
	*reader = r;
	return 0;

close_pcap:
	pcap_close(r->pcap);
free_reader:
	free(r);
close_fd:
	close(fd);
	return err;
}

void pcap_file_reader_destroy(struct pcap_file_reader *r)
{
	if (!r)
		return;
	if (r->pcap)
		pcap_close(r->pcap);
	close(r->fd);
	free(r);
}

int pcap_file_reader_next(struct pcap_file_reader *r, struct pcap_file_frame *frame)
{
	struct pcap_pkthdr *h;
	const u_char *data;

	if (!r->pcap)
		return 0;
	int n = pcap_next_ex(r->pcap, &h, &data);
	if (n == PCAP_ERROR_BREAK)
		return 0;
	if (n != 1)
		return ferror(pcap_file(r->pcap)) ? -EIO : -EINVAL;
	/* with nanosecond precision, tv_usec counts nanoseconds */
	*frame = (struct pcap_file_frame){
		.time_ns = (uint64_t)h->ts.tv_sec * NSEC_PER_SEC + (uint64_t)h->ts.tv_usec,
		.len = h->caplen,
		.wire_len = h->len,
		.data = data,
	};
	return 1;
}

int pcap_file_reader_rewind(struct pcap_file_reader *r)
{
	char errbuf[PCAP_ERRBUF_SIZE];

	if (r->pcap)
		pcap_close(r->pcap);
	r->pcap = NULL;
	return reader_start(r, errbuf);
}

/* ---- writer ---- */

struct pcap_file_writer {
	int fd;
	uint32_t ns_per_fraction; /* 1, or 1000 in a file with microseconds */
	off_t end;		  /* of the file without the buffer */
	unsigned waiting;	  /* frames in the buffer */
	uint64_t lost;
	size_t used;
	uint8_t buffer[PCAP_FILE_BUFFER];
};

_Static_assert(sizeof(struct record_header) == 16, "as on disk");
_Static_assert(sizeof(struct pcap_file_header) == 24, "as on disk");
_Static_assert(sizeof(struct record_header) + PCAP_FILE_FRAME_MAX <= PCAP_FILE_BUFFER,
	"an empty buffer takes any frame");

/* Write all of it at 'ofs', or leave the file 'ofs' bytes long. */
static int write_whole(int fd, const void *data, size_t len, off_t ofs)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + done, len - done, ofs + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n ? -errno : -EIO;

			/* where even this fails, the next write goes to the same place */
			return ftruncate(fd, ofs) ? -errno : err;
		}
		done += (size_t)n;
	}
	return 0;
}

static int writer_begin_file(struct pcap_file_writer *w)
{
	const struct pcap_file_header h = {
		.magic = MAGIC_NSEC,
		.version_major = PCAP_VERSION_MAJOR,
		.version_minor = PCAP_VERSION_MINOR,
		.snaplen = PCAP_FILE_FRAME_MAX,
		.linktype = DLT_EN10MB, /* its LINKTYPE_ on disk has the same number */
	};
	int err = write_whole(w->fd, &h, sizeof(h), 0);

	if (err)
		return err;
	w->ns_per_fraction = 1;
	w->end = sizeof(h);
	return 0;
}

/* Set 'end' behind the last whole record of a file of 'size' bytes.  False where what
 * follows it cannot be the rest of one. */
static bool writer_find_end(struct pcap_file_writer *w, off_t size)
{
	struct record_header h;

	w->end = sizeof(struct pcap_file_header);
	while (size - w->end >= (off_t)sizeof(h)) {
		if (pread(w->fd, &h, sizeof(h), w->end) != (ssize_t)sizeof(h))
			return false;
		if (h.len > PCAP_FILE_FRAME_MAX)
			return false;
		if (size - w->end < (off_t)(sizeof(h) + h.len))
			return true;
		w->end += (off_t)(sizeof(h) + h.len);
	}
	return true;
}

static int writer_continue_file(
	struct pcap_file_writer *w, const char *path, off_t size, struct strbuf *why)
{
	struct pcap_file_header h;

	if (pread(w->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
		(h.magic != MAGIC_NSEC && h.magic != MAGIC_USEC) ||
		h.version_major != PCAP_VERSION_MAJOR || h.version_minor != PCAP_VERSION_MINOR) {
		strbuf_printf(why, "%s: not a pcap file that can be continued", path);
		return -EINVAL;
	}
	int err = check_link_type(path, (int)h.linktype, why);
	if (err)
		return err;
	w->ns_per_fraction = h.magic == MAGIC_NSEC ? 1 : 1000;
	if (!writer_find_end(w, size)) {
		strbuf_printf(
			why, "%s: damaged at byte %lld, not continued", path, (long long)w->end);
		return -EINVAL;
	}
	if (w->end < size && ftruncate(w->fd, w->end)) {
		err = -errno;
		strbuf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	return 0;
}

static int writer_start(struct pcap_file_writer *w, const char *path, struct strbuf *why)
{
	struct stat st;
	int err;

	if (flock(w->fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		strbuf_printf(why, "%s: %s", path,
			err == -EBUSY ? "another program or port is writing it" : strerror(-err));
		return err;
	}
	err = fstat(w->fd, &st) ? -errno : 0;
	if (!err && st.st_size)
		return writer_continue_file(w, path, st.st_size, why);
	if (!err)
		err = writer_begin_file(w);
	if (err)
		strbuf_printf(why, "%s: %s", path, strerror(-err));
	return err;
}

int pcap_file_writer_create(const char *path, struct pcap_file_writer **writer, struct strbuf *why)
{
	int err, fd = open_regular(path, O_RDWR | O_CREAT, why);

	if (fd < 0)
		return fd;
	struct pcap_file_writer *w = malloc(sizeof(*w));
	if (!w) {
		strbuf_printf(why, "%s: out of memory", path);
		err = -ENOMEM;
		goto close_fd;
	}
	w->fd = fd;
	w->waiting = 0;
	w->lost = 0;
	w->used = 0;
	err = writer_start(w, path, why);
	if (err)
		goto free_writer;
	*writer = w;
	return 0;

free_writer:
	free(w);
close_fd:
	close(fd);
	return err;
}

int pcap_file_writer_destroy(struct pcap_file_writer *w)
{
	if (!w)
		return 0;
	int err = pcap_file_writer_flush(w);
	close(w->fd);
	free(w);
	return err;
}

int pcap_file_writer_put(
	struct pcap_file_writer *w, uint64_t time_ns, const struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len > PCAP_FILE_FRAME_MAX)
		return -EMSGSIZE;
	if (sizeof(struct record_header) + len > sizeof(w->buffer) - w->used) {
		int err = pcap_file_writer_flush(w);
		if (err)
			return err;
	}

	const struct record_header h = {
		.sec = (uint32_t)(time_ns / NSEC_PER_SEC),
		.fraction = (uint32_t)(time_ns % NSEC_PER_SEC) / w->ns_per_fraction,
		.len = (uint32_t)len,
		.wire_len = (uint32_t)len,
	};
	uint8_t *to = w->buffer + w->used;
	memcpy(to, &h, sizeof(h));
	to += sizeof(h);
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	w->used = (size_t)(to - w->buffer);
	w->waiting++;
	return 0;
}

int pcap_file_writer_flush(struct pcap_file_writer *w)
{
	int err = write_whole(w->fd, w->buffer, w->used, w->end);

	if (err)
		w->lost += w->waiting;
	else
		w->end += (off_t)w->used;
	w->used = 0;
	w->waiting = 0;
	return err;
}

unsigned pcap_file_writer_waiting(const struct pcap_file_writer *w)
{
	return w->waiting;
}

uint64_t pcap_file_writer_lost(const struct pcap_file_writer *w)
{
	return w->lost;
}
