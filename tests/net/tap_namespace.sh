#!/bin/bash
# timeout: 300 s
# A tap of the switch that is moved to another network namespace, as containers get them:
# it stays the same device over a restart and a kill -9 of the switch, with the addresses
# and routes that the container gave it; it goes with its port; and the namespace goes
# when its container does, whether the switch holds a tap in it or not.
#
#	netns a: eth0 -- a (veth) -- br0 -- t0 (tap) -- netns c, there eth0
#	                              +---- t1 (tap, two queues) -- netns d, there eth1
. "$(dirname "$0")/../lib.sh"

# container NS TAP NAME IP/LEN: gives it away under another name, as container engines do.
container()
{
	local ns=$1 tap=$2 name=$3 address=$4
	netns_add "$ns"
	ip link set dev "$tap" down
	ip link set dev "$tap" netns "$ns" name "$name"
	ip -n "$ns" link set dev "$name" address "$MAC" mtu 1400
	ip -n "$ns" addr add "$address" dev "$name"
	ip -n "$ns" link set dev "$name" up
	ip -n "$ns" route add 10.9.0.0/16 via 10.0.0.1
}

# What a container would notice if its interface was another one.
identity()
{
	ip -n "$1" -j addr show dev "$2" | jq -c '.[0] | [.ifindex, .ifname, .address, .mtu,
		.addr_info[0].local, .addr_info[0].prefixlen]'
	ip -n "$1" route show 10.9.0.0/16 | sed 's/ linkdown//'
}

taps_here()
{
	ip -j -d link show | jq -r '.[] | select(.linkinfo.info_kind == "tun") | .ifname'
}

no_twin()
{
	[ "$(taps_here | grep -cx "$1" || true)" = 0 ]
}

lives_in()
{
	[ "$(stat -Lc %i "/proc/$1/ns/net")" = "$2" ]
}

namespace_has_ended()
{
	local id=$1 file
	for file in /proc/[0-9]*/ns/net /run/netns/*; do
		[ "$(stat -Lc %i "$file" 2>/dev/null)" != "$id" ] || return 1
	done
	# Nobody can ask for it by its number any more.
	[ "$(ip netns list-id | grep -c "^nsid $NSID " || true)" = 0 ]
}

MAC=02:00:00:00:0c:01
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
ctl port add br0 a
ctl port add br0 t0 type=tap
ctl port add br0 t1 type=tap queues=2
wait_port_up a
wait_port_up t1
container c t0 eth0 10.0.0.2/24
MAC=02:00:00:00:0d:01 container d t1 eth1 10.0.0.3/24
IDENTITY_C=$(identity c eth0)
IDENTITY_D=$(identity d eth1)

check_containers()
{
	wait_port_up t0
	wait_port_up t1
	no_twin t0
	no_twin t1
	[ "$(identity c eth0)" = "$IDENTITY_C" ] || fail "$(identity c eth0) was $IDENTITY_C"
	[ "$(identity d eth1)" = "$IDENTITY_D" ] || fail "$(identity d eth1) was $IDENTITY_D"
	# The first frame may come before the link is seen to be up.
	wait_for 5 "the link of t0" check 'all(.[]; .name != "t0" or .link)' ctl_json port list
	wait_for 5 "the link of t1" check 'all(.[]; .name != "t1" or .link)' ctl_json port list
	ping_from a 10.0.0.2
	ping_from c 10.0.0.1
	ping_from c 10.0.0.3
	tcp_transfer a c 10.0.0.2
	tcp_transfer d a 10.0.0.1
	check ".[0].info | .\"other-netns\" and .netns == $(stat -Lc %i /run/netns/c) and .interface == \"eth0\"" \
		ctl_json port show t0
}

step "moved"
check_containers

step "over a restart"
switch_stop
switch_start
check_containers

step "over a kill -9, several times"
for _ in 1 2 3; do
	switch_kill
	switch_start
	check_containers
done

step "link, MTU and MAC address are followed"
followed()
{
	ctl_json port show t0 | jq -e ".[0] | $1" >/dev/null
}
ip -n c link set dev eth0 down
wait_for 5 "the link to be seen down" followed '.link | not'
ip -n c link set dev eth0 mtu 9000 address 02:00:00:00:0c:02
wait_for 5 "MTU and address" followed '.mtu == 9000 and .mac == "02:00:00:00:0c:02"'
ip -n c link set dev eth0 up
ip -n c route add 10.9.0.0/16 via 10.0.0.1
wait_for 5 "the link to be seen up" followed .link
ip -n c link set dev eth0 mtu 1400 address 02:00:00:00:0c:01
ping_from a 10.0.0.2

step "settings of the port reach it there"
ctl port set t0 mtu=1300
check '.[0].mtu == 1300' ip -n c -j link show eth0
ctl port set t0 mac=02:00:00:00:0c:03 tag=7
check '.[0].address == "02:00:00:00:0c:03"' ip -n c -j link show eth0
no_ping_from a 10.0.0.2
ctl port set t0 mtu= tag=
ip -n c link set dev eth0 mtu 1400 address 02:00:00:00:0c:01
ip -n a neigh flush all
ping_from a 10.0.0.2
[ "$(identity c eth0)" = "$IDENTITY_C" ]

step "another number of queues opens it again there"
ctl port set t1 queues=4
check_containers
refused 1 queues ctl port set t0 queues=2
check_containers
ctl port set t1 queues=2
switch_kill
switch_start
check_containers

step "moved on to a third namespace, and from there home under another name"
netns_add e
ip -n c link set dev eth0 netns e
ip -n e addr add 10.0.0.2/24 dev eth0
ip -n e link set dev eth0 up
wait_for 5 "the move to be seen" followed ".info.netns == $(stat -Lc %i /run/netns/e) and .link"
ping_from e 10.0.0.1
ip -n e link set dev eth0 netns 1 name back0
ip link set dev back0 up
wait_for 5 "the return to be seen" followed '(.info."other-netns" | not) and .info.interface == "back0" and .link'
switch_kill
switch_start
wait_port_up t0
check '.[0].info.interface == "back0"' ctl_json port show t0
no_twin t0
ip link set dev back0 down
ip link set dev back0 name t0
container c2 t0 eth0 10.0.0.2/24
ping_from a 10.0.0.2

step "a tap with the mark of another is not taken for it"
# A container that copies what it sees, and one that makes up the rest.
mark=$(ip -n c2 -j link show dev eth0 | jq -r '.[0].ifalias')
[[ $mark == "vswitch tap t0 "* ]]
netns_add forger
ip -n forger tuntap add mode tap name eth1
ip -n forger link set dev eth1 alias "${mark/t0/t1}"
switch_kill
switch_start
IDENTITY_C=$(identity c2 eth0)
wait_port_up t1
check ".[0].info.netns == $(stat -Lc %i /run/netns/d)" ctl_json port show t1
ping_from a 10.0.0.3
ping_from a 10.0.0.2

step "a namespace ends with its container, though the switch opened a tap in it"
id=$(stat -Lc %i /run/netns/d)
NSID=$(ip netns list-id | sed -n 's/^nsid \([0-9]*\) .*name: d)$/\1/p')
[ -n "$NSID" ]
ip netns exec d sleep 1000 & # it goes on for now: somebody lives in it
sleeper=$!
wait_for 5 "the sleeper to be inside" lives_in "$sleeper" "$id"
ip netns del d
check '.[0].info."other-netns"' ctl_json port show t1
for _ in 1 2 3; do # for longer than the second after which it looks
	nsenter --net="/proc/$sleeper/ns/net" ping -q -c 2 -i 0.5 -W 2 10.0.0.1
	check '.[0].info."other-netns"' ctl_json port show t1
done
kill "$sleeper"
wait "$sleeper" || true
wait_for 10 "a new tap here" check '.[0] | .state == "up" and (.info."other-netns" | not)' ctl_json port show t1
wait_for 10 "the namespace to end" namespace_has_ended "$id"
taps_here | grep -x t1
host_move d2 t1 10.0.0.3/24
ip -n a neigh flush all
ping_from a 10.0.0.3

step "a namespace that ended while the switch was away"
switch_kill
ip netns del d2
switch_start
wait_port_up t1
taps_here | grep -x t1
host_move d3 t1 10.0.0.3/24
ip -n a neigh flush all
ping_from a 10.0.0.3

step "a tap that is held there by somebody else"
switch_stop
ip netns exec c2 /usr/bin/python3 -c '
import fcntl, os, signal, struct
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"eth0", 0x5002))
print("held", flush=True)
signal.pause()
' >"$TMP/held" &
holder=$!
wait_for 10 "the tap to be held" grep -q held "$TMP/held"
switch_start
check '.[0] | .state == "failed" and (.why | test("another program holds tap eth0 in /run/netns/c2"))' ctl_json port show t0
no_twin t0
kill "$holder"
wait_port_up t0
ping_from a 10.0.0.2
[ "$(identity c2 eth0)" = "$IDENTITY_C" ]

step "the device goes with its port"
ctl port del t0
[ -z "$(ip -n c2 -o link show dev eth0 2>/dev/null)" ] || fail "eth0 is still there"
ip -n d3 -o link show dev t1
switch_kill
switch_start
ctl port del t1
[ -z "$(ip -n d3 -o link show dev t1 2>/dev/null)" ] || fail "t1 is still there"

step "a bridge's own interface"
host_move i br0 10.0.0.9/24
wait_for 5 "its link" check '.[0].link' ctl_json port show br0
ping_from a 10.0.0.9
switch_kill
switch_start
wait_port_up br0
no_twin br0
ping_from a 10.0.0.9
ctl bridge del br0
[ -z "$(ip -n i -o link show dev br0 2>/dev/null)" ] || fail "br0 is still there"
