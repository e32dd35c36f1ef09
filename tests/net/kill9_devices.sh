#!/bin/bash
# timeout: 600 s
# kill -9 at random moments while ports with devices come and go, one by one and by whole
# documents: what was acknowledged is there after the restart, an apply has happened or has
# not, taps keep their interfaces, addresses and numbers, and no interface is left behind:
# no tap that nobody asked for, no filter on an interface that is not a port.
. "$(dirname "$0")/../lib.sh"

# Interfaces of the host, the odd ones up.
for i in $(seq 7); do
	ip link add name "xd$i" type veth peer name "xe$i"
	[ $((i % 2)) = 0 ] || ip link set dev "xd$i" up
done
ip link add name d0 type veth peer name e0
switch_start
ctl bridge add br0
ctl port add br0 t0 type=tap
ctl port add br0 d0
ctl_json config export >"$TMP/base.json"
dpid=$(ctl_json bridge show br0 | jq -r '.[0].dpid')

# Every interface is as the configuration in $TMP/now.json wants it, or as it was before.
check_devices()
{
	local want have i name
	want=$(jq -r '(.bridges[] | .name), (.ports[] | select(.type == "tap") | .name)' "$TMP/now.json" | sort)
	have=$(for name in /sys/class/net/*/tun_flags; do basename "$(dirname "$name")"; done | sort)
	diff <(echo "$want") <(echo "$have") || fail "taps wanted (<) and there (>)"
	for i in $(seq 7); do
		if jq -e --arg p "xd$i" 'any(.ports[]; .name == $p)' "$TMP/now.json" >/dev/null; then
			want="mtu=1408 up filter" # that of the port, and room for two tags
		else
			want="mtu=1500 $([ $((i % 2)) = 0 ] && echo down || echo up) free"
		fi
		have="mtu=$(cat "/sys/class/net/xd$i/mtu")"
		have+=" $( (($(cat "/sys/class/net/xd$i/flags") & 1)) && echo up || echo down)"
		have+=" $([ -n "$(tc filter show dev "xd$i" ingress 2>/dev/null)" ] && echo filter || echo free)"
		[ "$have" = "$want" ] || fail "xd$i is '$have' and not '$want'"
	done
	jq -r '.ports[] | select(.type == "tap") | "\(.name) \(.mac)"' "$TMP/now.json" | while read -r name i; do
		[ "$(cat "/sys/class/net/$name/address")" = "$i" ] || fail "$name has another address"
	done
}

restart()
{
	local t0
	t0=$(cat /sys/class/net/t0/ifindex)
	switch_kill
	wait "$changer"
	switch_start
	wait_port_up t0
	wait_port_up d0
	[ "$(cat /sys/class/net/t0/ifindex)" = "$t0" ] || fail "t0 is another interface"
	[ "$(ctl_json bridge show br0 | jq -r '.[0].dpid')" = "$dpid" ]
	ctl_json config export >"$TMP/now.json"
}

# Adds and removes taps and interfaces, until the switch no longer answers.
changes()
{
	local n=$1 i name answer key
	for i in $(seq 1000); do
		for name in "x${n}k$i" "xd$((i % 7 + 1))"; do
			key=type=tap
			[[ $name != xd* ]] || key=mtu=1400
			echo "try add $name" >>"$TMP/log"
			answer=$(ctl_json port add br0 "$name" --may-exist "$key" 2>/dev/null) || return 0
			echo "done add $name $(jq -r '"\(.ofport) \(if .type == "tap" then .mac else "" end)"' <<<"$answer")" >>"$TMP/log"
		done
		for name in "x${n}k$((i - 2))" "xd$(((i + 3) % 7 + 1))"; do
			echo "try del $name" >>"$TMP/log"
			ctl port del --if-exists "$name" >/dev/null 2>&1 || return 0
			echo "done del $name" >>"$TMP/log"
		done
	done
}

wait_done()
{
	wait_for 120 "changes to be made" bash -c "[ \$(grep -c ^done $TMP/log) -ge $1 ]"
}

step "ports one by one"
: >"$TMP/log"
for n in $(seq 10); do
	done_before=$(grep -c ^done "$TMP/log" || true)
	changes "$n" &
	changer=$!
	wait_done $((done_before + RANDOM % 20 + 2))
	restart
	python3_debian "$TESTS/net/acknowledged.py" "$TMP/log" "$TMP/now.json" x
	check_devices
done
echo "10 kills, $(grep -c ^done "$TMP/log") acknowledged changes"

# Applies the two documents in turn; both name all numbers and addresses.
applies()
{
	local document
	for _ in $(seq 500); do
		for document in one two; do
			echo "try $document" >>"$TMP/log"
			ctl config apply "$TMP/$document.json" >/dev/null 2>&1 || return 0
			echo "done $document" >>"$TMP/log"
		done
	done
}

step "whole documents: all of it or nothing"
jq '.ports += [range(20) | {name: "k\(.)", bridge: "br0", type: "tap", tag: (. + 1)}]
	+ [range(1; 5) | {name: "xd\(.)", bridge: "br0", mtu: 1400}]
	+ [range(20) | {name: "p\(.)", bridge: "br0", type: "patch", peer: "q\(.)"}]' \
	"$TMP/base.json" >"$TMP/one.json"
jq '.bridges += [{name: "br1"}]
	| .ports += [range(10; 30) | {name: "k\(.)", bridge: "br1", type: "tap", "external-ids": {vm: "x"}}]
	+ [range(3; 8) | {name: "xd\(.)", bridge: "br1", mtu: 1400, tag: 7}]' \
	"$TMP/base.json" >"$TMP/two.json"
for document in one two; do
	ctl config apply "$TMP/$document.json" >/dev/null
	ctl_json config export | jq -S . >"$TMP/full.json"
	mv "$TMP/full.json" "$TMP/$document.json"
done
declare -A outcome=([one]=0 [two]=0)
for n in $(seq 10); do
	: >"$TMP/log"
	applies &
	changer=$!
	wait_for 120 "a document to be tried" bash -c "[ \$(grep -c ^try $TMP/log) -ge $((RANDOM % 5 + 2)) ]"
	until ((RANDOM % 20 == 0)); do # anywhere within it
		:
	done
	restart
	last=$(tail -n 1 "$TMP/log")
	is=none
	for document in one two; do
		! cmp -s "$TMP/$document.json" <(jq -S . "$TMP/now.json") || is=$document
	done
	[ $is != none ] || fail "neither document: $(diff "$TMP/one.json" <(jq -S . "$TMP/now.json"))"
	[ "${last%% *}" = try ] || [ "$last" = "done $is" ] || fail "acknowledged, and lost: $last"
	check_devices
	outcome[$is]=$((outcome[$is] + 1))
done
echo "10 kills: ${outcome[one]} left the one, ${outcome[two]} the other"
sqlite3 "$DB" 'pragma integrity_check' | grep -qx ok
