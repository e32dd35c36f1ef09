#include "port_sim.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "frame.h"

static struct lane lane;
static struct frame frame; /* too large for the stack */
static uint8_t buf[PACKET_LEN_MAX];

/* What the port has told its owner. */
static struct {
	unsigned gone, present, changed;
} told;

static void on_gone(struct port *port, void *arg)
{
	told.gone++;
}

static void on_present(struct port *port, void *arg)
{
	told.present++;
}

static void on_changed(struct port *port, void *arg)
{
	told.changed++;
}

static const struct port_events events = {
	.gone = on_gone, .present = on_present, .changed = on_changed};

static void enter_nothing(struct lane *l, struct port *port, struct packet **pkts, unsigned n)
{
	fail_msg("nothing enters here");
}

static int setup(void **state)
{
	struct port_conf conf = {.name = "s0", .ops = &port_sim_ops, .queues = 2};
	struct port_env env = {.n_lanes = 1};
	struct strbuf why = STRBUF_INIT;
	struct port *port;

	memset(&told, 0, sizeof(told));
	if (lane_init(&lane, 0, enter_nothing))
		return -1;
	if (port_create(&conf, &env, &events, NULL, &port, &why) || port_open(port, &why))
		return -1;
	*state = port;
	return 0;
}

static int teardown(void **state)
{
	port_close(*state, true);
	port_destroy(*state);
	lane_fini(&lane); /* asserts that nothing leaked */
	return 0;
}

static bool readable(const struct rxq *q)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static uint64_t drops(struct port *port, enum drop_reason reason)
{
	struct port_counters sum;

	port_counters_sum(port, &sum);
	return sum.drops[reason];
}

static void make_frame(size_t payload_len)
{
	const struct frame_shape s = {.tcp = true, .payload_len = payload_len};
	struct rng r = {.state = payload_len};

	frame_build(&frame, &s, &r);
}

static struct virtio_net_hdr gso_hdr(uint16_t gso_size)
{
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)frame.payload,
		.gso_size = gso_size,
		.csum_start = (uint16_t)frame.l4,
		.csum_offset = TCP_CSUM_OFS,
	};
}

static void an_injected_frame_is_received_whole_with_its_head_apart(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];
	const size_t payloads[] = {0, PACKET_HEAD_FIRST - 54, PACKET_HEAD_FIRST - 53, 60000};

	for (unsigned i = 0; i < 4; i++) {
		make_frame(payloads[i]);
		assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
		assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 1);
		assert_int_equal(pkts[0]->len, frame.len);
		assert_int_equal(pkts[0]->head_len,
			frame.len < PACKET_HEAD_FIRST ? frame.len : PACKET_HEAD_FIRST);
		assert_int_equal(pkts[0]->tail_n, frame.len > PACKET_HEAD_FIRST);
		assert_true(packet_read(pkts[0], 0, frame.len, buf));
		assert_memory_equal(buf, frame.b, frame.len);
		assert_int_equal(pkts[0]->csum, PACKET_CSUM_UNKNOWN);
		port_free_all(&lane, pkts, 1);
		arena_release(&lane.arena);
	}
}

static void the_descriptor_is_readable_exactly_while_frames_wait(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];

	make_frame(10);
	assert_false(readable(&port->rxqs[0]));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
	assert_int_equal(sim_port_rx_waiting(port), 3);
	assert_int_equal(port_receive(&port->rxqs[1], &lane, pkts, BATCH_MAX), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(readable(&port->rxqs[0]));
		assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, 1), 1);
		port_free_all(&lane, pkts, 1);
	}
	assert_false(readable(&port->rxqs[0]));
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, 1), 0);
}

static void frames_that_no_port_may_receive_are_dropped_by_name(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];
	static const uint8_t bytes[PACKET_LEN_MAX + 1];

	make_frame(3000);
	frame_make_partial(&frame);
	struct virtio_net_hdr good = gso_hdr(1000), bad = gso_hdr(0);
	assert_int_equal(sim_port_inject(port, bytes, ETH_FRAME_MIN - 1, NULL), 0);
	assert_int_equal(sim_port_inject(port, bytes, 0, NULL), 0);
	assert_int_equal(sim_port_inject(port, bytes, PACKET_LEN_MAX + 1, NULL), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &bad), 0);
	assert_int_equal(sim_port_inject(port, bytes, ETH_FRAME_MIN, NULL), 0);
	assert_int_equal(sim_port_inject(port, bytes, PACKET_LEN_MAX, NULL), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &good), 0);

	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 3);
	assert_int_equal(pkts[0]->len, ETH_FRAME_MIN);
	assert_int_equal(pkts[1]->len, PACKET_LEN_MAX);
	assert_int_equal(pkts[2]->gso, PACKET_GSO_TCP4);
	assert_int_equal(pkts[2]->gso_size, 1000);
	assert_int_equal(pkts[2]->gso_hdr_len, frame.payload);
	assert_int_equal(drops(port, DROP_RX_TOO_SHORT), 2);
	assert_int_equal(drops(port, DROP_RX_TOO_LONG), 1);
	assert_int_equal(drops(port, DROP_RX_BAD_OFFLOAD), 1);
	port_free_all(&lane, pkts, 3);
}

/* 64 KB in segments of 88 bytes are let in: so small Linux makes those of TCP. */
static void a_frame_of_too_many_segments_is_dropped_by_name(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];

	make_frame(65400);
	frame_make_partial(&frame);
	struct virtio_net_hdr fits = gso_hdr(88), too_many = gso_hdr(85), one_each = gso_hdr(1);
	assert_true(65400 / 85 >= PACKET_SEGMENTS_MAX);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &one_each), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &fits), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &too_many), 0);

	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 1);
	assert_int_equal(packet_frames(pkts[0]), 744);
	assert_int_equal(drops(port, DROP_RX_TOO_MANY_SEGMENTS), 2);
	port_free_all(&lane, pkts, 1);
}

static void a_lane_without_memory_drops_by_name(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX], *hoard = NULL;

	make_frame(1000);
	for (unsigned i = 0; i < BATCH_MAX; i++)
		assert_non_null(arena_buffer(&lane.arena));
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 0);
	assert_int_equal(drops(port, DROP_RX_NO_BUFFERS), 1);
	arena_release(&lane.arena);

	for (struct packet *p; (p = arena_alloc(&lane.arena)); hoard = p)
		p->next_free = hoard;
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 0);
	assert_int_equal(drops(port, DROP_RX_NO_BUFFERS), 2);
	while (hoard) {
		struct packet *p = hoard;

		hoard = p->next_free;
		arena_free(&lane.arena, p);
	}
}

static void what_the_switch_sends_is_taken_in_order_with_its_offloads(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];
	struct virtio_net_hdr hdr;

	assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), -EAGAIN);
	make_frame(3000);
	frame_make_partial(&frame);
	struct virtio_net_hdr sent = gso_hdr(1000);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, &sent), 0);
	assert_int_equal(sim_port_inject(port, frame.b, 100, NULL), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 2);
	port->ops->tx(port, &lane, pkts, 2);

	assert_int_equal(sim_port_tx_waiting(port), 2);
	assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), frame.len);
	assert_memory_equal(buf, frame.b, frame.len);
	assert_int_equal(hdr.flags, sent.flags);
	assert_int_equal(hdr.gso_type, sent.gso_type);
	assert_int_equal(hdr.gso_size, 1000);
	assert_int_equal(hdr.csum_start, frame.l4);
	assert_int_equal(hdr.csum_offset, TCP_CSUM_OFS);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(sim_port_take(port, buf, 40, &hdr), 100);
	assert_memory_equal(buf, frame.b, 40);
	assert_int_equal(buf[40], 0);
	assert_int_equal(hdr.flags | hdr.gso_type, 0);
}

static void both_rings_are_bounded(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];

	make_frame(1);
	for (unsigned i = 0; i < SIM_PORT_FRAMES; i++)
		assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), -ENOSPC);
	for (unsigned n; (n = port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX));)
		port->ops->tx(port, &lane, pkts, n);
	assert_int_equal(sim_port_tx_waiting(port), SIM_PORT_FRAMES);
	assert_int_equal(drops(port, DROP_TX_FULL), 0);
	assert_int_equal(sim_port_inject(port, frame.b, frame.len, NULL), 0);
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX), 1);
	port->ops->tx(port, &lane, pkts, 1);
	assert_int_equal(sim_port_tx_waiting(port), SIM_PORT_FRAMES);
	assert_int_equal(drops(port, DROP_TX_FULL), 1);
}

static void the_owner_is_told_of_changes(void **state)
{
	struct port *port = *state;
	struct strbuf why = STRBUF_INIT;
	uint8_t byte = 0;

	sim_port_set_mtu(port, 9000);
	assert_int_equal(port->mtu, 9000);
	sim_port_set_link(port, false);
	assert_false(port->link_up);
	assert_int_equal(told.changed, 2);

	sim_port_set_present(port, false);
	assert_int_equal(told.gone, 1);
	port_close(port, false);
	assert_int_equal(sim_port_inject(port, &byte, 1, NULL), -ENETDOWN);
	assert_int_equal(port_open(port, &why), -ENODEV);
	assert_int_equal(told.present, 0);
	sim_port_set_present(port, true);
	assert_int_equal(told.present, 1);
	assert_int_equal(port_open(port, &why), 0);
	assert_true(port->link_up);
	assert_int_equal(port->mtu, PORT_MTU_DEFAULT);
	strbuf_fini(&why);
}

static void a_source_repeats_its_frames_on_every_queue_and_a_sink_counts(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];
	struct port_counters sum;

	make_frame(3000);
	frame_make_partial(&frame);
	const struct virtio_net_hdr hdr = gso_hdr(1000);
	const struct sim_frame frames[3] = {{frame.b, (uint32_t)frame.len, &hdr},
		{frame.b, 60, NULL}, {frame.b, PACKET_HEAD_FIRST + 1, NULL}};
	sim_port_source(port, frames, 3);
	sim_port_sink(port, true);
	for (unsigned q = 0; q < 2; q++) {
		for (unsigned i = 0; i < 7; i++) {
			const struct sim_frame *f = &frames[i % 3];

			assert_true(readable(&port->rxqs[q]));
			assert_int_equal(port_receive(&port->rxqs[q], &lane, pkts, 1), 1);
			assert_int_equal(pkts[0]->len, f->len);
			assert_int_equal(pkts[0]->gso, f->hdr ? PACKET_GSO_TCP4 : PACKET_GSO_NONE);
			assert_true(packet_read(pkts[0], 0, f->len, buf));
			assert_memory_equal(buf, f->data, f->len);
			port->ops->tx(port, &lane, pkts, 1);
		}
	}
	port_counters_sum(port, &sum);
	assert_int_equal(sum.tx_packets, 14);
	assert_int_equal(sum.rx_packets, 14);
	assert_int_equal(sim_port_tx_waiting(port), 0);
	sim_port_source(port, NULL, 0);
	assert_false(readable(&port->rxqs[0]) || readable(&port->rxqs[1]));
	assert_int_equal(port_receive(&port->rxqs[0], &lane, pkts, 1), 0);
}

enum { STRESS = 20000 };

static void *inject_numbers(void *arg)
{
	for (uint32_t i = 0; i < STRESS; i++) {
		uint8_t bytes[64] = {0};

		memcpy(bytes + 14, &i, sizeof(i));
		while (sim_port_inject(arg, bytes, sizeof(bytes), NULL) == -ENOSPC)
			sched_yield();
	}
	return NULL;
}

static void no_wake_up_is_lost_between_threads(void **state)
{
	struct port *port = *state;
	struct packet *pkts[BATCH_MAX];
	pthread_t thread;
	uint32_t got = 0;

	assert_int_equal(pthread_create(&thread, NULL, inject_numbers, port), 0);
	while (got < STRESS) {
		struct pollfd p = {.fd = port->rxqs[0].fd, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 30000), 1);
		unsigned n = port_receive(&port->rxqs[0], &lane, pkts, BATCH_MAX);
		for (unsigned i = 0; i < n; i++, got++)
			assert_memory_equal(pkts[i]->data + 14, &got, sizeof(got));
		port_free_all(&lane, pkts, n);
		arena_release(&lane.arena);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_injected_frame_is_received_whole_with_its_head_apart),
		T(the_descriptor_is_readable_exactly_while_frames_wait),
		T(frames_that_no_port_may_receive_are_dropped_by_name),
		T(a_frame_of_too_many_segments_is_dropped_by_name),
		T(a_lane_without_memory_drops_by_name),
		T(what_the_switch_sends_is_taken_in_order_with_its_offloads),
		T(both_rings_are_bounded),
		T(the_owner_is_told_of_changes),
		T(a_source_repeats_its_frames_on_every_queue_and_a_sink_counts),
		T(no_wake_up_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
