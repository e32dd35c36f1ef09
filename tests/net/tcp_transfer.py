"""tcp_transfer.py FROM TO IP [BYTES] - sends random bytes over TCP between two named
namespaces ("-" is the one it runs in) and compares the checksums of both ends."""
import hashlib
import os
import signal
import socket
import sys

CLONE_NEWNET = 0x40000000
PORT = 5001


def enter(ns):
    if ns == "-":
        return
    import ctypes
    fd = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET):
        sys.exit(f"setns {ns}: {os.strerror(ctypes.get_errno())}")
    os.close(fd)


def receive(listener, result):
    signal.alarm(60)
    conn, _ = listener.accept()
    digest = hashlib.sha256()
    total = 0
    while data := conn.recv(1 << 20):
        digest.update(data)
        total += len(data)
    os.write(result, f"{digest.hexdigest()} {total}".encode())
    os._exit(0)


def main():
    sender, receiver, ip = sys.argv[1:4]
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 8_000_000
    signal.alarm(60)  # ends the process: a stalled connection is a failure
    ready_r, ready_w = os.pipe()
    result_r, result_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        enter(receiver)
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        listener = socket.create_server(("", PORT), family=family)
        os.write(ready_w, b"x")
        receive(listener, result_w)
    os.close(ready_w)
    os.close(result_w)
    if os.read(ready_r, 1) != b"x":
        sys.exit("the receiver did not start")
    enter(sender)
    data = os.urandom(min(size, 1 << 20))
    digest = hashlib.sha256()
    with socket.create_connection((ip, PORT), timeout=20) as conn:
        conn.settimeout(40)
        left = size
        while left:
            chunk = data[:left]
            conn.sendall(chunk)
            digest.update(chunk)
            left -= len(chunk)
        conn.shutdown(socket.SHUT_WR)
        result = os.read(result_r, 200).decode()
    os.waitpid(pid, 0)
    if result != f"{digest.hexdigest()} {size}":
        sys.exit(f"sent {size} bytes {digest.hexdigest()}, received {result or 'nothing'}")
    print(f"{sender} -> {receiver} {ip}: {size} bytes, checksums equal")


main()
