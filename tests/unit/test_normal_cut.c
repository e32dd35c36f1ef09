/* The learning switch and frames that ask for segmentation. */
#include "normal_world.h"

/* The frames that wait at a port, of which all but the last are of 'len' bytes: how many. */
static unsigned take_all(struct world *w, unsigned port, int len, uint8_t *last)
{
	unsigned n = 0;
	int rc, before = len;

	while ((rc = sim_port_take(w->ports[port], last, 2048, NULL)) >= 0) {
		assert_int_equal(before, len);
		before = rc;
		n++;
	}
	return n;
}

static uint64_t cut_at(struct world *w, unsigned port)
{
	struct port_counters c;

	port_counters_sum(w->ports[port], &c);
	return c.tx_segmented;
}

static void set_caps(struct world *w, uint32_t caps1, uint32_t caps2, uint32_t caps3)
{
	sim_port_set_caps(w->ports[1], caps1);
	sim_port_set_caps(w->ports[2], caps2);
	sim_port_set_caps(w->ports[3], caps3);
}

/* Each port gets it as it takes it: whole, cut, or cut and tagged. */
static void flooded_frame_is_cut_for_the_ports_that_need_it(void **state)
{
	struct world *w = *state;
	struct bport_conf c = trunk_conf();
	uint8_t last[2048];

	c.vlan.tag = 7;
	c.vlan.mode = VLAN_NATIVE_UNTAGGED;
	assert_int_equal(bridge_port_set(w->bports[0], &c), 0);
	assert_int_equal(bridge_port_set(w->bports[2], &c), 0);
	assert_int_equal(bridge_port_set(w->bports[3], &c), 0);
	set_caps(w, 0, 0, PORT_TX_ALL);
	broadcast_large(w, 70);
	assert_int_equal(take_all(w, 1, 146, last), 70);
	assert_int_equal(wire_u16(last + 12), ETHERTYPE_CTAG);
	assert_int_equal(wire_u16(last + 14), 7);
	assert_int_equal(naive_csum(0, last + 18, 20), 0);
	assert_int_equal(take_all(w, 2, 142, last), 70);
	assert_int_equal(wire_u16(last + 12), ETHERTYPE_IPV4);
	assert_int_equal(naive_csum(0, last + 14, 20), 0);
	assert_int_equal(take_all(w, 3, 7042, last), 1);
	assert_int_equal(cut_at(w, 1), 1);
	assert_int_equal(cut_at(w, 2), 1);
	assert_int_equal(cut_at(w, 3), 0);
	assert_int_equal(w->lane.cuts_left, LANE_CUTS_MAX - 140);

	set_caps(w, 0, 0, 0);
	broadcast_large(w, 1);
	assert_int_equal(got(w), 0xe);
}

/* Copies that there is no time left to cut are dropped where the frame came in; what needs
 * no cutting is not. */
static void burst_makes_a_bounded_number_of_segments(void **state)
{
	struct world *w = *state;
	uint8_t last[2048];

	set_caps(w, 0, 0, PORT_TX_ALL);
	lane_begin_burst(&w->lane, 3);
	broadcast_large(w, 600);
	assert_int_equal(drops(w, 0, DROP_RX_CUT_BUDGET), 0);
	assert_int_equal(got(w), 0xe);
	set_caps(w, 0, 0, 0);
	broadcast_large(w, 600); /* 848 are left: enough for one copy */
	assert_int_equal(drops(w, 0, DROP_RX_CUT_BUDGET), 2);
	assert_int_equal(take_all(w, 1, 142, last), 600);
	assert_int_equal(take_all(w, 2, 142, last), 0);
	assert_int_equal(take_all(w, 3, 142, last), 0);

	set_caps(w, 0, 0, PORT_TX_ALL);
	broadcast_large(w, 600);
	assert_int_equal(drops(w, 0, DROP_RX_CUT_BUDGET), 4);
	assert_int_equal(got(w), 0x8);
	station_sends(w, 0, 0xff, 1, 0);
	assert_int_equal(got(w), 0xe);
	lane_begin_burst(&w->lane, 1);
	broadcast_large(w, 600);
	assert_int_equal(drops(w, 0, DROP_RX_CUT_BUDGET), 4);
	assert_int_equal(got(w), 0xe);
}

/* Also one for a single port. */
static void unicast_takes_from_the_same_budget(void **state)
{
	struct world *w = *state;
	static const uint8_t to_2[6] = "\x02\0\0\0\0\x02";

	set_caps(w, 0, 0, 0);
	station_sends(w, 1, 9, 2, 0);
	got(w);
	lane_begin_burst(&w->lane, 4);
	for (unsigned i = 0; i < 4; i++) {
		send_large(w, to_2, 600);
		assert_int_equal(got(w), i < 3 ? 0x2 : 0);
	}
	assert_int_equal(drops(w, 0, DROP_RX_CUT_BUDGET), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		normal_test(flooded_frame_is_cut_for_the_ports_that_need_it),
		normal_test(burst_makes_a_bounded_number_of_segments),
		normal_test(unicast_takes_from_the_same_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
