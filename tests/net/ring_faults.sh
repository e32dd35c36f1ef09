#!/bin/bash
# What goes wrong between a netdev port's receive ring and its socket: the device goes down
# and up under load, frames that are refused stand between good ones, and frames come whose
# offloads the ring cannot take.  Nothing stays behind, nothing is out of order, and the
# port is not deaf for longer than it takes to notice.
#
#	a1 (veth) -- a -- br0 -- b -- b1 (veth)
#	g (a tap whose holder is the test, as QEMU would be) --+
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
for p in a b; do
	ip link add name $p mtu 9000 type veth peer name ${p}1 mtu 9000
	ip link set dev ${p}1 up
	ctl port add br0 $p
	wait_port_up $p
done

frames <<'END2'
import fcntl
import signal
import threading
from wire import *

pid = int(run("sh", "-c", "cat $VSWITCH_RUNDIR/vswitchd.pid").stdout)
a, b = Host("a1"), Host("b1")
for h in a, b:
    h.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
wait_until("links", lambda: all(port(p)["link"] for p in "ab"))
b.send(eth(BROADCAST, B))
expect({a: [eth(BROADCAST, B)]}, "the first frame")


def numbered(i, length):
    start = mac(B) + mac(A) + b"\x88\xb5" + struct.pack("!I", i)
    return start + bytes(i + j & 0xff for j in range(length - len(start)))


def received(name):
    return ctl("port", "stats", name)[0]["rx"]["packets"]


def wakeups():
    return sum(w["wakeups"] + w["polls"] for w in ctl("worker", "stats"))


print("== down and up under load: no frame is left to come out later, or to keep a worker awake")
stop = threading.Event()


def flood():
    i = 0
    while not stop.is_set():
        i += 1
        try:
            a.sock.send(numbered(i, 5000 + i % 7))
        except OSError:
            pass


thread = threading.Thread(target=flood, daemon=True)
thread.start()
for n in range(40):
    run("ip", "link", "set", "dev", "a", "down")
    run("ip", "link", "set", "dev", "a", "up")
    before = received("a")
    wait_until("traffic", lambda: received("a") > before)
stop.set()
thread.join()
wait_until("the link", lambda: port("a")["link"])


def quiet():
    seen = wakeups()
    time.sleep(0.5)  # an interval of a measurement
    return wakeups() - seen < 100


wait_until("the worker to sleep", quiet, 20)
while True:
    try:
        b.sock.recv(70000, socket.MSG_DONTWAIT)
    except BlockingIOError:
        break
for n in range(20):
    f = numbered(1 << 24 | n, 3000 + n)
    a.send(f)
    expect({b: [f]}, "a long frame at once")

print("== frames that are refused stand between others")


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x5002))  # TUNSETIFF
    fcntl.ioctl(fd, 0x400454D0, 0x1f)  # TUNSETOFFLOAD
    run("ip", "link", "set", "dev", name, "mtu", "9000", "up")
    ctl("port", "add", "br0", name, "type=netdev")
    wait_until("the tap", lambda: port(name)["link"])
    return fd


def offload(gso, size, hdr_len, l4_ofs, csum_ofs):
    return struct.pack("<BBHHHH", 1, gso, hdr_len, size, l4_ofs, csum_ofs)


def ipv4(proto, l4):
    return mac(B) + mac(A) + b"\x08\0" + struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(l4), 1, 0, 64, proto, 0, b"\n\0\0\1", b"\n\0\0\2") + l4


TCP = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 0x18, 99, 0, 0)
g = tap("g")
bad = offload(1, 1, 54, 34, 16) + ipv4(6, TCP + bytes(5000))  # 5,000 segments
good = [numbered(n, length) for n, length in enumerate((60, 4000, 60, 5000, 3000))]
os.kill(pid, signal.SIGSTOP)
for f in good:
    os.write(g, bad)
    os.write(g, bytes(10) + f)
os.kill(pid, signal.SIGCONT)
expect({b: good}, "the good ones in their order")
wait_until("the bad ones to be counted", lambda: drops("g", "rx_bad_offload") == len(good)
           or sum(d["count"] for d in ctl("drops", "g")) == len(good))

print("== offloads that no virtio-net header can express")
udp = struct.pack("!HHHH", 1, 2, 3008, 0) + bytes(3000)
ufo = offload(3, 1448, 42, 34, 6) + ipv4(17, udp)  # VIRTIO_NET_HDR_GSO_UDP
os.write(g, ufo)
deadline = time.monotonic() + 20
n, came = 1 << 25, False
while not came:
    if time.monotonic() > deadline:
        fail("the port is deaf", port("g"), ctl("drops", "g"))
    n += 1
    os.write(g, bytes(10) + numbered(n, 100))
    came = any(select.select([b.sock], [], [], 0.1)) and b.sock.recv(70000) == numbered(n, 100)
lost = sum(d["count"] for d in ctl("drops", "g"))
if lost < n - (1 << 25):
    fail(f"{lost} of {n - (1 << 25)} lost frames are counted", ctl("drops", "g"))
before = drops("g", "rx_bad_offload")
for i in range(50):
    os.write(g, ufo)
    os.write(g, bytes(10) + numbered(i, 100 + 3000 * (i & 1)))
expect({b: [numbered(i, 100 + 3000 * (i & 1)) for i in range(50)]}, "from now on all good ones")
wait_until("the others to be counted", lambda: drops("g", "rx_bad_offload") == before + 50)
END2
switch_stop
