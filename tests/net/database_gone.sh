#!/bin/bash
# The file of the database loses its name under the running switch: removed, moved away,
# replaced by another, or its file system unmounted.  What cannot last is refused with that
# reason, no new file is made, traffic goes on, and with the file back changes work again.
#
#	netns a -- a -- br0 -- b -- netns b          database on an ext4 of its own
. "$(dirname "$0")/../lib.sh"

disk=$TMP/disk
mkdir "$disk"
truncate -s 16M "$TMP/image"
mkfs.ext4 -q "$TMP/image"
mount -o loop "$TMP/image" "$disk"
DB=$disk/vswitch.db
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
ping_start a "$TMP/ping" -i 0.02 10.0.0.2

refuses()
{
	refused 1 "gone or another file" ctl bridge add br9
	refused 1 "gone or another file" ctl port set b external-id.vm=two
	check 'map(.name) == ["br0"]' ctl_json bridge list
}

step "moved away: refused, and not made anew"
mkdir "$disk/away"
mv "$disk"/vswitch.db* "$disk/away"
refuses
[ ! -e "$DB" ]

step "another file in its place"
cp "$disk/away/vswitch.db" "$DB"
refuses
rm "$DB"

step "back again: changes work and last"
mv "$disk"/away/* "$disk"
ctl bridge add br1
ping_end "$TMP/ping"
switch_kill
switch_start
check 'map(.name) == ["br0", "br1"]' ctl_json bridge list

step "removed for good"
rm "$disk"/vswitch.db*
refused 1 "gone or another file" ctl bridge add br9
[ ! -e "$DB" ]
switch_stop

step "started read-only, then the file system goes away"
switch_start
ctl bridge add br0
switch_stop
mount -o remount,ro "$disk"
switch_start
refused 1 "cannot be written" ctl bridge add br9
umount -l "$disk"
refused 1 "" ctl bridge add br9
[ ! -e "$DB" ]
check 'map(.name) == ["br0"]' ctl_json bridge list
