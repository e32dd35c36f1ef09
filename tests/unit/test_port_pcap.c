/* The test is the worker: it says what time it is (lane.now_ns), so that pacing is
 * exact and takes no time. */
#include "port.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "clock.h"
#include "pcap_file.h"

#define SEC 1000000000ull

static char dir[] = "/tmp/test_port_pcap.XXXXXX";
static char file[64], record[64];
static struct lane lane;

static void enter_nothing(struct lane *l, struct port *port, struct packet **pkts, unsigned n)
{
	fail_msg("nothing enters here");
}

static int setup(void **state)
{
	unlink(file);
	unlink(record);
	if (lane_init(&lane, 0, enter_nothing))
		return -1;
	lane.now_ns = 5000 * SEC;
	return 0;
}

static int teardown(void **state)
{
	lane_fini(&lane); /* asserts that nothing leaked */
	return 0;
}

/* A frame of a capture: when it comes, and how long it is. */
struct rec {
	uint64_t time_ns;
	uint32_t len;
};

/* Frame i holds i in its bytes 12 and 13. */
static void write_capture(const struct rec *recs, unsigned n)
{
	static uint8_t bytes[PCAP_FILE_FRAME_MAX];
	const uint32_t header[] = {0xa1b23c4d, 4 << 16 | 2, 0, 0, PCAP_FILE_FRAME_MAX, 1};
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(header, sizeof(header), 1, f), 1);
	for (unsigned i = 0; i < n; i++) {
		uint32_t h[] = {(uint32_t)(recs[i].time_ns / SEC),
			(uint32_t)(recs[i].time_ns % SEC), recs[i].len, recs[i].len};

		wire_put_u16(bytes + 12, (uint16_t)i);
		assert_int_equal(fwrite(h, sizeof(h), 1, f), 1);
		if (recs[i].len)
			assert_int_equal(fwrite(bytes, recs[i].len, 1, f), 1);
	}
	assert_int_equal(fclose(f), 0);
}

static struct port *open_port(const struct port_conf *like)
{
	struct port_conf conf = *like;
	struct port_env env = {.n_lanes = 2};
	struct strbuf why = STRBUF_INIT;
	struct port *port;

	strcpy(conf.name, "p0");
	conf.ops = &port_pcap_ops;
	assert_int_equal(port_create(&conf, &env, NULL, NULL, &port, &why), 0);
	assert_int_equal(port_open(port, &why), 0);
	strbuf_fini(&why);
	return port;
}

static void close_port(struct port *port)
{
	port_close(port, true);
	port_destroy(port);
}

/* How many frames one poll yields; they are numbered from '*next' on, modulo 'wrap'. */
static unsigned poll_frames(struct port *port, unsigned *next, unsigned wrap)
{
	struct packet *pkts[BATCH_MAX];
	unsigned n = port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX);

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(wire_u16(pkts[i]->data + 12), *next);
		*next = (*next + 1) % wrap;
	}
	port_free_all(&lane, pkts, n);
	arena_release(&lane.arena);
	return n;
}

static bool readable_within(const struct rxq *q, int ms)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static void assert_info(struct port *port, const char *key, const char *text, int64_t number)
{
	json_t *info = json_object();

	port->ops->info(port, info);
	json_t *v = json_object_get(info, key);
	assert_non_null(v);
	if (text)
		assert_string_equal(json_string_value(v), text);
	else
		assert_int_equal(json_integer_value(v), number);
	json_decref(info);
}

static uint64_t drops(struct port *port, enum drop_reason reason)
{
	struct port_counters sum;

	port_counters_sum(port, &sum);
	return sum.drops[reason];
}

static void frames_are_replayed_as_their_time_stamps_say(void **state)
{
	/* the fourth goes back in time, and is due at once */
	const struct rec recs[] = {
		{7 * SEC, 60}, {7 * SEC + 1, 61}, {9 * SEC, 62}, {8 * SEC, 63}, {8 * SEC + 5, 64}};
	const struct port_conf conf = {.file = file};
	unsigned next = 0;

	write_capture(recs, 5);
	struct port *port = open_port(&conf);
	uint64_t start = lane.now_ns;
	assert_int_equal(port->mtu, PORT_MTU_MAX);
	assert_true(port->link_up);
	assert_true(readable_within(&port->rxqs[0], 20000));
	assert_int_equal(poll_frames(port, &next, 9), 1);
	assert_int_equal(poll_frames(port, &next, 9), 0);
	lane.now_ns = start + 1;
	assert_int_equal(poll_frames(port, &next, 9), 1);
	assert_false(readable_within(&port->rxqs[0], 0)); /* two seconds from now */
	lane.now_ns = start + 2 * SEC - 1;
	assert_int_equal(poll_frames(port, &next, 9), 0);
	assert_info(port, "replay", "replayed 2 so far", 0);
	lane.now_ns = start + 2 * SEC;
	assert_int_equal(poll_frames(port, &next, 9), 2);
	lane.now_ns = start + 2 * SEC + 4;
	assert_int_equal(poll_frames(port, &next, 9), 0);
	assert_true(readable_within(&port->rxqs[0], 20000));
	lane.now_ns = start + 2 * SEC + 5;
	assert_int_equal(poll_frames(port, &next, 9), 1);

	assert_int_equal(poll_frames(port, &next, 9), 0);
	assert_false(readable_within(&port->rxqs[0], 0));
	assert_true(port->link_up);
	assert_info(port, "replay", "replayed 5 of 5", 0);
	assert_info(port, "file", file, 0);
	assert_int_equal(port->lanes[0]->count.rx_packets, 5);
	assert_int_equal(port->lanes[0]->count.rx_bytes, 60 + 61 + 62 + 63 + 64);
	close_port(port);
}

static void a_rate_overrides_the_time_stamps(void **state)
{
	const struct port_conf conf = {.file = file, .rate_pps = 3};
	struct rec recs[7];
	unsigned next = 0, got = 0;

	for (unsigned i = 0; i < 7; i++)
		recs[i] = (struct rec){i * 100 * SEC, 60};
	write_capture(recs, 7);
	struct port *port = open_port(&conf);
	uint64_t start = lane.now_ns;
	for (unsigned ms = 0; ms <= 2000; ms++) {
		lane.now_ns = start + ms * 1000000ull;
		got += poll_frames(port, &next, 9);
		/* frame i is due i / 3 s after the start */
		assert_int_equal(got, ms * 3 / 1000 + 1);
	}
	assert_int_equal(got, 7);
	close_port(port);
}

static void a_replay_that_is_late_goes_in_bursts(void **state)
{
	const struct port_conf conf = {.file = file, .rate_pps = UINT64_MAX};
	struct rec recs[2 * BATCH_MAX + 5];
	unsigned next = 0;

	for (unsigned i = 0; i < 2 * BATCH_MAX + 5; i++)
		recs[i] = (struct rec){i, 60 + 20 * i};
	write_capture(recs, 2 * BATCH_MAX + 5);
	struct port *port = open_port(&conf);
	assert_int_equal(poll_frames(port, &next, 999), 1);
	lane.now_ns += SEC;
	assert_int_equal(poll_frames(port, &next, 999), BATCH_MAX);
	assert_true(readable_within(&port->rxqs[0], 20000)); /* more is due */
	assert_int_equal(poll_frames(port, &next, 999), BATCH_MAX);
	assert_int_equal(poll_frames(port, &next, 999), 4);
	close_port(port);
}

static void a_loop_goes_on_at_the_mean_distance(void **state)
{
	const struct rec recs[] = {{SEC, 60}, {SEC + 10, 60}, {SEC + 40, 60}};
	const uint64_t due[] = {0, 10, 40, 60, 70, 100, 120, 130, 160};
	const struct port_conf conf = {.file = file, .loop = true};
	unsigned next = 0;

	write_capture(recs, 3);
	struct port *port = open_port(&conf);
	uint64_t start = lane.now_ns;
	for (unsigned i = 0; i < 9; i++) {
		lane.now_ns = start + due[i] - (i ? 1 : 0);
		while (i && lane.now_ns < start + due[i]) {
			assert_int_equal(poll_frames(port, &next, 3), 0);
			lane.now_ns++;
		}
		assert_int_equal(poll_frames(port, &next, 3), 1);
	}
	assert_info(port, "replayed", NULL, 9);
	close_port(port);
}

static void a_loop_over_one_frame_is_one_a_second(void **state)
{
	const struct rec recs[] = {{SEC, 60}};
	const struct port_conf conf = {.file = file, .loop = true};
	unsigned next = 0;

	write_capture(recs, 1);
	struct port *port = open_port(&conf);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(poll_frames(port, &next, 1), 1);
		lane.now_ns += SEC - 1;
		assert_int_equal(poll_frames(port, &next, 1), 0);
		lane.now_ns++;
	}
	close_port(port);
}

static void records_that_are_no_frames_are_counted_and_skipped(void **state)
{
	const struct rec recs[] = {{0, 60}, {0, 60}, {0, 60}, {0, ETH_FRAME_MIN - 1}, {0, 0},
		{0, PACKET_LEN_MAX + 1}, {0, PACKET_LEN_MAX}};
	const uint32_t cut = 61, padded = 59; /* what a frame of 60 says to have been */
	const struct port_conf conf = {.file = file};
	struct packet *pkts[BATCH_MAX];

	write_capture(recs, 7);
	FILE *f = fopen(file, "r+");
	assert_int_equal(fseek(f, 24 + (16 + 60) + 12, SEEK_SET), 0);
	assert_int_equal(fwrite(&cut, sizeof(cut), 1, f), 1);
	assert_int_equal(fseek(f, 60 + 12, SEEK_CUR), 0);
	assert_int_equal(fwrite(&padded, sizeof(padded), 1, f), 1);
	assert_int_equal(fclose(f), 0);

	struct port *port = open_port(&conf);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 2);
	assert_int_equal(pkts[0]->len, 60);
	assert_int_equal(pkts[1]->len, PACKET_LEN_MAX);
	port_free_all(&lane, pkts, 2);
	assert_int_equal(drops(port, DROP_RX_TRUNCATED), 1);
	assert_int_equal(drops(port, DROP_RX_TOO_SHORT), 2);
	assert_int_equal(drops(port, DROP_RX_TOO_LONG), 2);
	assert_info(port, "replay", "replayed 2 of 7", 0);
	close_port(port);
}

static void a_file_of_bad_records_neither_loops_for_ever_nor_holds_up(void **state)
{
	const struct port_conf conf = {.file = file, .loop = true};
	struct rec recs[3 * BATCH_MAX];
	unsigned next = 0;

	memset(recs, 0, sizeof(recs));
	write_capture(recs, 3 * BATCH_MAX);
	struct port *port = open_port(&conf);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(readable_within(&port->rxqs[0], 20000));
		assert_int_equal(poll_frames(port, &next, 9), 0);
		assert_int_equal(drops(port, DROP_RX_TOO_SHORT), i * BATCH_MAX);
	}
	assert_int_equal(poll_frames(port, &next, 9), 0);
	assert_false(readable_within(&port->rxqs[0], 0));
	assert_info(port, "replay", "replayed 0 of 96", 0);
	close_port(port);
}

static void a_file_that_ends_within_a_record_is_replayed_up_to_it(void **state)
{
	const struct rec recs[] = {{0, 60}, {0, 61}};
	struct port_conf conf = {.file = file};
	unsigned next = 0;

	write_capture(recs, 2);
	assert_int_equal(truncate(file, 24 + 16 + 60 + 16 + 30), 0);
	struct port *port = open_port(&conf);
	assert_int_equal(poll_frames(port, &next, 9), 1);
	assert_int_equal(drops(port, DROP_RX_TRUNCATED), 1);
	assert_info(port, "replay", "replayed 1 of 1", 0);
	close_port(port);

	conf.loop = true;
	next = 0;
	port = open_port(&conf);
	for (unsigned i = 0; i < 4; i++, lane.now_ns += SEC)
		assert_int_equal(poll_frames(port, &next, 1), 1);
	close_port(port);
}

static void what_cannot_be_opened_is_refused_with_the_file_named(void **state)
{
	const struct rec recs[] = {{0, 60}};
	const struct port_env env = {.n_lanes = 1};
	struct strbuf why = STRBUF_INIT;
	struct port *port;
	char no_dir[80];

	snprintf(no_dir, sizeof(no_dir), "%s/no/dir", dir);
	write_capture(recs, 1);
	struct port_conf conf = {.name = "p0", .ops = &port_pcap_ops};
	assert_int_equal(port_create(&conf, &env, NULL, NULL, &port, &why), -EINVAL);
	assert_non_null(strstr(strbuf_str(&why), "file="));

	for (unsigned i = 0; i < 2; i++) {
		conf.file = i ? file : no_dir;
		conf.record = i ? no_dir : NULL;
		strbuf_reset(&why);
		assert_int_equal(port_create(&conf, &env, NULL, NULL, &port, &why), 0);
		assert_int_equal(port_open(port, &why), -ENOENT);
		assert_non_null(strstr(strbuf_str(&why), no_dir));
		port_destroy(port);
	}
	strbuf_fini(&why);
}

/* Send a frame of 'len' bytes, of which the last ones lie in two pieces of tail. */
static void send(struct port *port, struct lane *l, uint8_t mark, uint32_t len)
{
	static uint8_t bytes[PACKET_LEN_MAX];
	struct packet *p = arena_alloc(&l->arena);

	memset(bytes, 0x55, sizeof(bytes));
	p->len = len;
	p->head_len = 20;
	memset(p->data, mark, p->head_len);
	p->tail_n = 2;
	p->tail[0] = (struct iovec){bytes, 10};
	p->tail[1] = (struct iovec){bytes + 10, len - 30};
	port_send(l, port, p);
}

/* The record's frames by their mark; how many. */
static unsigned recorded(uint8_t *marks, unsigned max)
{
	struct strbuf why = STRBUF_INIT;
	struct pcap_file_reader *r;
	struct pcap_file_frame f;
	unsigned n = 0;

	assert_int_equal(pcap_file_reader_create(record, &r, &why), 0);
	while (pcap_file_reader_next(r, &f) == 1) {
		assert_true(n < max);
		marks[n++] = f.data[0];
		assert_int_equal(f.data[19], f.data[0]);
		for (uint32_t i = 20; i < f.len; i++)
			assert_int_equal(f.data[i], 0x55);
		assert_true(f.time_ns > 1600000000 * SEC); /* by the wall clock */
	}
	pcap_file_reader_destroy(r);
	return n;
}

/* The thread that writes has been by. */
static void wait_recorded(uint8_t *marks, unsigned n)
{
	uint64_t end_ms = clock_now_ms() + 20000;

	while (recorded(marks, 8) < n && clock_now_ms() < end_ms)
		poll(NULL, 0, 1);
	assert_int_equal(recorded(marks, 8), n);
}

static void what_is_sent_is_recorded_soon_and_when_closed(void **state)
{
	const struct port_conf conf = {.record = record};
	struct packet *pkts[BATCH_MAX];
	uint8_t marks[8];

	struct port *port = open_port(&conf);
	assert_int_equal(port->n_rxqs, 1);
	assert_int_equal(port->tx_caps, 0);
	assert_false(readable_within(&port->rxqs[0], 0));
	send(port, &lane, 1, 60);
	send(port, &lane, 2, PORT_MTU_MAX + ETH_HEADER_LEN);
	lane_flush(&lane);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 0);
	wait_recorded(marks, 2);
	assert_false(readable_within(&port->rxqs[0], 0)); /* nothing to count */

	send(port, &lane, 3, 61);
	lane_flush(&lane);
	assert_info(port, "recorded", NULL, 3);
	assert_info(port, "record-lost", NULL, 0);
	assert_int_equal(port->lanes[0]->count.tx_packets, 3);
	close_port(port);
	assert_int_equal(recorded(marks, 8), 3);
	assert_memory_equal(marks, "\1\2\3", 3);

	port = open_port(&conf);
	send(port, &lane, 4, 62);
	lane_flush(&lane);
	close_port(port);
	assert_int_equal(recorded(marks, 8), 4);
}

static void frames_that_a_full_disk_lost_are_counted(void **state)
{
	const struct port_conf conf = {.record = record};
	struct packet *pkts[BATCH_MAX];
	struct rlimit limit, all;
	uint8_t marks[8];

	struct port *port = open_port(&conf);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	limit = all;
	limit.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	send(port, &lane, 1, 100);
	send(port, &lane, 2, 100);
	lane_flush(&lane);
	assert_true(readable_within(&port->rxqs[0], 20000));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 0);
	assert_int_equal(drops(port, DROP_TX_ERROR), 2);
	assert_info(port, "record-lost", NULL, 2);
	assert_false(readable_within(&port->rxqs[0], 0));
	send(port, &lane, 3, 100);
	lane_flush(&lane);
	close_port(port);
	assert_int_equal(recorded(marks, 8), 1);
	assert_int_equal(marks[0], 3);
}

static void without_a_record_what_is_sent_is_only_counted(void **state)
{
	const struct rec recs[] = {{0, 60}};
	const struct port_conf conf = {.file = file};

	write_capture(recs, 1);
	struct port *port = open_port(&conf);
	send(port, &lane, 1, 60);
	lane_flush(&lane);
	assert_int_equal(port->lanes[0]->count.tx_packets, 1);
	close_port(port);
}

static void two_halves_have_a_queue_each(void **state)
{
	const struct rec recs[] = {{0, 60}, {SEC, 60}};
	const struct port_conf conf = {.file = file, .record = record};
	struct packet *pkts[BATCH_MAX];
	uint8_t marks[8];
	unsigned next = 0;

	write_capture(recs, 2);
	struct port *port = open_port(&conf);
	assert_int_equal(port->n_rxqs, 2);
	send(port, &lane, 1, 60);
	lane_flush(&lane);
	wait_recorded(marks, 1);
	lane.now_ns += SEC;
	assert_int_equal(port_receive(&port->rxqs[1], &lane, pkts, BATCH_MAX), 0);
	assert_int_equal(poll_frames(port, &next, 9), 1);
	close_port(port);
}

static void another_mtu_does_not_start_the_replay_again(void **state)
{
	const struct rec recs[] = {{0, 60}, {SEC, 60}};
	const struct port_conf conf = {.file = file};
	struct strbuf why = STRBUF_INIT;
	unsigned next = 0;

	write_capture(recs, 2);
	struct port *port = open_port(&conf);
	assert_int_equal(poll_frames(port, &next, 9), 1);
	struct port_conf other = port->conf;
	other.mtu = 1400;
	assert_int_equal(port->ops->reconfigure(port, &other, &why), 0);
	assert_int_equal(port->mtu, 1400);
	lane.now_ns += SEC;
	assert_int_equal(poll_frames(port, &next, 9), 1);
	other.loop = true;
	assert_int_equal(port->ops->reconfigure(port, &other, &why), -EOPNOTSUPP);
	close_port(port);
	strbuf_fini(&why);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(frames_are_replayed_as_their_time_stamps_say),
		T(a_rate_overrides_the_time_stamps),
		T(a_replay_that_is_late_goes_in_bursts),
		T(a_loop_goes_on_at_the_mean_distance),
		T(a_loop_over_one_frame_is_one_a_second),
		T(records_that_are_no_frames_are_counted_and_skipped),
		T(a_file_of_bad_records_neither_loops_for_ever_nor_holds_up),
		T(a_file_that_ends_within_a_record_is_replayed_up_to_it),
		T(what_cannot_be_opened_is_refused_with_the_file_named),
		T(what_is_sent_is_recorded_soon_and_when_closed),
		T(frames_that_a_full_disk_lost_are_counted),
		T(without_a_record_what_is_sent_is_only_counted),
		T(two_halves_have_a_queue_each),
		T(another_mtu_does_not_start_the_replay_again),
	};

	if (!mkdtemp(dir))
		return 2;
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(record, sizeof(record), "%s/record", dir);
	signal(SIGXFSZ, SIG_IGN);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	unlink(record);
	rmdir(dir);
	return failed;
}
