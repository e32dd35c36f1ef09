"""session.py NS IP FILE - one TCP connection from here to an echo in a namespace, a line
every 20 ms, until FILE is there: "opened" on stdout, then how many lines came back.  Ends
with an error where the connection does, or a line is not answered within 30 s."""
import os
import socket
import subprocess
import sys
import time

ECHO = """
import socket
with socket.create_server(("", 7001)) as listener:
    print("ready", flush=True)
    connection, _ = listener.accept()
    while data := connection.recv(1000):
        connection.sendall(data)
"""


def main():
    ns, ip, stop = sys.argv[1:]
    echo = subprocess.Popen(["ip", "netns", "exec", ns, sys.executable, "-c", ECHO],
                            stdout=subprocess.PIPE)
    assert echo.stdout.readline() == b"ready\n"
    n = 0
    with socket.create_connection((ip, 7001), timeout=10) as connection:
        print("opened", flush=True)
        connection.settimeout(30)
        with connection.makefile("rw") as lines:
            while not os.path.exists(stop):
                print(n, file=lines, flush=True)
                answer = lines.readline()
                assert answer == f"{n}\n", (n, answer)
                n += 1
                time.sleep(0.02)  # the pace of a person, not a synchronisation
    echo.wait(10)
    print(n)


main()
