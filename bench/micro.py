"""Time and instructions per operation: the programs of bench/micro."""
import glob
import os
import re

from hosts import run

LINE = re.compile(r"^(\S.*?)\s+([0-9.]+) ns\b")


def programs(build):
    found = glob.glob(os.path.join(build, "bench", "micro", "bench_*"))
    return sorted(p for p in found if os.path.isfile(p) and os.access(p, os.X_OK))


def nanoseconds(build, record):
    for program in programs(build):
        module = os.path.basename(program)[len("bench_"):]
        for line in run(program).stdout.splitlines():
            m = LINE.match(line)
            if m:
                record(module, m[1], {"ns": float(m[2])})


def instructions(build, record):
    """Counted once: they do not vary."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "micro", "callgrind.sh")
    for line in run(script, "--print", build).stdout.splitlines():
        _, module, test, count, _ = line.split("\t")
        record(module, test, {"instructions": float(count)})
