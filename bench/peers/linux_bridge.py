"""The bridge in the Linux kernel: what a switch in user space is held against."""
import os

from hosts import run, wait_until
from . import Peer


class LinuxBridge(Peer):
    name = "bridge"
    title = "Linux bridge"
    kinds = ("netdev",)
    about = ("The kernel's bridge over veth, defaults.  It has no tap ports of its own, so its "
             "veth figure is also what tap ports are held against.  It works in the sender's "
             "context; its processor time shows in the system's only.")

    def start(self):
        # The peer before may have had a br0 that the kernel is still taking down.
        wait_until("the name br0 to be free", lambda: run(
            "ip", "link", "add", "br0", "type", "bridge", check=False).returncode == 0)
        run("ip", "link", "set", "br0", "up")

    def add_ports(self, kind, names):
        run("ip", "-b", "-", stdin="".join(f"link set dev {n} master br0\n" for n in names))

    def stop(self):
        run("ip", "link", "del", "br0", check=False)

    def version(self):
        return os.uname().release
