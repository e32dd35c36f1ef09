#!/bin/bash
# quickstart.sh [--keep] [--no-vm] - from a fresh Debian 12 to machines that talk through
# the switch: installs the packages, builds, starts vswitchd, boots two small virtual
# machines whose taps QEMU plugs in through utils/hooks, lets them ping and copy a file
# over TCP, shows what the switch saw, and cleans up.
#
#	--keep   leave it running and say how to look at it and how to end it
#	--no-vm  two network namespaces instead of virtual machines
#
# All of it happens in the network namespace "vswitch-quickstart" and in a folder under
# /tmp; the machine's own interfaces are not touched.
set -euo pipefail

ROOT=$(dirname "$(dirname "$(readlink -f "$0")")")
NS=vswitch-quickstart
keep=no vms=yes

for word; do
	case $word in
	--keep) keep=yes ;;
	--no-vm) vms=no ;;
	-h | --help)
		sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
		exit 0
		;;
	*)
		echo "quickstart.sh: unknown word '$word'; usage: quickstart.sh [--keep] [--no-vm]" >&2
		exit 2
		;;
	esac
done

if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' plain=$'\e[0m'
else
	bold='' green='' plain=''
fi

say()
{
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

die()
{
	echo "quickstart.sh: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "needs root: it makes network interfaces (try sudo $0 $*)"
cd "$ROOT"

say "packages"
groups=(build run)
[ $vms = no ] || groups+=(vm)
utils/install-packages.sh "${groups[@]}"
echo "all installed"

say "build"
# A folder of its own: build/ is what tests/run.sh configures, with the tests.
BUILD=$(readlink -m "${VSWITCH_BUILD:-build-quickstart}")
if [ ! -e "$BUILD/build.ninja" ]; then
	meson setup "$BUILD" -Dtests=false -Dbench=false
fi
ninja -C "$BUILD" datapath/vswitchd utils/vswitchctl/vswitchctl
export PATH=$BUILD/utils/vswitchctl:$BUILD/datapath:$PATH

# ---- from here on things must be put away again ----

[ ! -e "/run/netns/$NS" ] || die "it is running already (namespace $NS); end it first: sh /tmp/vswitch-quickstart.*.end"
VM_DIR=$(mktemp -d /tmp/vswitch-quickstart.XXXXXX)
export VSWITCH_RUNDIR=$VM_DIR/run VSWITCH_HOOKS_DIR=$VM_DIR/hooks.d
mkdir "$VSWITCH_RUNDIR" "$VSWITCH_HOOKS_DIR"
# shellcheck source=vm/vm.sh
. "$ROOT/utils/vm/vm.sh"
switch_pid=
namespaces=("$NS")

cleanup()
{
	local status=$? ns
	trap - EXIT INT TERM
	set +e
	if [ $keep = yes ] && [ $status = 0 ]; then
		explain
		exit 0
	fi
	[ $status = 0 ] || {
		echo "quickstart.sh: something went wrong; the switch's last words:" >&2
		tail -n 20 "$VM_DIR/vswitchd.log" >&2
	}
	vm_stop_all
	if [ -n "$switch_pid" ]; then
		kill "$switch_pid" 2>/dev/null
		wait "$switch_pid" 2>/dev/null
	fi
	for ns in "${namespaces[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$VM_DIR"
	exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

explain()
{
	local pids="$switch_pid" name ns
	for name in "${!VM_PIDS[@]}"; do
		pids="${VM_PIDS[$name]} $pids"
	done
	{
		echo "kill $pids"
		for ns in "${namespaces[@]}"; do
			echo "ip netns del $ns"
		done
		echo "rm -r $VM_DIR $VM_DIR.end"
	} >"$VM_DIR.end"
	say "left running, in the network namespace $NS"
	echo "look at it:  export VSWITCH_RUNDIR=$VSWITCH_RUNDIR PATH=$BUILD/utils/vswitchctl:\$PATH"
	echo "             vswitchctl show; vswitchctl port stats; vswitchctl top"
	if [ $vms = yes ]; then
		echo "in a guest:  tail -f $VM_DIR/one.out &  echo 'ping -c 3 10.0.0.2' >$VM_DIR/one.in"
	else
		echo "in a host:   ip netns exec $NS-one ping 10.0.0.2"
	fi
	echo "end it:      sh $VM_DIR.end"
}

in_ns()
{
	ip netns exec "$NS" "$@"
}

ip netns add "$NS"
in_ns sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip -n "$NS" link set dev lo up

say "vswitchd"
ip netns exec "$NS" vswitchd --rundir "$VSWITCH_RUNDIR" --db "$VM_DIR/vswitch.db" \
	>"$VM_DIR/vswitchd.log" 2>&1 &
switch_pid=$!
tries=200
until vswitchctl version >/dev/null 2>&1; do
	kill -0 "$switch_pid" 2>/dev/null || die "vswitchd ended"
	((tries--)) || die "vswitchd does not answer"
	sleep 0.05
done
vswitchctl bridge add br0
vswitchctl version

if [ $vms = yes ]; then
	say "two virtual machines; their taps are plugged in by utils/hooks/qemu-ifup"
	vm_prepare
	# QEMU runs in the namespace: so do the hooks that it calls.
	VM_WRAP=(ip netns exec "$NS")
	vm_start one tap-one 10.0.0.1/24 02:00:00:00:00:01
	vm_start two tap-two 10.0.0.2/24 02:00:00:00:00:02
	vm_wait one
	vm_wait two
	echo "booted: one (10.0.0.1), two (10.0.0.2)"
	on_one() { vm_exec one "$1"; }
	on_two() { vm_exec two "$1"; }
else
	say "two network namespaces, joined to the switch by veth pairs"
	for host in one:10.0.0.1 two:10.0.0.2; do
		name=${host%:*}
		namespaces=("$NS-$name" "${namespaces[@]}")
		ip netns add "$NS-$name"
		ip netns exec "$NS-$name" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		ip -n "$NS" link add name "$name" type veth peer name eth0 netns "$NS-$name"
		ip -n "$NS-$name" addr add "${host#*:}/24" dev eth0
		ip -n "$NS-$name" link set dev eth0 up
		ip -n "$NS" link set dev "$name" up
		vswitchctl port add br0 "$name"
	done
	on_two() { ip netns exec "$NS-two" bash -c "$1"; }
fi

say "ping from two to one"
on_two "ping -c 3 -W 5 10.0.0.1"

say "a file of 4,000,000 bytes over TCP"
if [ $vms = yes ]; then
	on_one "mkdir -p /tmp/www; head -c 4000000 /dev/urandom >/tmp/www/file; httpd -h /tmp/www -p 80"
	sent=$(on_one "sha256sum </tmp/www/file")
	received=$(on_two "wget -q -O - http://10.0.0.1/file | sha256sum")
	echo "sent      $sent"
	echo "received  $received"
	[ "$sent" = "$received" ] || die "the checksums differ"
else
	/usr/bin/python3 -B tests/net/tcp_transfer.py "$NS-two" "$NS-one" 10.0.0.1 4000000
fi

say "vswitchctl show"
vswitchctl show
say "vswitchctl fdb show br0"
vswitchctl fdb show br0
say "vswitchctl port stats"
vswitchctl port stats
printf '\n%sit works%s\n' "$green" "$plain"
