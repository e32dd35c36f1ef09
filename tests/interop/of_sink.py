"""of_sink.py SOCKET - says hello to whoever speaks OpenFlow 1.3, answers barriers, and nothing else."""
import os
import socket
import struct
import sys

VERSION, HELLO, BARRIER_REQUEST, BARRIER_REPLY = 4, 0, 20, 21


def serve(peer):
    data = b''
    peer.sendall(struct.pack('!BBHI', VERSION, HELLO, 8, 1))
    while more := peer.recv(65536):
        data += more
        while len(data) >= 8 and len(data) >= (size := struct.unpack('!H', data[2:4])[0]):
            if data[1] == BARRIER_REQUEST:
                peer.sendall(struct.pack('!BBH', VERSION, BARRIER_REPLY, 8) + data[4:8])
            data = data[size:]


def main():
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv[1] + '.new')
    door.listen()
    os.rename(sys.argv[1] + '.new', sys.argv[1])  # whoever sees it can connect
    while True:
        peer, _ = door.accept()
        with peer:
            try:
                serve(peer)
            except ConnectionError:
                pass  # ovs-ofctl does not wait for what it does not need


main()
