#!/bin/bash
# run.sh [-v] [-j N] [--list] [SUITE|SUITE/TEST…] - builds what is needed and runs tests.
#
# Suites: unit model fuzz net interop micro lint; without one, all.  A test is chosen by name or
# shell pattern: unit/fdb, 'net/vlan*'.  Run as root on Debian 12; it installs the packages
# that it needs (utils/packages.list).
#
#	-v      show the output of tests that pass, too
#	-j N    tests at a time (default: processors, at most 4)
#	--list  name the tests and run nothing
#
# The last line is "N passed, N failed"; the exit status is 1 when any failed.  A test
# that cannot run (no root, a program missing) has failed.
#
# Builds, each made once and kept for the next run:
#
#	build/       gcc, as users build it          unit, model, fuzz corpus, net, interop, micro
#	build-asan/  clang, address and undefined    the same but interop, and some of net
#	build-tsan/  clang, thread                   unit and model tests that start threads, some of net
#	build-fuzz/  clang, libFuzzer                20 s of search for each target
#
# How it works: the tests become lines "NAME <tab> SECONDS <tab> COMMAND", which are run
# as jobs, each in a process group of its own with its output in a file.
set -uo pipefail
shopt -s nullglob

cd "$(dirname "$(readlink -f "$0")")/.." || exit 2
ROOT=$PWD
FUZZ_S=${VSWITCH_FUZZ_S:-20}
ASAN_NET_TESTS=(standalone_ping vlan_modes mac_learning forwarding malformed
	malformed_ports uso wrong_input device_vanish patch pcap config thousand_ports daemon matrix)
TSAN_NET_TESTS=(matrix device_vanish)
ALL_SUITES=(unit model fuzz net interop micro lint)

die()
{
	echo "run.sh: $*" >&2
	exit 2
}

verbose=no list=no jobs=$(nproc)
((jobs <= 4)) || jobs=4
chosen=()
while [ $# -gt 0 ]; do
	case $1 in
	-v) verbose=yes ;;
	-j)
		[[ ${2-} =~ ^[1-9][0-9]*$ ]] || die "-j wants a number"
		jobs=$2
		shift
		;;
	--list) list=yes ;;
	-h | --help)
		sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
		exit 0
		;;
	all) chosen+=("${ALL_SUITES[@]}") ;;
	-*) die "unknown option '$1'" ;;
	*)
		[[ " ${ALL_SUITES[*]} " == *" ${1%%/*} "* ]] || die "no suite '${1%%/*}' (${ALL_SUITES[*]})"
		chosen+=("$1")
		;;
	esac
	shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${ALL_SUITES[@]}")

if [ -t 1 ]; then
	red=$'\e[31m' green=$'\e[32m' dim=$'\e[2m' plain=$'\e[0m'
else
	red='' green='' dim='' plain=''
fi

WORK=$(mktemp -d "${TMPDIR:-/tmp}/vswitch-tests.XXXXXX") || exit 2
declare -A job_name=() job_start=()
passed=0 failed=0
failed_names=()

# Every job is a "timeout" that leads its own process group; the tests below it die with
# their namespaces.
stop_jobs()
{
	local pid
	trap '' INT TERM HUP
	for pid in "${!job_name[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	for pid in "${!job_name[@]}"; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$WORK"
}
trap stop_jobs EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

wants()
{
	local c
	for c in "${chosen[@]}"; do
		[ "${c%%/*}" != "$1" ] || return 0
	done
	return 1
}

# NAME as chosen by one of the arguments?
chosen_test()
{
	local c
	for c in "${chosen[@]}"; do
		[[ $c == */* ]] || c="$c/*"
		# shellcheck disable=SC2053  # patterns are wanted
		[[ $1 == $c ]] && return 0
	done
	return 1
}

# ---- what happens to one test ----

result()
{
	local name=$1 status=$2 seconds=$3 output=$4
	if [ "$status" = 0 ]; then
		passed=$((passed + 1))
		printf '%sPASS%s %s %s%s s%s\n' "$green" "$plain" "$name" "$dim" "$seconds" "$plain"
		[ $verbose = no ] || sed 's/^/    /' "$output"
		return
	fi
	failed=$((failed + 1))
	failed_names+=("$name")
	printf '%sFAIL%s %s %s%s s, status %s%s\n' "$red" "$plain" "$name" "$dim" "$seconds" "$status" "$plain"
	[ "$status" != 124 ] || echo "    took too long"
	tail -n 150 "$output" | sed 's/^/    /'
}

# A test that is failed without being run.
failed_test()
{
	echo "$2" >"$WORK/reason"
	result "$1" "not run" 0 "$WORK/reason"
}

wait_for_a_job()
{
	local pid status=0 us
	wait -n -p pid || status=$?
	[ -n "${pid-}" ] || return
	us=$((${EPOCHREALTIME/./} - job_start[$pid]))
	result "${job_name[$pid]}" "$status" \
		"$((us / 1000000)).$((us / 100000 % 10))" "$WORK/$pid.out"
	rm -f "$WORK/$pid.out"
	unset "job_name[$pid]" "job_start[$pid]"
}

start_job()
{
	local name=$1 seconds=$2 command=$3 pid
	while ((${#job_name[@]} >= jobs)); do
		wait_for_a_job
	done
	: >"$WORK/out"
	timeout -k 10 "$seconds" bash -c "$command" </dev/null >"$WORK/out" 2>&1 &
	pid=$!
	mv "$WORK/out" "$WORK/$pid.out"
	job_name[$pid]=$name job_start[$pid]=${EPOCHREALTIME/./}
}

# run_tests < lines of NAME, SECONDS, COMMAND
run_tests()
{
	local name seconds command
	[ -s "$WORK/tests" ] || failed_test "$suite/none" "the suite has no test"
	while IFS=$'\t' read -r name seconds command; do
		chosen_test "$name" || continue
		if [ $list = yes ]; then
			echo "$name"
		else
			start_job "$name" "$seconds" "$command"
		fi
	done
	while ((${#job_name[@]} > 0)); do
		wait_for_a_job
	done
}

# ---- builds ----

# configure DIR COMPILER [MESON ARGUMENT…]
configure()
{
	local dir=$1 compiler=$2
	shift 2
	if [ -e "$dir/build.ninja" ]; then
		return
	fi
	CC=$compiler meson setup "$dir" "$@" >"$WORK/configure" 2>&1 || {
		cat "$WORK/configure"
		rm -rf "$dir"
		return 1
	}
}

# build DIR [NINJA ARGUMENT…]
build()
{
	local start=$SECONDS
	printf 'building %s\n' "$1"
	ninja --quiet -C "$@" >"$WORK/build" 2>&1 || {
		cat "$WORK/build"
		return 1
	}
	printf '%sbuilt %s in %s s%s\n' "$dim" "$1" $((SECONDS - start)) "$plain"
}

# meson_tests DIR SUITE PREFIX: lines for run_tests.  Sanitizers make tests slower.
meson_tests()
{
	local dir=$1 suite=$2 prefix=$3
	meson introspect --tests "$dir" | jq -r --arg suite "$suite" --arg prefix "$prefix" '
		.[] | select(any(.suite[]; . == $suite or endswith(":" + $suite))) |
		[$prefix + (.name | ltrimstr("fuzz_")), ((.timeout // 120) * 2 | tostring), (.cmd | map(@sh) | join(" "))] |
		@tsv'
}

have_build=
build_plain()
{
	[ -z "$have_build" ] || return "$have_build"
	have_build=1
	configure build gcc && build build && have_build=0
	return $have_build
}

have_asan=
build_asan()
{
	[ -z "$have_asan" ] || return "$have_asan"
	have_asan=1
	configure build-asan clang -Db_sanitize=address,undefined -Db_lundef=false \
		-Dbench=false && build build-asan && have_asan=0
	return $have_asan
}

# The unit and model tests that start threads, by themselves or with what they test.
thread_tests()
{
	local starts='pthread_create|(workers|dataplane|store|mgmt)_create|store_open' headers
	headers=$(grep -lE "$starts" tests/unit/*.h | sed 's,.*/,,' | paste -sd '|')
	grep -lE "$starts|^#include \"($headers)\"" tests/unit/test_*.c tests/model/model_*.c |
		sed -E 's,tests/(unit|model)/(test|model)_(.*)\.c,\1 \2_\3,'
}

build_tsan()
{
	local targets
	targets=$(thread_tests | sed 's,\(.*\) \(.*\),tests/\1/\2,')
	# shellcheck disable=SC2086  # a list of targets
	configure build-tsan clang -Db_sanitize=thread -Db_lundef=false -Dbench=false &&
		build build-tsan datapath/vswitchd utils/vswitchctl/vswitchctl $targets
}

# The libraries are instrumented too, or the search would be blind in them.
build_fuzz()
{
	local targets
	targets=$(fuzz_targets | sed 's,^,tests/fuzz/fuzz_,')
	[ -n "$targets" ] || return 0
	# shellcheck disable=SC2086
	configure build-fuzz clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
		-Dbench=false && build build-fuzz $targets
}

fuzz_targets()
{
	local file
	for file in tests/fuzz/fuzz_*.c; do
		file=${file##*/fuzz_}
		echo "${file%.c}"
	done
}

# ---- suites ----

sanitizer_options="ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$ROOT/tests/tsan.supp"

# suite SUITE: unit or model
compiled_suite()
{
	local suite=$1
	build_plain || { failed_test "$suite/build" "build/ does not build" && return; }
	build_asan || { failed_test "$suite/build-asan" "build-asan/ does not build" && return; }
	build_tsan || { failed_test "$suite/build-tsan" "build-tsan/ does not build" && return; }
	{
		meson_tests build "$suite" "$suite/"
		meson_tests build-asan "$suite" "$suite/asan/" | with_options
		thread_tests | awk -v s="$suite" '$1 == s { print $2 }' | while read -r name; do
			printf '%s/tsan/%s\t600\t%s\n' "$suite" "${name#*_}" "build-tsan/tests/$suite/$name"
		done | with_options
	} >"$WORK/tests"
	run_tests <"$WORK/tests"
}

with_options()
{
	awk -F '\t' -v OFS='\t' -v o="$sanitizer_options" '{ $3 = o " " $3; print }'
}

fuzz_suite()
{
	local name
	build_plain || { failed_test fuzz/build "build/ does not build" && return; }
	build_asan || { failed_test fuzz/build-asan "build-asan/ does not build" && return; }
	build_fuzz || { failed_test fuzz/build-fuzz "build-fuzz/ does not build" && return; }
	{
		meson_tests build fuzz fuzz/corpus/
		meson_tests build-asan fuzz fuzz/asan/corpus/ | with_options
		# What the search finds on the way is not kept; a crash is printed as base64.
		for name in $(fuzz_targets); do
			printf 'fuzz/search/%s\t%d\t%s\n' "$name" $((FUZZ_S + 120)) \
				"mkdir $WORK/$name && $sanitizer_options build-fuzz/tests/fuzz/fuzz_$name -max_total_time=$FUZZ_S -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$WORK/$name/crash- $WORK/$name tests/fuzz/corpus/$name; status=\$?; for f in $WORK/$name/crash-*; do [ ! -e \$f ] || { echo input: \$(basename \$f); base64 \$f; }; done; exit \$status"
		done
	} >"$WORK/tests"
	run_tests <"$WORK/tests"
}

# net and interop: executable files in the folder.
script_tests()
{
	local suite=$1 prefix=$2 build=$3 file name seconds
	shift 3
	for file in "tests/$suite"/*.sh; do
		name=$(basename "$file" .sh)
		[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
		seconds=$(sed -n 's/^# timeout: \([0-9]*\) s$/\1/p' "$file")
		printf '%s%s\t%s\t%s\n' "$prefix" "$name" "${seconds:-180}" "VSWITCH_BUILD=$build $file"
	done
}

script_suite()
{
	local suite=$1 name
	{
		script_tests "$suite" "$suite/" build
		if [ "$suite" = net ]; then
			script_tests net net/asan/ build-asan "${ASAN_NET_TESTS[@]}"
			script_tests net net/tsan/ build-tsan "${TSAN_NET_TESTS[@]}"
		fi
	} >"$WORK/tests"
	if [ $list = no ] && [ "$(id -u)" != 0 ]; then
		while IFS=$'\t' read -r name _; do
			chosen_test "$name" && failed_test "$name" "needs root: it makes network namespaces"
		done <"$WORK/tests"
		return
	fi
	if [ $list = no ]; then
		build_plain || { failed_test "$suite/build" "build/ does not build" && return; }
		[ "$suite" != net ] || build_asan ||
			{ failed_test "$suite/build-asan" "build-asan/ does not build" && return; }
		[ "$suite" != net ] || build_tsan ||
			{ failed_test "$suite/build-tsan" "build-tsan/ does not build" && return; }
	fi
	run_tests <"$WORK/tests"
}

# Instructions per operation, counted by callgrind, within bounds.
micro_suite()
{
	build_plain || { failed_test micro/build "build/ does not build" && return; }
	meson_tests build micro micro/ >"$WORK/tests"
	run_tests <"$WORK/tests"
}

lint_suite()
{
	local check
	configure build gcc || { failed_test lint/configure "meson setup fails" && return; }
	for check in $(tests/lint.sh --list); do
		printf 'lint/%s\t900\ttests/lint.sh %s\n' "$check" "$check"
	done >"$WORK/tests"
	run_tests <"$WORK/tests"
}

groups=(build run test)
wants lint && groups+=(lint)
wants interop && groups+=(vm interop)
wants micro && groups+=(micro)
utils/install-packages.sh "${groups[@]}" || die "packages are missing"

start=$SECONDS
for suite in "${ALL_SUITES[@]}"; do
	wants "$suite" || continue
	case $suite in
	unit | model) compiled_suite "$suite" ;;
	fuzz) fuzz_suite ;;
	net | interop) script_suite "$suite" ;;
	micro) micro_suite ;;
	lint) lint_suite ;;
	esac
done
[ $list = no ] || exit 0

if ((passed + failed == 0)); then
	failed_test "${chosen[*]}" "no such test"
fi
if ((failed > 0)); then
	echo
	echo "failed:"
	printf '    %s\n' "${failed_names[@]}"
fi
echo "$((SECONDS - start)) s"
echo "$passed passed, $failed failed"
((failed == 0))
