#!/bin/bash
# A database that is damaged, newer than the program, or not a database: the switch says
# so, does not start, and does not touch the file, nor what a crash left beside it.
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

# sums FILE: of it and of all that lies beside it under its name.
sums()
{
	sha256sum "$1"*
}

# crash SQL FROM TO: TO is what FROM would be after a kill within the transaction SQL.
crash()
{
	sqlite3 "$2" "pragma cache_size = 2" "pragma journal_mode = delete" begin "$1" \
		".shell cp '$2' '$3'; cp '$2-journal' '$3-journal'" rollback >"$TMP/sqlite.out"
	[ -s "$3-journal" ]
}

# daemon_refuses WORD FILE
daemon_refuses()
{
	local word=$1 file=$2 status=0 sum
	sum=$(sums "$file")
	timeout 20 vswitchd --rundir "$RUNDIR" --db "$file" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status != 0 ] && [ $status != 124 ] && [ $status -lt 128 ] || {
		cat "$TMP/err"
		fail "started, or crashed (status $status), with $file"
	}
	grep -qF -e "$file" "$TMP/err" || fail "does not name the file: $(cat "$TMP/err")"
	grep -qi -e "$word" "$TMP/err" || fail "does not say '$word': $(cat "$TMP/err")"
	[ "$(sums "$file")" = "$sum" ] || fail "$file was changed"
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

step "somebody else's database with a journal"
many="with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)"
crash "$many insert into recipes select printf('%.100c', 'x') from n" "$TMP/foreign.db" "$TMP/foreign2.db"
daemon_refuses 'another program' "$TMP/foreign2.db"

step "ours with a journal: damaged, then whole"
cp "$TMP/good.db" "$TMP/base.db"
sqlite3 "$TMP/base.db" "$many insert into object select 'other', 'port', 'x' || i, printf('%.100c', 'x') from n"
crash "delete from object where owner = 'other'; update object set json = '{}'" "$TMP/base.db" "$TMP/hot.db"
cp "$TMP/hot.db" "$TMP/hot2.db"
cp "$TMP/hot.db-journal" "$TMP/hot2.db-journal"
truncate -s 20000 "$TMP/hot2.db" # more than the journal can mend
daemon_refuses damaged "$TMP/hot2.db"
DB=$TMP/hot.db switch_start
check 'length == 31' ctl_json port list
switch_stop

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
