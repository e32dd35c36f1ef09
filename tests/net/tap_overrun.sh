#!/bin/bash
# Frames that the kernel drops because the switch does not read a tap fast enough are known
# to the device alone.  They are told with the port's other drops, none missing, however
# few there are and wherever the device is.
#
#	br0 -- t (tap), here and then in netns c
. "$(dirname "$0")/../lib.sh"

# send NAME N: N broadcast frames out of the interface, without a pause.
cat >"$TMP/send.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for i in range(int(sys.argv[2])):
    s.send(b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x88\xb5" + i.to_bytes(4, "big") + bytes(46))
END

dropped_by_device()
{
	$NS ip -s -j link show dev t | jq '.[0].stats64.tx.dropped'
}

received()
{
	[ "$(stat_of t rx.packets)" = "$1" ]
}

# overrun N: send N frames while the switch is stopped; all are told of.
overrun()
{
	local n=$1 packets drops device lost
	packets=$(stat_of t rx.packets)
	drops=$(drops t rx_overrun)
	device=$(dropped_by_device)
	kill -STOP "$SWITCH_PID"
	$NS /usr/bin/python3 "$TMP/send.py" t "$n"
	kill -CONT "$SWITCH_PID"
	lost=$(($(dropped_by_device) - device))
	echo "$lost of $n frames were dropped"
	((lost > 0 && lost < n))
	[ "$(drops t rx_overrun)" = $((drops + lost)) ] || fail "told are $(drops t rx_overrun), not $((drops + lost))"
	wait_for 10 "the others to arrive" received $((packets + n - lost))
	[ "$(stat_of t rx.drops)" -ge $((drops + lost)) ]
	check 'any(.[]; .port == "t" and .reason == "rx_overrun" and (.about | test("too slowly")))' ctl_json drops
}

switch_start
ctl bridge add br0
ctl port add br0 t type=tap
wait_port_up t
NS=
[ "$(drops t rx_overrun)" = 0 ]

step "many"
overrun 3000
step "few, of a short ring"
ip link set dev t txqueuelen 10
overrun 30
step "what was dropped before the switch came is not the switch's"
switch_stop
/usr/bin/python3 "$TMP/send.py" t 20 2>/dev/null || true
switch_start
wait_port_up t
[ "$(drops t rx_overrun)" = 0 ]

step "in another network namespace"
netns_add c
ip link set dev t netns c
ip -n c link set dev t up
NS="ip netns exec c"
overrun 30
switch_kill
switch_start
wait_port_up t
wait_for 5 "the link" check '.[0].link' ctl_json port show t
overrun 30

step "the figures stay with the port while its device comes and goes"
before=$(drops t rx_overrun)
ctl port set t mtu=1400
ip -n c link del dev t
wait_for 10 "a new one" check '.[0] | .state == "up" and (.info."other-netns" | not)' ctl_json port show t
[ "$(drops t rx_overrun)" = "$before" ]
NS=
ip link set dev t txqueuelen 10
overrun 30
