/* Ports in memory and of files when memory or the system fails while they are made or
 * opened, at every place by turns: the reason comes back, nothing stays behind, and the
 * next attempt succeeds. */
#include "pcap_file.h"
#include "port_maker.h"
#include "port_sim.h"

enum { FRAME_LEN = 60 };

/* ---- in memory ---- */

static void check_sim(void *arg)
{
	static const uint8_t frame[FRAME_LEN] = {2};
	struct port *port = ((struct maker *)arg)->port;
	struct packet *p;

	assert_int_equal(port->n_rxqs, 3);
	assert_int_equal(sim_port_inject(port, frame, sizeof(frame), NULL), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &env.lane, &p, 1), 1);
	port_free_all(&env.lane, &p, 1);
}

static void sim_port(void **state)
{
	struct maker m = maker("s", &port_sim_ops);

	m.conf.queues = 3;
	assert_in_range(fail_port(&m, check_sim, check_closed), 3, REFUSALS_MAX);
}

static void check_patch(void *arg)
{
	struct maker *m = arg;

	assert_true(m->port->opened && m->port->link_up);
	assert_true(m->peer->opened && m->peer->link_up);
}

static void patch_port(void **state)
{
	struct maker m = maker("p", &port_patch_ops), peer = maker("q", &port_patch_ops);

	m.conf.peer = peer.conf.name;
	peer.conf.peer = m.conf.name;
	assert_int_equal(make_port(&peer), 0);
	m.peer = peer.port;
	fail_port(&m, check_patch, check_closed); /* opening takes nothing */
	destroy_port(&peer);
}

/* ---- capture files ---- */

static void write_capture(const char *path)
{
	struct pcap_file_writer *w;
	uint8_t frame[FRAME_LEN] = {2};
	struct iovec iov = {frame, sizeof(frame)};

	assert_int_equal(pcap_file_writer_create(path, &w, &env.why), 0);
	assert_int_equal(pcap_file_writer_put(w, 1, &iov, 1), 0);
	assert_int_equal(pcap_file_writer_destroy(w), 0);
}

static unsigned frames_in(const char *path)
{
	struct pcap_file_reader *r;
	struct pcap_file_frame f;
	unsigned n = 0;

	assert_int_equal(pcap_file_reader_create(path, &r, &env.why), 0);
	while (pcap_file_reader_next(r, &f) == 1)
		n++;
	pcap_file_reader_destroy(r);
	return n;
}

/* The frame of the file comes in and goes out.  What was recorded before is still there. */
static void check_pcap(void *arg)
{
	struct port *port = ((struct maker *)arg)->port;
	struct packet *p;

	assert_int_equal(port_receive(&port->rxqs[0], &env.lane, &p, 1), 1);
	port_send(&env.lane, port, p);
	lane_flush(&env.lane);
	arena_release(&env.lane.arena);
	if (!port->conf.record)
		return;
	port_close(port, true);
	assert_int_equal(frames_in(env.record), 2);
	unlink(env.record);
	write_capture(env.record);
}

static void pcap_port(void **state)
{
	struct maker m = maker("c", &port_pcap_ops);

	write_capture(env.file);
	m.conf.file = env.file;
	assert_in_range(fail_port(&m, check_pcap, check_closed), 6, REFUSALS_MAX);
}

static void pcap_port_that_records(void **state)
{
	struct maker m = maker("c", &port_pcap_ops);

	write_capture(env.file);
	write_capture(env.record);
	m.conf.file = env.file;
	m.conf.record = env.record;
	assert_in_range(fail_port(&m, check_pcap, check_closed), 12, REFUSALS_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sim_port),
		T(patch_port),
		T(pcap_port),
		T(pcap_port_that_records),
	};

	return ports_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
