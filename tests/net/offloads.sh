#!/bin/bash
# timeout: 300 s
# TCP and UDP arrive whole whichever offloads either side has, and through a port with
# offload=false: what one side left unfinished the switch finishes.
#
#	netns a: eth0 -- a (netdev) -- br0 -- b (netdev) -- eth0: netns b
#	                                |
#	                                t (tap, offload=false) -- netns t
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
ctl port add br0 t type=tap offload=false
host_move nt t 10.0.0.3/24
for port in a b t; do
	wait_port_up "$port"
done

offload()
{
	local ns=$1 state=$2
	on "$ns" ethtool -K eth0 tx "$state" sg "$state" tso "$state" gso "$state" gro "$state" >/dev/null 2>&1
}

for a in on off; do
	for b in on off; do
		step "offloads of a $a, of b $b"
		offload a $a
		offload b $b
		tcp_transfer a b 10.0.0.2
		tcp_transfer b a 10.0.0.1
	done
done

offload a on
offload b on
step "through a port that takes no offloads: cut into segments, checksums filled in"
tcp_transfer a nt 10.0.0.3
tcp_transfer nt a 10.0.0.1
check 'any(.[]; .name == "t" and .tx.segmented > 0 and .tx.gso == 0)' ctl_json port stats
check 'any(.[]; .name == "t" and .rx.gso == 0)' ctl_json port stats

step "what a capture on the receiver sees is complete: correct checksums, at most 1,514 bytes"
on nt /usr/bin/python3 -B - >"$TMP/capture" <<'END' &
import socket, sys
from scapy.all import Ether, IP, TCP
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("t", 3))
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: hold the whole transfer
s.settimeout(20)
seen = 0
print("ready", flush=True)
while seen < 300:
    data, where = s.recvfrom(70000)
    if where[2] == socket.PACKET_OUTGOING:
        continue
    e = Ether(data)
    if TCP not in e or not len(e[TCP].payload):
        continue
    assert len(data) <= 1514, len(data)
    ip, tcp = e[IP].chksum, e[TCP].chksum
    del e[IP].chksum, e[TCP].chksum
    again = Ether(bytes(e))
    assert (ip, tcp) == (again[IP].chksum, again[TCP].chksum), e.summary()
    seen += 1
print("checked", seen)
END
capture=$!
wait_for 10 "the capture to start" grep -q ready "$TMP/capture"
tcp_transfer a nt 10.0.0.3 2000000
wait $capture || fail "wrong frames at the receiver"
grep -q 'checked 300' "$TMP/capture"

step "UDP datagrams larger than the MTU, and many small ones"
on b /usr/bin/python3 -B - >"$TMP/udp" <<'END' &
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.2", 7000))
s.settimeout(20)
print("ready", flush=True)
for n in range(100):
    data = s.recv(65535)
    assert data == bytes([n]) * (n * 300 + 1), n
print("whole")
END
receiver=$!
wait_for 10 "the receiver to start" grep -q ready "$TMP/udp"
on a /usr/bin/python3 -B - <<'END'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.0.0.2", 7000))
for n in range(100):
    s.send(bytes([n]) * (n * 300 + 1))
    time.sleep(0.005)  # a pace that no buffer on the way needs to hold
END
wait $receiver
grep -q whole "$TMP/udp"

step "the setting changes while the port is in use"
gso=$(stat_of b tx.gso)
ctl port set b offload=false
wait_port_up b
tcp_transfer a b 10.0.0.2
[ "$(stat_of b tx.gso)" -le "$gso" ] # a port made anew counts from 0
ctl port set b offload=true
wait_port_up b
gso=$(stat_of b tx.gso)
tcp_transfer a b 10.0.0.2
[ "$(stat_of b tx.gso)" -gt "$gso" ]
