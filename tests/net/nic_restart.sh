#!/bin/bash
# A host whose NIC and default route are under the switch, over restarts of the switch: the
# address and the routes stay on the internal port also while the switch is away, and the
# world and the host reach each other again as soon as it is back, whether it was stopped,
# killed, or the NIC was another one meanwhile.  A session survives the move and restarts.
#
#	192.0.2.1, 2001:db8::1 :lo - netns world - eth0 10.0.0.1 ===== nic -+
#	                             netns guest - eth0 10.0.0.3 --- guest -+- br0 10.0.0.2 :root
. "$(dirname "$0")/../lib.sh"

# The host's router, with the rest of the world behind it, at the other end of "nic".
world()
{
	host_veth world 10.0.0.1/24
	ip link set dev world down name nic
	ip link set dev nic up
	on world sysctl -qw net.ipv6.conf.all.disable_ipv6=0
	ip -n world addr add fd00::1/64 dev eth0 nodad
	ip -n world addr add 192.0.2.1/32 dev lo
	ip -n world addr add 2001:db8::1/128 dev lo nodad
}

# The addresses and default routes of the host, on $1.
addressed()
{
	sysctl -qw "net.ipv6.conf.$1.disable_ipv6=0"
	ip addr add 10.0.0.2/24 dev "$1"
	ip addr add fd00::2/64 dev "$1" nodad
	ip link set dev "$1" up
	ip route add default via 10.0.0.1
	ip route add default via fd00::1
}

connected()
{
	ping_from world 10.0.0.2
	ping_from world fd00::2
	ping_from guest 10.0.0.2
	ping -q -c 3 -i 0.2 -W 2 192.0.2.1
	ping -q -c 3 -i 0.2 -W 2 2001:db8::1
	tcp_transfer world - 10.0.0.2
	tcp_transfer - world 192.0.2.1
	tcp_transfer - world 2001:db8::1
	[ "$(ip -o route get 192.0.2.1 | grep -o 'via 10.0.0.1 dev br0 src 10.0.0.2')" ]
}

# Whatever of the host is on br0, but for what says that the link is down.
host_state()
{
	cat /sys/class/net/br0/ifindex /sys/class/net/br0/address
	ip -o addr show dev br0 | sed 's/ tentative//'
	ip route show dev br0 | sed 's/ linkdown//; s/ *$//'
	ip -6 route show dev br0 | sed 's/ linkdown//; s/ *$//'
}

back()
{
	wait_port_up br0
	wait_port_up nic
	wait_port_up guest
	diff "$TMP/state" <(host_state)
	wait_for 5 "the world to be reached again" ping -q -c 1 -W 1 192.0.2.1
	connected
}

step "before: the host has its NIC to itself"
world
host_veth guest 10.0.0.3/24
addressed nic
ping -q -c 1 -W 2 192.0.2.1
ping -q -c 1 -W 2 2001:db8::1
/usr/bin/python3 -B "$TESTS/net/session.py" world 192.0.2.1 "$TMP/stop" >"$TMP/session" &
session=$!
wait_for 10 "the session to open" grep -q opened "$TMP/session"

step "the move, in one go"
switch_start
ctl bridge add br0 "mac=$(cat /sys/class/net/nic/address)"
ctl port add br0 nic
ip addr flush dev nic
ip -6 route flush dev nic
addressed br0
ctl port add br0 guest
wait_port_up guest
host_state >"$TMP/state"
cat "$TMP/state"
grep -q '^default via 10.0.0.1' "$TMP/state"
grep -q '^default via fd00::1' "$TMP/state"
connected

step "stopped: all stays where it is, and the NIC is the host's"
switch_stop
diff "$TMP/state" <(host_state)
[ -z "$(tc qdisc show dev nic clsact)" ]
switch_start
back

step "killed, twice, once with a change in the air"
switch_kill
diff "$TMP/state" <(host_state)
switch_start
back
{ ctl port set guest external-id.x=y 2>/dev/null || true; } &
switch_kill
wait $!
switch_start
back
step "the session has survived"
: >"$TMP/stop"
wait $session || fail "it has not"
tail -n 1 "$TMP/session" | grep -E '^[0-9]+$'

step "the NIC was another one meanwhile"
switch_kill
ip link del dev nic
ip netns del world
switch_start
wait_for 5 "the port to wait" port_state_is nic waiting
diff "$TMP/state" <(host_state)
world
back

step "and back: the NIC serves the host by itself again"
switch_stop
ip addr flush dev br0
ip -6 route flush dev br0
addressed nic
ping -q -c 3 -i 0.2 -W 2 192.0.2.1
ping -q -c 3 -i 0.2 -W 2 2001:db8::1
