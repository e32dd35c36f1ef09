#!/bin/bash
# The address of a bridge's own port is there and nowhere else: whoever sends from it behind
# another port takes nothing away from the host, also after it was changed.
#
#	w1  w2        taps held here
#	 |   |
#	 +-- bridge br0 -- internal port br0, held by the host
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ip addr add 10.0.0.9/24 dev br0
ip link set dev br0 up
cat >"$TMP/own.py" <<'END'
from wire import *

w1, w2 = Wire("w1", "br0"), Wire("w2", "br0")
A = "02:00:00:00:00:0a"


def address():
    return open("/sys/class/net/br0/address").read().strip()


def entries(m):
    return [e for e in ctl("fdb", "show", "br0") if e["mac"] == m]


def received():
    return int(open("/sys/class/net/br0/statistics/rx_packets").read())


def reaches_host(own):
    """A frame to the host's address gets there, and to no other port."""
    before = received()
    w1.send(eth(own, A))
    expect({}, "to the host")
    deadline = time.monotonic() + 5
    while received() == before:
        assert time.monotonic() < deadline, "the host got nothing"
        time.sleep(0.02)


def check(own):
    print("== found before it has sent anything:", own)
    found = entries(own)
    assert len(found) == 1 and found[0]["local"] and found[0]["static"], found
    assert found[0]["port"] == "br0" and found[0]["vlan"] == 0, found
    reaches_host(own)
    print("== used by somebody else: dropped by name, and it stays where it is")
    expect_drop_base()
    w2.send(eth(A, own))
    expect({}, "from the host's address", ("w2", "rx_own_address"))
    expect_drop_base()
    w2.send(eth("ff:ff:ff:ff:ff:ff", own))
    expect({}, "to all, from the host's address", ("w2", "rx_own_address"))
    assert [e["port"] for e in entries(own)] == ["br0"], entries(own)
    reaches_host(own)


own = address()
check(own)

print("== a new address takes its place, the old one is free")
w2.send(eth(A, "02:00:00:00:00:99"))  # so far it is a station's
expect({w1: [eth(A, "02:00:00:00:00:99")]}, "from the address that the host will have")
run("vswitchctl", "bridge", "set", "br0", "mac=02:00:00:00:00:99")
check("02:00:00:00:00:99")
w2.send(eth(A, own))
expect({w1: [eth(A, own)]}, "from the address that the host had")
assert [e["port"] for e in entries(own)] == ["w2"], entries(own)

print("== so it is where the host's administrator sets it")
run("ip", "link", "set", "dev", "br0", "address", own)
deadline = time.monotonic() + 5
while not any(e.get("local") for e in entries(own)):
    assert time.monotonic() < deadline, ctl("fdb", "show", "br0")
    time.sleep(0.02)
check(own)

print("== in a VLAN that the host's port does not carry it may be anybody's")
run("vswitchctl", "port", "set", "br0", "tag=7")
assert [e["vlan"] for e in entries(own) if e.get("local")] == [7], entries(own)
w2.send(eth(A, own))
expect({w1: [eth(A, own)]}, "in another VLAN")
END
python3_debian "$TMP/own.py"
ctl fdb show br0 | grep -q ' local$' || fail "not shown as local"
