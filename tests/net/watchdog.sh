#!/bin/bash
# A worker that hangs, held in the middle of its work by a debugger's means: the switch says
# so within seconds, once, and when it is over; meanwhile it answers, the other worker goes
# on, and a change that needs the worker waits for it.  One that sleeps, or is busy, or was
# away for a moment, is never called stuck.
#
#	host: br0 (internal) ---+-- br0 --+--- a, b (veths to namespaces a, b)
#	      play (pcap) ------+         |
#	worker 0 polls br0 and play       worker 1 polls a and b
. "$(dirname "$0")/../lib.sh"

# A worker that has had a frame polls for a second before it sleeps.
switch_start --workers 2 --spin-us 1000000
ctl bridge add br0
ip link set dev br0 up
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
frames <<'END'
from wire import *
pcap_file("in.pcap", *(eth("02:00:00:00:01:00", "02:00:00:00:00:%02x" % n) for n in range(64)))
END
ctl port add br0 a
ctl port add br0 play type=pcap "file=$TMP/in.pcap" # each to the worker with fewest queues
ctl port add br0 b
ctl fdb add br0 02:00:00:00:01:00 br0
wait_port_up a
wait_port_up b
check 'map(.queues) == [2, 2]' ctl_json worker stats

# pass SECONDS: by the switch's own clock.
pass()
{
	ctl worker reset
	wait_for 20 "$1 seconds to pass" check ".[0].seconds > $1" ctl_json worker stats
}

alarms()
{
	grep -c 'worker 0: has not come round' "$LOG" || true
}

is_stuck()
{
	check '.[0].stuck and (.[1].stuck | not)' ctl_json worker stats
}

hold()
{
	/usr/bin/python3 -B "$TESTS/net/hold_thread.py" "$SWITCH_PID" vs-worker0 >"$TMP/held" &
	holder=$! # not a function: this must be its process
	wait_for 10 "the worker to be held" grep -q held "$TMP/held"
}

release()
{
	kill $holder
	wait $holder || true
}

step "idle for longer than the watchdog waits"
pass 2 # until they sleep
pass 4.5
check 'all(.[]; .polls == 0 and (.stuck | not))' ctl_json worker stats
step "busy for as long"
ctl port set play loop=true rate=5000
pass 4.5
check '.[0].packets > 5000 and .[0].sleeps == 0 and (.[0].stuck | not)' ctl_json worker stats
step "away for a moment"
hold
pass 1.5
release
[ "$(alarms)" = 0 ] || fail "alarms where nothing hung"

for hang in 1 2; do
	step "hang $hang"
	ping_start a "$TMP/ping" -i 0.05 10.0.0.2
	hold
	ctl port add br0 "late$hang" type=patch "peer=x$hang" >/dev/null &
	change=$!
	wait_for 10 "the alarm" is_stuck
	[ "$(alarms)" = $hang ]
	pass 2
	[ "$(alarms)" = $hang ] || fail "told twice"
	is_stuck
	check '.[0].packets == 0 and .[1].packets > 20' ctl_json worker stats
	ctl show >/dev/null
	kill -0 $change || fail "a change was acknowledged that the worker does not know of"
	refused 1 "1 s" vswitchctl --timeout 1 port set a external-id.hang=$hang

	step "it goes on"
	moving=$(grep -c 'worker 0: moving again' "$LOG" || true)
	release
	wait_for 5 "the switch to say so" \
		bash -c "[ \$(grep -c 'worker 0: moving again after [0-9]* s' $LOG) = $((moving + 1)) ]"
	check 'all(.[]; .stuck | not)' ctl_json worker stats
	wait $change || fail "the change was not made"
	check "any(.[]; .name == \"late$hang\") and any(.[]; .name == \"a\" and
		.\"external-ids\".hang == \"$hang\")" ctl_json port list
	ping_end "$TMP/ping"
	ctl worker reset
	wait_for 5 "the worker to be at work" check '.[0].packets > 1000' ctl_json worker stats
done
[ "$(alarms)" = 2 ]
! grep 'worker 1: ' "$LOG" || fail "the other worker was named"
