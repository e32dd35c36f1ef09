#!/bin/bash
# Taps that somebody else made: with one queue or several, with either virtio-net header,
# held by another program; what the switch cannot use it refuses by name, and what it could
# it gives back as it was.
#
#	netns a: eth0 -- a (veth) -- br0 -- a tap of each kind -- netns
. "$(dirname "$0")/../lib.sh"

# tun NAME FLAGS HEADER [hold]: opens a tap with these flags beside IFF_TAP | IFF_NO_PI, sets
# the length of its virtio-net header, unless 0, keeps it, and lets go of it, or holds it.
cat >"$TMP/tun.py" <<'END'
import fcntl, os, signal, struct, sys
name, flags, header = sys.argv[1].encode(), int(sys.argv[2], 0), int(sys.argv[3])
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name, 0x1002 | flags))  # TUNSETIFF
if "ask" in sys.argv:  # TUNGETVNETHDRSZ
    print(struct.unpack("i", fcntl.ioctl(fd, 0x800454D7, bytes(4)))[0])
    sys.exit()
if header:
    fcntl.ioctl(fd, 0x400454D8, struct.pack("i", header))  # TUNSETVNETHDRSZ
fcntl.ioctl(fd, 0x400454CB, 1)  # TUNSETPERSIST
if "hold" in sys.argv:
    print("held", flush=True)
    signal.pause()
END
IFF_MULTI_QUEUE=0x100 IFF_VNET_HDR=0x4000

tun()
{
	python3_debian "$TMP/tun.py" "$@"
}

# held NAME FLAGS: as another program would hold it, in the background; $holder.
held()
{
	/usr/bin/python3 "$TMP/tun.py" "$1" "$2" 0 hold >"$TMP/held" &
	holder=$!
	wait_for 10 "$1 to be held" grep -q held "$TMP/held"
}

let_go()
{
	kill "$holder"
	wait "$holder" || true
}

features()
{
	ip -d -j link show dev "$1" | jq -c '.[0] | [.ifindex, .address, .mtu, .ifalias,
		(.flags | index("UP") != null), .linkinfo.info_data.multi_queue]'
}

switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
ctl port add br0 a

step "one queue"
ip tuntap add mode tap user nobody name s1
before=$(features s1)
ctl port add br0 s1 type=tap
wait_port_up s1
check '.[0].info.created == false' ctl_json port show s1
[ "$(ip -j link show dev s1 | jq '.[0].ifalias')" = null ] || fail "it has got an alias"
refused 1 queues ctl port set s1 queues=2
grep -q 'made for one queue' "$TMP/err"
check '.[0].state == "up"' ctl_json port show s1
ctl port set s1 mtu=1300
ctl port del s1
[ "$(features s1)" = "$before" ] || fail "$(features s1) was $before"
refused 1 'queues: tap s1 was made for one queue, not 4' ctl port add br0 s1 type=tap queues=4
check 'all(.[]; .name != "s1")' ctl_json port list
[ "$(features s1)" = "$before" ] || fail "$(features s1) was $before"

step "several queues, of which it may take any number"
ip tuntap add mode tap user nobody multi_queue name m1
before=$(features m1)
for n in 1 2 16; do
	ctl port add br0 m1 type=tap queues=$n
	wait_port_up m1
	check "[.. | objects | .queues? // empty] | add == $((n + 2))" ctl_json worker stats
	ctl port set m1 queues=3
	wait_port_up m1
	check "[.. | objects | .queues? // empty] | add == $((3 + 2))" ctl_json worker stats
	ctl port del m1
done
[ "$(features m1)" = "$before" ] || fail "$(features m1) was $before"
refused 1 queues ctl port add br0 m1 type=tap queues=17
refused 1 queues ctl port add br0 m1 type=tap queues=0

step "a tap of ours is of the kind that it was made as"
ctl port add br0 t1 type=tap
refused 1 'queues: tap t1 was made for one queue, not 2' ctl port set t1 queues=2
check '.[0].state == "up"' ctl_json port show t1
ctl port del t1
ctl port add br0 t1 type=tap queues=2
ctl port set t1 queues=1
wait_port_up t1
ctl port set t1 queues=4
wait_port_up t1
ctl port del t1

step "held by another program"
held s1 0
refused 1 'another program holds tap s1' ctl port add br0 s1 type=tap
let_go
held m1 $IFF_MULTI_QUEUE
refused 1 'another program holds tap m1' ctl port add br0 m1 type=tap
refused 1 'another program holds tap m1' ctl port add br0 m1 type=tap queues=2
let_go
ctl port add br0 m1 type=tap queues=2
wait_port_up m1
switch_stop
held m1 $((IFF_MULTI_QUEUE | IFF_VNET_HDR))
switch_start
check 'any(.[]; .name == "m1" and .state == "failed" and .why == "another program holds tap m1")' ctl_json port list
let_go
wait_port_up m1
ctl port del m1

step "what is no tap"
ip tuntap add mode tun name l3
refused 1 'interface l3 exists and is not a tap' ctl port add br0 l3 type=tap
ip link add name v1 type veth peer name v2
refused 1 'interface v1 exists and is not a tap' ctl port add br0 v1 type=tap

step "either header, and a predecessor that knew of none"
i=10
for flags in 0 $IFF_VNET_HDR; do
	for header in 0 10 12; do
		for queues in 1 2; do
			name=h$i
			multi=$((queues > 1 ? IFF_MULTI_QUEUE : 0))
			tun "$name" $((flags | multi)) $header
			before=$(tun "$name" $((flags | multi)) 0 ask)
			[ $header = 0 ] || [ "$before" = $header ]
			ctl port add br0 "$name" type=tap queues=$queues
			wait_port_up "$name"
			host_move "$name" "$name" 10.0.0.$i/24
			wait_for 5 "the link" check '.[0].link' ctl_json port show "$name"
			tcp_transfer a "$name" 10.0.0.$i 2000000
			tcp_transfer "$name" a 10.0.0.1 2000000
			ctl port del "$name"
			[ "$(ip netns exec "$name" /usr/bin/python3 "$TMP/tun.py" "$name" $((flags | multi)) 0 ask)" = "$before" ] ||
				fail "the header of $name is another"
			check '.[0] | ."tcp-segmentation-offload".active == false and ."tx-checksumming".active == false' \
				on "$name" ethtool --json -k "$name"
			i=$((i + 1))
		done
	done
done
ctl drops
check 'all(.[]; .reason != "rx_bad_offload" and .reason != "tx_error")' ctl_json drops
