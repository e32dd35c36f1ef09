#!/bin/bash
# timeout: 300 s
# Frames of full size pass a trunk whatever tags they carry: in a dot1q-tunnel, with the
# customer's own tag in it, and with two of 802.1Q's. The trunk's interface has room for
# them while the switch has it, and no longer; the port's MTU is the one that was asked for.
#
#	netns a: eth0 -- a -- br0 -- v0 ====== v1 -- br1 -- b -- eth0: netns b
#	        tag=10, dot1q-tunnel    trunk         tag=10, dot1q-tunnel
#	taps held here: c, d as a, b              w: a trunk of br1
. "$(dirname "$0")/../lib.sh"

mtu_of()
{
	cat "/sys/class/net/$1/mtu"
}

device_mtu_is()
{
	[ "$(mtu_of "$1")" = "$2" ] || fail "MTU of $1 is $(mtu_of "$1"), not $2"
}

port_mtu_is()
{
	check "any(.[]; .name == \"$1\" and .mtu == $2)" ctl_json port list
}

switch_start
ctl bridge add br0
ctl bridge add br1
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ip link add name v0 type veth peer name v1
ctl port add br0 a tag=10 vlan-mode=dot1q-tunnel
ctl port add br1 b tag=10 vlan-mode=dot1q-tunnel
ctl port add br0 v0
ctl port add br1 v1
for port in a b v0 v1; do
	wait_port_up $port
	port_mtu_is $port 1500
done

step "IP of full size through the tunnel"
ping_from a -M "do" -s 1472 10.0.0.2
tcp_transfer a b 10.0.0.2
for end in a b; do
	on $end ethtool -K eth0 tso off gso off gro off tx off >/dev/null 2>&1
done
tcp_transfer a b 10.0.0.2
check 'all(.[]; .reason != "tx_too_long")' ctl_json drops

step "with the customer's tags inside, byte by byte"
frames <<'END'
from wire import *

c = Wire("c", "br0", "tag=10", "vlan-mode=dot1q-tunnel")
d = Wire("d", "br1", "tag=10", "vlan-mode=dot1q-tunnel")
w = Wire("w", "br1", "trunks=10,20")
C, D = "02:00:00:00:00:0c", "02:00:00:00:00:0d"
w.send(eth(BROADCAST, "02:00:00:00:00:03", tags=tag(20)))
flush()
d.send(eth(BROADCAST, D))
flush()
full = bytes(n * 7 & 0xff for n in range(1500))


def frame(size, tags):
    return eth(D, C, full[:size], tags=tags)


for inside in (b"", tag(5), tag(5, tpid=0x88a8)):
    for size in (46, 1495, 1496, 1497, 1500):
        f = frame(size, inside)
        c.send(f)
        expect({d: [f]}, f"{size} bytes in {inside.hex()}")
    expect_drop_base()
    c.send(frame(1500, inside) + b"x")
    # each byte more than the MTU counts, on the trunk with its tag as without
    expect({}, f"1501 bytes in {inside.hex()}", ("v0", "tx_too_long"))

# An ordinary trunk takes two tags that are there already.
v = Wire("x", "br0")
for outer in (0x8100, 0x88a8):
    f = frame(1500, tag(20, tpid=outer) + tag(7))
    v.send(f)
    expect({w: [f]}, f"two tags, the outer one {outer:x}")
END

step "the room is the switch's own affair: shown is the MTU of the port"
device_mtu_is v0 1508
port_mtu_is v0 1500
ctl port set v0 mtu=2000
device_mtu_is v0 2008
port_mtu_is v0 2000
ctl port set v0 mtu=
device_mtu_is v0 1508
port_mtu_is v0 1500

step "who changes the device's MTU changes the port's, which makes room again"
ip link set dev v0 mtu 9000
wait_for 5 "the port to follow" port_mtu_is v0 9000
device_mtu_is v0 9008
step "who takes only the room away is not fought with"
ip link set dev v0 mtu 9000
ip link set dev b mtu 1600 # events are handled in order
wait_for 5 "the events" port_mtu_is b 1600
device_mtu_is v0 9000
port_mtu_is v0 9000
ip link set dev v0 mtu 1500
wait_for 5 "the port to follow" port_mtu_is v0 1500
wait_for 5 "room" device_mtu_is v0 1508

step "killed: the successor knows what is whose"
switch_kill
device_mtu_is v0 1508
switch_start
wait_port_up v0
port_mtu_is v0 1500
device_mtu_is v0 1508
switch_kill
ip link set dev v0 mtu 1400
switch_start
wait_port_up v0
port_mtu_is v0 1400
device_mtu_is v0 1408
ping_from a -M "do" -s 1372 10.0.0.2

step "given back as it was, and as somebody made it meanwhile"
device_mtu_is v1 1508
ctl port del v1
device_mtu_is v1 1500
ctl port del v0
device_mtu_is v0 1400
ctl port set b mtu=1450
device_mtu_is b 1458
switch_stop
device_mtu_is a 1500
device_mtu_is b 1600

step "a device that has no room to give is taken as it is"
switch_start
ip tuntap add dev big mode tap
ip link set dev big mtu 65521
ctl port add br0 big type=netdev
wait_for 5 "the port" port_mtu_is big 65521
device_mtu_is big 65521
ip tuntap add dev tight mode tap
ip link set dev tight mtu 65515 # 65521 is the most: room for one tag
ctl port add br0 tight type=netdev
wait_for 5 "the port" port_mtu_is tight 65515
device_mtu_is tight 65519
ctl port del tight
device_mtu_is tight 65515
ctl port del big
device_mtu_is big 65521

step "moved to another namespace and back, it does not grow"
netns_add cont
ip link add name m type veth peer name m1
ctl port add br0 m
wait_port_state()
{
	wait_for 10 "port m to be $1" check ".[0].state == \"$1\"" ctl_json port show m
}
for _ in 1 2 3; do
	wait_port_state up
	wait_for 5 "the port" port_mtu_is m 1500
	device_mtu_is m 1508
	ip link set dev m netns cont
	wait_port_state waiting
	ip -n cont link set dev m netns 1
done
wait_port_state up
ctl port del m
device_mtu_is m 1500
