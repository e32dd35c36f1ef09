#!/bin/bash
# timeout: 300 s
# UDP segmentation offload: a large message of datagrams passes the switch in one piece
# where the egress takes it, is cut by the switch where it does not, and every datagram
# arrives with its size and content, over IPv4 and IPv6, whatever offloads the receiver has.
#
#	netns a: eth0 -- a (netdev) -- br0 -- b (netdev) -- eth0: netns b
#	                                |
#	                                t (tap) -- netns t          w: a tap held open here
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
ctl port add br0 t type=tap
host_move t t 10.0.0.3/24
declare -A device=([a]=eth0 [b]=eth0 [t]=t) n=([a]=1 [b]=2 [t]=3)
for ns in a b t; do
	wait_port_up $ns
	on $ns sysctl -qw "net.ipv6.conf.${device[$ns]}.disable_ipv6=0"
	ip -n $ns addr add "fd00::${n[$ns]}/64" dev ${device[$ns]} nodad
done

figures()
{
	ctl_json port stats | jq -c --arg from "$1" --arg to "$2" 'map({(.name): .}) | add |
		[.[$from].rx.gso, .[$to].tx.gso, .[$to].tx.segmented, .[$to].tx.packets]'
}

# send FROM TO whole|cut RX_GSO TX_GSO SEGMENTED: transfers over both versions of IP; how
# many of the messages FROM's port received, and TO's sent, as one and had to cut.
send()
{
	local from=$1 to=$2 how=$3 ip messages datagrams before after
	local share="[$4, $5, $6]"
	for ip in "10.0.0.${n[$to]}" "fd00::${n[$to]}"; do
		before=$(figures "$from" "$to")
		read -r messages datagrams <<<"$(python3_debian "$TESTS/net/udp_segment.py" "$from" "$to" "$ip" "$how")"
		after=$(figures "$from" "$to")
		echo "$from -> $to $ip: $messages messages of $datagrams datagrams: $before $after"
		jq -ne --argjson b "$before" --argjson a "$after" --argjson share "$share" \
			--argjson m "$messages" --argjson d "$datagrams" '
			($share | map(. * $m)) == [range(3) | $a[.] - $b[.]]
			and $a[3] - $b[3] >= (if $share[1] == 1 then $m else $d end)' >/dev/null ||
			fail "the switch passed or cut other messages than expected: $share"
	done
}

offloads()
{
	on "$1" ethtool -K "${device[$1]}" rx "$2" gro "$2" tx "$2" sg "$2" gso "$2" >/dev/null 2>&1
}

step "whole from socket to socket, also where the receiver's interface has no offloads"
for offloads in on off; do
	offloads b $offloads
	send a b whole 1 1 0
	offloads t $offloads
	send a t whole 1 1 0
	offloads t on # tx: it is the sender now
	offloads a $offloads
	send t a whole 1 1 0
	offloads a on
done

step "received as datagrams by a socket that does not ask for more"
offloads b on
send a b cut 1 1 0
send t a cut 1 1 0

step "cut by the kernel behind the port: its device has no segmentation"
ethtool -K b tx-udp-segmentation off
offloads b off # nothing there puts them together again
send a b cut 1 1 0
ethtool -K b tx-udp-segmentation on

step "cut by the switch: offload=false"
offloads t off
for port in a b t; do
	ctl port set $port offload=false
done
send a b cut 1 0 1
send a t cut 1 0 1
step "a tap without offloads is sent datagrams by the kernel"
offloads t on
send t b cut 0 0 0
ctl port set a offload=true
ctl port set b offload=true

step "sent as datagrams by the kernel: the switch sees no large message"
on a ethtool -K eth0 tx-udp-segmentation off
send a b cut 0 0 0
on a ethtool -K eth0 tx-udp-segmentation on
send a b cut 1 1 0

step "what the switch cuts is right to the last bit, also with a VLAN tag"
ctl port set a tag=10
frames <<'END'
from wire import *
from scapy.all import Ether, IP, IPv6, UDP

W = "02:00:00:00:00:77"
w = Wire("w", "br0", "offload=false", "trunks=10")
w.send(eth(BROADCAST, W, tags=tag(10)))
flush()
for ip, layer in (("10.0.0.9", IP), ("fd00::9", IPv6)):
    run("ip", "-n", "a", "neigh", "replace", ip, "lladdr", W, "dev", "eth0")
    message = bytes(n * 7 & 0xff for n in range(20 * 1000 + 3))
    run("ip", "netns", "exec", "a", "/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.{'AF_INET6' if layer is IPv6 else 'AF_INET'}, socket.SOCK_DGRAM)
s.connect(("{ip}", 7000))
s.setsockopt(socket.IPPROTO_UDP, 103, 1000)
s.send(bytes(n * 7 & 0xff for n in range(20 * 1000 + 3)))""")
    got = [Ether(f) for f in drain({w: [b""] * 21})[w]]
    assert len(got) == 21, len(got)
    for n, e in enumerate(got):
        assert e.dst == W and e.type == 0x8100 and e.vlan == 10, e.summary()
        assert bytes(e[UDP].payload) == message[n * 1000:][:1000], (n, e.summary())
        again = Ether(bytes(e))
        for field, header in (("len", UDP), ("chksum", UDP), ("len", IP), ("chksum", IP),
                              ("plen", IPv6)):
            if header in again:
                again[header].delfieldval(field)  # what is made anew must be the same
        assert bytes(again) == bytes(e), (n, e.summary(), e[UDP].chksum)
        assert layer is IPv6 or e[IP].id == (got[0][IP].id + n) % 65536, (n, e[IP].id)
END

step "nothing was dropped for its offloads or its length"
check 'all(.[]; .reason != "rx_bad_offload" and .reason != "tx_too_long"
	and .reason != "tx_not_segmentable" and .reason != "tx_error")' ctl_json drops
