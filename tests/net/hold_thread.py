"""hold_thread.py PID NAME - stops the one thread of a process that has this name, as a
debugger does, until this program ends, at most
a minute; says "held" when it stands still."""
import ctypes
import os
import signal
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, tid, None, None):
        sys.exit(f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")


def find(pid, name):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as f:
            if f.read().strip() == name:
                return int(tid)
    sys.exit(f"process {pid} has no thread {name}")


signal.alarm(60)  # whoever started this may be gone
tid = find(int(sys.argv[1]), sys.argv[2])
ptrace(PTRACE_SEIZE, tid)
ptrace(PTRACE_INTERRUPT, tid)
if not os.WIFSTOPPED(os.waitpid(tid, WALL)[1]):
    sys.exit(f"thread {tid} did not stop")
print("held", flush=True)
signal.pause()  # the kernel lets go of it when this process is killed
