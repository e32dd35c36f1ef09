"""What a switch costs at rest and at low rates, and how fast it wakes up.

64 ports are connected and up; two of them carry the load, the others say nothing.  CPU is
that of the switch's threads, in percent of one processor; the whole machine's is recorded
as well, and is the only one there is for the Linux bridge.
"""
import re
import statistics
import time

from hosts import Failed, Meter, inside, json_of, rss_kib, run
from kernel import two_hosts, udp_receiver, udp_send

PORTS = 64
MANY_PORTS = 1000
RATES = (1000, 10000, 100000)
SETTLE_S = 1.0   # after the last change of configuration
PING_GAP_S = 0.02  # long enough for every peer to be asleep again


def percent(cpu):
    switch = cpu["switch_cpu_s"]
    return {"switch_cpu_percent": None if switch is None else 100 * switch / cpu["seconds"],
            "system_cpu_percent": 100 * cpu["system_cpu_s"] / cpu["seconds"],
            "steal_cpu_s": cpu["steal_cpu_s"]}


def at_rest(peer, seconds):
    time.sleep(SETTLE_S)
    meter = Meter(peer)
    meter.start()
    time.sleep(seconds)
    return percent(meter.stop()) | {"rss_kib": rss_kib(peer.pids()) or None}


def at_rate(peer, build, seconds, pps):
    with udp_receiver(build) as finish:
        meter = Meter(peer)
        meter.start()
        sender = udp_send(build, seconds, 1, pps)
        sent = json_of(sender.finish(seconds + 30))
        cpu = meter.stop()
        got = finish()
    return percent(cpu) | {"lost_percent": 100 * (1 - got["packets"] / sent["packets"])}


def ping(seconds):
    """Round trips one at a time, with pauses."""
    count = max(50, int(seconds / PING_GAP_S))
    out = run(*inside("h1"), "ping", "-c", str(count), "-i", str(PING_GAP_S), "-W", "2",
              "10.0.0.2").stdout
    us = [float(x) * 1000 for x in re.findall(r"time=([0-9.]+) ms", out)]
    if len(us) != count:
        raise Failed(f"{count} pings, {len(us)} answers")
    return {"ping_us": statistics.median(us), "ping_p99_us": sorted(us)[int(0.99 * len(us))]}


def measure(peer, kind, build, seconds, record):
    with two_hosts(peer, kind, PORTS - 2):
        record("idle", at_rest(peer, seconds))
        record("ping", ping(seconds))
        for pps in RATES:
            record(f"rate{pps}", at_rate(peer, build, seconds, pps))
    with two_hosts(peer, kind, MANY_PORTS - 2):
        record("idle1000", at_rest(peer, seconds))
