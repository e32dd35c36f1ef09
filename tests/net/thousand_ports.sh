#!/bin/bash
# timeout: 600 s
# A thousand ports of all kinds, added and removed: within a time bound, without leaving
# anything behind, while others' traffic goes on.
. "$(dirname "$0")/../lib.sh"

N=${VSWITCH_TEST_PORTS:-1000}
CTL_TIMEOUT=60 # the bound for a thousand
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -Hn)"
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
wait_port_up b

for i in $(seq 1 3 "$N"); do
	echo "link add v$i type veth peer name w$i"
	echo "link set dev v$i up"
	echo "link set dev w$i up"
done >"$TMP/links"
ip -b "$TMP/links"

# The document of now plus N ports; a third each of netdev, tap and patch.
ctl_json config export >"$TMP/small.json"
jq --argjson n "$N" '.ports += [range(1; $n + 1) | . as $i |
	if $i % 3 == 1 then {name: "v\($i)", bridge: "br0", type: "netdev", tag: 100}
	elif $i % 3 == 2 then {name: "t\($i)", bridge: "br0", type: "tap", tag: 100}
	else {name: "p\($i)", bridge: "br0", type: "patch", peer: "p\(if $i % 2 == 1 then $i + 3 else $i - 3 end)", tag: 100}
	end]' "$TMP/small.json" >"$TMP/big.json"

figures()
{
	fds=$(find "/proc/$SWITCH_PID/fd" -mindepth 1 | wc -l)
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$SWITCH_PID/status")
	threads=$(find "/proc/$SWITCH_PID/task" -mindepth 1 -maxdepth 1 | wc -l)
}

# The kernel takes its time to close packet sockets; threads of their own wait for it.
descriptors_back()
{
	figures
	[ "$fds" -le "$fds0" ]
}

ping_start a "$TMP/ping" -i 0.02 10.0.0.2
figures
fds0=$((fds + 1)) # one for the connection of a client
for round in 1 2 3; do
	start=${EPOCHREALTIME/./}
	ctl config apply "$TMP/big.json" >/dev/null
	added=$(((${EPOCHREALTIME/./} - start) / 1000))
	check "length == $((N + 3))" ctl_json port list
	wait_for 20 "all devices to be attached" check \
		'all(.[] | select(.type == "netdev" or .type == "tap"); .state == "up")' ctl_json port list
	start=${EPOCHREALTIME/./}
	ctl config apply "$TMP/small.json" >/dev/null
	removed=$(((${EPOCHREALTIME/./} - start) / 1000))
	check 'length == 3' ctl_json port list
	wait_for 20 "the descriptors of 1,000 ports to be closed" descriptors_back
	echo "round $round: $N ports added in $added ms, removed in $removed ms; $fds descriptors, $rss KiB, $threads threads"
	[ $added -lt 60000 ]
	[ $removed -lt 60000 ]
	if [ $round = 1 ]; then
		rss1=$rss threads1=$threads
	fi
done
[ "$threads" = "$threads1" ] || fail "threads leak: $threads1, then $threads"
if [ "${VSWITCH_BUILD:-build}" = build ]; then # sanitizers keep freed memory
	((rss < rss1 + 4096)) || fail "memory leaks: $rss1 KiB, then $rss KiB"
fi
[ -z "$(ip -o link show type tun | grep -E ' t[0-9]+:')" ] || fail "taps were left behind"

step "one by one"
start=${EPOCHREALTIME/./}
for i in $(seq 1 3 150); do
	ctl port add br0 "v$i"
done
for i in $(seq 1 3 150); do
	ctl port del "v$i"
done
echo "100 commands in $(((${EPOCHREALTIME/./} - start) / 1000)) ms"

step "others' traffic did not notice"
ping_end "$TMP/ping"
