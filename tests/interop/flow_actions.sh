#!/bin/bash
# timeout: 600 s
# Flows, groups and meters of flow_actions.txt, given to ovs-ofctl and to us: both take and
# print the same, but for the differences that are listed there.  What we print, ovs-ofctl
# takes.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
build=${VSWITCH_BUILD:-build}
[[ $build == /* ]] || build=$(dirname "$(dirname "$here")")/$build
work=$(mktemp -d)
failures=0
count=0

python3 "$here/of_sink.py" "$work/sink" &
sink=$!
trap 'kill $sink; rm -rf "$work"' EXIT
deadline=$((SECONDS + 20))
until [ -S "$work/sink" ]; do
	((SECONDS < deadline)) || exit 1
done

fault()
{
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# The lines of a section of the list.
section()
{
	awk -v want="[$1]" '/^\[/ { on = ($0 == want); next } on && NF && !/^#/' "$here/flow_actions.txt"
}

# ours KIND: lines on stdin -> what we print for each.
ours()
{
	"$build/tests/interop/flow_text" "$1"
}

# What ovs-ofctl makes of one flow, group or meter; fails where it refuses it.
theirs()
{
	local out

	case $1 in
	flow) out=$(ovs-ofctl -O OpenFlow13 parse-flow "$2" 2>/dev/null) || return 1 ;;
	group) out=$(ovs-ofctl -O OpenFlow13 parse-group "$2" 2>/dev/null) || return 1 ;;
	meter)
		out=$(timeout 20 ovs-ofctl -O OpenFlow13 -vvconn:console:dbg add-meter \
			"unix:$work/sink" "$2" 2>&1) || return 1
		;;
	esac
	if [[ $out == *'decode error'* ]]; then
		return 1
	fi
	case $1 in
	flow) sed -n 's/^OFPT_FLOW_MOD[^:]*: ADD //p' <<<"$out" ;;
	group) sed -n 's/^ ADD //p' <<<"$out" ;;
	# its bands are in lines of their own, and so joined
	meter) awk '/sent.*OFPT_METER_MOD/ { on = 1; sub(/.*: ADD /, ""); text = $0; next }
		on && /^type=/ { text = text (text ~ /=$/ ? "" : " ") $0; next }
		on { on = 0 } END { print text }' <<<"$out" ;;
	esac
}

# Of a flow the instructions: the rest is printed in another form by parse-flow.
comparable()
{
	if [ "$1" = flow ]; then
		echo "${2##*actions=}"
	else
		echo "$2"
	fi
}

# all_theirs KIND: the same for lines on stdin, each of which is taken.
all_theirs()
{
	if [ "$1" = flow ]; then
		cat >"$work/flows"
		ovs-ofctl -O OpenFlow13 parse-flows "$work/flows" 2>"$work/err" |
			sed -n 's/^OFPT_FLOW_MOD[^:]*: ADD //p'
		grep ^ovs-ofctl: "$work/err" || true
	else
		while IFS= read -r text; do
			theirs "$1" "$text" || echo "refused: $text"
		done
	fi
}

same()
{
	local text mine their again

	section "$1 same" >"$work/list"
	ours "$1" <"$work/list" >"$work/ours"
	all_theirs "$1" <"$work/list" >"$work/theirs"
	all_theirs "$1" <"$work/ours" >"$work/again"
	for file in ours theirs again; do
		[ "$(wc -l <"$work/list")" = "$(wc -l <"$work/$file")" ] ||
			fault "$1: not every line was answered: $(tail -1 "$work/$file")"
	done
	while IFS= read -r text <&3 && IFS= read -r mine <&4 && IFS= read -r their <&5 &&
		IFS= read -r again <&6; do
		count=$((count + 1))
		[ "$(comparable "$1" "$mine")" = "$(comparable "$1" "$their")" ] ||
			fault "$1 '$text' prints '$mine', Open vSwitch '$their'"
		[ "$again" = "$their" ] ||
			fault "$1 '$text' prints '$mine', which Open vSwitch reads as '$again'"
	done 3<"$work/list" 4<"$work/ours" 5<"$work/theirs" 6<"$work/again"
}

refused()
{
	local text answer

	while IFS= read -r text; do
		count=$((count + 1))
		answer=$(ours "$1" <<<"$text")
		[[ $answer == error:* ]] || fault "$1 '$text' is taken, as '$answer'"
		! theirs "$1" "$text" >"$work/out" ||
			fault "$1 '$text' is taken by Open vSwitch: $(cat "$work/out")"
	done < <(section "$1 refused")
}

# A meter that ovs-ofctl itself cannot read again was sent all the same.
stricter()
{
	local text answer

	while IFS= read -r text; do
		count=$((count + 1))
		answer=$(ours "$1" <<<"$text")
		[[ $answer == error:* ]] || fault "$1 '$text' is taken, as '$answer'"
		theirs "$1" "$text" >"$work/out" || [[ $text == *kbps,pktps* ]] ||
			fault "$1 '$text' is refused by Open vSwitch, too"
	done < <(section "$1 stricter")
}

# LINE of a section "TEXT -> WHAT WE PRINT"; the text may have arrows itself.
expected()
{
	local line=$2

	text=${line% -> *}
	answer=$(ours "$1" <<<"$text")
	count=$((count + 1))
	[ "$answer" = "${line##* -> }" ] || fault "$1 '$text' prints '$answer'"
}

for kind in flow group meter; do
	echo "== $kind: the same text on both sides"
	same $kind
	echo "== $kind: refused by both"
	refused $kind
	echo "== $kind: refused by us"
	stricter $kind
done

echo "== flow: ours alone"
while IFS= read -r line; do
	expected flow "$line"
	! theirs flow "$text" >"$work/out" || fault "'$text' is taken by Open vSwitch"
done < <(section "flow ours")

echo "== flow: printed in another way"
while IFS= read -r line; do
	expected flow "$line"
	their=$(theirs flow "$text") || fault "'$text' is refused by Open vSwitch"
	[ "$(comparable flow "$their")" != "$(comparable flow "$answer")" ] ||
		fault "'$text' prints the same with Open vSwitch"
	theirs flow "$answer" >"$work/out" || fault "'$answer' is refused by Open vSwitch"
done < <(section "flow differs")

echo "$count texts, $failures differ"
((count >= 700)) || fault "the list was not read"
((failures == 0))
