"""Throughput between two hosts at one switch: TCP, and small UDP packets.

	host h1 --- port p1 [switch] port p2 --- host h2

The sender is pinned to the first processor and the receiver to the last, for every peer
alike; the switch's threads run where the scheduler puts them, as in daily use.
"""
import contextlib
import os
import time

import hosts
from hosts import Failed, Host, Meter, Process, inside, json_of, pinned, quotient, run, wait_until

PORT = 5201
FLOWS = (1, 16)
DRAIN_S = 0.3  # far longer than any queue on the way takes to empty


@contextlib.contextmanager
def two_hosts(peer, kind, quiet_ports=0):
    """A running peer with h1 and h2 that can reach each other; further ports lead to a
    host that says nothing."""
    with contextlib.ExitStack() as stack:
        names = ["h1", "h2"] + (["quiet"] if quiet_ports else [])
        at = {}
        for n in names:
            at[n] = Host(n)
            stack.callback(at[n].delete)
        ports = [("p1", at["h1"], "10.0.0.1"), ("p2", at["h2"], "10.0.0.2")]
        ports += [(f"q{i}", at["quiet"], None) for i in range(quiet_ports)]
        stack.callback(lambda: peer.disconnect(ports))
        stack.enter_context(peer.running())
        peer.connect(kind, ports)
        wait_until(f"{peer.name}: a ping over {kind}", lambda: run(
            *inside("h1"), "ping", "-q", "-c1", "-W1", "10.0.0.2", check=False).returncode == 0)
        yield at


def tcp(peer, seconds):
    """One iperf3 stream.  Bytes are those that the receiver got."""
    with hosts.process(*inside("h2"), *pinned(hosts.receiver_cpu()), "iperf3", "-s", "-1",
                       "--forceflush", "-p", str(PORT)) as server:
        server.wait_line("Server listening")
        meter = Meter(peer)
        meter.start()
        client = run(*inside("h1"), *pinned(hosts.sender_cpu()), "iperf3", "-J", "-c",
                     "10.0.0.2", "-p", str(PORT), "-t", str(seconds), check=False)
        cpu = meter.stop()
        server.finish()
    end = json_of(client.stdout).get("end", {})
    if "sum_received" not in end:
        raise Failed(f"iperf3: {client.stdout[-300:]}")
    gbit = end["sum_received"]["bytes"] * 8 / 1e9
    return {
        "gbit_per_s": gbit / end["sum_received"]["seconds"],
        "gbit_per_cpu_s": gbit / cpu["system_cpu_s"],
        "gbit_per_switch_cpu_s": quotient(gbit, cpu["switch_cpu_s"]),
        "retransmits": end["sum_sent"].get("retransmits"),
        "steal_cpu_s": cpu["steal_cpu_s"],
    }


def blast(build):
    return os.path.join(build, "bench", "udp_blast")


@contextlib.contextmanager
def udp_receiver(build):
    """Counts what arrives at h2; yields a function that ends it and tells."""
    with hosts.process(*inside("h2"), *pinned(hosts.receiver_cpu()), blast(build), "recv",
                       str(PORT)) as receiver:
        receiver.wait_line("ready")

        def finish():
            time.sleep(DRAIN_S)  # what is measured is over; nothing waits for an event
            return json_of(receiver.stop())

        yield finish


def udp_send(build, seconds, flows, pps=0):
    return Process(*inside("h1"), *pinned(hosts.sender_cpu()), blast(build), "send", "10.0.0.2",
                   str(PORT), "--flows", str(flows), "--pps", str(pps), "--ms",
                   str(int(seconds * 1000)))


def udp(peer, build, seconds, flows):
    """As many 64-byte frames as the sender can make: those that arrive count."""
    with udp_receiver(build) as finish:
        meter = Meter(peer)
        meter.start()
        sender = udp_send(build, seconds, flows)
        sent = json_of(sender.finish(seconds + hosts.DEADLINE_S))
        cpu = meter.stop()
        got = finish()
    if not got["packets"]:
        raise Failed(f"{peer.name}: no UDP packet arrived")
    return {
        "mpps": got["packets"] * 1e3 / got["ns"],
        "offered_mpps": sent["packets"] * 1e3 / sent["ns"],
        "lost_percent": 100 * (1 - got["packets"] / sent["packets"]),
        "reordered": got["reordered"],
        "packets_per_cpu_s": got["packets"] / cpu["system_cpu_s"],
        "packets_per_switch_cpu_s": quotient(got["packets"], cpu["switch_cpu_s"]),
        "steal_cpu_s": cpu["steal_cpu_s"],
    }


def measure(peer, kind, build, seconds, record):
    """record(test, figures) for every measurement."""
    with two_hosts(peer, kind):
        hosts.pin_threads(peer.pids(), hosts.receiver_cpu())
        record("tcp", tcp(peer, seconds))
        for flows in FLOWS:
            record(f"udp{flows}", udp(peer, build, seconds, flows))
