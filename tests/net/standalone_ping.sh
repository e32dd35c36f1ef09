#!/bin/bash
# A bridge without any rule is a learning switch: hosts behind a tap, a veth and the
# bridge's internal port reach each other, and the switch has learned where they are.
#
#	netns a            netns b           netns c          root
#	eth0 10.0.0.1      tapb 10.0.0.2     eth0 10.0.0.3    br0 10.0.0.4
#	  |                  |                 |                |
#	  a (netdev)       tapb (tap)        c (netdev)       br0 (internal)
#	  +------------------+-- bridge br0 ---+----------------+
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth c 10.0.0.3/24
ctl port add br0 a
ctl port add br0 c type=netdev
ctl port add br0 tapb type=tap
host_move b tapb 10.0.0.2/24
ip addr add 10.0.0.4/24 dev br0
ip link set dev br0 up
for port in a c tapb br0; do
	wait_port_up "$port"
done

step "everyone reaches everyone"
for ns in a b c; do
	for last in 1 2 3 4; do
		ping_from "$ns" 10.0.0.$last
	done
done
ping -q -c 3 -i 0.2 -W 2 10.0.0.2

step "where they are has been learned"
for ns in a:eth0:a b:tapb:tapb c:eth0:c; do
	IFS=: read -r name dev port <<<"$ns"
	mac=$(on "$name" cat "/sys/class/net/$dev/address")
	check "any(.[]; .mac == \"$mac\" and .port == \"$port\" and .vlan == 0 and (.static | not))" \
		ctl_json fdb show br0
done

step "counted both ways, and nothing dropped but what nobody wanted"
for port in a c tapb br0; do
	[ "$(stat_of "$port" rx.packets)" -ge 12 ]
	[ "$(stat_of "$port" tx.packets)" -ge 12 ]
done
check 'all(.[]; .reason == "rx_no_destination" or .reason == "tx_port_down")' ctl_json drops

step "a port that is removed no longer forwards; its interface is as before"
ctl port del c
no_ping_from a 10.0.0.3
ip -o link show dev c | grep -q ',UP'
check 'all(.[]; .name != "c")' ctl_json port list

step "a bridge takes its ports and its internal interface with it"
ctl bridge del br0
wait_for 5 "br0 to go" bash -c '! [ -e /sys/class/net/br0 ]'
check '. == []' ctl_json port list
no_ping_from a 10.0.0.2
