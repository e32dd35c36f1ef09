"""terminal.py - "vswitchctl top" on a terminal that the test is the other end of."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from wire import fail, wait_until

ENTER, LEAVE = b"\033[?1049h\033[?25l\033[2J", b"\033[?25h\033[?1049l"


class Top:
    """The program on a terminal of its own."""

    def __init__(self, *options, size=(40, 100)):
        self.master, self.slave = pty.openpty()
        self.out = b""
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.p = subprocess.Popen(
            ["vswitchctl", *options], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.forget()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0.01)[0]:
            self.out += os.read(self.master, 65536)
        return self.out

    def forget(self):
        self.seen = len(self.read())

    def picture(self):
        """The lines of the next whole picture, which must fit the window."""
        found = wait_until("a picture", lambda: re.search(
            rb"\033\[H((?!counting).*?)\033\[J", self.read()[self.seen:], re.DOTALL))
        self.seen += found.end()
        lines = re.sub(r"\033\[[0-9;]*[mK]|\r", "", found[1].decode()).split("\n")
        if len(lines) > self.rows or max(map(len, lines)) > self.columns:
            fail(f"not within {self.rows} x {self.columns}:", "\n".join(lines))
        return lines

    def type(self, key):
        os.write(self.master, key)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def is_left(self, how):
        """The screen was left last; returns what was printed after that."""
        assert self.read().count(ENTER) == self.out.count(LEAVE) > 0, (how, self.out)
        assert termios.tcgetattr(self.slave) == self.before, how
        return self.out.rpartition(LEAVE)[2].decode()

    def ends(self, how, status, text=""):
        wait_until(f"top to end: {how}", lambda: self.p.poll() is not None)
        after = self.is_left(how)
        assert self.p.returncode == status, (how, self.p.returncode, after)
        assert text in after and after.count("\n") == (1 if text else 0), (how, after)
        os.close(self.master)
        os.close(self.slave)
