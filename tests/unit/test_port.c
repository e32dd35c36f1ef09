/* What port.c does for every type, seen through sim and patch ports and a lane whose
 * pipeline is a table: what enters through port i leaves through route[i]. */
#include "port_sim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "stack.h"

enum { PORTS_MAX = 4 };

static struct lane lane;
static struct port *ports[PORTS_MAX], *route[PORTS_MAX];
static unsigned n_entered;
static struct frame frame, want; /* too large for the stack */
static struct stack stack, segment;
static uint8_t buf[PACKET_LEN_MAX];

static void enter(struct lane *l, struct port *port, struct packet **pkts, unsigned n)
{
	n_entered += n;
	for (unsigned p = 0; p < PORTS_MAX; p++) {
		if (ports[p] != port)
			continue;
		for (unsigned i = 0; i < n; i++)
			port_send(l, route[p], pkts[i]);
	}
}

static void on_event(struct port *port, void *arg)
{
}

static void on_present(struct port *port, void *arg)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(port_open(port, &why), 0);
	strbuf_fini(&why);
}

static const struct port_events events = {
	.gone = on_event, .present = on_present, .changed = on_event};

static int setup(void **state)
{
	n_entered = 0;
	memset(ports, 0, sizeof(ports));
	memset(route, 0, sizeof(route));
	assert_int_equal(lane_init(&lane, 0, enter), 0);
	lane_begin_burst(&lane, 1000000); /* more than a test sends */
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(lane.arena.n_free, ARENA_PACKETS);
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		if (ports[i])
			port_close(ports[i], true);
	}
	for (unsigned i = 0; i < PORTS_MAX; i++)
		port_destroy(ports[i]);
	lane_fini(&lane);
	return 0;
}

/* Port i is named "i"; with a peer it is a patch port, else a sim port. */
static struct port *add_port(unsigned i, const char *peer)
{
	struct port_conf conf = {
		.ops = peer ? &port_patch_ops : &port_sim_ops, .peer = (char *)(uintptr_t)peer};
	struct port_env env = {.n_lanes = 1};
	struct strbuf why = STRBUF_INIT;

	snprintf(conf.name, sizeof(conf.name), "%u", i);
	assert_int_equal(port_create(&conf, &env, &events, NULL, &ports[i], &why), 0);
	if (!peer)
		assert_int_equal(port_open(ports[i], &why), 0);
	strbuf_fini(&why);
	return ports[i];
}

/* Ports i and i + 1 as the ends of a patch. */
static void add_patch(unsigned i)
{
	static const char *const names[] = {"0", "1", "2", "3"};
	struct strbuf why = STRBUF_INIT;

	add_port(i, names[i + 1]);
	assert_int_equal(port_open(ports[i], &why), -ENODEV); /* no peer yet */
	add_port(i + 1, names[i]);
	assert_int_equal(port_open(ports[i + 1], &why), 0);
	assert_true(ports[i]->opened); /* with it */
	strbuf_fini(&why);
}

static struct packet *numbered(uint32_t number, uint32_t len)
{
	struct packet *p = arena_alloc(&lane.arena);

	assert_non_null(p);
	memset(p->data, 0, PACKET_HEAD_FIRST);
	memcpy(p->data + ETH_HEADER_LEN + 8, &number, sizeof(number));
	p->len = p->head_len = (uint16_t)(len < PACKET_HEAD_FIRST ? len : PACKET_HEAD_FIRST);
	if (len > p->len) {
		p->tail[p->tail_n++] = (struct iovec){buf, len - p->len};
		p->len = len;
	}
	return p;
}

static uint32_t take_number(struct port *port)
{
	uint32_t number;

	assert_true(sim_port_take(port, buf, sizeof(buf), NULL) > 0);
	memcpy(&number, buf + ETH_HEADER_LEN + 8, sizeof(number));
	return number;
}

static uint64_t drops(unsigned port, enum drop_reason reason)
{
	return count_get(&ports[port]->lanes[0]->count.drops[reason]);
}

static uint64_t all_drops(unsigned port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_N; i++)
		n += drops(port, (enum drop_reason)i);
	return n;
}

/* 'frame' as received with a partial checksum, and with 'gso_size' not 0 as a large
 * segment. */
static struct packet *partial(uint16_t gso_size)
{
	struct packet *p = arena_alloc(&lane.arena);
	size_t head_len = frame.len < PACKET_HEAD_FIRST ? frame.len : PACKET_HEAD_FIRST;

	assert_non_null(p);
	memcpy(p->data, frame.b, head_len);
	p->len = (uint32_t)frame.len;
	p->head_len = (uint16_t)head_len;
	if (head_len < frame.len)
		p->tail[p->tail_n++] = (struct iovec){frame.b + head_len, frame.len - head_len};
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = (uint16_t)frame.l4;
	p->csum_offset = frame.shape.tcp ? TCP_CSUM_OFS : UDP_CSUM_OFS;
	if (gso_size) {
		p->gso = frame.shape.tcp ? (frame.shape.ipv6 ? PACKET_GSO_TCP6 : PACKET_GSO_TCP4)
					 : PACKET_GSO_UDP;
		p->gso_size = gso_size;
		p->gso_hdr_len = (uint16_t)frame.payload;
	}
	return p;
}

static void build(const struct frame_shape *s)
{
	struct rng r = {s->payload_len};

	frame_build(&frame, s, &r);
}

static void packets_wait_for_a_flush_or_a_full_batch(void **state)
{
	struct port *port = add_port(0, NULL);

	for (uint32_t i = 0; i < BATCH_MAX; i++)
		port_send(&lane, port, numbered(i, 60));
	assert_int_equal(sim_port_tx_waiting(port), 0);
	port_send(&lane, port, numbered(BATCH_MAX, 60));
	assert_int_equal(sim_port_tx_waiting(port), BATCH_MAX);
	lane_flush(&lane);
	assert_int_equal(sim_port_tx_waiting(port), BATCH_MAX + 1);
	lane_flush(&lane);
	for (uint32_t i = 0; i <= BATCH_MAX; i++)
		assert_int_equal(take_number(port), i);
	assert_int_equal(sim_port_tx_waiting(port), 0);
}

static void every_port_keeps_the_order_of_its_packets(void **state)
{
	enum { N = 1000 };
	uint32_t next[3] = {0};

	for (unsigned p = 0; p < 3; p++)
		add_port(p, NULL);
	for (uint32_t i = 0; i < N; i++) {
		port_send(&lane, ports[i * 7 % 3], numbered(i, 60));
		if (i % 131 == 0)
			lane_flush(&lane);
	}
	lane_flush(&lane);
	for (unsigned p = 0; p < 3; p++)
		for (uint32_t i = 0; i < N; i++) {
			if (i * 7 % 3 != p)
				continue;
			assert_int_equal(take_number(ports[p]), i);
			next[p]++;
		}
	assert_int_equal(next[0] + next[1] + next[2], N);
	for (unsigned p = 0; p < 3; p++)
		assert_int_equal(sim_port_tx_waiting(ports[p]), 0);
}

static void up_to_two_tags_do_not_count_towards_the_mtu(void **state)
{
	struct port *port = add_port(0, NULL);
	static const uint16_t tags[] = {ETHERTYPE_STAG, ETHERTYPE_CTAG, ETHERTYPE_CTAG};

	sim_port_set_mtu(port, 1500);
	for (unsigned n_tags = 0; n_tags <= 3; n_tags++) {
		uint32_t limit = 1500 + ETH_HEADER_LEN + ETH_VLAN_LEN * (n_tags < 2 ? n_tags : 2);

		for (uint32_t over = 0; over < 2; over++) {
			struct packet *p = numbered(n_tags, limit + over);

			for (unsigned t = 0; t < n_tags; t++)
				wire_put_u16(p->data + 12 + t * ETH_VLAN_LEN, tags[t]);
			port_send(&lane, port, p);
			lane_flush(&lane);
			assert_int_equal(sim_port_tx_waiting(port), n_tags + 1);
			assert_int_equal(drops(0, DROP_TX_TOO_LONG), n_tags + over);
		}
	}
}

static void of_a_large_segment_it_is_the_pieces_that_must_fit(void **state)
{
	const struct frame_shape s = {.tcp = true, .payload_len = 9000};
	struct port *port = add_port(0, NULL);

	sim_port_set_mtu(port, 1500);
	build(&s);
	frame_make_partial(&frame);
	port_send(&lane, port, partial((uint16_t)(1514 - frame.payload)));
	lane_flush(&lane);
	assert_int_equal(sim_port_take(port, buf, sizeof(buf), NULL), frame.len);
	port_send(&lane, port, partial((uint16_t)(1515 - frame.payload)));
	lane_flush(&lane);
	assert_int_equal(sim_port_tx_waiting(port), 0);
	assert_int_equal(drops(0, DROP_TX_TOO_LONG), 1);

	sim_port_set_caps(port, PORT_TX_CSUM); /* the same where it is cut here */
	port_send(&lane, port, partial((uint16_t)(1515 - frame.payload)));
	port_send(&lane, port, partial((uint16_t)(1514 - frame.payload)));
	lane_flush(&lane);
	assert_int_equal(drops(0, DROP_TX_TOO_LONG), 2);
	assert_int_equal(sim_port_take(port, buf, sizeof(buf), NULL), 1514);
}

static void a_port_without_checksums_gets_them_finished(void **state)
{
	struct port *port = add_port(0, NULL);
	struct virtio_net_hdr hdr;

	for (unsigned kind = 0; kind < 4; kind++) {
		const struct frame_shape s = {
			.ipv6 = kind & 1, .tcp = kind & 2, .n_tags = kind, .payload_len = 1001};

		build(&s);
		want = frame;
		frame_make_partial(&frame);
		sim_port_set_caps(port, PORT_TX_ALL);
		port_send(&lane, port, partial(0));
		lane_flush(&lane);
		assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), frame.len);
		assert_memory_equal(buf, frame.b, frame.len);
		assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);

		sim_port_set_caps(port, PORT_TX_ALL & ~PORT_TX_CSUM);
		sim_port_set_mtu(port, 2000); /* kind 3 has three tags */
		port_send(&lane, port, partial(0));
		lane_flush(&lane);
		assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), want.len);
		assert_memory_equal(buf, want.b, want.len);
		assert_int_equal(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
		assert_int_equal(port->lanes[0]->count.tx_checksummed, kind + 1);
	}
}

static void a_checksum_outside_the_frame_is_dropped(void **state)
{
	struct port *port = add_port(0, NULL);
	struct packet *p = numbered(0, 60);

	sim_port_set_caps(port, 0);
	p->csum = PACKET_CSUM_PARTIAL;
	p->csum_start = 50;
	p->csum_offset = 16;
	port_send(&lane, port, p);
	lane_flush(&lane);
	assert_int_equal(sim_port_tx_waiting(port), 0);
	assert_int_equal(drops(0, DROP_TX_NO_CHECKSUM), 1);
	assert_int_equal(all_drops(0), 1);
}

/* UDP, because a datagram cut from another differs from it in nothing but its
 * lengths, its checksums and the IPv4 id: the twin is short. */
static void check_segments(struct port *port, uint16_t gso_size)
{
	size_t left = frame.len - frame.payload, ofs = frame.payload;

	for (uint16_t i = 0; left; i++) {
		size_t n = left < gso_size ? left : gso_size;
		struct virtio_net_hdr hdr;

		memcpy(want.b, frame.b, frame.payload);
		memcpy(want.b + frame.payload, frame.b + ofs, n);
		want.shape = frame.shape;
		want.l3 = frame.l3;
		want.l4 = frame.l4;
		want.payload = frame.payload;
		want.len = frame.payload + n;
		if (!want.shape.ipv6)
			wire_put_u16(want.b + want.l3 + 4,
				(uint16_t)(wire_u16(frame.b + frame.l3 + 4) + i));
		frame_finish(&want);
		assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), want.len);
		assert_memory_equal(buf, want.b, want.len);
		assert_int_equal(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
		assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		ofs += n;
		left -= n;
	}
}

static void a_port_without_segmentation_gets_segments_in_order(void **state)
{
	struct port *port = add_port(0, NULL);

	for (unsigned kind = 0; kind < 2; kind++) {
		const struct frame_shape s = {.ipv6 = kind, .payload_len = 50001};

		build(&s);
		frame_make_partial(&frame);
		sim_port_set_caps(port, PORT_TX_ALL);
		port_send(&lane, port, partial(1000));
		lane_flush(&lane);
		assert_int_equal(sim_port_take(port, buf, sizeof(buf), NULL), frame.len);

		sim_port_set_caps(port, PORT_TX_TSO4 | PORT_TX_TSO6); /* but not USO */
		port_send(&lane, port, numbered(1, 60));
		port_send(&lane, port, partial(1000));
		port_send(&lane, port, numbered(2, 60));
		lane_flush(&lane);
		assert_int_equal(sim_port_tx_waiting(port), 1 + 51 + 1);
		assert_int_equal(take_number(port), 1);
		check_segments(port, 1000);
		assert_int_equal(take_number(port), 2);
		assert_int_equal(port->lanes[0]->count.tx_segmented, kind + 1);
	}
	assert_int_equal(port->lanes[0]->count.tx_gso, 2);
	assert_int_equal(port->lanes[0]->count.tx_packets, 2 * (1 + 53));
}

static void a_batch_of_large_segments_fits_the_arena(void **state)
{
	const struct frame_shape s = {.payload_len = 60000};
	struct port *port = add_port(0, NULL);

	sim_port_set_caps(port, 0);
	sim_port_sink(port, true);
	build(&s);
	frame_make_partial(&frame);
	for (unsigned i = 0; i < BATCH_MAX; i++)
		port_send(&lane, port, partial(600));
	lane_flush(&lane);
	assert_int_equal(all_drops(0), 0);
	assert_int_equal(port->lanes[0]->count.tx_packets, BATCH_MAX * 100);
}

/* What a port cannot take for want of memory is dropped there, not where it came from. */
static void segments_without_descriptors_are_dropped_by_name(void **state)
{
	const struct frame_shape s = {.payload_len = 6000};
	struct port *port = add_port(0, NULL);
	struct packet *held[ARENA_PACKETS];
	unsigned n = 0;

	sim_port_set_caps(port, 0);
	build(&s);
	frame_make_partial(&frame);
	struct packet *p = partial(1000);
	while ((held[n] = arena_alloc(&lane.arena)))
		n++;
	port_send(&lane, port, p);
	lane_flush(&lane);
	port_free_all(&lane, held, n);
	assert_int_equal(drops(0, DROP_TX_NO_BUFFERS), 1);
	assert_int_equal(all_drops(0), 1);
	assert_int_equal(sim_port_tx_waiting(port), 0);
}

/* 'stack' as it comes from a tunnel device. */
static struct packet *tunnelled(uint16_t gso_size)
{
	struct packet *p = arena_alloc(&lane.arena);
	struct virtio_net_hdr h = stack_claim(&stack, gso_size);

	assert_non_null(p);
	memcpy(p->data, stack.b, PACKET_HEAD_FIRST);
	p->len = (uint32_t)stack.len;
	p->head_len = PACKET_HEAD_FIRST;
	p->tail[p->tail_n++] =
		(struct iovec){stack.b + PACKET_HEAD_FIRST, stack.len - PACKET_HEAD_FIRST};
	assert_int_equal(vnet_hdr_apply(&h, p), 0);
	return p;
}

/* No virtio-net header says that segments are in a tunnel; a patch needs none. */
static void segments_in_a_tunnel_are_cut_for_any_port_but_a_patch(void **state)
{
	struct rng r = rng_init(__func__);
	struct virtio_net_hdr hdr;

	add_patch(0);
	route[1] = add_port(2, NULL);
	sim_port_set_caps(ports[2], PORT_TX_ALL);
	for (unsigned csum = 0; csum < 2; csum++) {
		stack_vxlan(&stack, csum, true, 30000, &r);
		stack_make_partial(&stack, true, &r);
		port_send(&lane, ports[0], tunnelled(1000));
		lane_flush(&lane);
		assert_int_equal(ports[0]->lanes[0]->count.tx_gso, csum + 1);
		assert_int_equal(ports[2]->lanes[0]->count.tx_segmented, csum + 1);
		assert_int_equal(sim_port_tx_waiting(ports[2]), 30);
		for (unsigned i = 0; i < 30; i++) {
			stack_segment(&stack, i, 1000, &segment);
			assert_int_equal(
				sim_port_take(ports[2], buf, sizeof(buf), &hdr), segment.len);
			assert_memory_equal(buf, segment.b, segment.len);
			assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		}
	}
	assert_int_equal(all_drops(0) + all_drops(1) + all_drops(2), 0);
}

/* It is the whole segment that must fit, tunnel and all. */
static void segments_in_a_tunnel_heed_the_mtu(void **state)
{
	struct rng r = rng_init(__func__);
	struct port *port = add_port(0, NULL);

	sim_port_set_mtu(port, 1500);
	stack_vxlan(&stack, false, true, 9000, &r);
	port_send(&lane, port, tunnelled((uint16_t)(1515 - stack.payload)));
	lane_flush(&lane);
	assert_int_equal(drops(0, DROP_TX_TOO_LONG), 1);
	port_send(&lane, port, tunnelled((uint16_t)(1514 - stack.payload)));
	lane_flush(&lane);
	assert_int_equal(all_drops(0), 1);
	assert_int_equal(sim_port_take(port, buf, sizeof(buf), NULL), 1514);
}

static void an_unfinished_checksum_in_a_tunnel_is_passed_on_or_finished(void **state)
{
	struct rng r = rng_init(__func__);
	struct port *port = add_port(0, NULL);
	struct virtio_net_hdr hdr;

	for (unsigned caps = 0; caps < 2; caps++) {
		sim_port_set_caps(port, caps ? PORT_TX_CSUM : 0);
		stack_vxlan(&stack, true, true, 1000, &r);
		segment = stack;
		stack_make_partial(&stack, false, &r);
		port_send(&lane, port, tunnelled(0));
		lane_flush(&lane);
		assert_int_equal(sim_port_take(port, buf, sizeof(buf), &hdr), stack.len);
		assert_memory_equal(buf, caps ? stack.b : segment.b, stack.len);
		assert_int_equal(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, caps);
		assert_int_equal(le16toh(hdr.csum_start), caps ? 84 : 0);
	}
}

static void a_port_that_is_down_or_closed_drops_by_name(void **state)
{
	struct port *port = add_port(0, NULL);

	sim_port_set_link(port, false);
	port_send(&lane, port, numbered(0, 60));
	lane_flush(&lane);
	assert_int_equal(drops(0, DROP_TX_PORT_DOWN), 1);
	sim_port_set_link(port, true);
	port_send(&lane, port, numbered(1, 60));
	lane_flush(&lane);
	assert_int_equal(take_number(port), 1);
	port_close(port, false);
	port_send(&lane, port, numbered(2, 60));
	lane_flush(&lane);
	assert_int_equal(drops(0, DROP_TX_PORT_DOWN), 2);
	assert_int_equal(all_drops(0), 2);
	assert_int_equal(sim_port_tx_waiting(port), 0);
}

static void a_patch_leads_to_the_other_bridge_and_both_ends_count(void **state)
{
	const struct frame_shape s = {.tcp = true, .payload_len = 20000};
	struct port_counters sum;

	add_patch(0);
	route[1] = add_port(2, NULL);
	build(&s);
	frame_make_partial(&frame);
	port_send(&lane, ports[0], numbered(0, 60));
	port_send(&lane, ports[0], partial(1000)); /* crosses whole */
	lane_flush(&lane);
	assert_int_equal(n_entered, 2);
	assert_int_equal(take_number(ports[2]), 0);
	assert_int_equal(sim_port_take(ports[2], buf, sizeof(buf), NULL), frame.len);
	port_counters_sum(ports[0], &sum);
	assert_int_equal(sum.tx_packets, 2);
	assert_int_equal(sum.tx_bytes, 60 + frame.len);
	assert_int_equal(sum.tx_gso, 1);
	assert_int_equal(sum.tx_size[size_class(60)], 1);
	assert_int_equal(sum.tx_size[SIZE_CLASSES - 1], 1);
	port_counters_sum(ports[1], &sum);
	assert_int_equal(sum.rx_packets, 2);
	assert_int_equal(sum.rx_bytes, 60 + frame.len);
	assert_int_equal(sum.rx_gso, 1);
	assert_int_equal(sum.tx_packets, 0);
}

static void a_patch_without_its_other_end_drops_by_name(void **state)
{
	add_patch(0);
	port_close(ports[1], false);
	port_send(&lane, ports[0], numbered(0, 60));
	lane_flush(&lane);
	assert_int_equal(n_entered, 0);
	assert_int_equal(drops(0, DROP_TX_PORT_DOWN), 1);
}

static void a_ring_of_patches_ends_after_so_many_hops(void **state)
{
	uint64_t n = 0;

	add_patch(0);
	add_patch(2);
	route[1] = ports[2];
	route[3] = ports[0];
	for (uint32_t i = 0; i < 5; i++)
		port_send(&lane, ports[0], numbered(i, 60));
	lane_flush(&lane);
	assert_int_equal(n_entered, 5 * PATCH_HOPS_MAX);
	for (unsigned i = 0; i < 4; i++)
		n += drops(i, DROP_RX_PATCH_LOOP);
	assert_int_equal(n, 5);
}

/* The other bridge sends everything back into the patch while it is being flushed,
 * so that the array is full again when port_send() wants to add its packet. */
static void a_patch_that_is_sent_to_while_it_flushes_loses_nothing(void **state)
{
	enum { N = 3 * BATCH_MAX + 1 };

	add_patch(0);
	route[1] = ports[0];
	for (uint32_t i = 0; i < N; i++)
		port_send(&lane, ports[0], numbered(i, 60));
	lane_flush(&lane);
	assert_int_equal(n_entered, N * PATCH_HOPS_MAX);
	assert_int_equal(drops(1, DROP_RX_PATCH_LOOP), N);
	assert_int_equal(ports[0]->lanes[0]->count.tx_packets, N * PATCH_HOPS_MAX);
}

static void names_are_checked_and_looked_up(void **state)
{
	struct port_conf conf = {.ops = &port_sim_ops};
	struct port_env env = {.n_lanes = 1};
	struct strbuf why = STRBUF_INIT;
	struct port *port;

	assert_int_equal(port_create(&conf, &env, &events, NULL, &port, &why), -EINVAL);
	assert_true(why.len > 0);
	assert_null(port_lookup("0"));
	add_port(0, NULL);
	assert_ptr_equal(port_lookup("0"), ports[0]);
	assert_null(port_lookup("00"));
	strbuf_fini(&why);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(packets_wait_for_a_flush_or_a_full_batch),
		T(every_port_keeps_the_order_of_its_packets),
		T(up_to_two_tags_do_not_count_towards_the_mtu),
		T(of_a_large_segment_it_is_the_pieces_that_must_fit),
		T(a_port_without_checksums_gets_them_finished),
		T(a_checksum_outside_the_frame_is_dropped),
		T(a_port_without_segmentation_gets_segments_in_order),
		T(a_batch_of_large_segments_fits_the_arena),
		T(segments_without_descriptors_are_dropped_by_name),
		T(segments_in_a_tunnel_are_cut_for_any_port_but_a_patch),
		T(segments_in_a_tunnel_heed_the_mtu),
		T(an_unfinished_checksum_in_a_tunnel_is_passed_on_or_finished),
		T(a_port_that_is_down_or_closed_drops_by_name),
		T(a_patch_leads_to_the_other_bridge_and_both_ends_count),
		T(a_patch_without_its_other_end_drops_by_name),
		T(a_ring_of_patches_ends_after_so_many_hops),
		T(a_patch_that_is_sent_to_while_it_flushes_loses_nothing),
		T(names_are_checked_and_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
