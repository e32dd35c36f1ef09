"""The switches that are compared.

A peer is started afresh for every measurement, in the harness's own network namespace.
Each of its ports leads to a namespace that plays a host.  Kinds of ports:

	netdev  a veth pair: one end is the switch's, the other the host's
	tap     a tap device that the switch made and serves, moved into the host's namespace
"""
import contextlib
import os
import shutil

from hosts import run

KINDS = ("netdev", "tap")


class Peer:
    name = None       # as in --peers
    title = None      # for tables
    kinds = KINDS
    about = ""        # how it is set up, for the report

    def __init__(self, build):
        self.build = build
        self.dir = f"/run/bench/{self.name}"

    def start(self):
        """A running switch with one bridge and no ports."""

    def add_ports(self, kind, names):
        """Ports with these names; the interfaces of 'netdev' exist and are up."""
        raise NotImplementedError

    def host_ready(self, host, device):
        """The last touch to the host's end of a port."""

    def pids(self):
        """Its processes whose threads move packets; Failed when one has died."""
        return []

    def stop(self):
        pass

    def version(self):
        return ""

    @contextlib.contextmanager
    def running(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def connect(self, kind, ports):
        """ports: (name, host, address or None)…  Makes the ports and the hosts' ends;
        the host's end is called as the port."""
        if kind == "netdev":
            run("ip", "-b", "-", stdin="".join(
                f"link add name {name} type veth peer name {name} netns {host.name}\n"
                f"link set dev {name} up\n" for name, host, _ in ports))
        self.add_ports(kind, [name for name, _, _ in ports])
        for name, host, address in ports:
            if kind == "tap":
                run("ip", "link", "set", name, "netns", host.name)
            host.configure(name, address)
            self.host_ready(host, name)

    @staticmethod
    def disconnect(ports):
        """After stop(): what is left of the devices."""
        run("ip", "-force", "-b", "-", check=False,
            stdin="".join(f"link del dev {name}\n" for name, _, _ in ports))


def all_peers():
    from .linux_bridge import LinuxBridge
    from .openvswitch import OpenVSwitch, OpenVSwitchTso
    from .vswitch import VSwitch
    return {c.name: c for c in (VSwitch, LinuxBridge, OpenVSwitch, OpenVSwitchTso)}
