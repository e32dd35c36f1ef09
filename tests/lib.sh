# lib.sh - what every net and interop test starts from; sourced first (bash).
#
#	#!/bin/bash
#	# what is tested
#	#   topology
#	. "$(dirname "$0")/../lib.sh"
#
# Sourcing it runs the script again as process 1 of its own network, mount and process
# namespaces: interfaces, named namespaces ("ip netns add"), files under $TMP and
# processes all vanish with the test, also when it is killed.  Nothing to clean up.
#
# In there: TMP is an empty tmpfs, RUNDIR and DB below it; IPv6 is off by default, so that
# no frames appear that the test did not send; any command that fails ends the test
# (set -e), which then prints its trace and the switch's log.
#
# The programs are those of $VSWITCH_BUILD (default: build), from the root of the tree.
#
# shellcheck shell=bash disable=SC2034

set -eEuo pipefail

TESTS=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
ROOT=$(dirname "$TESTS")
case ${VSWITCH_BUILD:-build} in
/*) BUILD=$VSWITCH_BUILD ;;
*) BUILD=$ROOT/${VSWITCH_BUILD:-build} ;;
esac
[ -x "$BUILD/datapath/vswitchd" ] || {
	echo "VSWITCH_BUILD: no vswitchd built in $BUILD" >&2
	exit 1
}

if [ "${VSWITCH_TEST_INSIDE:-}" != "$$" ]; then
	[ "$(id -u)" = 0 ] || {
		echo "needs root: it makes network namespaces" >&2
		exit 1
	}
	VSWITCH_TEST_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child=KILL \
		--mount-proc bash "$(readlink -f "$0")" "$@"
fi

mount -t tmpfs -o size=512m test /run
mount -t sysfs sys /sys # that of this network namespace
mkdir /run/netns /run/test
TMP=/run/test
RUNDIR=$TMP/rundir
DB=$TMP/vswitch.db
LOG=$TMP/vswitchd.log
SWITCH_PID=
export TMP RUNDIR VSWITCH_RUNDIR=$RUNDIR
export PATH=$BUILD/utils/vswitchctl:$BUILD/datapath:$PATH
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:log_path=$TMP/sanitizer
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$TMP/sanitizer
export TSAN_OPTIONS=second_deadlock_stack=1:suppressions=$ROOT/tests/tsan.supp:log_path=$TMP/sanitizer
export LC_ALL=C

# The machine's policy may be restrictive or lax; a test needs it known.
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true
ip link set dev lo up

test_exit()
{
	local status=$?
	trap - EXIT ERR INT TERM
	set +eE
	if [ -n "$SWITCH_PID" ]; then
		kill "$SWITCH_PID" 2>/dev/null
		wait "$SWITCH_PID" 2>/dev/null
	fi
	local report
	for report in "$TMP"/sanitizer.*; do
		[ -e "$report" ] || continue
		echo "--- $report"
		cat "$report"
		status=1
	done
	if [ $status != 0 ] && [ -s "$LOG" ]; then
		echo "--- last lines of vswitchd's log"
		tail -n 40 "$LOG"
	fi
	exit $status
}

test_error()
{
	local status=$? i
	echo "FAILED (status $status): $BASH_COMMAND"
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		echo "    ${BASH_SOURCE[i]#"$ROOT"/}:${BASH_LINENO[i - 1]} ${FUNCNAME[i]}"
	done
}
trap test_exit EXIT
trap test_error ERR
trap 'exit 130' INT TERM

# ---- checks ----

fail()
{
	echo "$@"
	return 1
}

step()
{
	echo "== $*"
}

# wait_for SECONDS WHAT COMMAND…: polls until the command succeeds.
wait_for()
{
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < deadline)) || fail "waited in vain for: $what ($*)"
		sleep 0.05 # the pause between two looks
	done
}

# refused STATUS WORD COMMAND…: the command exits with STATUS and says why in one line on
# stderr that has WORD in it, and prints nothing on stdout.
refused()
{
	local want=$1 word=$2 status=0
	shift 2
	"$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status = "$want" ] || {
		cat "$TMP/err"
		fail "exit status $status instead of $want: $*"
	}
	[ ! -s "$TMP/out" ] || fail "printed on stdout: $* -> $(head -c 200 "$TMP/out")"
	[ "$(wc -l <"$TMP/err")" = 1 ] || {
		cat "$TMP/err"
		fail "not one line on stderr: $*"
	}
	grep -qF -e "$word" "$TMP/err" || fail "does not name '$word': $* -> $(cat "$TMP/err")"
}

# check FILTER COMMAND…: what the command prints as JSON satisfies the jq filter.
check()
{
	local filter=$1
	shift
	"$@" >"$TMP/json" || fail "exit status $?: $*"
	jq -e "$filter" "$TMP/json" >/dev/null || {
		cat "$TMP/json"
		fail "not so: $filter  in the output of: $*"
	}
}

# ---- the switch ----

# switch_start [ARGUMENT…]: a vswitchd that answers.
switch_start()
{
	vswitchd --rundir "$RUNDIR" --db "$DB" --log debug "$@" >>"$LOG" 2>&1 &
	SWITCH_PID=$!
	wait_for 20 "vswitchd to answer or to end" switch_settled
	ctl version >/dev/null || fail "vswitchd did not start"
}

switch_settled()
{
	! kill -0 "$SWITCH_PID" || ctl version
}

# Ends it as an administrator would; fails if its exit status is not 0.
switch_stop()
{
	local pid=$SWITCH_PID
	SWITCH_PID=
	kill "$pid"
	wait "$pid"
}

switch_kill()
{
	local pid=$SWITCH_PID
	SWITCH_PID=
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
}

ctl()
{
	vswitchctl --timeout "${CTL_TIMEOUT:-20}" "$@"
}

# The answer to --json; "port show" and the like give one object.
ctl_json()
{
	vswitchctl --timeout "${CTL_TIMEOUT:-20}" --json "$@"
}

port_is_up()
{
	ctl_json port list | jq -e --arg p "$1" '.[] | select(.name == $p) | .state == "up"' >/dev/null
}

port_state_is()
{
	ctl_json port list | jq -e --arg p "$1" --arg s "$2" \
		'.[] | select(.name == $p) | .state == $s' >/dev/null
}

wait_port_up()
{
	wait_for 10 "port $1 to be up" port_is_up "$1"
}

# drops PORT REASON: how often the port dropped for that reason.
drops()
{
	ctl_json drops "$1" | jq --arg r "$2" '[.[] | select(.reason == $r) | .count] | add // 0'
}

# stat_of PORT PATH: a figure of "port stats", such as rx.packets.
stat_of()
{
	ctl_json port stats | jq --arg p "$1" ".[] | select(.name == \$p) | .$2"
}

# ---- namespaces and traffic ----

# Run in a named namespace.
on()
{
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

netns_add()
{
	local ns
	for ns; do
		ip netns add "$ns"
		on "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		ip -n "$ns" link set dev lo up
	done
}

# host_veth NS IP/LEN: a namespace NS whose eth0 is the other end of the switch's "NS".
host_veth()
{
	local ns=$1 address=$2
	netns_add "$ns"
	ip link add name "$ns" type veth peer name eth0 netns "$ns"
	# Its MAC address follows from the IP address: a host that comes back is the same.
	# shellcheck disable=SC2046,SC2183
	ip -n "$ns" link set dev eth0 address "$(printf '02:00:%02x:%02x:%02x:%02x' $(tr './' '  ' <<<"${address%/*}"))"
	ip -n "$ns" addr add "$address" dev eth0
	ip -n "$ns" link set dev eth0 up
	ip link set dev "$ns" up
}

# host_move NS DEV IP/LEN: gives an interface of the switch (tap or internal) to a
# namespace of its own, as a container runtime does.
host_move()
{
	local ns=$1 dev=$2 address=$3
	netns_add "$ns"
	ip link set dev "$dev" netns "$ns"
	ip -n "$ns" addr add "$address" dev "$dev"
	ip -n "$ns" link set dev "$dev" up
}

ping_from()
{
	local ns=$1
	shift
	on "$ns" ping -q -c 3 -i 0.2 -W 2 "$@"
}

# ping_start NS FILE ARGUMENT…: pings in the background; what it prints goes to FILE.
declare -A PINGS=()
ping_start()
{
	local ns=$1 file=$2
	shift 2
	# A shell starts background processes with SIGINT ignored.
	ip netns exec "$ns" env --default-signal=INT ping "$@" >"$file" 2>&1 &
	PINGS[$file]=$!
	# Not before it is ping itself does it heed the SIGINT of ping_stop.
	wait_for 5 "ping to start" ping_runs "${PINGS[$file]}"
}

ping_runs()
{
	[ "$(cat "/proc/$1/comm" 2>/dev/null)" = ping ]
}

ping_stop()
{
	kill -INT "${PINGS[$1]}"
	wait "${PINGS[$1]}" || true
	tail -n 3 "$1"
}

# ping_answers FILE: how many requests were answered, and the number of the last that was.
ping_answers()
{
	sed -n 's/^[0-9]* bytes from .* icmp_seq=\([0-9]*\) .*time=.*/\1/p' "$1" | sort -nu |
		awk 'END { print NR + 0, $1 + 0 }'
}

# Has a request been answered after number SEQ?
ping_answers_after()
{
	local received last
	read -r received last <<<"$(ping_answers "$1")"
	((last > $2))
}

# ping_end FILE: ends it; no packet may have been lost.  That is exact: one more is sent and
# answered, and what is under way when it ends is not looked at.
ping_end()
{
	local file=$1 received last
	read -r received last <<<"$(ping_answers "$file")"
	# The next may have been on its way already.
	wait_for 5 "two more answers" ping_answers_after "$file" $((last + 1))
	ping_stop "$file"
	read -r received last <<<"$(ping_answers "$file")"
	((received == last)) || fail "$((last - received)) of $last packets were lost"
	! grep -q 'duplicates\|DUP!' "$file" || fail "answers came twice"
}

# flood_start NS FILE ARGUMENT…: as fast as it goes, until flood_end FILE.  Losses are expected.
flood_start()
{
	ping_start "$@" -q -f
}

flood_end()
{
	ping_stop "$1"
	grep -q '^[1-9][0-9]* packets transmitted' "$1" || fail "sent nothing"
	! grep -q duplicates "$1" || fail "answers came twice"
}

no_ping_from()
{
	local ns=$1
	shift
	if on "$ns" ping -q -c 2 -i 0.2 -W 1 "$@" >/dev/null; then
		fail "ping went through: from $ns to $*"
	fi
}

# tcp_transfer FROM TO IP [BYTES]: sends a random file over TCP and compares checksums.
tcp_transfer()
{
	python3_debian "$TESTS/net/tcp_transfer.py" "$@"
}

# The python3 first in PATH may not be Debian's, which has scapy.
python3_debian()
{
	PYTHONPATH=$TESTS/net /usr/bin/python3 -B "$@"
}

# frames <<'END': Python on stdin that sends and captures frames; see net/wire.py.
frames()
{
	cat >"$TMP/frames.py"
	python3_debian "$TMP/frames.py" "$@"
}
