#!/bin/bash
# The whole configuration as a document: export, apply, diff; applying is one transaction,
# does only what differs, and survives a restart.
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0 mac-age=60
ctl bridge add br1 external-id.owner=test
ctl port add br0 t0 type=tap tag=10 external-id.vm=one
ctl port add br0 t1 type=tap trunks=30-39,10,20 ofport=200
ctl port add br0 p0 type=patch peer=p1
ctl port add br1 p1 type=patch peer=p0
ctl port add br1 absent type=netdev isolated=true
ctl fdb add br0 02:00:00:00:00:01 t0 vlan=10

step "what was given is in the document, in canonical form; what is default is not"
ctl_json config export >"$TMP/a.json"
check '.version == 1 and (.bridges | map(.name)) == ["br0", "br1"]
	and (.ports | map(.name)) == ["absent", "p0", "p1", "t0", "t1"]' cat "$TMP/a.json"
check '.bridges[0]["mac-age"] == 60 and (.bridges[1] | has("mac-age") | not)' cat "$TMP/a.json"
check '.bridges[1]["external-ids"] == {"owner": "test"}' cat "$TMP/a.json"
check '(.ports[] | select(.name == "t1")) | .trunks == "10,20,30-39" and .ofport == 200' cat "$TMP/a.json"
check '(.ports[] | select(.name == "t0")) | .tag == 10 and ."external-ids".vm == "one" and (has("isolated") | not)' cat "$TMP/a.json"
check '.fdb == [{"bridge": "br0", "mac": "02:00:00:00:00:01", "vlan": 10, "port": "t0"}]' cat "$TMP/a.json"

step "applying what is there changes nothing, and a diff is empty"
check '.changes == []' ctl_json config apply "$TMP/a.json"
ctl config diff "$TMP/a.json"
ctl config export >"$TMP/text"
cmp <(jq -S . "$TMP/text") <(jq -S . "$TMP/a.json")

step "a diff tells what an apply would do, and does not do it"
jq '(.ports[] | select(.name == "t0")).tag = 20 | del(.ports[] | select(.name == "absent"))
	| .bridges += [{"name": "br2"}]' "$TMP/a.json" >"$TMP/b.json"
status=0
ctl_json config diff "$TMP/b.json" >"$TMP/diff.json" || status=$?
[ $status = 1 ]
check '[.. | objects | select(has("action")) | [.action, .kind, .name]] | sort ==
	[["add", "bridge", "br2"], ["del", "port", "absent"], ["set", "port", "t0"]]' cat "$TMP/diff.json"
check '[.. | objects | select(.name? == "t0") | .keys.tag] == [[10, 20]]' cat "$TMP/diff.json"
cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/a.json")

step "an apply does exactly that, and leaves the rest alone"
index=$(cat /sys/class/net/t1/ifindex)
ctl config apply "$TMP/b.json"
ctl config diff "$TMP/b.json" || fail "still different"
[ "$(cat /sys/class/net/t1/ifindex)" = "$index" ] || fail "an unchanged tap was made anew"
check 'any(.[]; .name == "br2")' ctl_json bridge list
check 'all(.[]; .name != "absent") and any(.[]; .name == "t0" and .tag == 20)' ctl_json port list
check '.changes == []' ctl_json config apply "$TMP/b.json"

step "one wrong word: nothing of it is applied"
ctl_json config export >"$TMP/before.json"
broken()
{
	jq "$2" "$TMP/a.json" >"$TMP/wrong.json"
	refused 1 "$1" ctl config apply "$TMP/wrong.json"
	cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/before.json")
}
broken 5000 '.ports[0].tag = 5000'
broken nosuch '.ports[0].bridge = "nosuch"'
broken colour '.bridges[0].colour = "red"'
broken t0 '.ports += [.ports[] | select(.name == "t0")]'
broken 200 '(.ports[] | select(.name == "p0")).ofport = 200'
broken nosuch '.fdb[0].port = "nosuch"'
broken version '.version = 2'
echo '{"version": 1, "bridges": [' >"$TMP/cut.json"
refused 1 cut.json ctl config apply "$TMP/cut.json"
refused 1 missing.json ctl config apply "$TMP/missing.json"
echo '[]' >"$TMP/list.json"
refused 1 "" ctl config apply "$TMP/list.json"
cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/before.json")

step "all of it survives a restart"
ctl config apply "$TMP/a.json"
macs=$(ctl_json port list | jq -c '[.[] | [.name, .ofport, .mac]] | sort')
switch_stop
switch_start
cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/a.json")
[ "$(ctl_json port list | jq -c '[.[] | [.name, .ofport, .mac]] | sort')" = "$macs" ]

step "an empty document takes everything away"
echo '{"version": 1, "bridges": [], "ports": [], "fdb": []}' >"$TMP/empty.json"
ctl config apply "$TMP/empty.json"
check '. == []' ctl_json bridge list
check '. == []' ctl_json port list

step "a document without stored numbers and addresses is completed"
jq 'del(.bridges[].dpid, .bridges[].mac, .ports[].ofport, .ports[].mac)' "$TMP/a.json" >"$TMP/bare.json"
ctl config apply "$TMP/bare.json"
ctl_json config export >"$TMP/full.json"
check '[.ports[] | [.bridge, .ofport]] | all(.[1] | type == "number") and (unique | length) == length' cat "$TMP/full.json"
check '[.bridges[] | .dpid, .mac] | all(type == "string")' cat "$TMP/full.json"
