#!/bin/sh
# install-packages.sh [--print|--missing] GROUP…
#
# Installs the Debian packages of the groups in packages.list.  Does not touch apt when
# all are there, fetches package lists only when apt cannot find a package, and is quiet
# unless it fails.
#
#	--print    names the packages of the groups and does nothing
#	--missing  names those that are not installed
set -u
# Lists of package names are split into words on purpose.
# shellcheck disable=SC2086

list=$(dirname "$0")/packages.list

usage()
{
	echo "usage: install-packages.sh [--print|--missing] GROUP…" >&2
	echo "groups: $(sed -n 's/^\([a-z]*\):.*/\1/p' "$list" | sort -u | tr '\n' ' ')" >&2
	exit 2
}

mode=install
case ${1-} in
--print | --missing) mode=${1#--} && shift ;;
-*) usage ;;
esac
[ $# -gt 0 ] || usage

arch=$(dpkg --print-architecture 2>/dev/null) || arch=amd64
wanted=
for group; do
	names=$(sed -n "s/^$group://p" "$list" | sed "s/@ARCH@/$arch/g")
	[ -n "$names" ] || {
		echo "install-packages.sh: no group '$group' in $list" >&2
		exit 2
	}
	wanted="$wanted $names"
done
wanted=$(printf '%s\n' $wanted | sort -u)

if [ "$mode" = print ]; then
	printf '%s\n' $wanted
	exit 0
fi

command -v dpkg-query >/dev/null || {
	echo "install-packages.sh: not a Debian system; please install what corresponds to:" $wanted >&2
	exit 1
}
missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1)
	[ "$status" = installed ] || missing="$missing $package"
done

if [ "$mode" = missing ]; then
	[ -z "$missing" ] || printf '%s\n' $missing
	exit 0
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "install-packages.sh: not root; please run: apt-get install$missing" >&2
	exit 1
fi

echo "installing:$missing"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive

apt_install()
{
	apt-get -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing \
		</dev/null >"$log" 2>&1
}

# Stale or absent package lists make the first attempt fail; fresh ones decide.
if ! apt_install; then
	apt-get -y -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1
	apt_install || {
		cat "$log" >&2
		echo "install-packages.sh: apt-get failed for:$missing" >&2
		exit 1
	}
fi
