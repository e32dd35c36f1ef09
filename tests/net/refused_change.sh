#!/bin/bash
# A change that takes closing a port that is up (another file, type, bridge, or a bridge of
# its name) and that the device would refuse: exit status 1, the port goes on forwarding
# without the loss of a frame, and nothing is stored.
#
#	netns a: eth0 -- a (veth) -- br0 -- b (veth) -- netns b
. "$(dirname "$0")/../lib.sh"

# capture PATH: one frame.
capture()
{
	python3_debian -c 'import sys; from scapy.all import *
wrpcap(sys.argv[1], Ether(src="02:00:00:00:00:09", dst="ff:ff:ff:ff:ff:ff")/Raw(bytes(46)))' "$1"
}

switch_start
ctl bridge add br0
ctl bridge add br1
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
capture "$TMP/one.pcap"
capture "$TMP/two.pcap"
ctl port add br0 p type=pcap "file=$TMP/one.pcap" "record=$TMP/out.pcap"
ip tuntap add mode tap name s
ctl port add br0 s type=tap
for port in a b p s; do
	wait_port_up $port
done
ping_from a 10.0.0.2

# What is the same after a refusal: the configuration, stored and in force.
snapshot()
{
	ctl_json config export | jq -S .
}
snapshot >"$TMP/before"
vswitchctl --json watch --now kind=port >"$TMP/events" &
wait_for 10 "the state of all ports" check 'length == 6' jq -s . "$TMP/events"
ping_start a "$TMP/ping" -i 0.005 10.0.0.2

# unchanged COMMAND...: refused with the word that comes first, and as if it had not been said.
unchanged()
{
	refused "$@"
	snapshot | cmp - "$TMP/before"
}

step "files that cannot be opened"
unchanged 1 /missing.pcap ctl port set p file=/missing.pcap
unchanged 1 "$TMP" ctl port set p "record=$TMP"
echo "no capture" >"$TMP/text"
unchanged 1 "$TMP/text" ctl port set p "file=$TMP/text"
unchanged 1 "$TMP/text" ctl port set p "record=$TMP/text"
[ "$(cat "$TMP/text")" = "no capture" ]

step "queues that a tap was not made with"
unchanged 1 queues ctl port set s queues=2

step "a veth is no tap; in a document, in a batch"
ctl_json config export >"$TMP/now.json"
jq '(.ports[] | select(.name == "a")).type = "tap"' "$TMP/now.json" >"$TMP/tap.json"
unchanged 1 'interface a exists and is not a tap' ctl config apply "$TMP/tap.json"
printf 'port del a\nport add br0 a type=tap\n' >"$TMP/batch"
unchanged 1 'interface a exists and is not a tap' ctl -f "$TMP/batch"

step "nor can it be a bridge's internal port"
printf 'port del b\nbridge add b\n' >"$TMP/batch"
unchanged 1 'interface b exists and is not a tap' ctl -f "$TMP/batch"

step "what could be done is not begun when another part is refused"
jq '(.ports[] | select(.name == "b")).bridge = "br1" |
	(.ports[] | select(.name == "p")).file = "/missing.pcap" |
	(.ports[] | select(.name == "a")).type = "tap"' "$TMP/now.json" >"$TMP/both.json"
unchanged 1 'interface a exists and is not a tap' ctl config apply "$TMP/both.json"

ping_end "$TMP/ping"
ctl port add br0 last type=patch peer=none # events come in their order: none before this one's
wait_for 10 "an event" check 'length > 6' jq -s . "$TMP/events"
check '.[6].name == "last"' jq -s . "$TMP/events"

step "what the device allows is done"
ctl port set p "file=$TMP/two.pcap"
wait_port_up p
check '.[0].info.file | endswith("two.pcap")' ctl_json port show p
printf 'port del s\nport add br0 s type=netdev\n' >"$TMP/batch"
ctl -f "$TMP/batch"
wait_port_up s
printf 'port del s\nport add br1 s type=tap\n' >"$TMP/batch"
ctl -f "$TMP/batch"
wait_for 10 "the tap to be open again" check '.[0].state == "up"' ctl_json port show s
switch_stop
