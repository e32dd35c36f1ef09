"""Open vSwitch with its userspace datapath (datapath_type=netdev), without DPDK.

It runs from a directory of its own, beside and apart from a system service.
"""
import os

from hosts import Failed, Process, run, wait_until
from . import Peer

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVSwitch(Peer):
    name = "ovs"
    title = "Open vSwitch"
    about = ("`datapath_type=netdev`, Debian's packages, default settings.  Its AF_PACKET and "
             "tap ports take neither unfinished checksums nor TSO, so the hosts' interfaces "
             "have `ethtool -K DEV tx off`, as its maintainers advise (ovs-issues 273); "
             "without it no TCP passes at all.  Taps are `type=tap` and "
             "move into the hosts' namespaces; it serves them on.")
    tso = False
    db = daemon = None

    def env(self):
        e = dict(os.environ)
        for v in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"):
            e[v] = self.dir
        return e

    def start(self):
        db = f"unix:{self.dir}/db.sock"
        run("ovsdb-tool", "create", f"{self.dir}/conf.db", SCHEMA, env=self.env())
        self.db = Process("ovsdb-server", f"{self.dir}/conf.db", f"--remote=p{db}",
                          "--pidfile", env=self.env(), log=f"{self.dir}/ovsdb-server.log")
        wait_until("ovsdb-server", lambda: os.path.exists(f"{self.dir}/db.sock"))
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                   f"other_config:userspace-tso-enable={'true' if self.tso else 'false'}")
        self.daemon = Process("ovs-vswitchd", db, "--pidfile", env=self.env(),
                              log=f"{self.dir}/ovs-vswitchd.log")
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")

    def vsctl(self, *argv):
        r = run("ovs-vsctl", f"--db=unix:{self.dir}/db.sock", "--timeout=120", *argv,
                env=self.env())
        if r.stderr:
            raise Failed(f"ovs-vsctl {' '.join(argv)}: {r.stderr}")

    def add_ports(self, kind, names):
        words = []
        for n in names:
            words += ["--", "add-port", "br0", n]
            if kind == "tap":
                words += ["--", "set", "interface", n, "type=tap"]
        self.vsctl(*words)

    def host_ready(self, host, device):
        if not self.tso:
            run("ip", "netns", "exec", host.name, "ethtool", "-K", device, "tx", "off")

    def pids(self):
        self.daemon.check()
        return [self.daemon.pid]

    def stop(self):
        for p in (self.daemon, self.db):
            if p:
                p.stop()
        for device in ("br0", "ovs-netdev"):  # they outlive a restart
            run("ip", "link", "del", device, check=False)

    def version(self):
        return run("ovs-vswitchd", "--version").stdout.splitlines()[0]


class OpenVSwitchTso(OpenVSwitch):
    """For knowledge; no goal is held against it."""
    name = "ovs-tso"
    title = "Open vSwitch, userspace TSO"
    about = ("As above with `other_config:userspace-tso-enable=true`, which Open vSwitch calls "
             "experimental and has off by default; the hosts keep their offloads.  For "
             "knowledge: no goal is held against it.")
    tso = True
