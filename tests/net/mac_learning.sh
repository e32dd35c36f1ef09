#!/bin/bash
# timeout: 300 s
# The MAC table as a user sees it: learning, moving, ageing, static addresses, link down,
# flushing, limits of a port and of the bridge, and a flood that hurts only the flooder.
#
#	w1  w2  w3                taps held here
#	 |   |   |
#	 +-- bridge br0 (then small limits)
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
frames <<'END'
from wire import *

w1, w2, w3 = (Wire(n, "br0") for n in ("w1", "w2", "w3"))
A, B, C = (f"02:00:00:00:00:0{n}" for n in "abc")


def fdb(*args):
    """All but the bridge's own, which is always there."""
    return [e for e in ctl("fdb", "show", "br0", *args) if not e.get("local")]


def where(m, vlan=0):
    return next((e["port"] for e in fdb() if e["mac"] == m and e["vlan"] == vlan), None)


def counters():
    return ctl("bridge", "show", "br0")


def figures():
    b = counters()
    return (b[0] if isinstance(b, list) else b)["fdb"]


print("== unknown is flooded, known is not")
w1.send(eth(B, A))
expect({w2: [eth(B, A)], w3: [eth(B, A)]}, "unknown destination")
assert where(A) == "w1", fdb()
w2.send(eth(A, B))
expect({w1: [eth(A, B)]}, "known destination")
w1.send(eth(B, A, b"again"))
expect({w2: [eth(B, A, b"again")]}, "both known")

print("== an address moves with its owner, at once")
w3.send(eth(A, B, b"moved"))
expect({w1: [eth(A, B, b"moved")]}, "from the new place")
assert where(B) == "w3", fdb()
w1.send(eth(B, A, b"to the new place"))
expect({w3: [eth(B, A, b"to the new place")]}, "to the new place")
assert figures()["moved"] == 1, figures()

print("== group addresses, and none, are never learned, and refused as a source by name")
expect_drop_base()
w1.send(eth(B, "03:00:00:00:00:01"))
expect({}, "group source", ("w1", "rx_src_multicast"))
assert where("03:00:00:00:00:01") is None
w1.send(eth(B, "00:00:00:00:00:00"))
expect({}, "no source", ("w1", "rx_src_zero"))
assert where("00:00:00:00:00:00") is None

print("== a static address does not move, and survives flushing")
run("vswitchctl", "fdb", "add", "br0", C, "w2")
w3.send(eth(A, C))
expect({w1: [eth(A, C)]}, "a static address used elsewhere still sends")
assert where(C) == "w2", fdb()
assert figures()["refused-static"] >= 1, figures()
run("vswitchctl", "fdb", "flush", "br0")
assert [e["mac"] for e in fdb()] == [C] and fdb()[0]["static"], fdb()
w1.send(eth(C, A))
expect({w2: [eth(C, A)]}, "to the static address")
run("vswitchctl", "fdb", "del", "br0", C)
w1.send(eth(C, A, b"now unknown"))
expect({w2: [eth(C, A, b"now unknown")], w3: [eth(C, A, b"now unknown")]}, "static removed")

print("== ageing")
run("vswitchctl", "bridge", "set", "br0", "mac-age=2")
w1.send(eth(B, A))
flush()
before = figures()["expired"]
wait_until("the address to age", lambda: where(A) is None, 10)
assert figures()["expired"] == before + 1, figures()
run("vswitchctl", "bridge", "set", "br0", "mac-age=300")

print("== a port that is removed, and a link that goes down, forget their addresses")
flush()
w2.send(eth(A, B))
drain({w1: [0], w3: [0]})
assert where(B) == "w2"
w2.close()
wait_until("w2's addresses to be forgotten", lambda: where(B) is None)
w1.send(eth(B, A, b"B is gone"))
expect({w3: [eth(B, A, b"B is gone")]}, "to an address whose port vanished")
w2.open()
wait_port_up("w2")

print("== limit of a port")
run("vswitchctl", "port", "set", "w3", "mac-limit=5")
for i in range(20):
    w3.send(eth(A, f"02:11:00:00:00:{i:02x}"))
drain({w1: [0] * 20})
assert sum(e["port"] == "w3" for e in fdb()) == 5, fdb()
assert figures()["refused-by-limit"] >= 15, figures()

print("== a flood of addresses hurts only the flooder")
run("vswitchctl", "port", "set", "w3", "mac-limit=0")
run("vswitchctl", "bridge", "set", "br0", "mac-limit=1000")
for i in range(50):
    w2.send(eth(A, f"02:22:00:00:00:{i:02x}"))
drain({w1: [0] * 50})
for n in range(5000):
    w3.send(eth(A, f"02:33:00:00:{n >> 8:02x}:{n & 255:02x}"))
    if n % 100 == 99:
        drain({w1: [0] * 100})
table = fdb()
assert len(table) == 1000, len(table)
assert sum(e["port"] == "w2" for e in table) == 50, "the quiet port lost addresses"
assert sum(e["port"] == "w1" for e in table) == 1, "the quiet port lost its address"
f = figures()
assert f["entries"] == 1000 and f["limit"] == 1000 and f["evicted"] >= 4000, f
w2.send(eth("02:22:00:00:00:00", A))
flush()
END
