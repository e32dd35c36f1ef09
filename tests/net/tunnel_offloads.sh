#!/bin/bash
# timeout: 300 s
# Large segments and unfinished checksums that lie within VXLAN: what a veth hands over in
# one piece is cut by the switch, since no port could take it so, with every length, id
# and checksum right inside and outside; nothing is lost for it.
#
#	netns a: vx* eth0 -- a (netdev) -- br0 -- b (netdev) -- eth0 vx* :netns b
#	                                    |
#	                   netns t: vx* t -- t (tap)           w: a tap held open here
#
#	vxz: over IPv4 without UDP checksum; vxc: with; vx6: over IPv6
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
for port in a b; do
	ip -n $port link set dev eth0 mtu 1600
	ctl port add br0 $port mtu=1600
done
ctl port add br0 t type=tap mtu=1600
host_move t t 10.0.0.3/24
declare -A device=([a]=eth0 [b]=eth0 [t]=t) n=([a]=1 [b]=2 [t]=3)

overlay()
{
	local ns=$1 name=$2 net=$3 remote
	shift 3
	ip -n $ns link add $name type vxlan dev "${device[$ns]}" dstport 4789 "$@"
	ip -n $ns addr add "10.$net.0.${n[$ns]}/24" dev $name
	ip -n $ns addr add "fd0$net::${n[$ns]}/64" dev $name nodad
	ip -n $ns link set dev $name mtu 1500 up
	for remote in 1 2 3; do
		[ $remote = "${n[$ns]}" ] || on $ns bridge fdb append 00:00:00:00:00:00 dev $name \
			dst "$([ $name = vx6 ] && echo fd00::$remote || echo 10.0.0.$remote)"
	done
}

for ns in a b t; do
	wait_port_up $ns
	on $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
		net.ipv6.conf.default.accept_dad=0
	ip -n $ns addr add "fd00::${n[$ns]}/64" dev "${device[$ns]}" nodad
	overlay $ns vxz 4 id 4 noudpcsum local "10.0.0.${n[$ns]}"
	overlay $ns vxc 5 id 5 udpcsum local "10.0.0.${n[$ns]}"
	overlay $ns vx6 6 id 6 local "fd00::${n[$ns]}"
done

figures()
{
	ctl_json port stats | jq -c --arg from "$1" --arg to "$2" 'map({(.name): .}) | add |
		[.[$from].rx.gso, .[$to].tx.segmented, .[$to].tx.gso, .[$to].tx.packets]'
}

# 8 MB over each overlay.  It takes less than a second where nothing is dropped, and some
# minutes where every large segment is: 20 seconds tell one from the other.
BYTES=8000000
transfer()
{
	local from=$1 to=$2 cut=$3 net ip before after start ms
	for net in 4 5 6; do
		for ip in "10.$net.0.${n[$to]}" "fd0$net::${n[$to]}"; do
			wait_for 5 "the overlay to connect" on $from ping -q -c 1 -W 1 "$ip"
			before=$(figures $from $to)
			start=${EPOCHREALTIME/./}
			tcp_transfer $from $to "$ip" $BYTES
			ms=$(((${EPOCHREALTIME/./} - start) / 1000))
			after=$(figures $from $to)
			echo "$((BYTES * 8 / 1000 / ms)) Mbit/s: $before $after"
			[ $ms -lt 20000 ] || fail "it took $ms ms"
			jq -ne --argjson b "$before" --argjson a "$after" --argjson cut "$cut" '
				[range(4) | $a[.] - $b[.]] | .[2] == 0 and .[3] > 5000 and
				if $cut then .[0] > 50 and .[0] == .[1] else .[0] == 0 and .[1] == 0 end' \
				>/dev/null || fail "cut by somebody else than expected"
		done
	done
}

step "from a veth in large segments, which the switch cuts for any port"
transfer a b true
transfer a t true
step "a tap's kernel cuts them itself"
transfer t b false

step "datagrams of a large UDP message"
for net in 4 5 6; do
	for ip in "10.$net.0.2" "fd0$net::2"; do
		before=$(figures a b)
		python3_debian "$TESTS/net/udp_segment.py" a b "$ip" cut
		after=$(figures a b)
		jq -ne --argjson b "$before" --argjson a "$after" '$a[1] - $b[1] > 0' >/dev/null ||
			fail "the switch cut none: $before $after"
	done
done

step "what the switch cuts is right to the last bit, inside and outside"
frames <<'END'
from wire import *
from scapy.all import Ether, IP, IPv6, UDP, VXLAN

W, INNER = "02:00:00:00:00:77", "02:00:00:00:00:88"
SIZE = 1000
w = Wire("w", "br0", "mtu=1600")
w.send(eth(BROADCAST, W))
flush()
run("ip", "-n", "a", "neigh", "replace", "10.0.0.9", "lladdr", W, "dev", "eth0")
run("ip", "-n", "a", "neigh", "replace", "fd00::9", "lladdr", W, "dev", "eth0")
message = bytes(n * 7 & 0xff for n in range(20 * SIZE + 3))


def anew(layer):
    """The same packet with everything that follows from the rest computed by scapy."""
    fields = (("len", UDP), ("chksum", UDP), ("len", IP), ("chksum", IP), ("plen", IPv6))
    p = Ether(bytes(layer))
    at = p
    while at:
        for name, kind in fields:
            if isinstance(at, kind) and not (name == "chksum" and kind is UDP and not at.chksum):
                at.delfieldval(name)
        at = at.payload
    return bytes(p)


for dev, net, remote in (("vxz", 4, "10.0.0.9"), ("vxc", 5, "10.0.0.9"), ("vx6", 6, "fd00::9")):
    run("ip", "netns", "exec", "a", "bridge", "fdb", "replace", INNER, "dev", dev, "dst", remote)
    for ip in (f"10.{net}.0.9", f"fd0{net}::9"):
        run("ip", "-n", "a", "neigh", "replace", ip, "lladdr", INNER, "dev", dev)
        run("ip", "netns", "exec", "a", "/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.{'AF_INET6' if ':' in ip else 'AF_INET'}, socket.SOCK_DGRAM)
s.connect(("{ip}", 7000))
s.setsockopt(socket.IPPROTO_UDP, 103, {SIZE})
s.send(bytes(n * 7 & 0xff for n in range({len(message)})))""")
        got = [Ether(f) for f in drain({w: [b""] * 21})[w]]
        got = [e for e in got if VXLAN in e and e[VXLAN].payload.dst == INNER]
        assert len(got) == 21, (dev, ip, len(got))
        for n, e in enumerate(got):
            inner = e[VXLAN].payload
            about = (dev, ip, n, e.summary())
            assert e.dst == W and inner[UDP].dport == 7000, about
            assert bytes(inner[UDP].payload) == message[n * SIZE:][:SIZE], about
            assert bool(e[UDP].chksum) == (dev != "vxz"), about
            assert inner[UDP].chksum, about
            assert anew(e) == bytes(e), about
            for packet, first in ((e, got[0]), (inner, got[0][VXLAN].payload)):
                if packet.type == 0x0800:
                    assert packet[IP].id == (first[IP].id + n) % 65536, about
END

step "without offloads the small packets' checksums are finished, too"
for port in a b t; do
	ctl port set $port offload=false
done
before=$(stat_of b tx.checksummed)
for ip in 10.4.0.2 10.5.0.2 fd06::2; do
	tcp_transfer a b $ip $BYTES
	tcp_transfer b t "${ip%2}3" $BYTES
done
[ "$(stat_of b tx.checksummed)" -gt "$before" ]

step "nothing was dropped for its offloads or its length"
check 'all(.[]; .reason != "rx_bad_offload" and .reason != "tx_too_long"
	and .reason != "tx_not_segmentable" and .reason != "tx_error")' ctl_json drops
for ns in a b t; do
	on $ns nstat -asz | awk '/InCsumErrors/ && $2 > 0 { print; bad = 1 } END { exit bad }'
done
