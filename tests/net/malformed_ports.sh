#!/bin/bash
# timeout: 300 s
# malformed.sh for the other kinds of ports: through tap, internal and patch ports in both
# directions, and from and to a pcap port.  What is sound as Ethernet arrives as it was sent;
# truncated and oversized frames, and offload requests that do not fit their frame, are
# dropped by name, each one; the switch lives.
#
#	w2 (netdev)  t0 (tap)  br0 (internal)  x0 (veth)        w9
#	    +----------+----- br0 ---+----------+- p01 == p10 - br1
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0 mtu=9000
ctl bridge add br1
ctl port add br0 t0 type=tap mtu=9000
ctl port add br0 p01 type=patch peer=p10
ctl port add br1 p10 type=patch peer=p01
ip link add name x0 type veth peer name x1
ctl port add br0 x0
frames <<'END'
from bad_frames import cases, noise
from wire import *
from scapy.all import Ether, IP, RawPcapReader, TCP

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
w2, w9 = Wire("w2", "br0"), Wire("w9", "br1")
t0, internal = Host("t0"), Host("br0")


def learn_at(sink):
    """B is there, in both VLANs of the cases, and only there."""
    for f in (eth(BROADCAST, B), eth(BROADCAST, B, tags=tag(5))):
        sink.send(f)
        expect({w: [f] for w in wires if w is not sink}, "a broadcast reaches everyone")


def received(name):
    return stats(name)["rx"]["packets"]


for source, sink in ((t0, w2), (internal, w2), (w2, t0), (w2, internal), (w2, w9), (w9, t0)):
    print(f"== from {source} to {sink}")
    learn_at(sink)
    rx = received(source.name)
    for name, f in cases(B, A).items():
        source.send(f)
        expect({sink: [f]}, f"{name}, from {source} to {sink}")
    sent = noise(B, A, 600)
    for at in range(0, len(sent), 50):
        source.send(*sent[at:at + 50])
        expect({sink: sent[at:at + 50]}, f"noise from {at}, from {source} to {sink}")
    assert received(source.name) - rx == len(cases(B, A)) + len(sent)

print("== from a pcap port to one that records, and what no frame can be")
sent = list(cases(B, A).values()) + noise(B, A, 600)
learn_at(w2)
run("vswitchctl", "port", "add", "br0", "play", "type=pcap", "rate=5000",
    pcap_file("in.pcap", *sent))
expect({w2: sent}, "replayed")
assert received("play") == len(sent)
run("vswitchctl", "port", "add", "br0", "rec", "type=pcap", f"record={TMP}/out.pcap")
run("vswitchctl", "fdb", "add", "br0", B, "rec")
run("vswitchctl", "fdb", "add", "br0", B, "rec", "vlan=5")
for at in range(0, len(sent), 50):
    w9.send(*sent[at:at + 50])
    wait_until("all to be recorded",
               lambda: stats("rec")["tx"]["packets"] == len(sent[:at + 50]))
run("vswitchctl", "port", "del", "rec")
assert [f for f, _ in RawPcapReader(f"{TMP}/out.pcap")] == sent
learn_at(w2)
good = eth(B, A, b"good")
records = [b"", good[:13], (good, 100), (good, 20), bytes(70000), good]
cut = pcap_file("bad.pcap", *records, good)
os.truncate(cut[5:], os.path.getsize(cut[5:]) - 1)
run("vswitchctl", "port", "add", "br0", "bad", "type=pcap", "rate=1000", cut)
expect({w2: [good]}, "the good one among bad records")
wait_until(f"bad records to be counted: {all_drops()}", lambda: (
    drops("bad", "rx_too_short"), drops("bad", "rx_truncated"),
    drops("bad", "rx_too_long")) == (2, 2, 2))
assert received("bad") == 1

print("== frames that a bridge must not forward, by name")
BAD = {
    "ends within its tag": ("rx_vlan_malformed", good[:12] + b"\x81\x00"),
    "ends one byte before its tag does": ("rx_vlan_malformed", good[:12] + b"\x88\xa8\x00\x05\x08"),
    "a tag behind a priority tag": ("rx_vlan_malformed", eth(B, A, tags=tag(0) + tag(5))),
    "a group as source": ("rx_src_multicast", eth(B, "03:00:00:00:00:0a")),
    "no source": ("rx_src_zero", eth(B, "00:00:00:00:00:00")),
    "in the reserved VLAN": ("rx_vlan_reserved", eth(B, A, tags=tag(4095))),
    "to a reserved group": ("rx_reserved_group", eth("01:80:c2:00:00:03", A)),
}
for name, (reason, f) in BAD.items():
    for source in (t0, internal):
        expect_drop_base()
        source.send(f)
        expect({}, name, (source.name, reason))
    expect_drop_base()
    file = pcap_file("one.pcap", f)
    run("vswitchctl", "port", "add", "br0", "one", "type=pcap", file)
    expect({}, name, ("one", reason))
    run("vswitchctl", "port", "del", "one")
# Through a patch gets what is sound until its outer tag is taken off.
run("vswitchctl", "port", "set", "p01", "tag=5")
for f in (b"\x81\x00", b"\x81\x00\x00", eth(B, A, tags=tag(0) + tag(7))[12:]):
    expect_drop_base()
    t0.send(mac("02:00:00:00:00:99") + mac(A) + tag(5) + f)
    drain({w2: [b""]})  # flooded, with its tag, to the others
    expect({}, "malformed behind the patch", ("p10", "rx_vlan_malformed"))
run("vswitchctl", "port", "set", "p01", "tag=")

print("== longer than the next port takes")
long, longer = eth(B, A, bytes(5000)), eth(B, A, bytes(65522))
learn_at(w2)
run("vswitchctl", "port", "add", "br0", "long", "type=pcap", "rate=10", pcap_file(
    "long.pcap", longer, long))
expect({}, "from a pcap port", ("w2", "tx_too_long"), 2)
for sink, name in ((t0, "t0"), (internal, "br0"), (w9, "p01")):
    run("vswitchctl", *(("bridge", "set", "br0") if name == "br0" else ("port", "set", name)),
        "mtu=2000")
    wait_port_up(name)
    learn_at(sink)
    expect_drop_base()
    w2.send(long)
    expect({}, f"to {name}", (name, "tx_too_long"))
    w2.send(long[:2014])
    # w9's interface has an MTU of 1500 itself
    expect({sink: [long[:2014]]} if sink is not w9 else {}, f"as long as {name} takes")
wait_until("too long for w9", lambda: drops("w9", "tx_too_long") == 1)

print("== offloads that do not fit the frame")
run("ip", "link", "set", "dev", "x1", "mtu", "9000", "up")
wait_until("x0 up", lambda: port("x0")["link"])
E = Ether(dst=B, src=A)
tcp = bytes(E / IP(src="1.1.1.1", dst="1.1.1.2") / TCP() / (b"x" * 1400))
other_length = bytes(E / IP(src="1.1.1.1", dst="1.1.1.2", len=100) / TCP() / (b"x" * 1400))
fragment = bytes(E / IP(src="1.1.1.1", dst="1.1.1.2", flags="MF") / TCP() / (b"x" * 1400))
many = bytes(E / IP(src="1.1.1.1", dst="1.1.1.2") / TCP() / (b"x" * 2049))
for name, header, f in (
        ("checksum behind the headers", (1, 0, 1300, 0, 1000, 16), tcp),
        ("checksum field behind them", (1, 0, 1300, 0, 34, 600), tcp),
        ("another length in the headers", (1, 1, 54, 1000, 34, 16), other_length),
        ("segments of a fragment", (1, 1, 54, 1000, 34, 16), fragment),
        ("too many segments", (1, 1, 54, 1, 34, 16), many)):
    for device, p in (("t0", "t0"), ("br0", "br0"), ("x1", "x0")):
        expect_drop_base()
        Host(device, vnet_hdr=True).send(struct.pack("<BBHHHH", *header) + f)
        reason = "rx_too_many_segments" if f is many else "rx_bad_offload"
        expect({}, f"{name}, {p}", (p, reason))

print("== others are served as before")
learn_at(w9)
w2.send(good)
expect({w9: [good]}, "afterwards")
errors = {p["name"]: p["rx"]["errors"] for p in ctl("port", "stats") if p["rx"]["errors"]}
assert errors == {"t0": 8, "br0": 8, "x0": 5, "p10": 3, "bad": 6}, errors
END
kill -0 "$SWITCH_PID"
switch_stop
