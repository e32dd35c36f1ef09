"""main.py - what run.sh starts: rounds over suites, peers and kinds of ports."""
import argparse
import json
import os
import subprocess
import sys
import time

import hosts
import idle
import kernel
import micro
import peers
import report

SUITES = ("kernel", "idle", "micro")
QUIET_PERCENT = 5  # above it, figures are not to be trusted
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def names(allowed):
    def parse(text):
        words = text.split(",")
        for w in words:
            if w not in allowed:
                raise argparse.ArgumentTypeError(f"'{w}' is not one of {', '.join(allowed)}")
        return words
    return parse


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def arguments():
    known = peers.all_peers()
    a = argparse.ArgumentParser(prog="run.sh")
    a.add_argument("suites", nargs="*", metavar="SUITE")
    a.add_argument("--rounds", type=positive, default=5)
    a.add_argument("--seconds", type=positive, default=5)
    a.add_argument("--peers", type=names(known), default=["vswitch", "bridge", "ovs"])
    a.add_argument("--kinds", type=names(peers.KINDS), default=list(peers.KINDS))
    a.add_argument("--out", default=os.path.join(ROOT, "bench", "results"))
    a.add_argument("--name")
    a.add_argument("--build", help=argparse.SUPPRESS)
    a.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    args = a.parse_args()
    for s in args.suites:
        if s not in SUITES + ("all",):
            a.error(f"no suite '{s}' ({', '.join(SUITES)}, all)")
    if not args.suites or "all" in args.suites:
        args.suites = list(SUITES)
    return args


def commit():
    def git(*argv):
        # the tree may belong to somebody else than root
        r = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, *argv],
                           capture_output=True, text=True, check=False)
        return r.stdout.strip()

    head = git("rev-parse", "--short", "HEAD") or "unknown"
    return head + (" with changes" if git("status", "--porcelain", "-uno") else "")


class Run:
    """The samples of all rounds, and what failed."""

    def __init__(self, args):
        self.args = args
        self.samples, self.failures = [], []
        self.round = 0

    def add(self, suite, test, peer, kind, figures):
        self.samples.append({"suite": suite, "test": test, "peer": peer, "kind": kind,
                             "round": self.round, "figures": figures})
        shown = "  ".join(f"{report.METRICS[m][0]} {report.METRICS[m][1].format(v)}"
                          for m, v in figures.items() if v is not None and m != "steal_cpu_s")
        print(f"  {peer:8} {kind:7} {test:14} {shown}", flush=True)

    def attempt(self, what, fn, *argv):
        try:
            fn(*argv)
        except (hosts.Failed, OSError, subprocess.SubprocessError) as e:
            self.failures.append(f"round {self.round}, {what}: {e}")
            print(f"  {what}: FAILED: {e}", flush=True)

    def peer_round(self, suite, module, chosen):
        """Every peer once, another one first in each round."""
        shift = (self.round - 1) % len(chosen)
        for peer in chosen[shift:] + chosen[:shift]:
            for kind in self.args.kinds:
                if kind in peer.kinds:
                    self.attempt(
                        f"{suite} {peer.name} {kind}", module.measure, peer, kind,
                        self.args.build, self.args.seconds,
                        lambda test, figures, p=peer, k=kind:
                            self.add(suite, test, p.name, k, figures))

    def micro_round(self):
        def record(module, test, figures):
            self.add("micro", test, "vswitch", module, figures)

        self.attempt("micro", micro.nanoseconds, self.args.build, record)
        if self.round == 1:
            self.attempt("micro instructions", micro.instructions, self.args.build, record)

    def all(self, chosen):
        for self.round in range(1, self.args.rounds + 1):
            for suite in self.args.suites:
                print(f"round {self.round} of {self.args.rounds}: {suite}", flush=True)
                if suite == "micro":
                    self.micro_round()
                else:
                    self.peer_round(suite, kernel if suite == "kernel" else idle, chosen)


def write(args, run, chosen):
    settings = {"name": args.name, "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
                "commit": commit(), "suites": args.suites, "rounds": args.rounds,
                "seconds": args.seconds, "busy_before_percent": args.busy,
                "sender_cpu": hosts.sender_cpu(),
                "receiver_cpu": hosts.receiver_cpu()}
    about = {p.name: {"title": p.title, "version": p.version(), "about": p.about}
             for p in chosen}
    doc = report.document(settings, hosts.machine(), about, run.samples, run.failures)
    os.makedirs(args.out, exist_ok=True)
    base = os.path.join(args.out, args.name)
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump(doc, f, indent=1)
        f.write("\n")
    with open(base + ".md", "w", encoding="utf-8") as f:
        f.write(report.markdown(doc))
    print()
    titles = {p.name: p.title for p in chosen}
    for g in doc["goals"]:
        print(f"{'met   ' if g['met'] else 'MISSED'} {report.TESTS[g['test']]}, {g['kind']}: "
              f"{report.goal_text(g, titles)}: {g['median']:.2f} "
              f"({g['min']:.2f}-{g['max']:.2f})")
    print(f"{base}.json, {base}.md")
    return doc


def main():
    args = arguments()
    if args.check:
        return 0
    if not args.name:
        args.name = time.strftime("%Y-%m-%d-", time.gmtime()) + commit().replace(" ", "-")
    known = peers.all_peers()
    chosen = [known[p](args.build) for p in args.peers]
    hosts.world_init()
    args.busy = hosts.busy_percent()
    if args.busy > QUIET_PERCENT:
        print(f"warning: the machine is not quiet: something uses {args.busy:.0f} % of a CPU",
              file=sys.stderr)
    run = Run(args)
    run.all(chosen)
    doc = write(args, run, chosen)
    if doc["failures"]:
        return 2
    return 0 if all(g["met"] for g in doc["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
