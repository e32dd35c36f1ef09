#!/bin/bash
# The disk is full: a change is refused and nothing of it happens, traffic goes on, and
# changes work again when there is room.
#
#	netns a -- a -- br0 -- b -- netns b          database on a tmpfs of 1 MiB
. "$(dirname "$0")/../lib.sh"

mkdir "$TMP/small"
mount -t tmpfs -o size=1m small "$TMP/small"
DB=$TMP/small/vswitch.db
switch_start
ctl bridge add br0
host_veth a 10.0.0.1/24
host_veth b 10.0.0.2/24
ctl port add br0 a
ctl port add br0 b
ping_start a "$TMP/ping" -i 0.02 10.0.0.2

dd if=/dev/zero of="$TMP/small/filler" bs=4096 2>/dev/null || true
step "changes until the database wants a page more than there is"
refused_at=0
for n in $(seq 2000); do
	if ! ctl port add br0 "x$n" type=patch "peer=y$n" "external-id.filler=$(printf 'f%.0s' $(seq 2000))" >/dev/null 2>"$TMP/err"; then
		refused_at=$n
		break
	fi
done
[ $refused_at -gt 0 ] || fail "2,000 changes went onto a full disk"
[ "$(wc -l <"$TMP/err")" = 1 ]
cat "$TMP/err"

step "the refused change did not happen, now or after a restart"
check "all(.[]; .name != \"x$refused_at\")" ctl_json port list
check "any(.[]; .name == \"a\") and length == $((refused_at + 2))" ctl_json port list
check '.store.failed >= 1 and (.store["last-error"] | length > 0)' ctl_json status
status=0
ctl --json bridge add br9 2>"$TMP/err" || status=$?
[ $status = 1 ]
jq -e '.code == 4' "$TMP/err" >/dev/null
[ ! -e /sys/class/net/br9 ] || fail "the refused bridge left its interface"

step "traffic did not notice"
ping_end "$TMP/ping"

step "with room again, changes work"
rm "$TMP/small/filler"
ctl port add br0 "x$refused_at" type=patch "peer=y$refused_at"
switch_kill
switch_start
check "length == $((refused_at + 3))" ctl_json port list
wait_port_up a
wait_port_up b
ping_from a 10.0.0.2
