#!/bin/bash
# A link that goes down while the switch has not read all that came through it: what waits
# is still forwarded, but no address is learned from it again.
#
#	host: br0 --+-- a (veth to namespace a, whose end goes down)
#	            +-- b (veth to namespace b)
. "$(dirname "$0")/../lib.sh"

FRAMES=2000 # more than one burst
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
wait_port_up a
wait_port_up b

link_is()
{
	ctl_json port list | jq -e --argjson l "$1" '.[] | select(.name == "a") | .link == $l' >/dev/null
}

# Frames that came to the port, also those that no longer fitted what waits.
came()
{
	echo $(($(stat_of a rx.packets) + $(drops a rx_overrun)))
}

have_come()
{
	[ "$(came)" -ge "$1" ]
}

for round in 1 2 3 4 5; do
	step "round $round"
	link_is true
	before=$(came)
	kill -STOP "$SWITCH_PID"
	on a /usr/bin/python3 -B - "$FRAMES" <<'END'
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for i in range(int(sys.argv[1])):
    s.send(bytes.fromhex("ffffffffffff 0200000000%02x 88b5" % (i % 9 + 1)) + bytes(50))
END
	ip -n a link set dev eth0 down
	kill -CONT "$SWITCH_PID"
	wait_for 10 "the switch to see the link down" link_is false
	wait_for 10 "all that had waited" have_come $((before + FRAMES))
	ctl port set b "external-id.round=$round" # done when all workers have come round
	check 'all(.[]; .port != "a")' ctl_json fdb show br0
	ip -n a link set dev eth0 up
	wait_for 10 "the link to be up" link_is true
done
ip -n a neigh flush all
ping_from a 10.0.0.2
check 'any(.[]; .port == "a")' ctl_json fdb show br0
