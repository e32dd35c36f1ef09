#!/bin/bash
# The hypervisor hooks without a hypervisor: a tap held open as QEMU holds it.  Settings
# from files and the environment, refusals that leave nothing half done, hostile names.
. "$(dirname "$0")/../lib.sh"

HOOKS=$ROOT/utils/hooks
export VSWITCH_HOOKS_DIR=$TMP/hooks.d VSWITCH_HOOK_TIMEOUT=5
mkdir "$VSWITCH_HOOKS_DIR"

# Holds taps vm1 web1 web2 held open; they are down, as QEMU leaves them.
python3_debian - >"$TMP/holder" <<'END' &
import fcntl, os, signal, struct
fds = []
for name in (b"vm1", b"web1", b"web2", b"a+b"):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name, 0x1002))
    fds.append(fd)
print("ready", flush=True)
signal.pause()
END
wait_for 10 "the taps" grep -q ready "$TMP/holder"

up()
{
	"$HOOKS/qemu-ifup" "$@"
}

down()
{
	"$HOOKS/qemu-ifdown" "$@"
}

is_down()
{
	[ "$(($(cat "/sys/class/net/$1/flags") & 1))" = 0 ]
}

step "no switch: a clear message, a refusal, and the tap is as it was"
refused 1 "not running" up vm1
is_down vm1
refused 1 "not running" down vm1

switch_start

step "no such bridge: the same"
refused 1 br0 up vm1
is_down vm1
check '. == []' ctl_json port list

step "plugged when it returns; twice is harmless; out again, twice is harmless"
ctl bridge add br0
ctl bridge add br1
up vm1
check 'any(.[]; .name == "vm1" and .bridge == "br0" and .state == "up" and .type == "netdev")' ctl_json port list
ofport=$(ctl_json port list | jq '.[] | select(.name == "vm1") | [.ofport, .["since-s"] >= 0]' -c)
up vm1
[ "$(ctl_json port list | jq '.[] | select(.name == "vm1") | [.ofport, .["since-s"] >= 0]' -c)" = "$ofport" ]
down vm1
check 'all(.[]; .name != "vm1")' ctl_json port list
down vm1

step "a tap that nobody holds forwards nothing: a refusal, and all is as it was"
ip tuntap add dev vm0 mode tap
VSWITCH_HOOK_TIMEOUT=1 refused 1 "does not forward" up vm0
is_down vm0
check 'all(.[]; .name != "vm0")' ctl_json port list

step "settings from files, by pattern, later ones win"
cat >"$VSWITCH_HOOKS_DIR/10-all.conf" <<-'END'
	# all of them
	[*]
	bridge = br1
	storm-broadcast=1000
	[web*]
	  tag = 10
	external-id.tier = web 'servers
END
cat >"$VSWITCH_HOOKS_DIR/20-web2.conf" <<-'END'
	[web2]
	tag=20
END
echo 'tag = nonsense' >"$VSWITCH_HOOKS_DIR/ignored"
up vm1
up web1
up web2
check 'any(.[]; .name == "vm1" and .bridge == "br1" and ."storm-broadcast" == 1000 and (.tag | not))' ctl_json port list
check 'any(.[]; .name == "web1" and .bridge == "br1" and .tag == 10 and ."external-ids".tier == "web '\''servers")' ctl_json port list
check 'any(.[]; .name == "web2" and .tag == 20)' ctl_json port list

step "changed settings are taken up by the next plug"
sed -i 's/tag = 10/tag = 11/' "$VSWITCH_HOOKS_DIR/10-all.conf"
up web1
check 'any(.[]; .name == "web1" and .tag == 11)' ctl_json port list

step "changed settings that are refused leave the port as it was"
VSWITCH_TAG=5000 refused 1 5000 up web1
check 'any(.[]; .name == "web1" and .tag == 11 and .state == "up")' ctl_json port list
down web1

step "the environment wins over files"
VSWITCH_BRIDGE=br0 VSWITCH_TAG=30 up web1
check 'any(.[]; .name == "web1" and .bridge == "br0" and .tag == 30)' ctl_json port list
down web1

step "a setting that the switch refuses: not plugged, and the message names it"
VSWITCH_TAG=5000 refused 1 5000 up web1
check 'all(.[]; .name != "web1")' ctl_json port list
printf '[web1]\nTag = 5\n' >"$VSWITCH_HOOKS_DIR/30-bad.conf"
refused 1 "30-bad.conf:2" up web1
printf 'what is this\n' >"$VSWITCH_HOOKS_DIR/30-bad.conf"
refused 1 "30-bad.conf:1" up web1
rm "$VSWITCH_HOOKS_DIR/30-bad.conf"

step "a port that the administrator configured is used as it is, and stays"
ctl port add br0 web1 type=netdev tag=99
up web1
check 'any(.[]; .name == "web1" and .bridge == "br0" and .tag == 99 and .state == "up")' ctl_json port list
down web1
check 'any(.[]; .name == "web1")' ctl_json port list

step "names that are no names, or that mean something to a shell"
for name in '' -h --help . .. 'a b' 'a;reboot' '$(reboot)' '`reboot`' '*' '[a]' "a'b" 'a"b' 'a\b' \
	../etc/passwd a/b $'a\nb' sixteen-letters- $'\x01'; do
	status=0
	up "$name" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status = 1 ] && [ ! -s "$TMP/out" ] && grep -q 'qemu-ifup: tap ' "$TMP/err" || fail "name '$name': status $status, $(cat "$TMP/err")"
	status=0
	down "$name" 2>/dev/null || status=$?
	[ $status = 1 ] || fail "qemu-ifdown, name '$name': status $status"
done
refused 1 "one argument" up
refused 1 "one argument" up vm1 vm2
refused 1 nosuch up nosuch
up a+b
check 'any(.[]; .name == "a+b" and .state == "up")' ctl_json port list

step "under another name, as /etc/qemu-ifup would be"
ln -s "$HOOKS/qemu-ifup" "$TMP/ifup"
down vm1
"$TMP/ifup" vm1
check 'any(.[]; .name == "vm1")' ctl_json port list

step "a switch that died: refusal, the tap stays"
switch_kill
refused 1 "not running" up web2
[ -e /sys/class/net/web2 ]
