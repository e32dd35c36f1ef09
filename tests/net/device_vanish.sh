#!/bin/bash
# Devices vanish and return at any moment: the port waits, says so, and forwards again by
# itself, with its number and settings; others do not notice.
#
#	a, b, c: veths to namespaces -- br0
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b ofport=77

step "a port can be configured before its device is there"
ctl port add br0 c type=netdev tag=5 ofport=99
check 'any(.[]; .name == "c" and .state == "waiting" and (.why | length > 0) and .ofport == 99)' ctl_json port list
host_veth c 10.0.0.3/24
wait_port_up c
no_ping_from a 10.0.0.3
ctl port set c tag=
ping_from a 10.0.0.3
ping_from a 10.0.0.2

step "gone, and back"
for _ in 1 2 3; do
	ip netns del b
	ip link del dev b 2>/dev/null || true
	wait_for 5 "b to wait" port_state_is b waiting
	ping_from a 10.0.0.3
	host_veth b 10.0.0.2/24
	wait_port_up b
	check 'any(.[]; .name == "b" and .ofport == 77)' ctl_json port list
	ping_from a 10.0.0.2
done

step "renamed away, and back"
ip link set dev b down
ip link set dev b name other
ip link set dev other up
wait_for 5 "b to wait" port_state_is b waiting
ip link set dev other down
ip link set dev other name b
ip link set dev b up
wait_port_up b
ping_from a 10.0.0.2

step "down, and up"
ip link set dev b down
wait_for 5 "the link to show as down" check 'any(.[]; .name == "b" and (.link | not))' ctl_json port list
no_ping_from a 10.0.0.2
ip link set dev b up
wait_for 5 "the link to show as up" check 'any(.[]; .name == "b" and .link)' ctl_json port list
ping_from a 10.0.0.2

step "in the middle of traffic, many times"
ping_start a "$TMP/ping" -i 0.01 10.0.0.3
flood_start a "$TMP/flood" 10.0.0.2
for _ in $(seq 15); do
	ip link del dev b
	ip netns del b
	host_veth b 10.0.0.2/24
	wait_port_up b
done
flood_end "$TMP/flood"
ping_end "$TMP/ping"
ping_from a 10.0.0.2

step "removing a port whose device is absent"
ip link del dev b
wait_for 5 "b to wait" port_state_is b waiting
ctl port del b
check 'all(.[]; .name != "b")' ctl_json port list
