#!/bin/bash
# A port whose frames cost much, because each is flooded and cut into segments many times,
# slows no other: a ping in another bridge stays quick, and the excess is dropped at the
# port that sends it.
#
#	tap holder: g -- br0 -- 30 taps (offload=false)
#	netns c: eth0 -- c -- br1 -- d -- eth0: netns d
. "$(dirname "$0")/../lib.sh"

TAPS=30
switch_start
ctl bridge add br0
ctl bridge add br1
for i in 3 4; do
	ns=$(tr 34 cd <<<$i)
	host_veth "$ns" 10.0.0.$i/24
	ctl port add br1 "$ns"
done
for i in $(seq $TAPS); do
	echo "port add br0 p$i type=tap offload=false"
done | ctl -f -
for i in $(seq $TAPS); do
	ip link set dev "p$i" up
done
wait_port_up c
wait_port_up d
wait_port_up p$TAPS

# flood NAME KIND GSO_SIZE PAUSE: a tap NAME whose holder broadcasts a frame of 64 KB every PAUSE seconds.
cat >"$TMP/flood.py" <<'END'
import fcntl, os, struct, sys, time

name, kind, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), 0x5002))
fcntl.ioctl(fd, TUNSETOFFLOAD, 0x1F)


def ip(proto, payload):
    return struct.pack("!BBHHHBBH8s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0,
                       b"\x0a\0\0\1\x0a\0\0\2") + payload


def tcp(n):
    header = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 0x18, 99, 0, 0)
    return b"\x02\0\0\0\0\3\x02\0\0\0\0\4\x08\0" + ip(6, header + bytes(n))


frame, l4 = tcp(64000), 34
if kind == "vxlan":
    udp = struct.pack("!HHHH", 1000, 4789, 16 + len(frame), 0)
    frame = frame[:12] + b"\x08\0" + ip(17, udp + b"\x08\0\0\0\0\0\1\0" + frame)
    l4 += 50
frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + frame[12:]
header = struct.pack("<BBHHHH", 1, 1, l4 + 20, size, l4, 16)
while True:
    try:
        os.write(fd, header + frame)
    except OSError:  # not up yet
        pass
    time.sleep(float(sys.argv[4]))
END
flood()
{
	python3_debian "$TMP/flood.py" "$@" &
	FLOOD=$!
	wait_for 5 "the tap" ip link show dev "$1"
	ip link set dev "$1" up
	ctl port add br0 "$1" type=netdev
	wait_port_up "$1"
}

flood_end()
{
	kill "$FLOOD"
	wait "$FLOOD" || true
	ctl port del "$1"
}

# The median of the times that pings take, in microseconds: a machine that is busy with
# something else makes single ones late.
median_us()
{
	on c ping -c 41 -i 0.05 -W 2 10.0.0.4 >"$TMP/pings"
	sed -n 's/.*time=\([0-9.]*\) ms/\1/p' "$TMP/pings" | sort -n |
		awk '{t[NR] = $1} END {if (NR < 35) exit 1; print int(t[int((NR + 1) / 2)] * 1000)}'
}

# attack NAME KIND GSO_SIZE PAUSE: flood() is in full swing, and a ping notices little of it.
attack()
{
	local us
	step "$2 in segments of $3"
	flood "$@"
	us=$(median_us)
	echo "ping: $us us (alone: $alone us)"
	((us < 3000)) || fail "the flood slows others"
}

# seen_drops PORT REASON: it has dropped what many frames, or copies of them, make.
seen_drops()
{
	wait_for 10 "$2 at $1" eval "[ \$(drops $1 $2) -gt 20 ]"
}

alone=$(median_us)
attack g1 tcp 1448 0.02
wait_for 10 "the copies of many frames" eval '[ $(stat_of p30 tx.packets) -gt 1000 ]'
[ "$(drops g1 rx_cut_budget)" = 0 ] || fail "what costs little is dropped"
flood_end g1
attack g2 tcp 100 0.001
seen_drops g2 rx_cut_budget
flood_end g2
attack g3 vxlan 100 0.001
seen_drops g3 rx_cut_budget
seen_drops g3 rx_overrun # what comes faster than it has time
flood_end g3
attack g4 vxlan 32 0.02
seen_drops g4 rx_too_many_segments
