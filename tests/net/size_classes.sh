#!/bin/bash
# Size classes in "port stats": frames at both edges of each class land in it, in both
# directions of every kind of port, as long as they were on that port: with its tag, without
# the one that another port takes off.  Packets and bytes are exact.
#
#	w1 (netdev)  t0 (tap)  br0 (internal)  play (pcap)        w2
#	    +----------+----- br0 -+-------------+--- p01 == p10 - br1          MTU 65521
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0 mtu=65521
ctl bridge add br1
ctl port add br0 t0 type=tap mtu=65521
ctl port add br0 p01 type=patch peer=p10 >/dev/null
ctl port add br1 p10 type=patch peer=p01
frames <<'END'
from wire import *

CLASSES = {"<=64": (14, 60, 63, 64), "65-127": (65, 127), "128-255": (128, 255),
           "256-511": (256, 511), "512-1023": (512, 1023), "1024-1518": (1024, 1518),
           "1519-9018": (1519, 9018), ">9018": (9019, 16384, 65535)}
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
w1, w2 = Wire("w1", "br0", "mtu=65521"), Wire("w2", "br1", "mtu=65521")
t0, internal = Host("t0"), Host("br0")


def frame(length, tags=b""):
    return (mac(B) + mac(A) + tags + b"\x88\xb5" + bytes(65536))[:length]


def class_of(length):
    return next(c for c, edges in CLASSES.items() if length <= edges[-1])


def figures():
    return {(p["name"], d): p[d] for p in ctl("port", "stats") for d in ("rx", "tx")}


def counted(before, want):
    """want: {(port, direction): lengths}; nothing else counted a frame, or one in
    another class."""
    for key, now in figures().items():
        lengths, then = want.get(key, ()), before[key]
        sizes = {c: n - then["sizes"][c] for c, n in now["sizes"].items()}
        assert list(sizes) == list(CLASSES), sizes
        for c in CLASSES:
            assert sizes[c] == sum(class_of(n) == c for n in lengths), (key, c, sizes, lengths)
        assert now["packets"] - then["packets"] == len(lengths), key
        assert now["bytes"] - then["bytes"] == sum(lengths), (key, sum(lengths))


def learn_at(sink):
    for f in (eth(BROADCAST, B), eth(BROADCAST, B, tags=tag(5))):
        sink.send(f)
        expect({w: [f] for w in wires if w is not sink}, "a broadcast reaches everyone")


lengths = [n for edges in CLASSES.values() for n in edges]
for source, sink, patched in ((w1, w2, "p01 p10"), (w2, w1, "p10 p01"), (w1, t0, ""),
                              (t0, w1, ""), (w1, internal, ""), (internal, w1, "")):
    print(f"== from {source} to {sink}")
    learn_at(sink)
    before = figures()
    for n in lengths:
        source.send(frame(n))
        expect({sink: [frame(n)]}, f"{n} bytes from {source} to {sink}")
    want = {(source.name, "rx"): lengths, (sink.name, "tx"): lengths}
    if patched:
        out, into = patched.split()
        want |= {(out, "tx"): lengths, (into, "rx"): lengths}
    counted(before, want)

print("== from a pcap port, and to one")
learn_at(w1)
run("vswitchctl", "port", "add", "br0", "play", "type=pcap", f"record={TMP}/out.pcap")
before = figures()
run("vswitchctl", "port", "set", "play", "rate=1000", pcap_file("in.pcap", *map(frame, lengths)))
expect({w1: [frame(n) for n in lengths]}, "replayed")
counted(before, {("play", "rx"): lengths, ("w1", "tx"): lengths})
run("vswitchctl", "fdb", "add", "br0", B, "play")
before = figures()
w2.send(*map(frame, lengths))
wait_until("all to be recorded", lambda: stats("play")["tx"]["packets"] -
           before["play", "tx"]["packets"] == len(lengths))
counted(before, {("w2", "rx"): lengths, ("p10", "tx"): lengths, ("p01", "rx"): lengths,
                 ("play", "tx"): lengths})
run("vswitchctl", "port", "del", "play")

print("== a tag counts where it is on the frame")
run("vswitchctl", "port", "set", "t0", "tag=5")
learn_at_trunk = eth(BROADCAST, B, tags=tag(5))
w1.send(learn_at_trunk)
drain({t0: [b""], w2: [b""]})
edges = (60, 61, 64, 123, 124, 1514, 1515, 9014, 9015)
before = figures()
for n in edges:
    t0.send(frame(n))
    expect({w1: [frame(n + 4, tag(5))]}, f"{n} bytes, and a tag")
counted(before, {("t0", "rx"): edges, ("w1", "tx"): [n + 4 for n in edges]})
t0.send(eth(BROADCAST, B))
drain({w1: [b""], w2: [b""]})
before = figures()
for n in edges:
    w1.send(frame(n + 4, tag(5)))
    expect({t0: [frame(n)]}, f"{n} bytes and a tag, which goes")
counted(before, {("w1", "rx"): [n + 4 for n in edges], ("t0", "tx"): edges})

print("== a large segment is one frame of its whole length")
run("vswitchctl", "port", "set", "t0", "tag=")
from scapy.all import Ether, IP, TCP
learn_at(w1)
large = bytes(Ether(dst=B, src=A) / IP(src="1.1.1.1", dst="1.1.1.2") / TCP() / (b"x" * 20000))
before = figures()
Host("t0", vnet_hdr=True).send(struct.pack("<BBHHHH", 1, 1, 54, 1000, 34, 16) + large)
pieces = drain({w1: [b""] * 20})[w1]  # cut by the kernel behind the port
assert [len(f) for f in pieces] == [1054] * 20, [len(f) for f in pieces]
counted(before, {("t0", "rx"): [20054], ("w1", "tx"): [20054]})
run("vswitchctl", "port", "set", "w1", "offload=false")
before = figures()
Host("t0", vnet_hdr=True).send(struct.pack("<BBHHHH", 1, 1, 54, 1000, 34, 16) + large)
assert len(drain({w1: [b""] * 20})[w1]) == 20
counted(before, {("t0", "rx"): [20054], ("w1", "tx"): [1054] * 20})  # by the switch
END
check 'all(.[]; .rx.errors == 0 and .tx.errors == 0)' ctl_json port stats
