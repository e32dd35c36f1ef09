"""bad_frames.py - frames that are sound as Ethernet and broken above, and noise."""
import random

from scapy.all import (ARP, Dot1AD, Ether, IP, IPv6, ICMP, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, TCP, UDP, fuzz)

from wire import mac


def tagged(frame):
    return frame[12:14] in (b"\x81\x00", b"\x88\xa8")


def cases(dst, src):
    """{what it is: frame}: a switch forwards all of them as they are."""
    e = Ether(dst=dst, src=src)
    return {
        "14 bytes": bytes(Ether(dst=dst, src=src, type=0x0800)),
        "802.3 length field": bytes(Ether(dst=dst, src=src, type=46)) + bytes(46),
        "IP of 3 bytes": bytes(e)[:12] + b"\x08\x00\x45\x00\x00",
        "IP header length 0": bytes(e / IP(ihl=0) / UDP()),
        "IP header length 15, frame shorter": bytes(e / IP(ihl=15) / Raw(b"x")),
        "IP total length beyond the frame": bytes(e / IP(len=60000) / UDP() / Raw(b"x" * 40)),
        "IP total length 1": bytes(e / IP(len=1) / UDP()),
        "IP version 7": bytes(e / IP(version=7) / UDP()),
        "IP bad checksum": bytes(e / IP(chksum=0xBAD) / UDP() / Raw(b"x")),
        "IP fragment overlapping the end": bytes(e / IP(frag=8191, flags="MF") / Raw(b"x" * 64)),
        "TCP data offset 0": bytes(e / IP() / TCP(dataofs=0)),
        "TCP data offset 15, frame shorter": bytes(e / IP() / TCP(dataofs=15)),
        "UDP length 0": bytes(e / IP() / UDP(len=0)),
        "IPv6 chain without end": bytes(e / IPv6() / (IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop())),
        "IPv6 routing header longer than the frame": bytes(e / IPv6() / IPv6ExtHdrRouting(len=255)),
        "IPv6 fragment of nothing": bytes(e / IPv6() / IPv6ExtHdrFragment(offset=8191)),
        "IPv6 of 8 bytes": bytes(e / IPv6())[:22],
        "ARP of 2 bytes": bytes(Ether(dst=dst, src=src, type=0x0806)) + b"\x00\x01",
        "IP land attack": bytes(e / IP(src="10.0.0.1", dst="10.0.0.1") / TCP(sport=1, dport=1)),
        "tags, nine of them": bytes(e / Dot1AD(vlan=5)) + b"\x81\x00\x00\x05" * 8 + bytes(40),
        "nothing but 0xff above Ethernet": mac(dst) + mac(src) + b"\xff" * 60,
    }


def noise(dst, src, n):
    """Up to n untagged frames, most of random bytes, some of scapy's fuzz()."""
    random.seed(1)
    e = Ether(dst=dst, src=src)
    shapes = [fuzz(IP() / TCP()), fuzz(IP() / UDP()), fuzz(IPv6() / UDP()), fuzz(ARP()),
              fuzz(IPv6() / IPv6ExtHdrHopByHop() / ICMP())]
    frames = []
    for i in range(n):
        frame = mac(dst) + mac(src) + random.randbytes(random.randint(2, 1500))
        if i % 10 == 0:
            try:
                frame = bytes(e / random.choice(shapes))[:1514]
            except Exception:  # fuzz() makes some that scapy itself cannot build
                pass
        if not tagged(frame):
            frames.append(frame)
    return frames
