"""udp_segment.py FROM TO IP whole|cut - sends large UDP messages that the kernel or a
device cuts into datagrams (UDP_SEGMENT), between two named namespaces, and compares every
datagram that arrives with what was sent.

whole: each message must reach the receiver's socket in one piece (it asks for that with
UDP_GRO); cut: as datagrams.  A message is sent when the one before has arrived, so that
no buffer on the way needs to hold many.  Prints "MESSAGES DATAGRAMS"."""
import ctypes
import os
import random
import signal
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
UDP_SEGMENT, UDP_GRO = 103, 104
SO_RCVBUFFORCE = 33
PORT = 7000
DATAGRAMS = 40  # and a shorter last one
ROUNDS = 5


def enter(ns):
    with open(f"/run/netns/{ns}", "rb") as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET):
            sys.exit(f"setns {ns}: {os.strerror(ctypes.get_errno())}")


def messages(ipv6):
    """(payload of a datagram, message); the same in both processes."""
    noise = random.Random(1)
    longest = 1500 - 8 - (40 if ipv6 else 20)
    for _ in range(ROUNDS):
        for size in (longest, 1000, 101, 8):
            yield size, noise.randbytes(size * DATAGRAMS + size // 2 + 1)


def receive_one(sock):
    """What one recvmsg() gives, and the size of its datagrams."""
    data, control, flags, _ = sock.recvmsg(1 << 17, 128)
    assert not flags & socket.MSG_TRUNC
    for level, kind, value in control:
        if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
            return data, struct.unpack("i", value[:4])[0]
    return data, len(data)


def receive(sock, ipv6, whole, done):
    for n, (size, message) in enumerate(messages(ipv6)):
        at = 0
        while at < len(message):
            data, piece = receive_one(sock)
            want = message if whole else message[at:at + size]
            if data != want or piece != (size if whole else len(want)):
                sys.exit(f"message {n}, from byte {at} in datagrams of {size}: got {len(data)} "
                         f"bytes in datagrams of {piece}, {'other' if data != want else 'right'}"
                         f" content")
            at += len(data)
        os.write(done, b"x")
    sock.settimeout(0.1)
    try:
        sys.exit(f"{len(sock.recv(65535))} bytes more than were sent")
    except TimeoutError:
        os._exit(0)


def main():
    sender, receiver, ip, how = sys.argv[1:]
    ipv6 = ":" in ip
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    signal.alarm(60)
    done_r, done_w = os.pipe()
    if not os.fork():
        signal.alarm(60)
        enter(receiver)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, how == "whole")
        sock.bind((ip, PORT))
        sock.settimeout(10)
        os.write(done_w, b"x")
        receive(sock, ipv6, how == "whole", done_w)
    os.close(done_w)
    if os.read(done_r, 1) != b"x":
        sys.exit("the receiver did not start")
    enter(sender)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((ip, PORT))
    n = 0
    for size, message in messages(ipv6):
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        sock.send(message)
        if os.read(done_r, 1) != b"x":
            break
        n += 1
    if os.wait()[1]:
        sys.exit(f"{sender} -> {receiver} {ip}: after {n} messages something was wrong")
    print(n, n * (DATAGRAMS + 1))


main()
