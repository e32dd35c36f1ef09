"""hosts.py - the world that is measured: namespaces, processes, processor time.

Everything runs inside the network, mount and process namespaces that run.sh made, so
that names clash with nothing and all of it ends with the harness.
"""
import contextlib
import json
import os
import signal
import subprocess
import time

DEADLINE_S = 30


class Failed(Exception):
    """Something could not be measured."""


def run(*argv, check=True, env=None, stdin=None):
    r = subprocess.run(argv, input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                       capture_output=True, text=True, env=env)
    if check and r.returncode:
        raise Failed(f"exit status {r.returncode} from {' '.join(argv)}: {r.stderr}{r.stdout}")
    return r


def wait_until(what, condition, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"waited in vain: {what}")
        time.sleep(0.02)  # the pause between two looks


def world_init():
    """A private /run, for "ip netns" and for the peers' files."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "size=512m", "bench", "/run")
    os.makedirs("/run/netns")
    os.makedirs("/run/bench")
    quiet_init()
    run("ip", "link", "set", "lo", "up")


def quiet_init(namespace=None):
    """Interfaces to come send nothing by themselves."""
    run(*inside(namespace), "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")


def inside(namespace):
    return ("ip", "netns", "exec", namespace) if namespace else ()


def pinned(cpu):
    return ("taskset", "-c", str(cpu))


def sender_cpu():
    return min(os.sched_getaffinity(0))


def receiver_cpu():
    return max(os.sched_getaffinity(0))


def pin_threads(pids, cpu):
    """All threads of these processes, to one processor."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {cpu})


class Process:
    """A child that is ended by its own id, with its output in a file."""

    def __init__(self, *argv, env=None, log="/dev/null"):
        self.argv = argv
        self.log = log
        with open(log, "ab") as err:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=err, text=True, env=env)
        self.pid = self.child.pid

    def wait_line(self, words):
        """Read until a line that has these words in it."""
        for line in self.child.stdout:
            if words in line:
                return
        raise Failed(f"{' '.join(self.argv)} ended without '{words}'")

    def check(self):
        """It still runs."""
        if self.child.poll() is not None:
            with open(self.log, errors="replace") as f:
                last = f.read()[-500:]
            raise Failed(f"{self.argv[0]} ended with status {self.child.returncode}: {last}")

    def finish(self, seconds=DEADLINE_S):
        """All further output, once it ends by itself."""
        try:
            out, _ = self.child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"does not end: {' '.join(self.argv)}") from None
        if self.child.returncode:
            raise Failed(f"exit status {self.child.returncode} from {' '.join(self.argv)}: {out}")
        return out

    def stop(self):
        """End it as an administrator would; its further output."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            out, _ = self.child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            out, _ = self.child.communicate()
        return out


@contextlib.contextmanager
def process(*argv, **kw):
    p = Process(*argv, **kw)
    try:
        yield p
    finally:
        p.stop()


class Host:
    """A namespace that is one machine at the switch."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        quiet_init(name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *argv):
        return run("ip", "-n", self.name, *argv)

    def configure(self, device, address):
        if address:
            self.ip("addr", "add", f"{address}/24", "dev", device)
        self.ip("link", "set", device, "up")

    def delete(self):
        """The last of its processes has ended, so its veth ends go with it."""
        run("ip", "netns", "del", self.name)


def quotient(a, b):
    return a / b if b else None


def tasks_ns(pids):
    """Processor time of all threads of the processes, in ns."""
    total = 0
    for pid in pids:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError):
                with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
                    total += int(f.read().split()[0])
    return total


def rss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += sum(int(x.split()[1]) for x in f if x.startswith("VmRSS"))
    return total


def cpu_times():
    """Seconds of the whole machine: (idle, stolen by the hypervisor)."""
    with open("/proc/stat") as f:
        x = [int(v) / os.sysconf("SC_CLK_TCK") for v in f.readline().split()[1:]]
    return x[3] + x[4], x[7]


class Meter:
    """Processor time between start and stop: of the whole machine, which is all time that
    was not idle, and of the switch's own threads.  Work that the kernel does for a switch
    in the sender's name shows only in the first; a switch without threads has no second."""

    def __init__(self, peer):
        self.peer = peer
        self.n_cpus = os.cpu_count()

    def start(self):
        self.t0, self.idle0, self.steal0 = time.monotonic(), *cpu_times()
        self.switch0 = tasks_ns(self.peer.pids())

    def stop(self):
        pids = self.peer.pids()
        switch = (tasks_ns(pids) - self.switch0) / 1e9 if pids else None
        idle, steal = cpu_times()
        seconds = time.monotonic() - self.t0
        stolen = steal - self.steal0
        busy = max(0.0, seconds * self.n_cpus - (idle - self.idle0) - stolen)
        return {"seconds": seconds, "switch_cpu_s": switch, "system_cpu_s": busy,
                "steal_cpu_s": stolen}


def busy_percent(seconds=1.0):
    """What the machine does by itself, in percent of one processor."""
    idle, _ = cpu_times()
    t = time.monotonic()
    time.sleep(seconds)
    seconds = time.monotonic() - t
    return max(0.0, 100 * (os.cpu_count() - (cpu_times()[0] - idle) / seconds))


def machine():
    def first(path, start):
        with contextlib.suppress(OSError), open(path) as f:
            for line in f:
                if line.startswith(start):
                    return line.split(":", 1)[1].strip()
        return "unknown"

    u = os.uname()
    return {
        "cpu": first("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count(),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": f"{u.sysname} {u.release} {u.machine}",
        "virtual": "hypervisor" in first("/proc/cpuinfo", "flags").split(),
    }


def json_of(text):
    try:
        return json.loads(text)
    except ValueError:
        raise Failed(f"not JSON: {text[:200]}") from None
