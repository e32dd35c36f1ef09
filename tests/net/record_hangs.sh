#!/bin/bash
# The disk that a pcap port records on takes no writes for a while: only that port's frames
# suffer, by name.  The port goes when it is removed, and the switch is served meanwhile.
#
#	netns a -- a -- br0 -- rec (pcap, record=… on a frozen ext4)
#	netns c -- c -- br1 -- d -- netns d
. "$(dirname "$0")/../lib.sh"

disk=$TMP/disk
mkdir "$disk"
truncate -s 64M "$TMP/image"
mkfs.ext4 -q "$TMP/image"
mount -o loop "$TMP/image" "$disk"

# A frozen disk holds whatever writes to it, also against kill -9.
thaw()
{
	local status=$?
	set +eE
	fsfreeze -u "$disk" 2>/dev/null
	(exit $status)
	test_exit
}
trap thaw EXIT

switch_start
ctl bridge add br0
ctl bridge add br1
host_veth a 10.0.0.1/24
host_veth c 10.0.0.3/24
host_veth d 10.0.0.4/24
ctl port add br0 a
ctl port add br1 c
ctl port add br1 d
ctl port add br0 rec type=pcap record="$disk/o.pcap"
wait_port_up d

# COUNT broadcast frames of 1,442 bytes from a.
send()
{
	on a /usr/bin/python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for _ in range(int(sys.argv[1])):
    s.sendto(b"x" * 1400, ("10.0.0.255", 9))
END
}

step "it works"
send 10
on_disk()
{
	python3_debian - "$disk/o.pcap" "$1" <<'END'
import sys
from scapy.all import RawPcapReader
sys.exit(sum(1 for _ in RawPcapReader(sys.argv[1])) < int(sys.argv[2]))
END
}
wait_for 10 "frames on the disk" on_disk 10

step "frozen: another bridge of the same worker goes on"
fsfreeze -f "$disk"
send 2000
on c ping -q -c 20 -i 0.02 -W 1 10.0.0.4 >"$TMP/ping"
grep -q " 0% packet loss" "$TMP/ping" || fail "$(cat "$TMP/ping")"
check 'any(.[]; .port == "rec" and .reason == "tx_full")' ctl_json drops rec

step "thawed: what was taken is written"
taken=$(ctl_json port show rec | jq ".[0].info.recorded")
fsfreeze -u "$disk"
send 5
wait_for 20 "$taken frames in the file" on_disk "$taken"
check '.[0].info["record-lost"] == 0' ctl_json port show rec

step "removed while it is frozen: others are served, and it is gone when the disk is back"
fsfreeze -f "$disk"
send 100
vswitchctl --timeout 60 port del rec &
del=$!
for _ in 1 2 3 4 5; do
	vswitchctl --timeout 5 version >/dev/null
	on c ping -q -c 2 -i 0.02 -W 1 10.0.0.4 >"$TMP/ping"
	grep -q " 0% packet loss" "$TMP/ping"
done
fsfreeze -u "$disk"
wait "$del"
ctl port add br0 rec type=pcap record="$disk/o.pcap"
wait_port_up rec
