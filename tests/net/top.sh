#!/bin/bash
# "vswitchctl top" on a terminal: real rates while traffic runs, a picture that fits the
# window however that changes, and a terminal as it was before, whichever way it ends: q,
# signals, a stop and a return, a switch that dies or hangs, a terminal that goes away.
#
#	play (pcap, 2,000 frames/s) -- br0 -- t0 (tap)        quiet ports p0 to p29
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ctl port add br0 t0 type=tap
ctl fdb add br0 02:00:00:00:01:00 t0
for n in $(seq 0 29); do
	ctl port add br0 "p$n" type=patch "peer=q$n" >/dev/null
done
frames "$SWITCH_PID" <<'END'
import re
import signal
from terminal import ENTER, Top
from wire import *

good = eth("02:00:00:00:01:00", "02:00:00:00:00:01", bytes(111))  # 125 bytes: 1,000 bits
bad = eth("02:00:00:00:01:00", "03:00:00:00:00:01")
for name, rate, frame in (("play", 2000, good), ("bad", 100, bad)):
    run("vswitchctl", "port", "add", "br0", name, "type=pcap", "loop=true", f"rate={rate}",
        pcap_file(f"{name}.pcap", frame))
switch = int(sys.argv[1])


def number(text):
    return float(re.match(r"[0-9.]+", text)[0]) * {"k": 1e3, "M": 1e6}.get(text[-1], 1)


def close(text, want):
    return abs(number(text) - want) < 0.15 * want


print("== real rates, the busiest ports first")
top = Top("top")
wait_until("the screen to be taken", lambda: top.read().startswith(ENTER))
assert top.is_raw()


def real_rates():
    """None while the machine is too busy for the rates that were asked for."""
    lines = top.picture()
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    columns = next(row for row in rows if row[0] == "PORT")
    ports = {row[0]: dict(zip(columns, row)) for row in rows if "br0" in row}
    worker = dict(zip(*[row for row in rows if row[0] in ("WORKER", "0")]))
    drop = next((row for row in rows if "rx_src_multicast" in row), ["", "0"])
    play, t0, bad = ports["play"], ports["t0"], ports.get("bad", {"DROPS/S": "0"})
    assert play["STATE"] == "up" and t0["RX PPS"] == "0", rows
    assert set(list(ports)[:2]) == {"play", "t0"}, rows
    assert re.search(r"and \d+ more ports", str(lines)), lines
    return (close(play["RX PPS"], 2000) and close(play["RX BIT/S"], 2e6) and
            close(t0["TX PPS"], 2000) and close(t0["TX BIT/S"], 2e6) and
            close(bad["DROPS/S"], 100) and drop[0] == "bad" and close(drop[1], 100) and
            close(worker["PACKETS/S"], 2100))


wait_until("real rates", real_rates, 40)

print("== another window: drawn anew before it is time")
wide = Top("top", "-d", "8")
wide.picture()
for rows, columns in ((12, 60), (4, 20), (1, 1), (60, 200), (40, 100)):
    wide.resize(rows, columns)
    start = time.monotonic()
    lines = wide.picture()
    assert time.monotonic() - start < 6, (rows, columns, "drawn too late")
    assert (rows < 60) or any(line.startswith("p29 ") for line in lines), lines
wide.type(b"Q")
wide.ends("Q", 0)
print("== keys: q ends it, others do not")
top.type(b"x\033[A")
top.forget()
top.picture()
top.type(b"q")
top.ends("q", 0)

print("== a stop and a return")
top = Top("top", "-d", "0.2")
top.picture()
top.type(b"\x1a")
wait_until("it to stop", lambda: os.WIFSTOPPED(os.waitpid(top.p.pid, os.WUNTRACED | os.WNOHANG)[1]))
assert top.is_left("^Z") == ""
top.forget()
top.p.send_signal(signal.SIGCONT)
top.picture()
assert top.is_raw()
print("== signals")
top.type(b"\x03")
top.ends("^C", -signal.SIGINT)
for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV):
    top = Top("top", "-d", "0.2")
    top.picture()
    top.p.send_signal(sig)
    top.ends(sig, -sig)
top = Top("top", "-d", "0.2")
top.picture()
os.close(top.slave)
os.close(top.master)
assert top.p.wait(5) == -signal.SIGHUP, top.p.returncode

print("== a switch that hangs")
patient, top = Top("top", "-d", "0.2"), Top("--timeout", "1", "top", "-d", "0.2")
patient.picture()
top.picture()
os.kill(switch, signal.SIGSTOP)
top.ends("no answer", 1, "vswitchctl: vswitchd did not answer within 1 s")
patient.type(b"\x03")
patient.ends("^C while it waits", -signal.SIGINT)
os.kill(switch, signal.SIGCONT)
print("== a switch that dies")
top = Top("top", "-d", "0.2")
top.picture()
os.kill(switch, signal.SIGKILL)
top.ends("kill -9", 1, "vswitchctl: lost vswitchd")
top = Top("top")
wait_until("it to end", lambda: top.p.poll() is not None)
assert top.p.returncode == 1 and "cannot reach vswitchd" in top.is_left("none").split("\n")[-2]
END
wait "$SWITCH_PID" || true
SWITCH_PID=
