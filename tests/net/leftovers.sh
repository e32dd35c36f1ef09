#!/bin/bash
# What a switch that was killed leaves behind, its successor with another configuration
# clears: filters that keep the host from an interface, taps, bridges' own interfaces. What
# another instance has, and what is anybody else's, stays.
#
#   namespace a ── veth a ── vswitchd (first)  br0, taps t0 t1
#   namespace b ── veth b ── vswitchd (second) br1, tap u0, veth c ── namespace c
. "$(dirname "$0")/../lib.sh"

TWO=$TMP/two
two()
{
	vswitchctl --timeout 20 --rundir "$TWO" "$@"
}

state_of()
{
	ip -o link show dev "$1" | sed 's/ alias .*//'
	ip -o addr show dev "$1"
	tc qdisc show dev "$1"
	tc filter show dev "$1" ingress
}

filtered()
{
	tc filter show dev "$1" ingress | grep -q vswitch
}

exists()
{
	[ -e "/sys/class/net/$1" ]
}

gone()
{
	[ ! -e "/sys/class/net/$1" ]
}

fill()
{
	ctl bridge add br0
	ctl port add br0 t0 type=tap
	ctl port add br0 t1 type=tap queues=2
	ctl port add br0 a mtu=1400
	wait_port_up a
	wait_port_up t0
	wait_port_up t1
}

host_veth a 10.0.0.1/24
host_veth b 10.1.0.1/24
host_veth c 10.1.0.2/24
ip addr add 10.0.0.254/24 dev a
ping_from a 10.0.0.254
state_of a >"$TMP/a.before"

step "a second instance, and things that are nobody's of ours"
vswitchd --rundir "$TWO" --db "$TMP/two.db" --log-file "$TMP/two.log" --detach
two bridge add br1
two port add br1 u0 type=tap
two port add br1 b
two port add br1 c
ping_from b 10.1.0.2
two_state()
{
	for dev in br1 u0 b c; do
		cat "/sys/class/net/$dev/ifindex"
		state_of "$dev"
	done
}
two_state >"$TMP/two.before"
ip tuntap add mine mode tap
ip link set dev mine alias "vswitch tap mine"
ip link add name other type veth peer name other2
tc qdisc add dev other clsact
tc filter add dev other ingress protocol all pref 7 bpf bytecode '1,6 0 0 4294967295' flowid 1:1
ping_start b "$TMP/ping" -i 0.1 10.1.0.2

step "killed: the host is cut off from its interface, taps stay"
switch_start
fill
t0=$(cat /sys/class/net/t0/ifindex)
switch_kill
filtered a
no_ping_from a 10.0.0.254
exists t0
exists t1
exists br0

step "the same configuration takes all of it up again"
switch_start
wait_port_up a
wait_port_up t0
[ "$(cat /sys/class/net/t0/ifindex)" = "$t0" ] || fail "another tap"
! grep -q 'left by an earlier run' "$LOG" || fail "something was taken for a leftover"
switch_kill

step "another one gives all of it back"
switch_start --db :memory:
diff "$TMP/a.before" <(state_of a)
ping_from a 10.0.0.254
gone t0
gone t1
gone br0
for what in 'tap t0 deleted' 'tap t1 deleted' 'tap br0 deleted' 'interface a given back'; do
	grep -q "left by an earlier run: $what" "$LOG" || fail "not told: $what"
done

step "and touches nothing else"
diff "$TMP/two.before" <(two_state)
two_up()
{
	two --json port list | jq -e 'all(.[]; .state == "up")'
}
two_up >/dev/null
exists mine
exists other
tc filter show dev other ingress | grep -q bytecode
switch_stop

step "what the other configuration has as well stays, with its settings"
switch_start
wait_port_up t0
wait_port_up a
ip addr add 10.7.7.7/24 dev t0
t0=$(cat /sys/class/net/t0/ifindex)
switch_kill
sqlite3 "$DB" "delete from object where name in ('t1', 'a')"
switch_start
wait_port_up t0
[ "$(cat /sys/class/net/t0/ifindex)" = "$t0" ]
ip addr show dev t0 | grep -q 10.7.7.7
gone t1
diff "$TMP/a.before" <(state_of a)
ping_from a 10.0.0.254

step "a tap that another program holds stays, and so does one that is no longer marked"
ctl port add br0 held type=tap
ctl port add br0 theirs type=tap
wait_port_up held
wait_port_up theirs
switch_kill
ip link set dev theirs alias "somebody else's"
cat >"$TMP/hold.py" <<'EOF'
import fcntl, os, struct, sys, time
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH", b"held", 0x0002 | 0x1000 | 0x4000))
open(sys.argv[1], "w").close()
time.sleep(1000)
EOF
/usr/bin/python3 "$TMP/hold.py" "$TMP/held" &
holder=$!
wait_for 10 "the tap to be held" [ -e "$TMP/held" ]
switch_start --db :memory:
exists held
exists theirs
gone t0
grep -q 'tap held stays: another program holds it' "$LOG"
switch_stop
kill $holder
wait $holder || true
ip link del dev theirs

step "an interface that was renamed meanwhile, an MTU that somebody changed"
switch_start --db "$TMP/three.db"
gone held # nobody holds it now
ctl bridge add br0
ctl port add br0 a mtu=1300
wait_port_up a
switch_kill
ip link set dev a down
ip link set dev a name a2
ip link set dev a2 mtu 1200
switch_start --db "$TMP/three.db"
! filtered a2 || fail "still taken"
[ "$(cat /sys/class/net/a2/mtu)" = 1200 ]
port_state_is a waiting
ip link set dev a2 mtu 1500
ip link set dev a2 up
ip link set dev a2 name a
wait_port_up a
filtered a
switch_stop
diff "$TMP/a.before" <(state_of a)

step "where part of the configuration cannot be read, nothing is taken for a leftover"
switch_start --db "$TMP/three.db"
ctl port add br0 t0 type=tap
wait_port_up t0
switch_kill
sqlite3 "$TMP/three.db" "update object set json = '{' where name = 't0'"
switch_start --db "$TMP/three.db"
exists t0
grep -q 'unreadable rows: what an earlier run left stays' "$LOG"
switch_kill

step "vswitchd --cleanup: after the switch, instead of it"
filtered a
vswitchd --cleanup --rundir "$RUNDIR" >"$TMP/cleanup"
diff <(sort "$TMP/cleanup") - <<'EOF'
interface a given back
tap br0 deleted
tap t0 deleted
EOF
diff "$TMP/a.before" <(state_of a)
gone t0
[ ! -e "$RUNDIR/vswitchd.pid" ]
vswitchd --cleanup --rundir "$RUNDIR" | grep -q "nothing is left of a switch in $RUNDIR"
status=0
vswitchd --cleanup --rundir "$TWO" 2>"$TMP/err" || status=$?
[ $status = 1 ]
grep -q 'another vswitchd' "$TMP/err"
switch_start --db "$TMP/three.db"
switch_stop # in order: taps stay for the next start
exists br0
vswitchd --cleanup --rundir "$RUNDIR" | grep -q 'tap br0 deleted'

step "a run directory of the same name in another mount namespace is refused"
switch_start --db :memory:
status=0
unshare --mount bash -c "mount -t tmpfs none '$RUNDIR' && exec timeout 10 vswitchd --rundir '$RUNDIR' --db :memory:" 2>"$TMP/err" || status=$?
[ $status = 1 ]
grep -q "pid $SWITCH_PID.*same name, $RUNDIR" "$TMP/err" || fail "$(cat "$TMP/err")"
ctl version

step "the second instance has noticed nothing of all that"
diff "$TMP/two.before" <(two_state)
ping_end "$TMP/ping"
kill "$(cat "$TWO/vswitchd.pid")"
wait_for 10 "the second to end" bash -c "! [ -e $TWO/vswitchd.pid ]"
