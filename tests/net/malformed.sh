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
from bad_frames import cases, noise, tagged
from wire import *

w1, w2, w3 = (Wire(f"w{n}", "br0") for n in (1, 2, 3))
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
w2.send(eth(BROADCAST, B))
drain({w1: [0], w3: [0]})

for name, f in cases(B, A).items():
    w1.send(f)
    # tagged ones are in a VLAN where B has not been heard
    expect({w2: [f], w3: [f]} if tagged(f) else {w2: [f]}, name)

print("== 5,000 frames of scapy's fuzz and of plain noise")
sent = noise(B, A, 5000)
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
