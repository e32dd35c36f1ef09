/* port_sim.h - a port in memory, for unit tests and benchmarks: the test plays the
 * device.
 *
 * The type "sim" is not offered to users.  Frames that the test injects pass the
 * checks of every port; frames that the switch sends wait until the test takes
 * them.  Both queues are bounded: SIM_PORT_FRAMES each.  A port opens with all of
 * PORT_TX_ALL (none with conf.offloads_off), link up, and as many receive queues as
 * its conf says, each with an eventfd; injected frames arrive through the first.
 *
 * Threads: inject, take, waiting and set_caps from any; set_link, set_mtu and
 * set_present, hold and release call the port's events and are the control thread's.  source and
 * sink switch the locks off: call them while no worker polls the port. */
#pragma once

#include "port.h"
#include "vnet_hdr.h"

enum { SIM_PORT_FRAMES = 1024 };

/* A frame for sim_port_source(). */
struct sim_frame {
	const uint8_t *data;
	uint32_t len;
	const struct virtio_net_hdr *hdr; /* NULL: as on the wire */
};

/* Let the switch receive a copy of the frame, whatever its length.  'hdr' may be NULL.
 * 0; -ENOSPC where SIM_PORT_FRAMES wait already; -ENETDOWN while the port is not
 * open; -ENOMEM. */
int sim_port_inject(
	struct port *port, const void *frame, size_t len, const struct virtio_net_hdr *hdr);

/* Take the oldest frame that the switch has sent, and in 'hdr' (may be NULL) its
 * offload state.  The frame's length, of which at most 'cap' bytes are stored; -EAGAIN
 * when there is none. */
int sim_port_take(struct port *port, void *buf, size_t cap, struct virtio_net_hdr *hdr);

/* Frames injected and not received yet; frames sent and not taken yet. */
unsigned sim_port_rx_waiting(const struct port *port);
unsigned sim_port_tx_waiting(const struct port *port);

void sim_port_set_caps(struct port *port, uint32_t tx_caps);
void sim_port_set_link(struct port *port, bool up);
void sim_port_set_mtu(struct port *port, uint32_t mtu);

/* Unplug the device, or plug it in again: reports port_events.gone or .present, and
 * while it is absent port_open() answers -ENODEV. */
void sim_port_set_present(struct port *port, bool present);

/* From now on closing the port leaves its device held until sim_port_release(), and tells
 * in *kept whether the device was to stay for whoever opens it next. */
void sim_port_hold(struct port *port, bool *kept);
void sim_port_release(struct port *port);

/* From now on every receive queue yields these frames over and over, as fast as it is
 * polled; their bytes are borrowed, not copied, and stay with the caller.  n = 0 ends
 * it.  The port is open. */
void sim_port_source(struct port *port, const struct sim_frame *frames, unsigned n);

/* Count what the switch sends and forget it. */
void sim_port_sink(struct port *port, bool on);
