#!/bin/bash
# A database that is damaged, newer than the program, or not a database: the switch says
# so, does not start, and does not touch the file.
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
for n in $(seq 30); do
	ctl port add br0 "p$n" type=patch "peer=q$n" >/dev/null
done
switch_stop
ls "$DB"* >"$TMP/files"
grep -qx "$DB" "$TMP/files"
cp "$DB" "$TMP/good.db"
[ ! -e "$DB-wal" ] || [ ! -s "$DB-wal" ] || fail "a graceful stop left its changes in the log beside the database"

# daemon_refuses WORD FILE
daemon_refuses()
{
	local word=$1 file=$2 status=0 sum
	sum=$(sha256sum <"$file")
	timeout 20 vswitchd --rundir "$RUNDIR" --db "$file" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status != 0 ] && [ $status != 124 ] && [ $status -lt 128 ] || {
		cat "$TMP/err"
		fail "started, or crashed (status $status), with $file"
	}
	grep -qF -e "$file" "$TMP/err" || fail "does not name the file: $(cat "$TMP/err")"
	grep -qi -e "$word" "$TMP/err" || fail "does not say '$word': $(cat "$TMP/err")"
	[ "$(sha256sum <"$file")" = "$sum" ] || fail "$file was changed"
	[ ! -e "$RUNDIR/vswitchd.pid" ] || fail "left its pid file"
}

# expect_refusal WORD: $status and the last error, of a daemon that should not have started.
expect_refusal()
{
	[ "$status" != 0 ] || fail "it started"
	[ "$status" -lt 124 ] || fail "it hung or crashed (status $status)"
	grep -qF -e "$1" "$TMP/err" || fail "does not name '$1': $(cat "$TMP/err")"
}

step "not a database"
head -c 100000 /dev/urandom >"$TMP/noise.db"
daemon_refuses '.' "$TMP/noise.db"
echo "hello" >"$TMP/text.db"
daemon_refuses '.' "$TMP/text.db"

step "cut off"
head -c 5000 "$TMP/good.db" >"$TMP/cut.db"
daemon_refuses '.' "$TMP/cut.db"

step "pages overwritten"
cp "$TMP/good.db" "$TMP/pages.db"
size=$(stat -c %s "$TMP/pages.db")
for at in $(seq 4096 4096 $((size - 4096))); do
	head -c 2000 /dev/urandom | dd of="$TMP/pages.db" bs=1 seek="$at" conv=notrunc status=none
done
daemon_refuses '.' "$TMP/pages.db"

step "newer than the program"
cp "$TMP/good.db" "$TMP/newer.db"
sqlite3 "$TMP/newer.db" "pragma journal_mode = delete; pragma user_version = 9999" >/dev/null
daemon_refuses 'newer\|9999' "$TMP/newer.db"

step "somebody else's database"
sqlite3 "$TMP/foreign.db" "create table recipes (name text); insert into recipes values ('soup')"
daemon_refuses '.' "$TMP/foreign.db"

step "a folder, and a file that may not be made"
mkdir "$TMP/folder.db"
status=0
timeout 20 vswitchd --rundir "$RUNDIR" --db "$TMP/folder.db" >/dev/null 2>"$TMP/err" || status=$?
expect_refusal folder.db
status=0
timeout 20 vswitchd --rundir "$RUNDIR" --db /proc/nowhere/x.db >/dev/null 2>"$TMP/err" || status=$?
expect_refusal /proc/nowhere

step "the good one still works"
switch_start
check 'length == 31' ctl_json port list
