#!/bin/bash
# A storm limit counts datagrams, however few frames they come in: a sender that leaves
# segmentation to others floods no more than one that does not. A new limit holds at once.
#
#	netns a: eth0 -- a -- br0 -- b -- eth0: netns b
#	                       +---- c (offload=false) -- eth0: netns c
. "$(dirname "$0")/../lib.sh"

RATE=100 MESSAGE=40 SECONDS_SENT=3
switch_start
ctl bridge add br0
for i in 1 2 3; do
	ns=$(tr 123 abc <<<$i)
	host_veth "$ns" 10.0.0.$i/24
	ctl port add br0 "$ns"
	wait_port_up "$ns"
done
ctl port set c offload=false

# send MESSAGES: broadcasts of MESSAGE datagrams each, one a ms for SECONDS_SENT at most.
cat >"$TMP/send.py" <<'END'
import socket, sys, time

datagrams, seconds = int(sys.argv[1]), float(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.connect(("10.0.0.255", 9))
s.setsockopt(socket.IPPROTO_UDP, 103, 100)  # UDP_SEGMENT
start = time.monotonic()
sent = 0
while time.monotonic() - start < seconds:
    s.send(bytes(100 * datagrams))
    sent += 1
    time.sleep(0.001)
print(sent, int((time.monotonic() - start) * 1000))
END

# How many datagrams have arrived so far, it keeps in a file.
cat >"$TMP/receive.py" <<'END'
import os, socket, sys

count = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
s.bind(("0.0.0.0", 9))
n = 0
while True:
    os.pwrite(count, b"%d\n" % n, 0)
    if len(s.recv(2000)) == 100:
        n += 1
END
for ns in b c; do
	on $ns python3 "$TMP/receive.py" "$TMP/count.$ns" &
	wait_for 5 "the receiver" [ -s "$TMP/count.$ns" ]
done

arrived()
{
	cat "$TMP/count.$1"
}

accounted()
{
	local dropped passed
	dropped=$(drops a rx_storm_broadcast)
	passed=$(stat_of b tx.gso)
	[ $((dropped + passed)) = "$1" ]
}

step "unlimited: every datagram of every message arrives"
read -r sent ms <<<"$(on a python3 "$TMP/send.py" $MESSAGE 0.05)"
for ns in b c; do
	wait_for 5 "$((sent * MESSAGE)) datagrams at $ns" eval "[ \$(arrived $ns) = $((sent * MESSAGE)) ]"
done

step "limited to $RATE a second, in messages of $MESSAGE"
ctl port set a storm-broadcast=$RATE
declare -A before=([b]=$(arrived b) [c]=$(arrived c))
base=$(stat_of b tx.gso)
read -r sent ms <<<"$(on a python3 "$TMP/send.py" $MESSAGE $SECONDS_SENT)"
wait_for 5 "all to be accounted for" accounted $((base + sent))
for ns in b c; do
	got=$(($(arrived $ns) - before[$ns]))
	echo "$ns: $got of $((sent * MESSAGE)) datagrams in $ms ms"
	# One message more than the time allows, as a burst; and it is no less than half.
	((got <= RATE * ms / 1000 + MESSAGE)) || fail "more than the limit"
	((got >= RATE * ms / 2000)) || fail "far less than the limit"
done
[ "$(drops a rx_storm_broadcast)" -gt 100 ]

step "a message of more than the limit lets pass in minutes does not outlast it"
ctl port set a storm-broadcast=1
on a python3 "$TMP/send.py" 60 0.001
wait_for 5 "the message" eval "[ \$(stat_of b tx.gso) -gt $base ]"
on a python3 "$TMP/send.py" 60 0.1
ctl port set a storm-broadcast=1000000
seen=$(arrived b)
on a python3 "$TMP/send.py" 2 0.001
wait_for 5 "what the new limit lets pass" eval "[ \$(arrived b) -gt $seen ]"
