#!/bin/bash
# MTU 9000 end to end: pings that may not be fragmented, and TCP; a port with a smaller
# MTU drops by name what does not fit it.
#
#	netns a (9000) -- a -- br0 -- b -- netns b (9000)
#	                        +---- t (tap mtu=9000) -- netns t
#	                        +---- s (1500) -- netns s
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
for ns in a b s; do
	case $ns in a) n=1 ;; b) n=2 ;; s) n=4 ;; esac
	host_veth $ns 10.0.0.$n/24
	if [ $ns != s ]; then
		ip link set dev $ns mtu 9000
		ip -n $ns link set dev eth0 mtu 9000
	fi
	ctl port add br0 $ns
done
ctl port add br0 t type=tap mtu=9000
host_move nt t 10.0.0.3/24
for port in a b s t; do
	wait_port_up $port
done
check 'any(.[]; .name == "a" and .mtu == 9000) and any(.[]; .name == "s" and .mtu == 1500)
	and any(.[]; .name == "t" and .mtu == 9000)' ctl_json port list

for last in 2 3; do
	ping_from a -M "do" -s 8972 10.0.0.$last
	no_ping_from a -M "do" -s 8973 10.0.0.$last
done
tcp_transfer a b 10.0.0.2 20000000
tcp_transfer a nt 10.0.0.3 20000000
tcp_transfer nt b 10.0.0.2 20000000

step "too long for s: dropped there, by name"
before=$(drops s tx_too_long)
no_ping_from a -M "do" -s 5000 10.0.0.4
[ "$(drops s tx_too_long)" -gt "$before" ]
ping_from a -M "do" -s 1472 10.0.0.4

step "a change of the device's MTU is followed"
ip link set dev s mtu 9000
ip -n s link set dev eth0 mtu 9000
wait_for 5 "the new MTU to show" check 'any(.[]; .name == "s" and .mtu == 9000)' ctl_json port list
ping_from a -M "do" -s 8972 10.0.0.4

step "a change by command sets the device's"
ctl port add br0 u type=tap mtu=4000
[ "$(cat /sys/class/net/u/mtu)" = 4000 ]
ctl port set u mtu=2000
[ "$(cat /sys/class/net/u/mtu)" = 2000 ]
wait_port_up u
ip addr add 10.0.0.5/24 dev u
ping_from a -M "do" -s 1972 10.0.0.5
