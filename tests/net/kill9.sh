#!/bin/bash
# timeout: 300 s
# kill -9 at random moments while changes are made: whatever was acknowledged is there
# after the restart, whatever is there was asked for; numbers and addresses stay.
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ctl port add br0 t0 type=tap
before=$(ctl_json port list | jq -c '[.[] | [.name, .ofport, .mac]] | sort')
dpid=$(ctl_json bridge show br0 | jq -r '.[0].dpid')

# Adds and removes ports as fast as it can; says in $TMP/log.N what it is about to do
# ("try") and what was acknowledged ("done"), until the switch no longer answers.
changes()
{
	local n=$1 i name
	for i in $(seq 1000); do
		name=r${n}x$i
		echo "try add $name" >>"$TMP/log.$n"
		ctl port add br0 "$name" type=patch "peer=q$name" tag=$((i % 4000 + 1)) >/dev/null 2>&1 || return 0
		echo "done add $name" >>"$TMP/log.$n"
		if ((i % 3 == 0)); then
			echo "try del $name" >>"$TMP/log.$n"
			ctl port del "$name" >/dev/null 2>&1 || return 0
			echo "done del $name" >>"$TMP/log.$n"
		fi
	done
}

acknowledged=0
for n in $(seq 12); do
	: >"$TMP/log.$n"
	changes "$n" &
	changer=$!
	# a random moment, some acknowledged changes away
	goal=$((RANDOM % 40 + 2))
	wait_for 20 "changes to be made" bash -c "[ \$(grep -c ^done $TMP/log.$n) -ge $goal ]"
	switch_kill
	wait $changer
	switch_start
	ctl_json config export >"$TMP/now.json"
	python3_debian "$TESTS/net/acknowledged.py" "$TMP/log.$n" "$TMP/now.json" "r${n}x"
	acknowledged=$((acknowledged + $(grep -c ^done "$TMP/log.$n")))
	[ "$(ctl_json port list | jq -c '[.[] | select(.name == "t0" or .name == "br0") | [.name, .ofport, .mac]] | sort')" = "$before" ] ||
		fail "numbers or addresses changed"
	[ "$(ctl_json bridge show br0 | jq -r '.[0].dpid')" = "$dpid" ]
done
echo "12 kills, $acknowledged acknowledged changes"

step "the tap of the switch is the same device after all of it"
wait_port_up t0
[ "$(cat /sys/class/net/t0/address)" = "$(jq -r '.[] | select(.[0] == "t0") | .[2]' <<<"$before")" ]
sqlite3 "$DB" 'pragma integrity_check' | grep -qx ok
