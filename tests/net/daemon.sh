#!/bin/bash
# The daemon as an administrator meets it: --detach and the pid file, two instances side
# by side, the log level at run time, a stale socket, and a stop that leaves interfaces as
# they were.
. "$(dirname "$0")/../lib.sh"

step "--detach returns when the switch answers; the pid file says who it is"
vswitchd --rundir "$RUNDIR" --db "$DB" --log-file "$LOG" --detach
ctl version
pid=$(cat "$RUNDIR/vswitchd.pid")
kill -0 "$pid"
check ".pid == $pid" ctl_json status
SWITCH_PID=$pid

step "a second one in the same place is refused, and the first lives"
status=0
timeout 10 vswitchd --rundir "$RUNDIR" --db :memory: 2>"$TMP/err" || status=$?
[ $status != 0 ]
[ $status != 124 ]
grep -qF "$RUNDIR" "$TMP/err"
status=0
timeout 10 vswitchd --rundir "$TMP/third" --db "$DB" 2>"$TMP/err" || status=$?
[ $status != 0 ] && [ $status != 124 ] || fail "two daemons share a database"
grep -qF "$DB" "$TMP/err"
[ "$(cat "$RUNDIR/vswitchd.pid")" = "$pid" ]
ctl bridge add br0

step "a second one elsewhere is independent"
vswitchd --rundir "$TMP/two" --db "$TMP/two.db" --log-file "$TMP/two.log" --detach
vswitchctl --rundir "$TMP/two" bridge add br1
check 'map(.name) == ["br0"]' ctl_json bridge list
check 'map(.name) == ["br1"]' vswitchctl --rundir "$TMP/two" --json bridge list
kill "$(cat "$TMP/two/vswitchd.pid")"
wait_for 10 "the second to end" bash -c "! [ -e $TMP/two/vswitchd.pid ]"
ctl version

step "the socket is for its group only"
[ "$(stat -c %a "$RUNDIR/vswitchd.sock")" = 660 ]

step "log level at run time"
check 'length > 3 and all(.[]; .level == "info")' ctl_json log
! grep -q ' debug' "$LOG" || fail "debug messages at level info"
ctl log debug
check 'all(.[]; .level == "debug")' ctl_json log
ctl port add br0 t0 type=tap
ctl port del t0
ctl log info
module=$(ctl_json log | jq -r '.[0].module')
ctl log warn "$module"
check "all(.[]; .level == (if .module == \"$module\" then \"warn\" else \"info\" end))" ctl_json log

step "a graceful stop: interfaces as they were"
host_veth a 10.0.0.1/24
ip link set dev a mtu 1400
ip addr add 10.9.9.9/24 dev a
ip link set dev a promisc off
ip -o link show dev a >"$TMP/link.before"
ip -o addr show dev a >"$TMP/addr.before"
tc qdisc show dev a >"$TMP/tc.before"
ethtool -k a >"$TMP/offloads.before"
ctl port add br0 a
wait_port_up a
kill "$pid"
wait_for 10 "the switch to end" bash -c "! kill -0 $pid"
SWITCH_PID=
[ ! -e "$RUNDIR/vswitchd.pid" ]
[ ! -e "$RUNDIR/vswitchd.sock" ]
diff "$TMP/link.before" <(ip -o link show dev a)
diff "$TMP/addr.before" <(ip -o addr show dev a)
diff "$TMP/tc.before" <(tc qdisc show dev a)
diff "$TMP/offloads.before" <(ethtool -k a)
ip -n a addr add 10.9.9.8/24 dev eth0
ping_from a 10.9.9.9

step "after kill -9 it starts over the stale socket and pid file"
switch_start
wait_port_up a
switch_kill
[ -e "$RUNDIR/vswitchd.sock" ]
switch_start
wait_port_up a
check 'any(.[]; .name == "a" and .state == "up")' ctl_json port list

step "removing the port gives the interface back, too"
ctl port del a
diff "$TMP/link.before" <(ip -o link show dev a)
diff "$TMP/tc.before" <(tc qdisc show dev a)
ping_from a 10.9.9.9

step "SIGTERM while it is idle and while it is busy: status 0, at once"
switch_stop
switch_start
ctl port add br0 a
ip -n a neigh add 10.0.0.9 lladdr 02:00:00:00:00:99 dev eth0
flood_start a "$TMP/flood" 10.0.0.9
start=${EPOCHREALTIME/./}
switch_stop
((${EPOCHREALTIME/./} - start < 5000000)) || fail "took longer than 5 s"
flood_end "$TMP/flood"

step "--db :memory: keeps nothing"
switch_start --db :memory:
check '. == []' ctl_json bridge list
ctl bridge add br5
switch_stop
switch_start --db :memory:
check '. == []' ctl_json bridge list
