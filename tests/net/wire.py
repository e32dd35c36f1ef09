"""wire.py - frames in, frames out, byte by byte, and what the switch says about them.

A Wire is the far end of a tap that this process holds open, as a hypervisor holds a
VM's; the switch attaches the interface as a port of type netdev.  What is written goes
in as it is; what is read is exactly what the switch sent, tags included.

expect() compares all that came out everywhere with what should have; a frame that
strays is found there, or by the expect() after it.
"""
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
TMP = os.environ["TMP"]
BROADCAST = "ff:ff:ff:ff:ff:ff"
DEADLINE_S = 5
QUIET_S = 0.05
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 8, 15, 23
wires = []


def fail(*words):
    print(*words, flush=True)
    sys.exit(1)


def run(*argv, check=True):
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and r.returncode:
        fail("exit status", r.returncode, "from", argv, r.stdout, r.stderr)
    return r


def ctl(*argv):
    """What vswitchctl --json prints."""
    out = run("vswitchctl", "--timeout", "20", "--json", *argv).stdout
    return json.loads(out) if out.strip() else None


def wait_until(what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            fail("waited in vain:", what)
        time.sleep(0.02)  # the pause between two looks


def port(name):
    return next((p for p in ctl("port", "list") if p["name"] == name), None)


def stats(name):
    return next(p for p in ctl("port", "stats") if p["name"] == name)


def drops(name, reason):
    return sum(d["count"] for d in ctl("drops", name) if d["reason"] == reason)


def all_drops():
    return {(d["port"], d["reason"]): d["count"] for d in ctl("drops")}


def wait_port_up(name):
    wait_until(f"port {name} up", lambda: (port(name) or {}).get("state") == "up")


class Wire:
    """A tap held open.  With 'bridge' it is also plugged into it; keys: those of port add."""

    def __init__(self, name, bridge=None, *keys):
        self.name = name
        self.fd = None
        self.open()
        wires.append(self)
        if bridge:
            run("vswitchctl", "port", "add", bridge, name, "type=netdev", *keys)
            wait_port_up(name)

    def open(self):
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF,
                    struct.pack("16sH22x", self.name.encode(), IFF_TAP | IFF_NO_PI))
        run("ip", "link", "set", "dev", self.name, "up", "txqueuelen", "5000")

    def close(self):
        """The device vanishes."""
        os.close(self.fd)
        self.fd = None

    def send(self, *frames):
        for f in frames:
            os.write(self.fd, f)

    def recv(self):
        try:
            return os.read(self.fd, 70000)
        except BlockingIOError:
            return None

    def __repr__(self):
        return self.name


class Host(Wire):
    """The host's end of a port whose interface is here (tap, internal, or the other end of
    a veth): what is sent there the switch receives, and the other way round.  With
    'vnet_hdr' a frame sent has a virtio-net header in front, and none is received."""

    def __init__(self, name, vnet_hdr=False):
        self.name = name
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, vnet_hdr)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setblocking(False)
        run("ip", "link", "set", "dev", name, "up")
        self.sock.bind((name, 0 if vnet_hdr else 3))
        self.fd = self.sock.fileno()
        if not vnet_hdr:
            wires.append(self)

    def recv(self):
        try:
            frame, control, _, _ = self.sock.recvmsg(70000, 64)
        except BlockingIOError:
            return None
        for _, _, aux in control:  # struct tpacket_auxdata: where the kernel puts a tag
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", aux)
            if status & 0x10:
                frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame


def drain(want, deadline_s=DEADLINE_S):
    """Read all wires until each has as many frames as wanted, and then until it is quiet."""
    got = {w: [] for w in wires if w.fd is not None}
    deadline = time.monotonic() + deadline_s
    while True:
        full = all(len(got[w]) >= len(want.get(w, ())) for w in got)
        wait = QUIET_S if full else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([w.fd for w in got], [], [], wait)
        if not ready:
            return got
        for w in got:
            if w.fd in ready:
                f = w.recv()
                if f is not None:
                    got[w].append(f)


def show(f):
    return f"{len(f)} bytes {f[:34].hex()}"


def expect(want, about="", drop=None, count=1, unordered=False):
    """All that comes out: {wire: [frame, …]}; other wires stay silent.  'drop' is
    (port name, reason): that counter has risen by 'count' since expect_drop_base()."""
    got = drain(want)
    bad = []
    for w, frames in got.items():
        wanted = list(want.get(w, ()))
        same = sorted(frames) == sorted(wanted) if unordered else frames == wanted
        if not same:
            bad.append(f"  at {w}: wanted {[show(f) for f in wanted]}\n"
                       f"         got    {[show(f) for f in frames]}")
    if bad:
        fail(f"wrong frames: {about}\n" + "\n".join(bad))
    if drop:
        name, reason = drop
        base = _base.get(drop, 0)
        wait_until(f"{about}: drop {reason} at {name} to rise by {count} "
                   f"(now {all_drops()}, before {_base})",
                   lambda: drops(name, reason) == base + count, 3)


_base = {}


def expect_drop_base():
    """Remember all drop counters; expect(drop=…) compares with these."""
    _base.clear()
    _base.update(all_drops())


def flush():
    drain({}, 0)


def pcap_file(name, *records):
    """A file for a pcap port, as its key.  A record is a frame, or a frame and the length
    that the file claims it had on the wire."""
    with open(f"{TMP}/{name}", "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for r in records:
            frame, wire_len = r if isinstance(r, tuple) else (r, len(r))
            f.write(struct.pack("<IIII", 0, 0, len(frame), wire_len) + frame)
    return f"file={TMP}/{name}"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def tag(vid, pcp=0, tpid=0x8100, dei=0):
    return struct.pack("!HH", tpid, pcp << 13 | dei << 12 | vid)


def eth(dst, src, payload=b"", ethertype=0x88B5, tags=b""):
    """A frame of an experimental EtherType, padded to Ethernet's minimum."""
    return (mac(dst) + mac(src) + tags + struct.pack("!H", ethertype) +
            payload.ljust(46, b"\xa5"))
