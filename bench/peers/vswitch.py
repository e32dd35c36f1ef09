"""The switch itself, as users run it: one worker, nothing pinned, no options."""
from hosts import Process, run, wait_until
from . import Peer


class VSwitch(Peer):
    name = "vswitch"
    title = "vswitch"
    about = "One worker, default options, `--db :memory:`.  Offloads are on, as by default."
    daemon = None

    def start(self):
        self.daemon = Process(f"{self.build}/datapath/vswitchd", "--rundir", self.dir,
                              "--db", ":memory:", log=f"{self.dir}/log")
        wait_until("vswitchd to answer", self.answers)
        self.ctl("bridge", "add", "br0")

    def answers(self):
        self.daemon.check()
        return self.ctl("version", check=False).returncode == 0

    def ctl(self, *argv, **kw):
        return run(f"{self.build}/utils/vswitchctl/vswitchctl", "--rundir", self.dir,
                   "--timeout", "60", *argv, **kw)

    def add_ports(self, kind, names):
        self.ctl("-f", "-",
                 stdin="".join(f"port add br0 {n} type={kind}\n" for n in names))

    def pids(self):
        self.daemon.check()
        return [self.daemon.pid]

    def stop(self):
        if self.daemon:
            self.daemon.stop()
        run("ip", "link", "del", "br0", check=False)  # its devices outlive a restart

    def version(self):
        return run(f"{self.build}/datapath/vswitchd", "--version").stdout.strip()
