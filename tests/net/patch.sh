#!/bin/bash
# Patch ports join two bridges as if they were one; each bridge keeps its own VLANs and
# addresses.  Three bridges in a ring do not melt the switch: frames end by name.
#
#	w1 -- br0 (p01)=====(p10) br1 -- w2          then also br1 ==== br2 ==== br0
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ctl bridge add br1
ctl port add br0 p01 type=patch peer=p10
ctl port add br1 p10 type=patch peer=p01
wait_port_up p01
wait_port_up p10
frames <<'END'
from wire import *

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
w1, w2 = Wire("w1", "br0"), Wire("w2", "br1")
w1.send(eth(BROADCAST, A))
expect({w2: [eth(BROADCAST, A)]}, "broadcast through the patch")
w2.send(eth(A, B))
expect({w1: [eth(A, B)]}, "known address through the patch")
assert any(e["mac"] == A and e["port"] == "p10" for e in ctl("fdb", "show", "br1"))
assert any(e["mac"] == B and e["port"] == "p01" for e in ctl("fdb", "show", "br0"))
t = stats("p01")["tx"]["packets"]
assert t == 1 and stats("p10")["rx"]["packets"] == 1, (stats("p01"), stats("p10"))

print("== VLANs of the patch ports themselves")
run("vswitchctl", "port", "set", "p01", "tag=10")
w1.send(eth(BROADCAST, A, tags=tag(10)))
expect({w2: [eth(BROADCAST, A)]}, "p01 is an access port of VLAN 10")
expect_drop_base()
w1.send(eth(BROADCAST, A, tags=tag(20)))
expect({}, "another VLAN stays out", ("w1", "rx_no_destination"))
run("vswitchctl", "port", "set", "p01", "tag=")

print("== without its peer a patch waits, drops by name, and comes back")
run("vswitchctl", "port", "del", "p10")
wait_until("p01 to wait", lambda: port("p01")["state"] == "waiting")
run("vswitchctl", "fdb", "flush", "br0")
flush()
w1.send(eth(BROADCAST, A))
expect({}, "no peer")
run("vswitchctl", "port", "add", "br1", "p10", "type=patch", "peer=p01")
wait_port_up("p01")
w1.send(eth(BROADCAST, A, b"back"))
expect({w2: [eth(BROADCAST, A, b"back")]}, "peer is back")

print("== a ring of patches")
run("vswitchctl", "bridge", "add", "br2")
for bridge, name, peer in (("br1", "p12", "p21"), ("br2", "p21", "p12"),
                           ("br2", "p20", "p02"), ("br0", "p02", "p20")):
    run("vswitchctl", "port", "add", bridge, name, "type=patch", f"peer={peer}")
for n in ("p12", "p21", "p20", "p02"):
    wait_port_up(n)
for n in range(20):
    w1.send(eth(BROADCAST, A, b"%d" % n))
wait_until("frames in the ring to be dropped by name",
           lambda: sum(d["count"] for d in ctl("drops") if d["reason"] == "rx_patch_loop") >= 20)


def received():
    return sum(p["rx"]["packets"] for p in ctl("port", "stats"))


wait_until("the ring to be silent", lambda: received() == received())
flush()
for name in ("p12", "p02"):
    run("vswitchctl", "port", "del", name)
run("vswitchctl", "fdb", "flush", "br0")
run("vswitchctl", "fdb", "flush", "br1")
flush()
w1.send(eth(BROADCAST, A, b"no ring"))
expect({w2: [eth(BROADCAST, A, b"no ring")]}, "the ring is cut")

print("== wrong peers are refused")
r = run("vswitchctl", "port", "add", "br0", "pself", "type=patch", "peer=pself", check=False)
assert r.returncode == 1 and "pself" in r.stderr, r
r = run("vswitchctl", "port", "add", "br0", "pnone", "type=patch", check=False)
assert r.returncode == 1 and "peer" in r.stderr, r
END
