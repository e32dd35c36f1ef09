#!/bin/bash
# The kernel takes some 20 ms to let go of a tap.  Many are let go of at the same time, and
# the switch answers meanwhile; but who removes a port is answered only when its device is
# gone and its name free.
#
#	br0 -- t1 … t200 (taps)
. "$(dirname "$0")/../lib.sh"

N=200
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -Hn)"

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# The devices of the switch that are there.
taps()
{
	ip -o link show type tun | grep -cE '^[0-9]+: t[0-9]+:' || true
}

# How long the slowest of many commands takes that look at the switch, until "$TMP/stop" is
# there: on one connection, so that the start of a program does not count.
slowest_answer()
{
	python3_debian - "$RUNDIR/vswitchd.sock" "$TMP/stop" >"$TMP/answers" <<-'END'
	import os, socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	f = s.makefile("rw")
	slowest, n = 0, 0
	print("ready", flush=True)
	while not os.path.exists(sys.argv[2]):
	    start = time.monotonic()
	    f.write('{"id": 1, "method": "status"}\n')
	    f.flush()
	    assert '"result"' in f.readline()
	    slowest = max(slowest, time.monotonic() - start)
	    n += 1
	    time.sleep(0.002)
	print(n, int(slowest * 1000))
	END
}

switch_start
ctl bridge add br0
ctl_json config export >"$TMP/small.json"
jq --argjson n $N '.ports += [range(1; $n + 1) | {name: "t\(.)", bridge: "br0", type: "tap"}]' \
	"$TMP/small.json" >"$TMP/big.json"
ctl config apply "$TMP/big.json" >/dev/null
check "[.[] | select(.type == \"tap\" and .state == \"up\")] | length == $N" ctl_json port list
[ "$(taps)" = $N ]

step "one after the other: each is gone when the command returns"
ALONE=20
start=$(now_ms)
for i in $(seq $ALONE); do
	ctl port del "t$i"
	[ ! -e "/sys/class/net/t$i" ]
done
serial=$((($(now_ms) - start) * N / ALONE))
echo "$ALONE taps one after the other; $N would take $serial ms"

step "the name is free at once"
ctl port add br0 t1 type=tap
ctl port del t1
ip tuntap add mode tap name t1
ip link del dev t1
for _ in 1 2 3 4 5; do
	ctl port add br0 t1 type=tap
	ctl port del t1
done

step "all at once, while others ask"
ctl config apply "$TMP/big.json" >/dev/null
[ "$(taps)" = $N ]
slowest_answer &
asker=$!
wait_for 5 "somebody to ask" grep -q ready "$TMP/answers"
start=$(now_ms)
ctl config apply "$TMP/small.json" >/dev/null
took=$(($(now_ms) - start))
[ "$(taps)" = 0 ] || fail "$(taps) taps are still there"
: >"$TMP/stop"
wait $asker
read -r asked slowest < <(tail -n 1 "$TMP/answers")
echo "$N taps removed in $took ms; $asked answers meanwhile, the slowest after $slowest ms"
((took < serial / 3)) || fail "no faster than one after the other"
((slowest < serial / 10)) || fail "nobody was answered for $slowest ms"
((asked > 5))
[ "$(find "/proc/$SWITCH_PID/fd" -mindepth 1 -lname '*net/tun' | wc -l)" = 1 ] # of br0

step "stopping lets go of all and keeps the devices"
ctl config apply "$TMP/big.json" >/dev/null
before=$(cat /sys/class/net/t*/ifindex)
start=$(now_ms)
switch_stop
took=$(($(now_ms) - start))
echo "stopped in $took ms"
((took < serial / 3)) || fail "no faster than one after the other"
switch_start
wait_port_up "t$N"
[ "$(cat /sys/class/net/t*/ifindex)" = "$before" ]

step "removed while it is closed to be opened again"
for i in $(seq 1 20); do
	printf '[{"id":1,"method":"port.set","params":{"name":"t%d","queues":1,"mtu":1400}}]\n' "$i"
	printf '[{"id":2,"method":"port.set","params":{"name":"t%d","mtu":null}}]\n' "$i"
	printf '[{"id":3,"method":"port.del","params":{"name":"t%d"}}]\n' "$i"
done >"$TMP/requests"
python3_debian - "$RUNDIR/vswitchd.sock" "$TMP/requests" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
lines = open(sys.argv[2]).readlines()
for line in lines:
    f.write(line)
f.flush()
for line in lines:
    answer = f.readline()
    assert "error" not in answer, answer
END
[ "$(taps)" = $((N - 20)) ] || fail "$(taps) taps are there"

step "killed in the middle of it"
some_are_gone()
{
	[ "$(taps)" -lt $N ]
}

none_is_left()
{
	[ "$(taps)" = 0 ]
}

ctl config apply "$TMP/big.json" >/dev/null
[ "$(taps)" = $N ]
ctl config apply "$TMP/small.json" >/dev/null 2>&1 &
wait_for 10 "the first taps to go" some_are_gone
switch_kill
wait $! || true
echo "$(taps) were left"
switch_start
wait_for 30 "the others to go" none_is_left
check 'all(.[]; .type != "tap")' ctl_json port list
