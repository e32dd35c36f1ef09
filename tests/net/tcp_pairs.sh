#!/bin/bash
# timeout: 300 s
# TCP between every pair of port types, both ways, checked by checksum, with whatever
# offloads the kernel uses by default: large segments and unfinished checksums.
#
#	netns v1, v2: eth0, veth to the switch's v1, v2  (netdev)
#	netns t1, t2: the switch's taps t1, t2           (tap)
#	netns i1, i2: internal ports br0, br1, joined by a patch
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ctl bridge add br1
ctl port add br0 p0 type=patch peer=p1
ctl port add br1 p1 type=patch peer=p0
host_veth v1 10.0.0.1/24
host_veth v2 10.0.0.2/24
ctl port add br0 v1
ctl port add br1 v2
ctl port add br0 t1 type=tap
ctl port add br1 t2 type=tap
host_move nt1 t1 10.0.0.3/24
host_move nt2 t2 10.0.0.4/24
host_move ni1 br0 10.0.0.5/24
host_move ni2 br1 10.0.0.6/24
for port in v1 v2 t1 t2 br0 br1 p0 p1; do
	wait_port_up "$port"
done

declare -A address=([v1]=10.0.0.1 [v2]=10.0.0.2 [nt1]=10.0.0.3 [nt2]=10.0.0.4
	[ni1]=10.0.0.5 [ni2]=10.0.0.6)
for pair in v1:v2 v1:nt1 v1:ni1 nt1:nt2 nt1:ni2 nt1:v2 ni1:ni2 ni1:v2 ni1:nt2; do
	from=${pair%:*} to=${pair#*:}
	tcp_transfer "$from" "$to" "${address[$to]}"
	tcp_transfer "$to" "$from" "${address[$from]}"
done

step "large segments passed in one piece, where both ends take them"
check 'any(.[]; .name == "v1" and .rx.gso > 0 and .tx.gso > 0)' ctl_json port stats
check 'any(.[]; .name == "t1" and .rx.gso > 0 and .tx.gso > 0)' ctl_json port stats
check 'all(.[]; .rx.errors == 0 and .tx.errors == 0)' ctl_json port stats
