#!/bin/bash
# An interface that the switch has is no longer the host's, with IPv6 on and with addresses
# left on it: what the host's stack and its programs send there goes nowhere, what the switch
# sends does, without a trace of how the two are told apart.  Afterwards the host has it again.
#
#	host: 10.9.9.9/24 and fe80::… on "a" -- br0 -- a (veth to namespace a)
#	                                            +-- b (veth to namespace b)
#	                                            +-- c (veth, its other end c1 in the host's)
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
host_veth a 10.9.9.1/24
host_veth b 10.9.9.2/24
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip addr add 10.9.9.9/24 dev a
ip link add name c type veth peer name c1
ip link set dev c1 up

has_fe80()
{
	[ -n "$(ip -6 addr show dev "$1" scope link -tentative)" ]
}

# wire.txt gets a line for each frame that comes to namespace a.
on a /usr/bin/python3 -B - >>"$TMP/wire.txt" <<'END' &
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 3))
print("listening", flush=True)
while True:
    frame, addr = s.recvfrom(2000)
    if addr[2] != socket.PACKET_OUTGOING:
        print(frame[6:12].hex(":"), frame.hex(), flush=True)
END
wait_for 10 "the listener" grep -q listening "$TMP/wire.txt"
# marks.txt a line for each frame at c1, with the mark that the kernel has on it.
/usr/bin/python3 -B - >"$TMP/marks.txt" <<'END' &
import ctypes, socket, struct
code = b"".join(struct.pack("HBBI", *i) for i in (
    (0x20, 0, 0, 0xfffff000 + 20),  # A = mark
    (0x15, 0, 1, 0),                # none?
    (0x06, 0, 0, 0xffff),           # the frame
    (0x06, 0, 0, 20)))              # no more than that of it
program = ctypes.create_string_buffer(code)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 4, ctypes.addressof(program)))
s.bind(("c1", 3))
print("listening", flush=True)
while True:
    frame, addr = s.recvfrom(2000)
    if frame[12:14] == b"\x88\xb5":
        print(len(frame), flush=True)
END
wait_for 10 "the listener" grep -q listening "$TMP/marks.txt"

mac=$(cat /sys/class/net/a/address)
talk()
{
	ping -q -c 1 -W 1 10.9.9.1 >/dev/null 2>&1 || true
	ping -q -c 1 -W 1 -I a ff02::1 >/dev/null 2>&1 || true
	ping -q -c 1 -W 1 -I a 224.0.0.1 >/dev/null 2>&1 || true
	/usr/bin/python3 -B - <<'END'
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a", 0))
own = s.getsockname()[4]
try:
    s.send(b"\xff" * 6 + own + b"\x88\xb6" + bytes(46))
except OSError:
    pass
END
}

heard()
{
	grep -q "^$mac" "$TMP/wire.txt"
}

# marker N: a frame from b to all; once it is there, so is all that was sent before.
marker()
{
	on b /usr/bin/python3 -B - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(b"\xff" * 6 + bytes.fromhex("0200000000bb88b5") + int(sys.argv[1]).to_bytes(46, "big"))
END
}

marked()
{
	grep -q "88b50*$1\$" "$TMP/wire.txt"
}

# The first ones may find the port without a link still.
marked_after()
{
	marker "$1"
	marked "$1"
}

step "the host talks as long as the interface is its own"
wait_for 10 "a link-local address" has_fe80 a
talk
wait_for 10 "the host's frames" heard
grep -q "^$mac.*86dd6" "$TMP/wire.txt"
: >"$TMP/wire.txt"

step "an ingress qdisc of the host's is left alone, and said to stand in the way"
tc qdisc add dev c ingress
ctl port add br0 c type=netdev
wait_port_up c
grep -q 'port c: what the host sends there cannot be stopped' "$LOG"
switch_kill
switch_start
wait_port_up c
ctl port del c
tc qdisc show dev c | grep -q '^qdisc ingress'
[ -z "$(tc filter show dev c ingress)" ]
tc qdisc del dev c ingress

for round in 1 2; do
	step "not when the switch has it"
	ctl port add br0 a
	ctl port add br0 b
	ctl port add br0 c type=netdev
	wait_port_up a
	wait_port_up b
	: >"$TMP/wire.txt"
	talk
	ip link set dev a down # and what it says when it comes up
	ip link set dev a up
	wait_for 10 "a link-local address" has_fe80 a
	wait_port_up a
	talk
	wait_for 10 "a frame of the switch's" marked_after "$round"
	if heard; then
		fail "the host talks: $(grep "^$mac" "$TMP/wire.txt" | head -n 3)"
	fi
	no_ping_from a 10.9.9.9
	ping_from a 10.9.9.2

	step "the mark by which the switch's frames pass is seen by nobody"
	wait_for 10 "a frame at c1" grep -q '^[0-9]' "$TMP/marks.txt"
	! grep -qx 20 "$TMP/marks.txt" || fail "a frame came with a mark"

	step "and again when it is given back"
	if [ $round = 2 ]; then # to the successor of one that was killed
		switch_kill
		vswitchd --rundir "$RUNDIR" --cleanup
	else
		ctl port del a
		ctl port del b
		ctl port del c
	fi
	ip -n a neigh flush all # br0, which is the host's too, may have answered
	ping_from a 10.9.9.9
	! tc qdisc show dev a | grep clsact || fail "something of the switch is left"
	: >"$TMP/wire.txt"
	talk
	wait_for 10 "the host's frames" heard
done
