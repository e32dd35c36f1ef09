"""From measurements to medians, ratios, goals and tables.

A sample is what one measurement gave:

	{"suite", "test", "peer", "kind", "round", "figures": {metric: number or null}}

Ratios are taken within a round, between measurements made minutes apart at most, and
their median over the rounds counts.
"""
import collections
import statistics

# What a metric is called in tables, and how it is written.
METRICS = {
    "gbit_per_s": ("Gbit/s", "{:.2f}"),
    "gbit_per_cpu_s": ("Gbit per CPU-second, system", "{:.2f}"),
    "gbit_per_switch_cpu_s": ("Gbit per CPU-second, switch", "{:.2f}"),
    "retransmits": ("retransmits", "{:.0f}"),
    "mpps": ("Mpps arrived", "{:.3f}"),
    "offered_mpps": ("Mpps offered", "{:.3f}"),
    "lost_percent": ("lost %", "{:.1f}"),
    "reordered": ("reordered", "{:.0f}"),
    "packets_per_cpu_s": ("packets per CPU-second, system", "{:.0f}"),
    "packets_per_switch_cpu_s": ("packets per CPU-second, switch", "{:.0f}"),
    "switch_cpu_percent": ("switch CPU %", "{:.2f}"),
    "system_cpu_percent": ("system CPU %", "{:.2f}"),
    "rss_kib": ("memory KiB", "{:.0f}"),
    "ping_us": ("ping, µs", "{:.0f}"),
    "ping_p99_us": ("ping 99 %, µs", "{:.0f}"),
    "ns": ("ns", "{:.1f}"),
    "instructions": ("instructions", "{:.0f}"),
    "steal_cpu_s": ("stolen CPU s", "{:.2f}"),
}

TESTS = {
    "tcp": "one TCP stream",
    "udp1": "64-byte UDP, saturated, 1 flow",
    "udp16": "64-byte UDP, saturated, 16 flows",
    "idle": "64 ports, no traffic",
    "idle1000": "1,000 ports, no traffic",
    "ping": "64 ports, ping alone",
    "rate1000": "64 ports, 1,000 packets/s",
    "rate10000": "64 ports, 10,000 packets/s",
    "rate100000": "64 ports, 100,000 packets/s",
}

# The goals: (test, metric, peer whose figure divides ours or None, "min" or "max", bound).
# The kernel's bridge has no tap ports: ours are held against its veth ports.
GOALS = (
    ("tcp", "gbit_per_s", "bridge", "min", 0.85),
    ("tcp", "gbit_per_s", "ovs", "min", 15),
    ("udp1", "mpps", "ovs", "min", 2),
    ("udp16", "mpps", "ovs", "min", 2),
    ("idle", "switch_cpu_percent", None, "max", 0.5),
    ("idle1000", "switch_cpu_percent", None, "max", 0.5),
    ("ping", "ping_us", "bridge", "max", 2),
)


def peer_kind(peer, kind):
    return "netdev" if peer == "bridge" else kind


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values),
            "n": len(values)}


class Figures:
    """Values by (test, kind, peer, metric), each by round."""

    def __init__(self, samples):
        self.by_key = collections.defaultdict(dict)
        for s in samples:
            for metric, value in s["figures"].items():
                if value is not None:
                    key = s["suite"], s["test"], s["kind"], s["peer"], metric
                    self.by_key[key][s["round"]] = value

    def summary(self):
        names = ("suite", "test", "kind", "peer", "metric")
        return [dict(zip(names, key)) | spread(list(values.values()))
                for key, values in self.by_key.items()]

    def find(self, test, kind, peer, metric):
        return next((v for k, v in self.by_key.items() if k[1:] == (test, kind, peer, metric)), {})

    def ratio(self, test, kind, metric, peer):
        """Ours by theirs, per round; empty where either is missing."""
        ours = self.find(test, kind, "vswitch", metric)
        theirs = self.find(test, peer_kind(peer, kind), peer, metric)
        return [ours[r] / theirs[r] for r in ours if theirs.get(r)]


def goals(figures):
    found = []
    for test, metric, peer, sense, bound in GOALS:
        for kind in ("netdev", "tap"):
            if peer:
                values = figures.ratio(test, kind, metric, peer)
            else:
                values = list(figures.find(test, kind, "vswitch", metric).values())
            if not values:
                continue
            s = spread(values)
            met = s["median"] >= bound if sense == "min" else s["median"] <= bound
            found.append({"test": test, "kind": kind, "metric": metric, "peer": peer,
                          "sense": sense, "bound": bound, "met": met} | s)
    return found


def document(settings, machine, peers, samples, failures):
    f = Figures(samples)
    return {"format": 1, "machine": machine, "settings": settings, "peers": peers,
            "summary": f.summary(), "goals": goals(f), "failures": failures, "samples": samples}


# ---- Markdown ----

def cell(metric, s):
    form = METRICS[metric][1]
    text = form.format(s["median"])
    if s["n"] > 1:
        text += f" ({form.format(s['min'])}–{form.format(s['max'])})"
    return text


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(r) + " |" for r in rows]
    return lines + [""]


def goal_text(g, titles):
    sign = "≥" if g["sense"] == "min" else "≤"
    unit = f" × {titles[g['peer']]}" if g["peer"] else " %"
    name = METRICS[g["metric"]][0]
    return f"{name} {sign} {g['bound']:g}{unit}"


def goals_table(doc, titles):
    rows = [[TESTS[g["test"]], g["kind"], goal_text(g, titles),
             f"{g['median']:.2f} ({g['min']:.2f}–{g['max']:.2f})",
             "met" if g["met"] else "**missed**"] for g in doc["goals"]]
    return table(["test", "ports", "goal", "measured", ""], rows)


def peers_table(doc, test, titles):
    """One row per kind and peer, one column per metric."""
    of_test = [s for s in doc["summary"] if s["test"] == test]
    metrics = [m for m in METRICS if m != "steal_cpu_s" and
               any(s["metric"] == m and s["max"] for s in of_test)]
    rows = []
    for kind in ("netdev", "tap"):
        for peer, title in titles.items():
            at = {s["metric"]: s for s in of_test if s["kind"] == kind and s["peer"] == peer}
            if at:
                rows.append([kind, title] + [cell(m, at[m]) if m in at else "–" for m in metrics])
    return table(["ports", "switch"] + [METRICS[m][0] for m in metrics], rows)


def micro_table(doc):
    at = {}
    for s in doc["summary"]:
        if s["suite"] == "micro":
            at.setdefault((s["kind"], s["test"]), {})[s["metric"]] = s
    rows = [[module, test] + [cell(m, figures[m]) if m in figures else "–"
                              for m in ("ns", "instructions")]
            for (module, test), figures in at.items()]
    return table(["module", "operation", "ns", "instructions"], rows)


def markdown(doc):
    m, s = doc["machine"], doc["settings"]
    titles = {name: p["title"] for name, p in doc["peers"].items()}
    lines = [f"# {s['name']}", "",
             f"{s['date']}, commit {s['commit']}, {m['cpus']} × {m['cpu']}"
             f"{' (virtual)' if m['virtual'] else ''}, {m['memory']}, {m['kernel']}.  "
             f"{s['rounds']} rounds of {s['seconds']} s; median (least–most).", ""]
    if doc["goals"]:
        lines += ["## Goals", "", *goals_table(doc, titles)]
    for test, title in TESTS.items():
        if any(x["test"] == test for x in doc["summary"]):
            lines += [f"## {title[0].upper()}{title[1:]}", "", *peers_table(doc, test, titles)]
    if any(x["suite"] == "micro" for x in doc["summary"]):
        lines += ["## Micro-benchmarks", "", *micro_table(doc)]
    stolen = sum(x["figures"].get("steal_cpu_s", 0) for x in doc["samples"])
    lines += ["## Conditions", "",
              f"Before the first round the machine used {s['busy_before_percent']:.1f} % of one "
              f"processor.  The hypervisor took {stolen:.1f} CPU-seconds during all measurements.",
              ""]
    lines += [f"- {p['title']} ({p['version']}): {p['about']}" for p in doc["peers"].values()]
    if doc["failures"]:
        lines += ["", "Not measured:", "", *(f"- {f}" for f in doc["failures"])]
    return "\n".join(lines) + "\n"
