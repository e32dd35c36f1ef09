#!/bin/bash
# A bridge's own port is configured like other ports: VLAN, isolation, storm limits.
#
#   host (br0, 10.0.0.254) ── vswitchd br0 ── a (veth, VLAN 10, 10.0.0.1)
#                                          └─ b (veth, VLAN 20, 10.0.0.2)
. "$(dirname "$0")/../lib.sh"

host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
switch_start
ctl bridge add br0
ctl port add br0 a tag=10
ctl port add br0 b tag=20
ip addr add 10.0.0.254/24 dev br0
ip link set dev br0 up
wait_port_up a
wait_port_up b

internal()
{
	check ".[0] | $1" ctl_json port show br0
}

step "a trunk by default: untagged frames of the host meet no access port"
internal '.type == "internal" and .ofport == 65534 and ."vlan-mode" == "trunk" and .tag == null'
no_ping_from a 10.0.0.254

step "tag=10: the host is in VLAN 10, and in no other"
ctl port set br0 tag=10
ping_from a 10.0.0.254
no_ping_from b 10.0.0.254
internal '."vlan-mode" == "access" and .tag == 10 and .state == "up"'
ctl show | grep -q 'br0 .*internal .*access 10' || fail "not in show"
ctl port list br0 | grep -q 'access 10' || fail "not in port list"

step "to another VLAN and back"
ctl port set br0 tag=20
no_ping_from a 10.0.0.254
ping_from b 10.0.0.254
ctl port set br0 tag= vlan-mode=native-untagged 2>"$TMP/err" && fail "no tag"
grep -q 'vlan-mode: native-untagged needs a tag' "$TMP/err"
ctl port set br0 vlan-mode=native-untagged tag=10 trunks=20
ping_from a 10.0.0.254
internal '.trunks == "20"'
ctl port set br0 vlan-mode= trunks=

step "what the system refuses in the same batch changes nothing of it"
ip link add name taken type veth peer name taken2
cat >"$TMP/batch" <<'EOF'
port set br0 tag=20 isolated=true
port add br0 taken type=tap
EOF
refused 1 taken ctl batch "$TMP/batch"
internal '.tag == 10 and (.isolated | not)'
ping_from a 10.0.0.254

step "isolated from another isolated port, not from others"
ctl port set a isolated=true
ping_from a 10.0.0.254
ctl port set br0 isolated=true
no_ping_from a 10.0.0.254
ctl port set a isolated=
ping_from a 10.0.0.254
ctl port set br0 isolated=

step "a storm limit counts what the host sends"
ctl port set br0 storm-broadcast=5
ip neigh flush dev br0
for n in $(seq 30); do
	echo "10.0.0.$((n + 20))"
done >"$TMP/nobody"
# each asks by ARP
while read -r ip; do
	ping -c 1 -W 0.01 "$ip" >/dev/null &
done <"$TMP/nobody"
wait_for 10 "the limit to bite" bash -c '[ "$(vswitchctl --json drops br0 |
	jq "[.[] | select(.reason | test(\"storm\")) | .count] | add // 0")" -gt 0 ]'
ctl port set br0 storm-broadcast=

step "MTU and address are the bridge's, and may be set by either name"
ctl port set br0 mtu=1400
[ "$(cat /sys/class/net/br0/mtu)" = 1400 ]
check '.[0].mtu == 1400' ctl_json bridge show br0
ctl bridge set br0 mtu=1300
internal '.mtu == 1300'
ctl port set br0 mac=02:00:00:00:00:77
[ "$(cat /sys/class/net/br0/address)" = 02:00:00:00:00:77 ]
ip -n a neigh flush dev eth0 # it knows the old one
ping_from a 10.0.0.254

step "what it cannot be is refused by name"
refused 1 br0 ctl port del br0
refused 1 ofport ctl port set br0 ofport=3
refused 1 queues ctl port set br0 queues=2
refused 1 type ctl port set br0 type=tap
refused 1 65522 ctl port set br0 mtu=65522
refused 1 4095 ctl port set br0 tag=4095
refused 1 tga ctl port set br0 tga=1
refused 1 internal ctl port add br0 x type=internal
refused 1 br0 ctl port add br0 br0
ctl port add br0 br0 --may-exist tag=10

step "exported, applied, compared"
ctl_json config export >"$TMP/a.json"
check '.ports | map(.name) == ["a", "b", "br0"]' cat "$TMP/a.json"
check '.ports[2] == {"name": "br0", "bridge": "br0", "type": "internal", "tag": 10}' cat "$TMP/a.json"
ctl config diff "$TMP/a.json"
jq 'del(.ports[2])' "$TMP/a.json" >"$TMP/b.json"
status=0
ctl config diff "$TMP/b.json" >"$TMP/diff" || status=$?
[ $status = 1 ]
diff "$TMP/diff" - <<'EOF'
~ port br0
    - tag: 10
EOF
ctl config apply "$TMP/b.json"
internal '.tag == null and .state == "up"'
no_ping_from a 10.0.0.254
ctl config apply "$TMP/a.json"
ping_from a 10.0.0.254
jq '.ports[2].mtu = 1400' "$TMP/a.json" >"$TMP/wrong.json"
refused 1 mtu ctl config apply "$TMP/wrong.json"

step "it survives kill -9 and a restart"
index=$(cat /sys/class/net/br0/ifindex)
switch_kill
switch_start
[ "$(cat /sys/class/net/br0/ifindex)" = "$index" ]
internal '.tag == 10 and .mtu == 1300 and .mac == "02:00:00:00:00:77"'
check '.ports == 2' ctl_json status
wait_port_up a
ping_from a 10.0.0.254

step "it goes with its bridge, and does not come back with another of that name"
ctl bridge del br0
check '.ports == []' ctl_json config export
ctl bridge add br0
internal '.tag == null and ."vlan-mode" == "trunk"'
