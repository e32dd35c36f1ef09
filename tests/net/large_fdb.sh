#!/bin/bash
# 300,000 addresses, more than one answer holds, are shown all the same: page by page, in
# order, each once.
#
#	play (pcap: a frame from each address) -- br0
. "$(dirname "$0")/../lib.sh"

N=300000
learned()
{
	check ".[0].fdb.entries == $N" ctl_json bridge list
}

switch_start
ctl bridge add br0 mac-limit=400000 mac-age=0
python3 - "$TMP/in.pcap" "$N" <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    head = struct.pack("<IIII", 0, 0, 60, 60)
    for n in range(int(sys.argv[2])):
        # the middle bytes scrambled, so that they do not come in order
        mac = struct.pack(">HI", 0x0200, n * 2654435761 & 0xffffffff)
        f.write(head + b"\xff" * 6 + mac + b"\x88\xb5" + bytes(46))
END
ctl port add br0 play type=pcap "file=$TMP/in.pcap"
wait_for 60 "$N addresses to be learned" learned

step "as JSON: one array, in order, all of them"
ctl_json fdb show br0 >"$TMP/all.json"
check "map(select(.local | not)) | length == $N and (map(.mac) | . == unique) and all(.[]; .port == \"play\")" cat "$TMP/all.json"
[ "$(wc -l <"$TMP/all.json")" = 1 ]

step "for people: one table with one header"
ctl fdb show br0 >"$TMP/table"
[ "$(wc -l <"$TMP/table")" = $((N + 2)) ] # a header, and the bridge's own address
[ "$(grep -c VLAN "$TMP/table")" = 1 ]
# but for the age, the last one: it may have one digit more in a later page
[ "$(awk 'NR > 1 && sub(/ +[0-9]+ s *$/, "") { print length($0) }' "$TMP/table" | sort | uniq -c | wc -l)" = 1 ] ||
	fail "the columns are not straight"
[ "$(grep -cE ' +[0-9]+ s *$' "$TMP/table")" = "$N" ]

step "the client holds a page of them at a time"
python3 - "$RUNDIR" >"$TMP/rss" <<'END'
import resource, subprocess, sys
for how in ([], ["--json"]):
    subprocess.run(["vswitchctl", "--rundir", sys.argv[1], *how, "fdb", "show", "br0"], check=True,
                   stdout=subprocess.DEVNULL)
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(kb)
assert kb < 64 << 10, kb
END

step "a page has what was asked for, and says where to go on; whole it is refused"
python3 - "$RUNDIR/vswitchd.sock" "$N" <<'END'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rwb")

def call(**params):
    f.write(json.dumps({"id": 1, "method": "fdb.list", "params": {"bridge": "br0", **params}}).encode() + b"\n")
    f.flush()
    return json.loads(f.readline())

seen, after = [], {}
while True:
    page = call(limit=7777, **after)["result"]
    assert 0 < len(page["list"]) <= 7777, len(page["list"])
    seen += [e["mac"] for e in page["list"] if not e.get("local")]
    if "next" not in page:
        break
    after = {"after": page["next"]}
assert len(seen) == int(sys.argv[2]) and seen == sorted(set(seen)), len(seen)
assert len(call(limit=65536)["result"]["list"]) < 65536 # 4 MiB come first
assert call()["error"]["code"] == 6
for bad in ({"limit": 0}, {"limit": 65537}, {"limit": "x"}, {"after": page["list"][0]["mac"], "limit": 1}):
    assert call(**bad)["error"]["code"] == -32602, bad
assert call(after="0" * 16)["error"]["message"] == "'after' is without 'limit'"
END
