#!/bin/bash
# A stop that cannot come to its end, because a worker hangs: the first signal waits for it,
# the second ends the switch at once, and the next start gives back what was left.
#
#	host: br0 -- a (veth to namespace a)
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
ip link set dev a mtu 1400
ip -o link show dev a >"$TMP/link.before"
ctl port add br0 a mtu=1450
wait_port_up a

for signal in TERM INT; do
	step "SIGTERM and then SIG$signal"
	pid=$SWITCH_PID stops=$(grep -c 'stopping: signal' "$LOG" || true)
	/usr/bin/python3 -B "$TESTS/net/hold_thread.py" "$pid" vs-worker0 >"$TMP/held" &
	holder=$!
	wait_for 10 "the worker to be held" grep -q held "$TMP/held"
	SWITCH_PID=
	kill "$pid"
	wait_for 5 "the first signal to be heard" \
		bash -c "[ \$(grep -c 'stopping: signal' $LOG) = $((stops + 1)) ]"
	kill -0 "$pid"
	[ -e "$RUNDIR/vswitchd.pid" ] || fail "it did not wait for the worker"
	kill -"$signal" "$pid"
	wait_for 5 "the second to end it" bash -c "! [ -e $RUNDIR/vswitchd.pid ]"
	kill $holder # a process cannot be waited for while another holds one of its threads
	wait $holder || true
	status=0
	wait "$pid" || status=$?
	[ $status = 1 ] || fail "exit status $status"

	step "the next start has all, and gives it back"
	switch_start
	wait_port_up a
	check 'any(.[]; .name == "a" and .mtu == 1450)' ctl_json port list
done
switch_stop
diff "$TMP/link.before" <(ip -o link show dev a)
