#!/bin/bash
# Two switches in one network namespace do not take an interface from each other, and one
# gets what the other lets go of, also where that one is killed.
#
#	host: first: br0 --+-- a (veth to namespace a)      second: br2
#	                   +-- b (veth to namespace b)
. "$(dirname "$0")/../lib.sh"

SECOND=$TMP/second
second()
{
	vswitchctl --timeout 20 --rundir "$SECOND" "$@"
}

second_start()
{
	vswitchd --rundir "$SECOND" --db "$TMP/second.db" >>"$TMP/second.log" 2>&1 &
	second_pid=$!
	wait_for 20 "the second to answer" second version
}

# state WHO PORT STATE
state()
{
	"$1" --json port list | jq -e --arg p "$2" --arg s "$3" \
		'.[] | select(.name == $p) | .state == $s' >/dev/null
}

filters()
{
	tc filter show dev "$1" ingress
	tc filter show dev "$1" egress
}

switch_start
second_start
ctl bridge add br0
second bridge add br2
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ip -o link show dev a >"$TMP/link.before"
ctl port add br0 a
ctl port add br0 b
wait_port_up a
wait_port_up b

step "an interface that the first has is refused to the second, and stays with the first"
filters a >"$TMP/filters.before"
refused 1 "another vswitchd (pid $SWITCH_PID, --rundir $RUNDIR)" second port add br2 a
second --json port list >"$TMP/json"
jq -e 'all(.[]; .name != "a")' "$TMP/json" >/dev/null
diff "$TMP/filters.before" <(filters a)
ping_from a 10.0.0.2 >"$TMP/ping"
! grep dup "$TMP/ping" || fail "both forward"

step "one that the second wants, too: it says who has it"
second port add br2 c type=netdev # absent as yet
kill $second_pid
wait $second_pid
ip link add name c type veth peer name c1
ip link set dev c1 up
ctl port add br0 c type=netdev
wait_port_up c
second_start
state second c failed
second --json port show c >"$TMP/json"
grep -qF "another vswitchd (pid $SWITCH_PID, --rundir $RUNDIR)" "$TMP/json" || fail "$(cat "$TMP/json")"

step "it gets it when the first lets go, and the first not before it does"
ctl port del c
wait_for 10 "the second to have it" state second c up
refused 1 "another vswitchd (pid $second_pid, --rundir $SECOND)" ctl port add br0 c type=netdev
second port del c
[ -z "$(filters c)" ]

step "also when the first is killed; that one's successor waits in turn"
second port add br2 d type=netdev
kill $second_pid
wait $second_pid
ip link add name d type veth peer name d1
ctl port add br0 d type=netdev
second_start
state second d failed
switch_kill
wait_for 10 "the second to have it" state second d up
switch_start
state ctl d failed
wait_port_up a
kill -KILL $second_pid
wait $second_pid 2>/dev/null || true
wait_for 10 "the first to have it again" state ctl d up

step "all is given back in the end"
ctl port del d
[ -z "$(filters d)" ]
ctl port del a
diff "$TMP/link.before" <(ip -o link show dev a)
[ -z "$(filters a)" ]
