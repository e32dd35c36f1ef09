#!/bin/bash
# Clients of the management socket as programs other than vswitchctl write them: those that
# close their sending half, leave out the last line's end, send a batch of a million calls,
# ask and ask and never listen, go before they are answered, or hang.
. "$(dirname "$0")/../lib.sh"

switch_start
frames <<'END'
from wire import *

PATH = os.environ["VSWITCH_RUNDIR"] + "/vswitchd.sock"
PID = int(run("sh", "-c", "cat $VSWITCH_RUNDIR/vswitchd.pid").stdout)


def client():
    s = socket.socket(socket.AF_UNIX)
    s.connect(PATH)
    s.settimeout(60)
    return s


def answers(text):
    """All that is answered to a client that says this and no more."""
    s = client()
    s.sendall(text)
    s.shutdown(socket.SHUT_WR)
    out = b""
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            return [json.loads(x) for x in out.splitlines()]
        out += piece


def rss_kib():
    with open(f"/proc/{PID}/status") as f:
        return int(next(x.split()[1] for x in f if x.startswith("VmRSS")))


def call(n, method, **params):
    return json.dumps({"id": n, "method": method, "params": params}).encode()


print("== the sending half closed: changes are answered, also without a line end")
got = answers(call(1, "bridge.add", name="br0"))
if [a["id"] for a in got] != [1] or "result" not in got[0]:
    fail("answers", got)
got = answers(b"\n".join(call(n, "bridge.add", name=f"br{n}") for n in range(1, 40)))
if [a["id"] for a in got] != list(range(1, 40)) or any("error" in a for a in got):
    fail("answers", got)
if len(ctl("bridge", "list")) != 40:
    fail("bridges", ctl("bridge", "list"))
if answers(b""):
    fail("an answer to nothing")

print("== a batch of a million calls is one refusal, and costs no memory")
before = rss_kib()
got = answers(b"[" + b",".join([b"0"] * 1000000) + b"]\n")
if len(got) != 1 or got[0]["error"]["code"] != 6 or "1000000" not in got[0]["error"]["message"]:
    fail("answers", str(got)[:300])
if rss_kib() - before > 100 * 1024:
    fail("memory", before, rss_kib())

print("== a client that asks and does not listen")
before = rss_kib()
s = client()
s.setblocking(False)
line = b"[" + b",".join([call(1, "port.list")] * 10000) + b"]\n"
sent, quiet = 0, time.monotonic()
while sent < 256 << 20 and time.monotonic() < quiet + 2:
    try:
        sent += s.send(line[sent % len(line):])
        quiet = time.monotonic()
    except BlockingIOError:
        select.select([], [s], [], 0.1)
if sent >= 64 << 20:
    fail(f"{sent} bytes were taken of a client that takes no answer")
if rss_kib() - before > 1024 * 1024:
    fail("memory", before, rss_kib())
if len(ctl("bridge", "list")) != 40:
    fail("others are not served")
s.close()

print("== those that went before they were answered, and requests without an answer")
for n in range(300):
    s = client()
    s.sendall(b"what?\n" if n % 2 else b'{"method":"version"}\n')
    s.close()
deadline = time.monotonic() + 20
while ctl("status")["clients"]["now"] != 1:
    if time.monotonic() > deadline:
        fail("clients that have gone are kept")

print("== programs that hang keep nobody out: the most silent one loses its place")
watcher = client()
watcher.sendall(call(1, "watch") + b"\n")
watcher.recv(65536)
hanging = [client() for _ in range(63)]
deadline = time.monotonic() + 20
while "too many clients" in (got := run("vswitchctl", "--json", "status", check=False)).stderr:
    if time.monotonic() > deadline:
        fail("answers", got)
if got.returncode:
    fail("status", got)
now = json.loads(got.stdout)["clients"]
if now["closed-idle"] != 1 or now["watching"] != 1 or now["refused"] < 1:
    fail("clients", now)
if hanging[0].recv(1) or select.select(hanging[1:] + [watcher], [], [], 0)[0]:
    fail("not the most silent one was closed")
END
switch_stop
