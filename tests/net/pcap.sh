#!/bin/bash
# A pcap port plays a capture into the bridge and writes what the bridge sends to it, in a
# form that others read; nothing is lost or changed on the way.
#
#	play (pcap, file=in.pcap) -- br0 -- rec (pcap, record=out.pcap)
#	                              |
#	                              w1
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
frames <<'END'
import os
from scapy.all import Ether, IP, UDP, RawPcapReader, wrpcap
from wire import *

tmp = os.environ["TMP"]
sent = [bytes(Ether(dst=BROADCAST, src="02:00:00:00:00:01") / IP(dst="10.0.0.9") /
              UDP(sport=n) / (b"x" * (n % 1400))) for n in range(500)]
wrpcap(f"{tmp}/in.pcap", [Ether(f) for f in sent])

w1 = Wire("w1", "br0")
run("vswitchctl", "port", "add", "br0", "rec", "type=pcap", f"record={tmp}/out.pcap")
wait_port_up("rec")
run("vswitchctl", "port", "add", "br0", "play", "type=pcap", f"file={tmp}/in.pcap", "rate=5000")
expect({w1: sent}, "replayed")
s = stats("play")
assert s["rx"]["packets"] == 500, s
assert stats("rec")["tx"]["packets"] == 500

print("== the recording is complete while the port is still there, or once it is removed")
run("vswitchctl", "port", "del", "rec")
got = [data for data, _ in RawPcapReader(f"{tmp}/out.pcap")]
assert got == sent, (len(got), len(sent))

print("== loop=true starts over")
run("vswitchctl", "port", "del", "play")
run("vswitchctl", "port", "add", "br0", "again", "type=pcap", f"file={tmp}/in.pcap",
    "rate=20000", "loop=true")
wait_until("1,200 frames of a file of 500",
           lambda: stats("again")["rx"]["packets"] >= 1200)
run("vswitchctl", "port", "set", "again", "loop=false")
run("vswitchctl", "port", "del", "again")

print("== a file that is no capture, or is cut off")
with open(f"{tmp}/bad.pcap", "wb") as f:
    f.write(b"not a capture file at all")
r = run("vswitchctl", "port", "add", "br0", "bad", "type=pcap", f"file={tmp}/bad.pcap", check=False)
if r.returncode == 0:  # accepted as configuration: then it says that it has failed
    assert port("bad")["state"] in ("failed", "waiting") and "bad.pcap" in port("bad")["why"], port("bad")
    run("vswitchctl", "port", "del", "bad")
else:
    assert "bad.pcap" in r.stderr, r
data = open(f"{tmp}/in.pcap", "rb").read()
with open(f"{tmp}/cut.pcap", "wb") as f:
    f.write(data[:len(data) // 2])
flush()
run("vswitchctl", "port", "add", "br0", "cut", "type=pcap", f"file={tmp}/cut.pcap", "rate=100000")
whole = [d for d, _ in RawPcapReader(f"{tmp}/cut.pcap")]
whole = [d for d in whole if d in sent]
got = drain({w1: whole})
assert got[w1] == whole, (len(got[w1]), len(whole))
END
ctl status >"$TMP/alive"
