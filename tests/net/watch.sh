#!/bin/bash
# What 'vswitchctl watch' tells, while things happen to real interfaces; filters; a watcher
# that is too slow.
#
#   vswitchd br0 ── a (veth) ── namespace a
#                └─ b (veth) ── namespace b
. "$(dirname "$0")/../lib.sh"

host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
slow='' all='' # set by watch_start, by name
switch_start
ctl bridge add br0

# watch_start NAME ARGUMENT…: a watcher whose events go to $TMP/NAME; it watches already.
watch_start()
{
	local name=$1
	shift
	vswitchctl --json watch --now "$@" >"$TMP/$name" 2>"$TMP/$name.err" &
	eval "$name=$!"
	wait_for 10 "the watcher $name" [ -s "$TMP/$name" ]
}

# heard NAME FILTER: some event of the watcher passes the filter.
heard()
{
	wait_for 10 "$1 to hear: $2" heard_now "$@"
}

heard_now()
{
	jq -se "any(.[]; $2)" "$TMP/$1"
}

not_heard()
{
	! jq -se "any(.[]; $2)" "$TMP/$1" >/dev/null || fail "$1 heard: $2"
}

step "ports and bridges come"
watch_start all
watch_start only_b b,later kind=port,link,config
heard all '.event == "bridge" and .name == "br0" and .present'
heard all '.event == "port" and .name == "br0" and .state == "up"'
ctl port add br0 a
ctl port add br0 b
heard all '.event == "port" and .name == "a" and .state == "up" and .link and .mtu == 1500 and .bridge == "br0"'
heard all '.event == "config" and .changes[0] == {"action": "add", "kind": "port", "name": "b", "keys": .changes[0].keys}'
check '.revision == 3' ctl_json status
heard all '.event == "config" and .revision == 3'
heard only_b '.event == "port" and .name == "b" and .state == "up"'
heard only_b '.event == "config" and .revision == 3'
now=$(date +%s)
heard all ".time > $now - 60 and .time < $now + 60"

step "link and MTU"
ip -n b link set dev eth0 down
heard all '.event == "link" and .name == "b" and (.link | not)'
ip -n b link set dev eth0 up
heard all '.event == "link" and .name == "b" and .link'
heard only_b '.event == "link" and .link'
ip link set dev b mtu 1400
heard all '.event == "mtu" and .name == "b" and .mtu == 1400 and .before == 1500'
ctl port set a mtu=1300
heard all '.event == "mtu" and .name == "a" and .mtu == 1300 and .before == 1500'

step "a device that vanishes, and comes back; a port that waits"
ip -n b link del dev eth0
heard all '.event == "port" and .name == "b" and .state == "waiting" and .why == "device absent" and (.link | not)'
ip netns del b
host_veth b 10.0.0.2/24
heard only_b '.event == "port" and .name == "b" and .state == "waiting"'
wait_port_up b
ctl port add br0 later type=netdev
heard only_b '.event == "port" and .name == "later" and .state == "waiting"'

step "drops, once a second, with how many are new"
ctl port set a storm-broadcast=10
on a /usr/bin/python3 - <<'END2'
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for n in range(500):
    s.send(b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x88\xb5" + bytes(50))
END2
heard all '.event == "drops" and .name == "a" and .reason == "rx_storm_broadcast" and .new > 0 and .count >= .new'
wait_for 10 "all drops to be told" bash -c "
	told=\$(jq -s '[.[] | select(.reason == \"rx_storm_broadcast\") | .new] | add' $TMP/all)
	[ \$told = \$(vswitchctl --json drops a | jq '.[] | select(.reason == \"rx_storm_broadcast\") | .count') ]"

step "what goes"
ctl port del later
heard all '.event == "port" and .name == "later" and .state == "removed"'
heard only_b '.event == "port" and .name == "later" and .state == "removed"'
ctl bridge add br9
ctl bridge del br9
heard all '.event == "bridge" and .name == "br9" and (.present | not)'
heard all '.event == "config" and .changes == [{"action": "del", "kind": "bridge", "name": "br9"}]'

step "the filter held all the while, and each line is one document"
not_heard only_b '.event == "mtu" or .event == "bridge" or .event == "drops" or .name == "a" or .name == "br0"'
not_heard only_b '.event == "config" and .changes != [] and all(.changes[]; .name != "b" and .name != "later")'
[ "$(jq -c . "$TMP/all" | wc -l)" = "$(wc -l <"$TMP/all")" ] || fail "lines are no documents"
refused 1 weather ctl watch kind=weather
refused 1 drops ctl watch kind=drop
refused 2 0 ctl watch -n 0

step "so many events, and then it ends: what a script waits with"
[ "$(timeout 10 vswitchctl --json watch a kind=port --now -n 1 | jq -r .state)" = up ]
timeout 10 vswitchctl --json watch soon kind=port -n 1 >"$TMP/soon" &
soon=$!
wait_for 10 "it to watch" bash -c '[ "$(vswitchctl --json status | jq .clients.watching)" = 3 ]'
ctl port add br0 soon type=tap
wait $soon
[ "$(jq -r '.name + " " + .state' "$TMP/soon")" = "soon up" ]

step "for people: time, colours on a terminal only"
vswitchctl watch --now -n 3 kind=port >"$TMP/people"
grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}  port a  up, link up, MTU 1300$' "$TMP/people" || fail "$(cat "$TMP/people")"
! grep -q $'\033' "$TMP/people" || fail "colours in a file"
TERM=xterm script -qc "vswitchctl watch --now -n 3 kind=port" /dev/null >"$TMP/terminal" </dev/null
grep -qE $'^\033\\[2m[0-9:]{8}\\.[0-9]{3}\033\\[0m  port a  \033\\[32mup\033\\[0m, link up' "$TMP/terminal" || fail "$(cat -v "$TMP/terminal")"

step "a watcher that stops reading misses events, is told how many, and costs no memory"
watch_start slow kind=config
watch_start quick kind=config
kill -STOP "$slow"
# each change is an event of some 4 KB
big=$(head -c 3900 /dev/zero | tr '\0' x)
changes=1200
for n in $(seq $changes); do
	echo "port set a external-id.n=$n$big"
done >"$TMP/changes"
before=$(awk '/VmRSS/ { print $2 }' "/proc/$SWITCH_PID/status")
python3_debian - "$RUNDIR/vswitchd.sock" "$TMP/changes" "$TMP/quick" <<'END2'
import json, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")

def call(method, params):
    f.write(json.dumps({"id": 1, "method": method, "params": params}) + "\n")
    f.flush()
    return json.loads(f.readline())["result"]

quick = open(sys.argv[3])
for n, line in enumerate(open(sys.argv[2]), 1):
    call("port.set", {"name": "a", "external-id.n": line.split("=", 1)[1].strip()})
    if n % 50:
        continue
    # the quick one keeps up, however busy the machine is
    mark, end = '"revision":%d,' % call("status", {})["revision"], time.monotonic() + 30
    while mark not in (quick.readline() or ""):
        assert time.monotonic() < end, "it does not keep up"
END2
after=$(awk '/VmRSS/ { print $2 }' "/proc/$SWITCH_PID/status")
check '.clients."events-missed" > 0 and .clients."cut-off" == 0' ctl_json status
check '.limits[] | select(.name == "client-output-bytes") | .now > 0 and .now <= 1048576' ctl_json status
((after - before < 8192)) || fail "grew by $((after - before)) KB"
kill -CONT "$slow"
last=$(ctl_json status | jq .revision)
heard slow '.event == "missed" and .count > 0'
got=$(jq -s '[.[] | select(.event == "config" and .changes != [])] | length' "$TMP/slow")
missed=$(jq -s '[.[] | select(.event == "missed") | .count] | add' "$TMP/slow")
[ $((got + missed)) = $changes ] || fail "$got heard and $missed missed of $changes"
heard quick ".event == \"config\" and .revision == $last"
not_heard quick '.event == "missed"'
ctl port set a external-id.n= # and it goes on
heard slow ".event == \"config\" and .revision == $((last + 1))"

step "the switch ends: so does the watcher, with a reason"
switch_stop
status=0
wait "$all" || status=$?
[ $status = 1 ]
grep -q vswitchd "$TMP/all.err"
