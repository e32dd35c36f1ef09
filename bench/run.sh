#!/bin/bash
# run.sh [SUITE…] [OPTION…] - measures the switch beside its peers.
#
# Suites: kernel (throughput over veth and tap), idle (CPU at rest and at low rates, ping),
# micro (ns and instructions per operation); all (default) is the three.
#
#	--rounds N     every peer once per round, in rotating order (default 5)
#	--seconds S    length of one measurement (default 5)
#	--peers LIST   of vswitch,bridge,ovs,ovs-tso (default vswitch,bridge,ovs)
#	--kinds LIST   of netdev,tap (default both)
#	--out DIR      writes DIR/NAME.json and DIR/NAME.md (default bench/results)
#	--name NAME    (default: date and commit)
#
# Run as root on Debian 12 and a quiet machine; it installs the packages that it needs
# (group "bench" of utils/packages.list) and builds build-release/.  What is measured, and
# how, is in bench/README.md.  The exit status is 0 when every goal that was measured is
# met, 1 when one was missed, 2 when something could not be measured.
#
# All interfaces, namespaces, daemons and their files live in a network, mount and process
# namespace that ends with this script.
set -euo pipefail

BENCH=$(dirname "$(readlink -f "$0")")
ROOT=$(dirname "$BENCH")
BUILD=${VSWITCH_BENCH_BUILD:-$ROOT/build-release}

for word; do
	case $word in
	-h | --help)
		sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
		exit 0
		;;
	esac
done
if [ "$(id -u)" != 0 ]; then
	echo "run.sh: needs root: it makes network namespaces" >&2
	exit 2
fi

# Refuse wrong words before the build.
/usr/bin/python3 -B "$BENCH/main.py" --check "$@"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "$ROOT/utils/install-packages.sh" build run bench &&
	{ [ -e "$BUILD/build.ninja" ] ||
		meson setup "$BUILD" "$ROOT" -Dbuildtype=release -Dtests=false; } &&
	ninja -C "$BUILD"; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 2
fi
rm -f "$log"
trap - EXIT

exec unshare --net --mount --pid --fork --kill-child=KILL --mount-proc \
	/usr/bin/python3 -B "$BENCH/main.py" --build "$BUILD" "$@"
