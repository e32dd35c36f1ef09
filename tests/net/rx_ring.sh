#!/bin/bash
# The receive rings of netdev ports: frames of all lengths, short ones from the ring and
# long ones from the socket, keep their order; what finds the ring full is counted; all
# rings together keep to their bound, and ports that come later work without one.
#
#	a1 (veth) -- a -- br0 -- b -- b1 (veth)
#	                   +---- x1…x33, 16 queues each
. "$(dirname "$0")/../lib.sh"

limit()
{
	ctl_json status | jq '.limits[] | select(.name == "rx-ring-bytes").'"$1"
}

switch_start
ctl bridge add br0
for p in a b; do
	ip link add name $p mtu 9000 type veth peer name ${p}1 mtu 9000
	ip link set dev ${p}1 up
	ctl port add br0 $p
	wait_port_up $p
done
one=$(($(limit now) / 2))
[ "$one" -gt 0 ]

cat >"$TMP/order.py" <<'END'
import os
import random
import signal
from wire import *

pid = int(sys.argv[1])
a, b = Host("a1"), Host("b1")
for h in a, b:
    h.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
wait_until("links", lambda: all(port(p)["link"] for p in "ab"))
b.send(eth(BROADCAST, B))
expect({a: [eth(BROADCAST, B)]}, "the first frame")


def burst(frames):
    """All of them wait before the switch sees the first."""
    os.kill(pid, signal.SIGSTOP)
    a.send(*frames)
    os.kill(pid, signal.SIGCONT)


def numbered(i, length, tag=b""):
    start = mac(B) + mac(A) + tag + b"\x88\xb5" + struct.pack("!I", i)
    return start + bytes(i + j & 0xff for j in range(length - len(start)))


rng = random.Random(7)
EDGE = (1940, 1950, 1960, 1966, 1970, 1980, 2048)
for name, lengths in (
        ("short", [60 + i for i in range(200)]),
        ("long", [2500 + 30 * i for i in range(100)]),
        ("mixed", [rng.choice((60, 300, 1514, 1800, 2500, 9014)) for _ in range(200)]),
        ("at the end of a slot", [n + d for n in EDGE for d in range(10)])):
    for tag in (b"", b"\x81\x00\x60\x07", b"\x88\xa8\x00\x07\x81\x00\x00\x09"):
        frames = [numbered(i, n, tag) for i, n in enumerate(lengths)]
        burst(frames)
        got = drain({b: frames})
        first = next((i for i, (x, y) in enumerate(zip(got[b], frames)) if x != y), "none")
        if got[b] != frames or got[a]:
            fail(f"{name} frames, tag {tag.hex()}: {len(got[b])} of {len(frames)} came, "
                 f"{len(got[a])} came back, first wrong one: {first}", all_drops())

print("== more than fits")
frames = [numbered(i, 100) for i in range(3000)]
before = drops("a", "rx_overrun")
burst(frames)
wait_until("the overrun to be counted", lambda: drops("a", "rx_overrun") > before)
got = drain({b: [0] * (3000 - (drops("a", "rx_overrun") - before))})[b]
if got != frames[:len(got)]:
    fail("what was kept is not the first", len(got))
wait_until("every frame to be forwarded or counted",
           lambda: len(got) + drops("a", "rx_overrun") - before == 3000)
END
PYTHONPATH=$(dirname "$(readlink -f "$0")") /usr/bin/python3 -B "$TMP/order.py" "$SWITCH_PID"

step "all the memory that rings may have"
max=$(limit max)
n=$((max / one / 16 + 1))
for i in $(seq "$n"); do
	ip link add "x$i" type veth peer name "y$i"
	ctl port add br0 "x$i" queues=16 tag=100
done
[ "$(limit now)" = "$max" ]
host_veth last 10.0.0.1/24
host_veth other 10.0.0.2/24
for p in last other; do
	ctl port add br0 $p
	wait_port_up $p
done
ping_from last 10.0.0.2
tcp_transfer last other 10.0.0.2 20000000
[ "$(limit now)" = "$max" ]

step "and given back"
for p in $(seq -f 'x%g' "$n") last other; do
	ctl port del "$p"
done
[ "$(limit now)" = $((2 * one)) ]
