#!/bin/bash
# timeout: 300 s
# The README's first command, with virtual machines and without: it works, says so, and
# leaves nothing behind.
set -euo pipefail

ROOT=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
out=$(mktemp)
trap 'rm -f "$out"' EXIT

fail()
{
	cat "$out"
	echo "FAILED: $*"
	exit 1
}

for mode in "" --no-vm; do
	echo "== quickstart.sh $mode"
	# shellcheck disable=SC2086  # no word or one
	"$ROOT/utils/quickstart.sh" $mode >"$out" 2>&1 </dev/null || fail "exit status $?"
	tail -n 1 "$out" | grep -qx "it works" || fail "does not end in 'it works'"
	for shown in "vswitchctl show" "vswitchctl fdb show br0" "vswitchctl port stats" 4,000,000; do
		grep -q "$shown" "$out" || fail "'$shown' is not among what it shows"
	done
	if ip netns list | grep -q '^vswitch-quickstart'; then
		fail "its network namespace is left"
	fi
done

echo "== a wrong word"
status=0
"$ROOT/utils/quickstart.sh" --nonsense >"$out" 2>&1 || status=$?
[ $status = 2 ] || fail "exit status $status for a wrong word"
grep -q -- "--nonsense" "$out" || fail "the wrong word is not named"
