#!/bin/bash
# timeout: 400 s
# TCP over IPv4 and IPv6 between netdev and tap ports in a VLAN, across a tagged trunk,
# with two workers and two queues, for every mix of MTU and offloads: large segments and
# unfinished checksums keep their tag, or lose it with the offsets right.
#
#	netns v1 -- v1 (netdev) --+                               +-- v2 (netdev) -- netns v2
#	                          br0 -- x0 (trunk) == x1 (trunk) -- br1
#	netns t1 -- t1 (tap) -----+        a veth pair            +-- t2 (tap) ----- netns t2
. "$(dirname "$0")/../lib.sh"

switch_start --workers 2
ctl bridge add br0
ctl bridge add br1
ip link add name x0 type veth peer name x1
host_veth v1 10.0.0.1/24
host_veth v2 10.0.0.2/24
ctl port add br0 v1 tag=10 queues=2
ctl port add br1 v2 tag=10 queues=2
ctl port add br0 t1 type=tap tag=10 queues=2
ctl port add br1 t2 type=tap tag=10
ctl port add br0 x0 trunks=10 queues=2
ctl port add br1 x1 trunks=10
host_move nt1 t1 10.0.0.3/24
host_move nt2 t2 10.0.0.4/24
for port in v1 v2 t1 t2 x0 x1; do
	wait_port_up $port
done

declare -A device=([v1]=eth0 [v2]=eth0 [nt1]=t1 [nt2]=t2) n=([v1]=1 [v2]=2 [nt1]=3 [nt2]=4)
for ns in "${!device[@]}"; do
	on "$ns" sysctl -qw "net.ipv6.conf.${device[$ns]}.disable_ipv6=0"
	ip -n "$ns" addr add "fd00::${n[$ns]}/64" dev "${device[$ns]}" nodad
done

set_mtu()
{
	local mtu=$1 ns
	for port in v1 v2 x0 x1 t1 t2; do
		ctl port set $port "mtu=$mtu"
	done
	for ns in "${!device[@]}"; do
		ip -n "$ns" link set dev "${device[$ns]}" mtu "$mtu"
	done
}

# on: as the kernel has it; off: the hosts finish everything; false: the switch does.
set_offloads()
{
	local state=$1 ns port hosts=on ports=true
	[ "$state" != off ] || hosts=off
	[ "$state" != false ] || ports=false
	for ns in "${!device[@]}"; do
		on "$ns" ethtool -K "${device[$ns]}" tx $hosts sg $hosts tso $hosts gso $hosts >/dev/null 2>&1
	done
	for port in v1 v2 x0 x1 t1 t2; do
		ctl port set $port "offload=$ports"
	done
}

for mtu in 1500 9000; do
	set_mtu $mtu
	for state in on off false; do
		step "MTU $mtu, offloads $state"
		set_offloads $state
		for pair in v1:v2 v1:nt2 nt1:v2 nt1:nt2; do
			from=${pair%:*} to=${pair#*:}
			tcp_transfer "$from" "$to" "10.0.0.${n[$to]}" 4000000
			tcp_transfer "$to" "$from" "fd00::${n[$from]}" 4000000
		done
	done
done

step "large segments crossed the trunk whole, and were cut where offload=false"
check 'any(.[]; .name == "x0" and .tx.gso > 0 and .tx.segmented > 0)' ctl_json port stats
check 'any(.[]; .name == "x1" and .rx.gso > 0)' ctl_json port stats
step "nothing was dropped for its offloads or its length"
check 'all(.[]; .reason != "rx_bad_offload" and .reason != "tx_too_long"
	and .reason != "tx_not_segmentable")' ctl_json drops
step "both workers had a part in it"
check 'length == 2 and all(.[]; .packets > 0 and .stuck == false)' ctl_json worker stats

step "addresses are learned where they are, not where the switch sends"
check 'all(.[]; (.port == "v1") == (.mac == "02:00:0a:00:00:01"))' ctl_json fdb show br0
