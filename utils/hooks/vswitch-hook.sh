# vswitch-hook.sh - what the hypervisor hooks share; sourced by them, POSIX sh.
#
# A hook learns how to plug a tap from three places, later ones win key by key:
#
#	defaults       bridge br0
#	files          HOOKS_DIR/*.conf in order of name: every section [PATTERN] whose
#	               shell pattern matches the tap's name; see vswitch-hook.conf.example
#	environment    VSWITCH_BRIDGE VSWITCH_TAG VSWITCH_TRUNKS VSWITCH_VLAN_MODE
#	               VSWITCH_MTU VSWITCH_MAC_LIMIT VSWITCH_ISOLATED
#	               VSWITCH_STORM_BROADCAST VSWITCH_STORM_MULTICAST VSWITCH_STORM_UNKNOWN
#
# Also from the environment: VSWITCH_RUNDIR (which switch), VSWITCH_HOOKS_DIR (default
# /etc/vswitch/hooks.d), VSWITCH_HOOK_TIMEOUT (seconds, default 10), VSWITCHCTL (program).
#
# A port that a hook adds carries external-id.added-by=qemu-hook, and a checksum of the
# settings in external-id.plugged-with.  A hook changes and removes only such ports; one
# that the administrator configured under the same name is used as it is.
#
# shellcheck shell=sh disable=SC2034  # what is set here is used where this is sourced

HOOK_NAME=${0##*/}

hook_fail()
{
	# One line, whatever the hypervisor gave us as a name.
	printf '%s: %s' "$HOOK_NAME" "$*" | tr '[:cntrl:]' '?' >&2
	echo >&2
	exit 1
}

# The hypervisor's name for the tap goes into commands and patterns: allow nothing in it
# that the kernel or the switch would not.
hook_check_tap()
{
	[ $# = 1 ] || hook_fail "expected one argument, the tap's name, got $#"
	case $1 in
	'' | -* | . | .. | *[!A-Za-z0-9._:+@-]*) hook_fail "tap '$1': not a name for an interface" ;;
	esac
	[ ${#1} -le 15 ] || hook_fail "tap '$1': longer than 15 characters"
}

# Where the program is: given, in PATH, or in the build of the tree that the hook is in.
hook_find_vswitchctl()
{
	here=$(dirname "$(readlink -f "$0")")
	if [ -n "${VSWITCHCTL-}" ]; then
		ctl=$VSWITCHCTL
	elif ctl=$(command -v vswitchctl); then
		:
	else
		ctl=$here/../../build/utils/vswitchctl/vswitchctl
	fi
	[ -x "$ctl" ] || hook_fail "no program vswitchctl in PATH (set VSWITCHCTL)"
}

hook_timeout()
{
	timeout_s=${VSWITCH_HOOK_TIMEOUT:-10}
	case $timeout_s in
	'' | *[!0-9]*) hook_fail "VSWITCH_HOOK_TIMEOUT '$timeout_s': not a number of seconds" ;;
	esac
}

ctl()
{
	"$ctl" --timeout "$timeout_s" "$@"
}

hook_need_switch()
{
	why=$(ctl version 2>&1 >/dev/null) ||
		hook_fail "the switch is not running in ${VSWITCH_RUNDIR:-/run/vswitch}: $why"
}

# $settings is a list of lines KEY=VALUE, each key once.
hook_set()
{
	rest=
	while IFS= read -r line; do
		case $line in
		'' | "$1="*) ;;
		*) rest="$rest$line
" ;;
		esac
	done <<-END
		$settings
	END
	settings="$rest$1=$2"
}

hook_trim()
{
	trimmed=${1#"${1%%[![:space:]]*}"}
	trimmed=${trimmed%"${trimmed##*[![:space:]]}"}
}

hook_read_conf()
{
	file=$1 tap=$2 number=0 matches=no
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		hook_trim "$line"
		case $trimmed in
		'' | '#'*) ;;
		'['*']')
			pattern=${trimmed#?}
			pattern=${pattern%?}
			matches=no
			# shellcheck disable=SC2254  # a pattern is what it is
			case $tap in
			$pattern) matches=yes ;;
			esac
			;;
		*=*)
			[ $matches = yes ] || continue
			hook_trim "${trimmed%%=*}" && key=$trimmed
			hook_trim "$line" && hook_trim "${trimmed#*=}"
			case $key in
			'' | *[!a-z0-9.-]* | -*) hook_fail "$file:$number: '$key' is not a key" ;;
			esac
			hook_set "$key" "$trimmed"
			;;
		*) hook_fail "$file:$number: expected [PATTERN] or KEY = VALUE: $trimmed" ;;
		esac
	done <"$file"
}

# Sets $bridge, and $settings to the port's own keys.
hook_settings()
{
	settings=bridge=br0
	for file in "${VSWITCH_HOOKS_DIR:-/etc/vswitch/hooks.d}"/*.conf; do
		[ -e "$file" ] || continue
		[ -r "$file" ] || hook_fail "$file: cannot be read"
		hook_read_conf "$file" "$1"
	done
	[ -z "${VSWITCH_BRIDGE-}" ] || hook_set bridge "$VSWITCH_BRIDGE"
	[ -z "${VSWITCH_TAG-}" ] || hook_set tag "$VSWITCH_TAG"
	[ -z "${VSWITCH_TRUNKS-}" ] || hook_set trunks "$VSWITCH_TRUNKS"
	[ -z "${VSWITCH_VLAN_MODE-}" ] || hook_set vlan-mode "$VSWITCH_VLAN_MODE"
	[ -z "${VSWITCH_MTU-}" ] || hook_set mtu "$VSWITCH_MTU"
	[ -z "${VSWITCH_MAC_LIMIT-}" ] || hook_set mac-limit "$VSWITCH_MAC_LIMIT"
	[ -z "${VSWITCH_ISOLATED-}" ] || hook_set isolated "$VSWITCH_ISOLATED"
	[ -z "${VSWITCH_STORM_BROADCAST-}" ] || hook_set storm-broadcast "$VSWITCH_STORM_BROADCAST"
	[ -z "${VSWITCH_STORM_MULTICAST-}" ] || hook_set storm-multicast "$VSWITCH_STORM_MULTICAST"
	[ -z "${VSWITCH_STORM_UNKNOWN-}" ] || hook_set storm-unknown "$VSWITCH_STORM_UNKNOWN"

	bridge=$(printf '%s\n' "$settings" | sed -n 's/^bridge=//p')
	settings=$(printf '%s\n' "$settings" | sed '/^bridge=/d')
	sum=$(printf '%s\n' "$bridge" "$settings" | cksum | cut -d ' ' -f 1)
	hook_set external-id.added-by qemu-hook
	hook_set external-id.plugged-with "$sum"
}

# Lines of stdin as words of a vswitchctl batch.
hook_quote()
{
	sed "s/'/'\\\\''/g; s/.*/ '&'/"
}

# What the switch has under the tap's name: absent, ours, or foreign (configured by hand).
# 'same' says whether one of ours was plugged with the settings of now.
hook_port_owner()
{
	same=no owner=absent
	shown=$(ctl --json port show "$1" 2>/dev/null | tr -d ' \n\t')
	case $shown in
	*'"added-by":"qemu-hook"'*) owner=ours ;;
	*'"name":"'"$1"'"'*) owner=foreign ;;
	esac
	case $shown in
	*'"plugged-with":"'"${sum-}"'"'*) same=yes ;;
	esac
}

# Attached, and with a carrier: a tap has one as long as the hypervisor holds it, and
# nothing is sent to a port without.
hook_port_forwards()
{
	shown=$(ctl --json port show "$1" 2>/dev/null | tr -d ' \n\t')
	case $shown in
	*'"state":"up"'*) ;;
	*) return 1 ;;
	esac
	case $shown in
	*'"link":true'*) return 0 ;;
	esac
	return 1
}

# Until the port forwards; false after the timeout.
hook_wait_up()
{
	tries=$((timeout_s * 10))
	until hook_port_forwards "$1"; do
		[ $tries -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
}
