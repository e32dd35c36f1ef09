#!/bin/bash
# lint.sh [--list] [CHECK…] - looks at the sources without running them; all checks, or
# those named.  Needs build/ configured, for its compile_commands.json.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 2

CHECKS=(format length layers headers shell python cppcheck tidy)
SOURCES=()
for folder in utils proto datapath controller tests bench; do
	[ ! -d "$folder" ] || SOURCES+=("$folder")
done
MAX_LINES=1000

c_files()
{
	find "${SOURCES[@]}" -name '*.[ch]' -type f | sort
}

scripts()
{
	{
		find "${SOURCES[@]}" -name '*.sh' -type f
		grep -lE '^#!/bin/(busybox |ba)?sh' utils/hooks/* utils/vm/* .ci/*
	} | sort -u
}

lint_format()
{
	c_files | xargs clang-format --dry-run -Werror
}

lint_length()
{
	local file lines bad=0
	while read -r file; do
		lines=$(wc -l <"$file")
		if ((lines > MAX_LINES)); then
			echo "$file: $lines lines, more than $MAX_LINES"
			bad=1
		fi
	done < <(c_files; scripts)
	return $bad
}

# Folders see each other through the include directories that meson gives them, lowest
# layer first; a path with ".." would get round that.
lint_layers()
{
	! c_files | xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*/)?\.\./'
}

# include_dirs FOLDER: the include directories that the sources in FOLDER are compiled with;
# where it has none, those of whoever includes from it.
include_dirs()
{
	jq -r --arg f "$1" '
		def dirs: [.command | scan("-I ?([^ ]+)")[0]];
		([.[] | select(.file | test("^\\.\\./\($f)/[^/]+$"))] as $own |
		 if $own != [] then $own else [.[] | select(dirs | any(. == "../\($f)"))] end) |
		.[] | dirs | .[]' build/compile_commands.json | sort -u
}

# Every header compiles by itself, and includes only what its own folder may: with all
# include directories there are, one of a low layer could include one of a higher.
lint_headers()
{
	local folder header dir bad=0 includes
	while read -r folder; do
		includes=()
		while read -r dir; do
			includes+=("-I$(cd build && readlink -m "$dir")")
		done < <(include_dirs "$folder")
		[ ${#includes[@]} -gt 0 ] || {
			echo "$folder: nothing in it is compiled, so what it may include is not known"
			bad=1
		}
		for header in "$folder"/*.h; do
			gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter \
				-Wno-unused-function -Werror -fsyntax-only "${includes[@]}" \
				-x c - <<<"#include \"$PWD/$header\"" || {
				echo "$header: does not compile by itself"
				bad=1
			}
			grep -q '^#pragma once$' "$header" || {
				echo "$header: no #pragma once"
				bad=1
			}
		done
	done < <(c_files | grep '\.h$' | xargs -n 1 dirname | sort -u)
	return $bad
}

lint_shell()
{
	scripts | xargs shellcheck -S warning
	local status=$?
	# With set -e, "A && B" and "! A" alone on a line do not end a test when A is false.
	! grep -nE '^[[:space:]]*(\[ .*\] && |! )' tests/net/*.sh tests/interop/*.sh | grep -v '||' || status=1
	return $status
}

lint_python()
{
	find "${SOURCES[@]}" -name '*.py' -type f -print0 |
		xargs -0 /usr/bin/python3 -c 'import ast, sys
for name in sys.argv[1:]: ast.parse(open(name).read(), name)'
}

lint_cppcheck()
{
	jq '[.[] | select(.file | test("/(tests|bench)/") | not)]' build/compile_commands.json \
		>build/cppcheck.json
	cppcheck --project=build/cppcheck.json -j "$(nproc)" --quiet --error-exitcode=1 \
		--enable=warning,performance,portability --inline-suppr \
		--suppressions-list=.cppcheck-suppressions --std=c11 --template=gcc \
		-D__x86_64__ -D__STDC__
}

lint_tidy()
{
	jq -r '.[].file' build/compile_commands.json | sort -u | (cd build && xargs readlink -f) |
		xargs -P "$(nproc)" -n 4 clang-tidy -p build --quiet --warnings-as-errors='*' 2>/dev/null
}

if [ "${1-}" = --list ]; then
	printf '%s\n' "${CHECKS[@]}"
	exit 0
fi
status=0
for check in "${@:-${CHECKS[@]}}"; do
	declare -F "lint_$check" >/dev/null || {
		echo "lint.sh: no check '$check' (${CHECKS[*]})" >&2
		exit 2
	}
	"lint_$check" || {
		echo "lint $check: failed"
		status=1
	}
done
exit $status
