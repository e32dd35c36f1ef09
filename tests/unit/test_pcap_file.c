#include "pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_HEADER = 24, RECORD_HEADER = 16 };

static char dir[] = "/tmp/test_pcap_file.XXXXXX";
static char path[64];

static int fresh_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

/* Frame i has 60 + i bytes of value i, and comes i times 1.000000001 s after 1000 s. */
static uint64_t frame_time(unsigned i)
{
	return (1000 + i) * 1000000000ull + i;
}

static int put(struct pcap_file_writer *w, unsigned i)
{
	uint8_t bytes[512];
	const struct iovec iov[3] = {{bytes, 14}, {NULL, 0}, {bytes + 14, 46 + i}};

	memset(bytes, (int)i, sizeof(bytes));
	return pcap_file_writer_put(w, frame_time(i), iov, 3);
}

static void write_frames(unsigned from, unsigned to)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_writer *w;

	assert_int_equal(pcap_file_writer_create(path, &w, &why), 0);
	for (unsigned i = from; i < to; i++)
		assert_int_equal(put(w, i), 0);
	assert_int_equal(pcap_file_writer_waiting(w), to - from);
	assert_int_equal(pcap_file_writer_destroy(w), 0);
	strbuf_fini(&why);
}

static void assert_frame(const struct pcap_file_frame *f, unsigned i, uint64_t resolution_ns)
{
	assert_int_equal(f->len, 60 + i);
	assert_int_equal(f->wire_len, 60 + i);
	assert_int_equal(f->time_ns, frame_time(i) / resolution_ns * resolution_ns);
	for (unsigned b = 0; b < f->len; b++)
		assert_int_equal(f->data[b], i);
}

/* Read the file: its frames are 0, 1, 2 …; how many, and in '*end' how it ends. */
static unsigned read_frames(uint64_t resolution_ns, int *end)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_reader *r;
	struct pcap_file_frame f;
	unsigned n = 0;

	assert_int_equal(pcap_file_reader_create(path, &r, &why), 0);
	while ((*end = pcap_file_reader_next(r, &f)) == 1)
		assert_frame(&f, n++, resolution_ns);
	pcap_file_reader_destroy(r);
	strbuf_fini(&why);
	return n;
}

static void assert_file_has(unsigned n)
{
	int end;

	assert_int_equal(read_frames(1, &end), n);
	assert_int_equal(end, 0);
}

static void store(const void *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static size_t load(uint8_t *bytes, size_t cap)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	size_t n = fread(bytes, 1, cap, f);
	fclose(f);
	return n;
}

/* Both constructors refuse the file with this error, and the reason has 'words'. */
static void assert_refused(int reader_err, int writer_err, const char *words)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_reader *r = NULL;
	struct pcap_file_writer *w = NULL;

	if (reader_err) {
		assert_int_equal(pcap_file_reader_create(path, &r, &why), reader_err);
		assert_null(r);
		assert_non_null(strstr(strbuf_str(&why), path));
		assert_non_null(strstr(strbuf_str(&why), words));
		strbuf_reset(&why);
	}
	if (writer_err) {
		assert_int_equal(pcap_file_writer_create(path, &w, &why), writer_err);
		assert_null(w);
		assert_non_null(strstr(strbuf_str(&why), path));
		assert_non_null(strstr(strbuf_str(&why), words));
	}
	strbuf_fini(&why);
}

static void what_is_written_is_read_back(void **state)
{
	write_frames(0, 50);
	assert_file_has(50);
}

static void a_file_that_exists_is_continued(void **state)
{
	write_frames(0, 3);
	write_frames(3, 3);
	write_frames(3, 7);
	assert_file_has(7);
}

static void more_than_the_buffer_is_written_in_order(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_writer *w;
	struct pcap_file_reader *r;
	struct pcap_file_frame f;
	static uint8_t big[PCAP_FILE_FRAME_MAX + 1];
	struct iovec iov = {big, PCAP_FILE_FRAME_MAX};

	assert_int_equal(pcap_file_writer_create(path, &w, &why), 0);
	for (unsigned i = 0; i < 5; i++) {
		big[0] = (uint8_t)i;
		assert_int_equal(pcap_file_writer_put(w, i, &iov, 1), 0);
	}
	iov.iov_len++;
	assert_int_equal(pcap_file_writer_put(w, 5, &iov, 1), -EMSGSIZE);
	assert_int_equal(pcap_file_writer_destroy(w), 0);

	assert_int_equal(pcap_file_reader_create(path, &r, &why), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(pcap_file_reader_next(r, &f), 1);
		assert_int_equal(f.len, PCAP_FILE_FRAME_MAX);
		assert_int_equal(f.data[0], i);
		assert_int_equal(f.time_ns, i);
	}
	assert_int_equal(pcap_file_reader_next(r, &f), 0);
	pcap_file_reader_destroy(r);
	strbuf_fini(&why);
}

static void a_microsecond_file_is_continued_in_microseconds(void **state)
{
	const uint32_t header[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1};
	int end;

	store(header, sizeof(header));
	write_frames(0, 101);
	assert_int_equal(read_frames(1000, &end), 101);
	assert_int_equal(end, 0);
}

static void a_file_of_the_other_byte_order_is_read_but_not_continued(void **state)
{
	uint32_t words[] = {0xa1b23c4d, 0, 0, 0, 262144, 1, 1000, 0, 60, 60};
	uint8_t bytes[sizeof(words) + 60] = {0};
	int end;

	for (unsigned i = 0; i < 10; i++)
		words[i] = __builtin_bswap32(words[i]);
	words[1] = __builtin_bswap32(2 << 16 | 4);
	memcpy(bytes, words, sizeof(words));
	store(bytes, sizeof(bytes));
	assert_int_equal(read_frames(1, &end), 1);
	assert_int_equal(end, 0);
	assert_refused(0, -EINVAL, "continued");
}

static void other_link_types_are_refused_by_name(void **state)
{
	const uint32_t header[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 105};

	store(header, sizeof(header));
	assert_refused(-EINVAL, -EINVAL, "IEEE802_11");
}

static void what_is_no_capture_is_refused(void **state)
{
	assert_refused(-ENOENT, 0, "No such file");
	store("", 0);
	assert_refused(-EINVAL, 0, "");
	store("neither fish nor flesh, but longer than a header", 48);
	assert_refused(-EINVAL, -EINVAL, "");

	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(-EINVAL, -EINVAL, "regular"); /* and does not block */

	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(-EINVAL, -EISDIR, "");
	assert_int_equal(rmdir(path), 0);
}

static void a_second_writer_is_refused(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_writer *w;

	assert_int_equal(pcap_file_writer_create(path, &w, &why), 0);
	assert_refused(0, -EBUSY, "writing");
	assert_int_equal(pcap_file_writer_destroy(w), 0);
	write_frames(0, 1);
	assert_file_has(1);
	strbuf_fini(&why);
}

static void rewinding_starts_over_without_the_path(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_reader *r;
	struct pcap_file_frame f;

	write_frames(0, 5);
	assert_int_equal(pcap_file_reader_create(path, &r, &why), 0);
	unlink(path);
	for (unsigned pass = 0; pass < 3; pass++) {
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(pcap_file_reader_next(r, &f), 1);
			assert_frame(&f, i, 1);
		}
		assert_int_equal(pcap_file_reader_next(r, &f), 0);
		assert_int_equal(pcap_file_reader_rewind(r), 0);
	}
	pcap_file_reader_destroy(r);
	strbuf_fini(&why);
}

static void a_file_cut_anywhere_yields_its_whole_frames_and_is_continued(void **state)
{
	uint8_t bytes[1024];

	write_frames(0, 3);
	size_t len = load(bytes, sizeof(bytes));
	assert_int_equal(len, FILE_HEADER + 3 * RECORD_HEADER + 60 + 61 + 62);

	size_t end_of[4] = {FILE_HEADER};
	for (unsigned i = 0; i < 3; i++)
		end_of[i + 1] = end_of[i] + RECORD_HEADER + 60 + i;
	for (size_t cut = FILE_HEADER; cut <= len; cut++) {
		unsigned whole = 0;
		int end;

		while (whole < 3 && cut >= end_of[whole + 1])
			whole++;
		store(bytes, cut);
		assert_int_equal(read_frames(1, &end), whole);
		assert_int_equal(end, cut == end_of[whole] ? 0 : -EINVAL);
		write_frames(whole, 6);
		assert_file_has(6);
	}
	for (size_t cut = 1; cut < FILE_HEADER; cut++) {
		store(bytes, cut);
		assert_refused(-EINVAL, -EINVAL, "");
	}
}

static void a_damaged_record_ends_the_file_and_is_not_continued(void **state)
{
	uint8_t bytes[1024];
	int end;

	write_frames(0, 3);
	size_t len = load(bytes, sizeof(bytes));
	memset(bytes + FILE_HEADER + RECORD_HEADER + 60 + 8, 0xff, 4);
	store(bytes, len);
	assert_int_equal(read_frames(1, &end), 1);
	assert_int_equal(end, -EINVAL);
	assert_refused(0, -EINVAL, "byte 100");
	assert_int_equal(load(bytes, sizeof(bytes)), len);
}

static void limit(int resource, rlim_t soft, rlim_t *old)
{
	struct rlimit l;

	assert_int_equal(getrlimit(resource, &l), 0);
	if (old)
		*old = l.rlim_cur;
	l.rlim_cur = soft;
	assert_int_equal(setrlimit(resource, &l), 0);
}

static void a_disk_that_fills_at_any_byte_costs_frames_but_not_the_file(void **state)
{
	const size_t all = FILE_HEADER + 3 * RECORD_HEADER + 60 + 61 + 62;
	struct strbuf why = STRBUF_INIT;

	for (size_t room = 0; room <= all; room++) {
		struct pcap_file_writer *w;
		rlim_t old;

		unlink(path);
		limit(RLIMIT_FSIZE, room, &old);
		int err = pcap_file_writer_create(path, &w, &why);
		if (room < FILE_HEADER) {
			limit(RLIMIT_FSIZE, old, NULL);
			assert_int_equal(err, -EFBIG);
			continue;
		}
		assert_int_equal(err, 0);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(put(w, i), 0);
		err = pcap_file_writer_flush(w);
		limit(RLIMIT_FSIZE, old, NULL);

		assert_int_equal(err, room < all ? -EFBIG : 0);
		assert_int_equal(pcap_file_writer_lost(w), room < all ? 3 : 0);
		assert_int_equal(pcap_file_writer_waiting(w), 0);
		assert_file_has(room < all ? 0 : 3);
		for (unsigned i = room < all ? 0 : 3; i < 5; i++)
			assert_int_equal(put(w, i), 0);
		assert_int_equal(pcap_file_writer_destroy(w), 0);
		assert_file_has(5);
	}
	strbuf_fini(&why);
}

enum { FREE = 4 };

/* The descriptors that the next calls would get. */
static void free_descriptors(int fds[FREE])
{
	for (unsigned i = 0; i < FREE; i++) {
		fds[i] = open("/dev/null", O_RDONLY);
		assert_true(fds[i] >= 0);
	}
	for (unsigned i = 0; i < FREE; i++)
		close(fds[i]);
}

static void running_out_of_descriptors_is_an_error_without_a_leak(void **state)
{
	struct strbuf why = STRBUF_INIT;
	int before[FREE], after[FREE];

	write_frames(0, 1);
	free_descriptors(before);
	for (unsigned left = 0; left < FREE; left++) {
		struct pcap_file_reader *r;
		struct pcap_file_writer *w;
		rlim_t old;

		strbuf_reset(&why);
		limit(RLIMIT_NOFILE, (rlim_t)before[left], &old);
		int reader_err = pcap_file_reader_create(path, &r, &why);
		if (!reader_err)
			pcap_file_reader_destroy(r);
		int writer_err = pcap_file_writer_create(path, &w, &why);
		if (!writer_err)
			writer_err = pcap_file_writer_destroy(w);
		limit(RLIMIT_NOFILE, old, NULL);

		assert_int_equal(reader_err, left < 2 ? -EMFILE : 0);
		assert_int_equal(writer_err, left < 1 ? -EMFILE : 0);
		if (reader_err)
			assert_non_null(strstr(strbuf_str(&why), path));
		free_descriptors(after);
		assert_memory_equal(before, after, sizeof(before));
	}
	strbuf_fini(&why);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, fresh_file)
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read_back),
		T(a_file_that_exists_is_continued),
		T(more_than_the_buffer_is_written_in_order),
		T(a_microsecond_file_is_continued_in_microseconds),
		T(a_file_of_the_other_byte_order_is_read_but_not_continued),
		T(other_link_types_are_refused_by_name),
		T(what_is_no_capture_is_refused),
		T(a_second_writer_is_refused),
		T(rewinding_starts_over_without_the_path),
		T(a_file_cut_anywhere_yields_its_whole_frames_and_is_continued),
		T(a_damaged_record_ends_the_file_and_is_not_continued),
		T(a_disk_that_fills_at_any_byte_costs_frames_but_not_the_file),
		T(running_out_of_descriptors_is_an_error_without_a_leak),
	};

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/capture", dir);
	signal(SIGXFSZ, SIG_IGN);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return failed;
}
