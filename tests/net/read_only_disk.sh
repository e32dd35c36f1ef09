#!/bin/bash
# The database cannot be written: made immutable under the running switch, on a file
# system that an error turned read-only, or mounted so from the start.  A change is refused
# with that reason and nothing of it happens, traffic goes on, what was acknowledged stays,
# and changes work again once the file can be written.
#
#	netns a -- a -- br0 -- b -- netns b          database on an ext4 of its own
. "$(dirname "$0")/../lib.sh"

disk=$TMP/disk
mkdir "$disk"
truncate -s 16M "$TMP/image"
mkfs.ext4 -q "$TMP/image"
mount -o loop,errors=remount-ro "$TMP/image" "$disk"
DB=$disk/vswitch.db
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b external-id.vm=one
ping_start a "$TMP/ping" -i 0.02 10.0.0.2

document()
{
	ctl_json config export | jq -S .
}

# refuses_changes REASON: of every kind, and nothing comes of any of them.
refuses_changes()
{
	local before links failed
	before=$(document)
	links=$(ip -o link show)
	failed=$(ctl_json status | jq .store.failed)
	refused 1 "$1" ctl port add br0 t1 type=tap
	refused 1 "$1" ctl port set b external-id.vm=two
	refused 1 "$1" ctl port set b mtu=1400
	refused 1 "$1" ctl port del b
	refused 1 "$1" ctl bridge add br9
	refused 1 "$1" ctl fdb add br0 02:00:00:00:00:99 a
	refused 1 '"code":4' ctl --json bridge add br9
	jq -c '.ports = [] | .fdb = []' <<<"$before" >"$TMP/empty.json"
	refused 1 "$1" ctl config apply "$TMP/empty.json"
	diff <(echo "$before") <(document)
	diff <(echo "$links") <(ip -o link show)
	check ".store.failed >= $failed + 8 and (.store[\"last-error\"] | contains(\"$1\"))" ctl_json status
	port_is_up b || fail "b is not up any more"
}

# What needs no disk goes on: looking, and flushing what was learned.
works_otherwise()
{
	ctl show >"$TMP/show"
	ctl fdb flush br0
	ctl log info
}

step "immutable under the running switch"
chattr +i "$disk"/vswitch.db*
refuses_changes "Operation not permitted"
works_otherwise
step "writable again: changes work, without a restart"
chattr -i "$disk"/vswitch.db*
ctl port set b external-id.vm=three
ctl port add br0 t1 type=tap
[ -e /sys/class/net/t1 ]
ctl port del t1
[ ! -e /sys/class/net/t1 ]
ping_end "$TMP/ping"
acknowledged=$(document)

step "immutable when it is killed and started: all is there, changes are refused"
chattr +i "$disk"/vswitch.db*
switch_kill
switch_start
diff <(echo "$acknowledged") <(document)
wait_port_up a
wait_port_up b
ping_from a 10.0.0.2
refuses_changes "cannot be written"
chattr -i "$disk"/vswitch.db*
ctl port set b external-id.vm=four
acknowledged=$(document)

step "an error turns the file system read-only under the running switch"
ping_start a "$TMP/ping" -i 0.02 10.0.0.2
device=$(findmnt -no SOURCE "$disk")
echo "on purpose" >"/sys/fs/ext4/${device##*/}/trigger_fs_error"
refused 1 "Read-only file system" touch "$disk/file"
refuses_changes "Read-only file system"
works_otherwise
ping_end "$TMP/ping"

step "on a read-only mount from the start"
switch_kill
umount "$disk"
mount -o loop "$TMP/image" "$disk"
switch_start
diff <(echo "$acknowledged") <(document)
ctl port set b external-id.vm=five
acknowledged=$(document)
switch_stop
mount -o remount,ro "$disk"
switch_start
diff <(echo "$acknowledged") <(document)
wait_port_up a
wait_port_up b
ping_start a "$TMP/ping" -i 0.02 10.0.0.2
refuses_changes "cannot be written"
works_otherwise
grep -q 'read-only: changes will be refused' "$LOG"
step "mounted writable: changes work, without a restart, and last"
mount -o remount,rw "$disk"
ctl port set b external-id.vm=six
ctl port add br0 t1 type=tap
ping_end "$TMP/ping"
switch_kill
switch_start
check '.ports | map(.name) == ["a", "b", "t1"]' ctl_json config export
check '.ports[1]["external-ids"].vm == "six"' ctl_json config export
sqlite3 "$DB" 'pragma integrity_check' | grep -qx ok
