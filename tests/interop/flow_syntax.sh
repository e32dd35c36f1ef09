#!/bin/bash
# timeout: 300 s
# Matches of flow_syntax.txt, given to ovs-ofctl and to us: both take and print the same,
# but for the differences that are listed there.  What we print, ovs-ofctl takes.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
build=${VSWITCH_BUILD:-build}
[[ $build == /* ]] || build=$(dirname "$(dirname "$here")")/$build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fault()
{
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# The matches of a section of the list, one a line.
section()
{
	awk -v want="[$1]" '/^\[/ { on = ($0 == want); next } on && NF && !/^#/' "$here/flow_syntax.txt"
}

ours()
{
	"$build/tests/interop/match_text"
}

# Flows of messages that ovs-ofctl prints -> their matches.
matches()
{
	sed -nE 's/^(OFPT|NXT)_FLOW_MOD[^:]*: ADD ?//; t more; d; :more
		s/ ?actions=drop$//; p'
}

# Matches on stdin -> what ovs-ofctl prints for each; ARGUMENTS… choose the protocol.
theirs()
{
	sed 's/$/,actions=drop/' >"$work/flows"
	ovs-ofctl "$@" parse-flows "$work/flows" 2>"$work/err" | matches
	grep -vE '\|(WARN|INFO)\|' "$work/err" || true
}

# Does ovs-ofctl take the match, and make a message of it that it reads again?
taken_by_them()
{
	ovs-ofctl -O OpenFlow13 parse-flow "$1,actions=drop" >"$work/out" 2>&1 || return 1
	if grep -q 'decode error' "$work/out"; then
		return 1
	fi
}

# same SECTION ARGUMENT…
same()
{
	local name=$1 match a b again
	shift
	section "$name" >"$work/list"
	ours <"$work/list" >"$work/ours"
	theirs "$@" <"$work/list" >"$work/theirs"
	theirs "$@" <"$work/ours" >"$work/again"
	while IFS=$'\t' read -r match a b again; do
		[ "$a" = "$b" ] || fault "'$match' prints '$a', Open vSwitch '$b'"
		[ "$a" = "$again" ] || fault "'$match' prints '$a', which Open vSwitch reads as '$again'"
		count=$((count + 1))
	# A blank, since "read" takes an empty field for none.
	done < <(paste -d '\t' <(sed 's/^ *//' "$work/list") "$work/ours" "$work/theirs" "$work/again" |
		sed -E ':more; s/\t(\t|$)/\t-\1/; t more')
	[ "$(wc -l <"$work/list")" = "$(wc -l <"$work/theirs")" ] || {
		cat "$work/theirs"
		fault "[$name]: ovs-ofctl did not answer every line"
	}
}

count=0
echo "== the same text on both sides"
same "same" -O OpenFlow13
same "same nxm" -O OpenFlow10 -F NXM

echo "== refused by both"
while IFS= read -r match; do
	count=$((count + 1))
	answer=$(ours <<<"$match")
	[[ $answer == error:* ]] || fault "'$match' is taken, as '$answer'"
	! taken_by_them "$match" || fault "'$match' is taken by Open vSwitch: $(cat "$work/out")"
done < <(section refused)

echo "== refused by us"
section stricter >"$work/list"
ours <"$work/list" | paste -d '\t' "$work/list" - >"$work/ours"
while IFS=$'\t' read -r match answer; do
	count=$((count + 1))
	[[ $answer == error:* ]] || fault "'$match' is taken, as '$answer'"
done <"$work/ours"
sed 's/$/,actions=drop/' "$work/list" >"$work/flows"
ovs-ofctl -O OpenFlow13 parse-flows "$work/flows" >"$work/out" 2>&1 ||
	fault "Open vSwitch refuses, too: $(grep ^ovs-ofctl: "$work/out")"

echo "== ours alone"
while IFS= read -r line; do
	count=$((count + 1))
	match=${line%% -> *}
	answer=$(ours <<<"$match")
	[ "$answer" = "${line##* -> }" ] || fault "'$match' prints '$answer'"
	! taken_by_them "$match" || fault "'$match' is taken by Open vSwitch: $(cat "$work/out")"
done < <(section ours)

echo "== printed in another way"
while IFS= read -r line; do
	count=$((count + 1))
	match=${line%% -> *}
	answer=$(ours <<<"$match")
	[ "$answer" = "${line##* -> }" ] || fault "'$match' prints '$answer'"
	their=$(theirs -O OpenFlow13 <<<"$match")
	[ "$their" != "$answer" ] || fault "'$match' prints the same with Open vSwitch"
	taken_by_them "$answer" || fault "'$answer' is refused by Open vSwitch"
done < <(section differs)

echo "$count matches, $failures differ"
((count >= 200)) || fault "the list was not read"
((failures == 0))
