#!/bin/bash
# Moving a host onto the switch: its NIC becomes a port, its address and MAC move to the
# bridge's internal port, and the world outside reaches it as before.  The host stack must
# not answer on the NIC itself any more; removing the port gives it back.
#
#	netns world: eth0 10.0.0.1 ===== nic 10.0.0.2, then br0 10.0.0.2 :root
#	netns guest: eth0 10.0.0.3 ----- guest
. "$(dirname "$0")/../lib.sh"

host_veth world 10.0.0.1/24
ip link set dev world name nic
ip link set dev nic up
ip addr add 10.0.0.2/24 dev nic
ping_from world 10.0.0.2

switch_start
mac=$(cat /sys/class/net/nic/address)
ctl bridge add br0 "mac=$mac"
[ "$(cat /sys/class/net/br0/address)" = "$mac" ]
ctl port add br0 nic
wait_port_up nic
ip addr del 10.0.0.2/24 dev nic
ip addr add 10.0.0.2/24 dev br0
ip link set dev br0 up
host_veth guest 10.0.0.3/24
ctl port add br0 guest
wait_port_up guest

step "the world reaches the host, with nothing changed on its side"
ping_from world 10.0.0.2
on world ip neigh show 10.0.0.2 | grep -qi "$mac"
ping -q -c 3 -i 0.2 10.0.0.1
ping_from guest 10.0.0.2
ping_from world 10.0.0.3
tcp_transfer world - 10.0.0.2
tcp_transfer - world 10.0.0.1
tcp_transfer guest - 10.0.0.2

step "the host stack does not take the NIC's frames past the switch"
on world ping -q -f -c 300 10.0.0.2 >"$TMP/ping"
grep -q ' 0% packet loss' "$TMP/ping"
! grep -q duplicates "$TMP/ping" || fail "answered twice: $(cat "$TMP/ping")"
# An address left on the NIC is not answered for by the host stack.
ip addr add 10.0.9.2/24 dev nic
on world ip addr add 10.0.9.1/24 dev eth0
echo 1 >/proc/sys/net/ipv4/conf/br0/arp_ignore
no_ping_from world 10.0.9.2
ip addr del 10.0.9.2/24 dev nic

step "given back"
ctl port del nic
ip addr del 10.0.0.2/24 dev br0
ip addr add 10.0.0.2/24 dev nic
ping_from world 10.0.0.2
