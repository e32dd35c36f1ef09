#!/bin/bash
# What lib.sh promises about the programs under test: they are those of VSWITCH_BUILD, named
# from the root of the tree or absolutely, and a wrong name is told.
. "$(dirname "$0")/../lib.sh"

cat >"$TMP/inner.sh" <<END
. "$TESTS/lib.sh"
command -v vswitchd
switch_start
switch_stop
END

# program_of BUILD: which vswitchd a test starts.
program_of()
{
	VSWITCH_BUILD=$1 bash "$TMP/inner.sh"
}

here=$(readlink -f "$BUILD/datapath/vswitchd")

step "an absolute directory"
[ "$(readlink -f "$(program_of "$(readlink -f "$BUILD")")")" = "$here" ]

step "one from the root of the tree"
[ "$(readlink -f "$(program_of "$(realpath --relative-to="$ROOT" "$BUILD")")")" = "$here" ]

step "none"
refused 1 "$TMP/nothing" program_of "$TMP/nothing"
