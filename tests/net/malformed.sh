#!/bin/bash
# Whatever a station sends: the switch lives, what it cannot take is dropped by name, and
# others' frames are not hurt.  What is sound at the Ethernet layer is forwarded as it is,
# however broken above: a switch without rules does not judge.
#
#	w1  w2  w3     taps held here, w1 the hostile one
#	 +-- br0 --+
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
frames <<'END'
import random
from wire import *
from scapy.all import (ARP, Dot1AD, Dot1Q, Ether, IP, IPv6, ICMP, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, TCP, UDP, fuzz)

w1, w2, w3 = (Wire(f"w{n}", "br0") for n in (1, 2, 3))
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
w2.send(eth(BROADCAST, B))
drain({w1: [0], w3: [0]})

E = Ether(dst=B, src=A)
CASES = {
    "14 bytes": bytes(Ether(dst=B, src=A, type=0x0800)),
    "802.3 length field": bytes(Ether(dst=B, src=A, type=46)) + bytes(46),
    "IP of 3 bytes": bytes(E / Raw(b"\x45\x00\x00"))[:12] + b"\x08\x00\x45\x00\x00",
    "IP header length 0": bytes(E / IP(ihl=0) / UDP()),
    "IP header length 15, frame shorter": bytes(E / IP(ihl=15) / Raw(b"x")),
    "IP total length beyond the frame": bytes(E / IP(len=60000) / UDP() / Raw(b"x" * 40)),
    "IP total length 1": bytes(E / IP(len=1) / UDP()),
    "IP version 7": bytes(E / IP(version=7) / UDP()),
    "IP bad checksum": bytes(E / IP(chksum=0xBAD) / UDP() / Raw(b"x")),
    "IP fragment overlapping the end": bytes(E / IP(frag=8191, flags="MF") / Raw(b"x" * 64)),
    "TCP data offset 0": bytes(E / IP() / TCP(dataofs=0)),
    "TCP data offset 15, frame shorter": bytes(E / IP() / TCP(dataofs=15)),
    "UDP length 0": bytes(E / IP() / UDP(len=0)),
    "IPv6 chain without end": bytes(E / IPv6() / (IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop())),
    "IPv6 routing header longer than the frame": bytes(E / IPv6() / IPv6ExtHdrRouting(len=255)),
    "IPv6 fragment of nothing": bytes(E / IPv6() / IPv6ExtHdrFragment(offset=8191)),
    "IPv6 of 8 bytes": bytes(E / IPv6())[:22],
    "ARP of 2 bytes": bytes(Ether(dst=B, src=A, type=0x0806)) + b"\x00\x01",
    "IP land attack": bytes(E / IP(src="10.0.0.1", dst="10.0.0.1") / TCP(sport=1, dport=1)),
    "tags, nine of them": bytes(E / Dot1AD(vlan=5)) + b"\x81\x00\x00\x05" * 8 + bytes(40),
    "nothing but 0xff above Ethernet": mac(B) + mac(A) + b"\xff" * 60,
}
for name, f in CASES.items():
    w1.send(f)
    # tagged ones are in a VLAN where B has not been heard
    tagged = f[12:14] in (b"\x81\x00", b"\x88\xa8")
    expect({w2: [f], w3: [f]} if tagged else {w2: [f]}, name)

print("== 5,000 frames of scapy's fuzz and of plain noise")
random.seed(1)
shapes = [fuzz(IP() / TCP()), fuzz(IP() / UDP()), fuzz(IPv6() / UDP()), fuzz(ARP()),
          fuzz(IPv6() / IPv6ExtHdrHopByHop() / ICMP())]
sent = []
for n in range(5000):
    if n % 10 == 0:
        try:
            f = bytes(E / random.choice(shapes))[:1514]
        except Exception:
            continue
    else:
        f = mac(B) + mac(A) + random.randbytes(random.randint(2, 1500))
    if f[12:14] in (b"\x81\x00", b"\x88\xa8"):
        continue
    sent.append(f)
for at in range(0, len(sent), 50):
    w1.send(*sent[at:at + 50])
    expect({w2: sent[at:at + 50]}, f"noise from {at}")

print("== frames that are no frames")
before = stats("w1")["rx"]
for size in (1, 13):
    try:
        w1.send((mac(B) + mac(A))[:size])
    except OSError:
        pass  # the kernel itself refuses it
expect({}, "shorter than a header")

print("== others are served as before")
w3.send(eth(B, "02:00:00:00:00:0c", b"alive"))
expect({w2: [eth(B, "02:00:00:00:00:0c", b"alive")]}, "afterwards")
s = stats("w1")["rx"]
assert s["errors"] == 0, s
END
kill -0 "$SWITCH_PID"
switch_stop
