#!/bin/bash
# The log that SQLite keeps beside the database is removed, replaced or cut short under the
# running switch.  What was acknowledged is there after kill -9, or the change is refused.
. "$(dirname "$0")/../lib.sh"

bridges()
{
	check "map(.name) == [$1]" ctl_json bridge list
}

restart()
{
	switch_kill
	switch_start
}

switch_start
ctl bridge add br0

step "removed: what it held and what comes is kept"
rm "$DB-wal"
ctl bridge add br1
grep -q "its log was removed or replaced" "$LOG"
check '.store | .["logs-lost"] == 1 and .failed == 0' ctl_json status
ctl bridge add br2
check '.store["logs-lost"] == 1' ctl_json status
restart
bridges '"br0", "br1", "br2"'

step "removed right after a start that went on from it"
rm "$DB-wal"
ctl bridge add br3
restart
bridges '"br0", "br1", "br2", "br3"'

step "an old copy in its place is not gone on from"
cp "$DB-wal" "$TMP/copy"
ctl bridge del br3
mv "$TMP/copy" "$DB-wal"
ctl bridge add br4
restart
bridges '"br0", "br1", "br2", "br4"'

step "cut short: refused, and what was there before stays readable"
ctl bridge add br5
truncate -s 100 "$DB-wal"
refused 1 "was cut short" ctl bridge add br6
refused 1 "was cut short" ctl bridge del br5
check '.store | .failed == 2 and (.["last-error"] | contains("cut short"))' ctl_json status
bridges '"br0", "br1", "br2", "br4", "br5"'
ctl config export >"$TMP/saved"
switch_stop
switch_start
ctl config apply "$TMP/saved"
bridges '"br0", "br1", "br2", "br4", "br5"'
restart
bridges '"br0", "br1", "br2", "br4", "br5"'
