#!/bin/bash
# callgrind.sh [--print] BUILD - instructions per operation, held against bounds.tsv.
#
# Instructions, unlike time, are the same on every run and on a busy machine, so a change
# that makes the fast path longer fails here.  Prints one line per operation:
#
#	ok|OVER <tab> program <tab> operation <tab> instructions <tab> bound
#
# Exit status 1 when one is over its bound; --print only tells.  How an operation is
# singled out is in bench.h.  The bounds are for optimised x86-64 builds by gcc or clang,
# about a quarter above what they need.
set -euo pipefail

HERE=$(dirname "$(readlink -f "$0")")
COUNT=4096 # operations; a multiple of every burst

print=no
if [ "${1-}" = --print ]; then
	print=yes
	shift
fi
BUILD=${1:?usage: callgrind.sh [--print] BUILD}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# instructions PROGRAM OPERATION COUNT: of the whole program.  A copy without debug
# information runs: valgrind 3.19 gives up on clang's.
instructions()
{
	local copy=$dir/$1
	[ -e "$copy" ] || strip -o "$copy" "$BUILD/bench/micro/bench_$1"
	BENCH_ONLY=$2 BENCH_COUNT=$3 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$copy" 2>&1 >/dev/null |
		sed -n 's/^==[0-9]*== Collected : //p'
}

over=0
while IFS=$'\t' read -r program operation bound; do
	case $program in '' | '#'*) continue ;; esac
	once=$(instructions "$program" "$operation" $COUNT)
	twice=$(instructions "$program" "$operation" $((2 * COUNT)))
	if [ -z "$once" ] || [ -z "$twice" ] || ((twice - once < COUNT)); then
		echo "callgrind.sh: bench_$program has no operation '$operation'" >&2
		exit 2
	fi
	each=$(((twice - once + COUNT / 2) / COUNT))
	status=ok
	if ((each > bound)); then
		status=OVER over=1
	fi
	printf '%s\t%s\t%s\t%d\t%d\n' $status "$program" "$operation" $each "$bound"
done <"$HERE/bounds.tsv"
[ $print = yes ] || exit $over
