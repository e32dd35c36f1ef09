#!/bin/bash
# timeout: 600 s
# A configuration that is longer than a line of the protocol: it is applied in parts, and
# exported, compared and listed in pages; what is free text in it is bounded.
#
#	bra, brb: 1,000 patch ports each, to one another; 20,000 static addresses
. "$(dirname "$0")/../lib.sh"

switch_start
step "apply, export, diff"
python3 - "$TMP/big.json" <<'END'
import json, sys
fill = "-" + "x" * 48
ports, fdb = [], []
for n in range(1000):
    for here, there in ("a", "b"), ("b", "a"):
        ports.append({"name": f"{here}{n:04}{fill}", "bridge": f"br{here}", "type": "patch",
                      "peer": f"{there}{n:04}{fill}", "trunks": ",".join(map(str, range(1, 4000, 2))),
                      "external-ids": {"k" * 20: "v" * 2000}})
for n in range(20000):
    fdb.append({"bridge": "bra", "mac": f"02:00:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}",
                "vlan": 1 + n % 4094, "port": "bra"})
json.dump({"version": 1, "bridges": [{"name": "bra", "mac-limit": 200000}, {"name": "brb"}],
           "ports": ports, "fdb": fdb}, open(sys.argv[1], "w"))
END
[ "$(jq -c . "$TMP/big.json" | wc -c)" -gt $((16 << 20)) ]
status=0
ctl --timeout 200 config diff "$TMP/big.json" >"$TMP/diff" || status=$?
[ $status = 1 ]
[ "$(grep -c '^+' "$TMP/diff")" = 22002 ]
ctl_json --timeout 200 config apply "$TMP/big.json" >"$TMP/applied.json"
[ "$(wc -c <"$TMP/applied.json")" -gt $((16 << 20)) ]
check '.changes | length == 22002 and all(.[]; .action == "add")' cat "$TMP/applied.json"
ctl config export >"$TMP/export.json"
check '(.bridges | length == 2) and (.ports | length == 2000) and (.fdb | length == 20000)' cat "$TMP/export.json"
check '(.fdb | map(.mac) | . == unique) and (.ports | map(.name) | . == unique)' cat "$TMP/export.json"
ctl config diff "$TMP/export.json"
ctl config diff "$TMP/big.json"
check 'length == 2002' ctl_json port list
check 'length == 2002 and (map(.name) | . == sort)' ctl_json port stats

step "pages are those of one moment; what does not go together is refused"
python3 - "$RUNDIR/vswitchd.sock" "$TMP/export.json" <<'END'
import json, socket, sys

class Client:
    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(sys.argv[1])
        self.f = self.s.makefile("rwb")

    def call(self, method, **params):
        line = json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n"
        self.f.write(line)
        self.f.flush()
        answer = self.f.readline()
        assert len(answer) < 16 << 20
        answer = json.loads(answer)
        return answer["result"] if "result" in answer else answer["error"]

a, b = Client(), Client()
whole = json.load(open(sys.argv[2]))
page = a.call("config.export", limit=1500)
first = page["next"]
b.call("bridge.set", name="brb", **{"mac-age": 7})
b.call("fdb.del", bridge="bra", mac=whole["fdb"][-1]["mac"])
got = {"version": 1, "bridges": [], "ports": [], "fdb": []}
while True:
    assert sum(len(page[k]) for k in ("bridges", "ports", "fdb")) <= 1500
    for k in ("bridges", "ports", "fdb"):
        got[k] += page[k]
    if "next" not in page:
        break
    page = a.call("config.more", limit=1500, after=page["next"])
assert got == whole
b.call("bridge.set", name="brb", **{"mac-age": 300})
b.call("fdb.add", **whole["fdb"][-1])

assert a.call("config.more", limit=1500, after=first)["code"] == 2
assert b.call("config.more", limit=1500, after=a.call("config.export", limit=1)["next"])["code"] == 2
assert a.call("config.export")["code"] == 6

part = {"version": 1, "bridges": [], "ports": [], "fdb": []}
assert a.call("config.part", document=part) == {"parts": 1}
assert b.call("config.apply", parts=1)["code"] == 1
refused = a.call("config.apply", parts=2)
assert refused["code"] == 1 and refused["message"] == "parts: 1 were given on this connection", refused
assert a.call("config.apply", parts=1)["code"] == 1 # they are gone
for n, p in enumerate((part, {"bridges": [{"name": "bra"}, {"name": "brb"}]})):
    assert a.call("config.part", document=p) == {"parts": n + 1}
changes = a.call("config.apply", parts=2, **{"dry-run": True, "limit": 10})
assert len(changes["changes"]) == 10 and changes["next"]
END
ctl config diff "$TMP/export.json"

step "what all external-ids together may be"
limit=$(ctl_json status | jq '.limits[] | select(.name == "external-ids-bytes") | .max')
check ".limits[] | select(.name == \"external-ids-bytes\") | .now == 2000 * 2020 and .max == 4194304" ctl_json status
room=$((limit - 2000 * 2020))
ctl bridge set bra "external-id.a=$(printf '%*s' 4000 '' | tr ' ' v)"
while room=$(ctl_json status | jq '.limits[] | select(.name == "external-ids-bytes") | .max - .now'); [ "$room" -gt 4200 ]; do
	ctl bridge set bra "external-id.k$room=$(printf '%*s' 4000 '' | tr ' ' v)"
done
status=0
ctl port set "a0001-$(printf '%*s' 48 '' | tr ' ' x)" \
	"external-id.b=$(printf '%*s' 4050 '' | tr ' ' v)" "external-id.c=$(printf '%*s' 400 '' | tr ' ' v)" 2>"$TMP/err" || status=$?
[ $status = 1 ]
grep -q 'port a0001-x*: external-ids: .*limit external-ids-bytes' "$TMP/err" || fail "says $(cat "$TMP/err")"
ctl port set "a0001-$(printf '%*s' 48 '' | tr ' ' x)" external-id.b=v
ctl config export >"$TMP/export.json"

step "the same after kill -9"
switch_kill
switch_start
ctl config diff "$TMP/export.json"
