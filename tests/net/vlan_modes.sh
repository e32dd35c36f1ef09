#!/bin/bash
# timeout: 300 s
# VLAN modes: from every kind of port, every kind of frame, at every kind of port, byte
# by byte, against the rules written down a second time below (IEEE 802.1Q; modes and
# priority tags as in ovs-vswitchd.conf.db(5), Port table).
#
#	acc10 acc10b acc20 trunk trunk10 ntag nuntag tunnel prio0 prioA     taps held here
#	  |     |      |     |     |      |    |      |      |     |
#	  +-----+------+-----+----- bridge br0 -------+------+-----+
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
frames <<'END'
from wire import *

PORTS = {
    "acc10": dict(mode="access", tag=10),
    "acc10b": dict(mode="access", tag=10),
    "acc20": dict(mode="access", tag=20),
    "trunk": dict(mode="trunk"),
    "trunk10": dict(mode="trunk", trunks=[0, 10]),
    "ntag": dict(mode="native-tagged", tag=10, trunks=[20]),
    "nuntag": dict(mode="native-untagged", tag=10),
    "tunnel": dict(mode="dot1q-tunnel", tag=10),
    "tunnel2": dict(mode="dot1q-tunnel", tag=20, cvlans=[30]),
    "prio0": dict(mode="access", tag=10, prio="if-nonzero"),
    "prioA": dict(mode="native-untagged", tag=10, prio="always", trunks=[30]),
}
for name, p in PORTS.items():
    keys = [f"vlan-mode={p['mode']}"]
    if "tag" in p:
        keys.append(f"tag={p['tag']}")
    if "trunks" in p:
        keys.append("trunks=" + ",".join(map(str, p["trunks"])))
    if "cvlans" in p:
        keys.append("cvlans=" + ",".join(map(str, p["cvlans"])))
    if "prio" in p:
        keys.append(f"priority-tags={p['prio']}")
    p["wire"] = Wire(name, "br0", *keys)

# What is on the outside of a frame: a list of (tpid, vid, pcp, dei).
FRAMES = [
    [],
    [(0x8100, 0, 5, 0)],
    [(0x8100, 10, 0, 0)],
    [(0x8100, 10, 7, 1)],
    [(0x8100, 20, 3, 0)],
    [(0x8100, 30, 1, 0)],
    [(0x8100, 4095, 0, 0)],
    [(0x88A8, 10, 2, 0)],
    [(0x88A8, 10, 0, 0), (0x8100, 30, 4, 0)],
    [(0x8100, 10, 6, 0), (0x8100, 20, 0, 0)],
    [(0x8100, 0, 3, 0), (0x8100, 10, 0, 0)],
]


def carries(p, vid):
    if p["mode"] in ("access", "dot1q-tunnel"):
        return vid == p["tag"]
    if p["mode"].startswith("native") and vid == p["tag"]:
        return True
    return "trunks" not in p or vid in p["trunks"]


def classify(p, tags):
    """What is let in: (vid, tpid, pcp, dei, tags left on the frame), or why not."""
    tpid, vid, pcp, dei = tags[0] if tags else (0x8100, 0, 0, 0)
    if p["mode"] == "dot1q-tunnel":
        if "cvlans" in p and vid not in p["cvlans"]:
            return "rx_vlan_not_member"
        return p["tag"], 0x88A8, pcp, dei, tags
    if vid == 4095:
        return "rx_vlan_reserved"
    if vid == 4095:
        return "rx_vlan_reserved"
    if tags[1:] and not vid:
        return "rx_vlan_malformed"  # a tag hidden behind a priority tag
    if vid and p["mode"] == "access":
        return "rx_vlan_tagged_on_access"
    if not vid:
        tpid = 0x8100
        if p["mode"] != "trunk":
            vid = p["tag"]
    if not carries(p, vid):
        return "rx_vlan_not_member"
    return vid, tpid, pcp, dei, tags[1:]


def outside(p, vid, tpid, pcp, dei, rest):
    plain = (p["mode"] in ("access", "dot1q-tunnel") or vid == 0 or
             p["mode"] == "native-untagged" and vid == p["tag"])
    if not plain:
        return [(tpid, vid, pcp, dei)] + rest
    prio = p.get("prio")
    if prio == "always" or prio == "if-nonzero" and pcp:
        return [(0x8100, 0, pcp, dei)] + rest
    return rest


def encode(tags):
    return b"".join(tag(vid, pcp, tpid, dei) for tpid, vid, pcp, dei in tags)


n = 0
for name, p in PORTS.items():
    for tags in FRAMES:
        n += 1
        src = f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"

        def frame(t):
            return eth(BROADCAST, src, b"vlan %d" % n, tags=encode(t))

        inside = classify(p, tags)
        want, drop = {}, None
        if isinstance(inside, str):
            drop = (name, inside)
        else:
            for other, q in PORTS.items():
                if other != name and carries(q, inside[0]):
                    want[q["wire"]] = [frame(outside(q, *inside))]
            if not want:
                drop = (name, "rx_no_destination")
        expect_drop_base()
        p["wire"].send(frame(tags))
        expect(want, f"into {name} with tags {tags}", drop)
print(n, "combinations")

# The sender is known in its VLAN only: a frame to it goes to its port there, and
# is flooded in another VLAN.
w = {name: p["wire"] for name, p in PORTS.items()}
w["acc10"].send(eth(BROADCAST, "02:00:00:00:aa:01"))
drain({w["acc10b"]: [0]})
flush()
w["trunk"].send(eth("02:00:00:00:aa:01", "02:00:00:00:aa:02", tags=tag(10)))
expect({w["acc10"]: [eth("02:00:00:00:aa:01", "02:00:00:00:aa:02")]}, "known in VLAN 10")
w["trunk"].send(eth("02:00:00:00:aa:01", "02:00:00:00:aa:03", tags=tag(30)))
got = drain({w["nuntag"]: [0], w["prioA"]: [0]})
assert got[w["nuntag"]] == [eth("02:00:00:00:aa:01", "02:00:00:00:aa:03", tags=tag(30))]
assert not got[w["acc10"]], "VLANs share their addresses"

# A static address on a port that does not carry the VLAN: dropped there, by name.
run("vswitchctl", "fdb", "add", "br0", "02:00:00:00:bb:01", "acc20", "vlan=10")
expect_drop_base()
w["acc10"].send(eth("02:00:00:00:bb:01", "02:00:00:00:aa:01"))
expect({}, "static address outside the VLAN", ("acc20", "tx_vlan_not_member"))

# Cut off within the tag.
expect_drop_base()
w["trunk"].send(mac(BROADCAST) + mac("02:00:00:00:cc:01") + b"\x81\x00\x00")
expect({}, "cut off within the tag")

# A change of mode takes effect with the answer to the command.
run("vswitchctl", "port", "set", "acc10b", "tag=20")
w["acc20"].send(eth(BROADCAST, "02:00:00:00:dd:01", b"after"))
got = drain({w["acc10b"]: [0]})
assert got[w["acc10b"]] == [eth(BROADCAST, "02:00:00:00:dd:01", b"after")], "new VLAN"
assert not got[w["acc10"]], "old VLAN"
END
