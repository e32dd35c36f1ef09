#!/bin/bash
# What a bridge does not forward, each with its named reason: back where it came from,
# reserved groups, between isolated ports, above a storm limit.
#
#	w1  w2  w3  w4            taps held here
#	 +---+-- br0 --+
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
frames <<'END'
from wire import *

w1, w2, w3, w4 = (Wire(f"w{n}", "br0") for n in (1, 2, 3, 4))
A, B, C = (f"02:00:00:00:00:0{n}" for n in "abc")
for w, m in ((w1, A), (w2, B), (w3, C)):
    w.send(eth(BROADCAST, m))
    drain({x: [0] for x in wires if x is not w})

print("== no reflection: two stations behind one port")
w1.send(eth(BROADCAST, "02:00:00:00:00:1a"))
drain({x: [0] for x in (w2, w3, w4)})
expect_drop_base()
w1.send(eth(A, "02:00:00:00:00:1a"))
expect({}, "to a station behind the same port", ("w1", "rx_reflection"))

print("== groups that bridges keep to themselves")
for last in range(16):
    expect_drop_base()
    w1.send(eth(f"01:80:c2:00:00:{last:02x}", A))
    expect({}, f"reserved group {last}", ("w1", "rx_reserved_group"))
f = eth("01:80:c2:00:00:10", A)
w1.send(f)
expect({w2: [f], w3: [f], w4: [f]}, "a group just above the reserved ones")
run("vswitchctl", "bridge", "set", "br0", "forward-bpdu=true")
f = eth("01:80:c2:00:00:00", A, b"bpdu")
w1.send(f)
expect({w2: [f], w3: [f], w4: [f]}, "with forward-bpdu=true")

print("== isolation")
run("vswitchctl", "port", "set", "w1", "isolated=true")
run("vswitchctl", "port", "set", "w2", "isolated=true")
expect_drop_base()
w1.send(eth(B, A))
expect({}, "isolated to isolated", ("w2", "tx_isolated"))
f = eth(BROADCAST, A, b"flood")
w1.send(f)
expect({w3: [f], w4: [f]}, "flood from an isolated port")
w1.send(eth(C, A))
expect({w3: [eth(C, A)]}, "isolated to ordinary")
w3.send(eth(A, C))
expect({w1: [eth(A, C)]}, "ordinary to isolated")
run("vswitchctl", "port", "set", "w3", "isolated=true")
run("vswitchctl", "port", "set", "w4", "isolated=true")
expect_drop_base()
w1.send(eth(BROADCAST, A, b"nobody"))
expect({}, "flood where all are isolated", ("w1", "rx_all_isolated"))
run("vswitchctl", "port", "set", "w3", "isolated=false")
run("vswitchctl", "port", "set", "w4", "isolated=false")
run("vswitchctl", "port", "set", "w2", "isolated=false")
w1.send(eth(B, A, b"now"))
expect({w2: [eth(B, A, b"now")]}, "no longer isolated")
run("vswitchctl", "port", "set", "w1", "isolated=false")

print("== storm limits count broadcast, multicast and unknown unicast apart")
RATE, SENT = 200, 600
for key, dst, reason in (("storm-broadcast", BROADCAST, "rx_storm_broadcast"),
                         ("storm-multicast", "01:00:5e:00:00:05", "rx_storm_multicast"),
                         ("storm-unknown", "02:ff:00:00:00:01", "rx_storm_unknown")):
    run("vswitchctl", "port", "set", "w1", f"{key}={RATE}")
    before = drops("w1", reason)
    w1.send(*[eth(dst, A)] * SENT)
    got = drain({w2: [0], w3: [0], w4: [0]})
    n = len(got[w2])
    wait_until("all to be accounted for", lambda: drops("w1", reason) - before + n == SENT, 3)
    assert 1 <= n <= RATE * 2, f"{key}={RATE}: {n} of {SENT} passed"
    assert len(got[w3]) == n and len(got[w4]) == n
    # Known unicast, and other ports, are not held back by it.
    w1.send(*[eth(B, A)] * 50)
    expect({w2: [eth(B, A)] * 50}, f"known unicast with {key}")
    w3.send(*[eth(dst, C)] * 50)
    expect({w1: [eth(dst, C)] * 50, w2: [eth(dst, C)] * 50, w4: [eth(dst, C)] * 50},
           f"another port's with {key}")
    run("vswitchctl", "port", "set", "w1", f"{key}=0")
    w1.send(*[eth(dst, A)] * SENT)
    expect({w: [eth(dst, A)] * SENT for w in (w2, w3, w4)}, f"without {key}")

print("== every frame is accounted for")
for w in wires:
    s = stats(w.name)
    assert s["rx"]["errors"] == 0 and s["tx"]["errors"] == 0, s
END
