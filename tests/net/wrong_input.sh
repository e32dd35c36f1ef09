#!/bin/bash
# Wrong input at every door: the command line, the socket, the daemon's own arguments.
# One line that names the wrong word, the right exit status, nothing applied, and the
# switch goes on.
. "$(dirname "$0")/../lib.sh"

switch_start
ctl bridge add br0
ctl port add br0 t0 type=tap
ctl port add br0 p0 type=patch peer=p1
ctl_json config export >"$TMP/before.json"

step "usage: exit 2"
refused 2 frobnicate ctl frobnicate
refused 2 frobnicate ctl port frobnicate
refused 2 BRIDGE ctl bridge add
refused 2 PORT ctl port add br0
refused 2 extra ctl bridge del br0 extra
refused 2 --nope ctl port del --nope t0
refused 2 tag ctl port add br0 x tag=1 tag=2

step "names"
long=$(printf 'n%.0s' $(seq 70))
refused 1 "$long" ctl port add br0 "$long" type=tap
refused 1 sixteen-letters- ctl port add br0 sixteen-letters- type=tap
refused 1 sixteen-letters- ctl bridge add sixteen-letters-
refused 1 a/b ctl port add br0 a/b type=tap
refused 1 'a b' ctl port add br0 'a b' type=tap
refused 1 .. ctl port add br0 .. type=tap
refused 1 ../../etc/x ctl bridge add ../../etc/x
refused 1 'new?line' ctl port add br0 $'new\nline' type=tap
refused 1 name ctl bridge add ''
refused 1 br0 ctl bridge add br0
refused 1 t0 ctl port add br0 t0 type=tap
refused 1 t0 ctl bridge add t0
refused 1 nosuch ctl port add nosuch t1 type=tap
refused 1 nosuch ctl bridge del nosuch
refused 1 nosuch ctl port del nosuch
refused 1 nosuch ctl port set nosuch tag=1
refused 1 nosuch ctl port show nosuch
refused 1 nosuch ctl bridge show nosuch
refused 1 nosuch ctl fdb show nosuch
refused 1 br0 ctl port del br0

step "keys and values"
refused 1 colour ctl port add br0 t1 type=tap colour=red
refused 1 warp ctl port add br0 t1 type=warp
for word in 0 4095 -1 1x '' 4294967297 ' 10' 1e3 0x10; do
	[ -n "$word" ] || continue
	refused 1 "$word" ctl port add br0 t1 type=tap "tag=$word"
done
refused 1 4096 ctl port add br0 t1 type=tap trunks=10,4096
refused 1 20-10 ctl port add br0 t1 type=tap trunks=20-10
refused 1 trunks ctl port add br0 t1 type=tap trunks=,
refused 1 sideways ctl port add br0 t1 type=tap vlan-mode=sideways
refused 1 tag ctl port add br0 t1 type=tap vlan-mode=native-untagged
refused 1 67 ctl port add br0 t1 type=tap mtu=67
refused 1 70000 ctl port add br0 t1 type=tap mtu=70000
refused 1 17 ctl port add br0 t1 type=tap queues=17
refused 1 maybe ctl port add br0 t1 type=tap isolated=maybe
refused 1 65280 ctl port add br0 t1 type=tap ofport=65280
refused 1 0 ctl port add br0 t1 type=tap ofport=0
refused 1 100000001 ctl port set t0 storm-broadcast=100000001
refused 1 02:00 ctl port add br0 t1 type=tap mac=02:00
refused 1 01:00:00:00:00:01 ctl port add br0 t1 type=tap mac=01:00:00:00:00:01
refused 1 mac-age ctl bridge set br0 mac-age=never
refused 1 zz ctl bridge add br9 dpid=zz
refused 1 type ctl port set t0 type=patch
refused 1 peer ctl port set t0 peer=p9
refused 1 file ctl port add br0 c1 type=pcap
ctl port add br0 t5 type=tap ofport=50
refused 1 50 ctl port add br0 t6 type=tap ofport=50
ctl port del t5
refused 1 zz:00:00:00:00:00 ctl fdb add br0 zz:00:00:00:00:00 t0
refused 1 01:00:5e:00:00:01 ctl fdb add br0 01:00:5e:00:00:01 t0
refused 1 nosuch ctl fdb add br0 02:00:00:00:00:01 nosuch
refused 1 loud ctl log loud
refused 1 nomodule ctl log debug nomodule

step "nothing of it was applied"
cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/before.json")

step "--json gives the error as JSON, too, with the same exit status"
status=0
ctl --json port add br0 t1 type=tap tag=5000 2>"$TMP/err" >"$TMP/out" || status=$?
[ $status = 1 ]
jq -e '.code == 1 and (.message | contains("5000"))' "$TMP/err" >/dev/null

step "no switch: says where it looked"
refused 1 "$TMP/nowhere" vswitchctl --rundir "$TMP/nowhere" bridge list

step "the socket: whatever is written to it"
python3_debian - "$RUNDIR/vswitchd.sock" <<'END'
import json, os, random, socket, sys
path = sys.argv[1]

def talk(data, close=False):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    try:
        s.sendall(data)
        if close:
            s.shutdown(socket.SHUT_WR)
        out = b""
        while not out.endswith(b"\n"):
            more = s.recv(65536)
            if not more:
                break
            out += more
        return out
    finally:
        s.close()

def error(data):
    answer = json.loads(talk(data))
    assert answer["jsonrpc"] == "2.0" and "result" not in answer, answer
    return answer["error"]["code"]

def call(method, params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"

assert error(b"nonsense\n") == -32700
assert error(b"\xff\xfe\n") == -32700
assert error(b"{}\n") == -32600
assert error(b"[]\n") == -32600
assert error(b"42\n") == -32600
assert error(b'{"jsonrpc":"2.0","id":1}\n') == -32600
assert error(b'{"jsonrpc":"2.0","id":1,"method":7}\n') == -32600
assert error(call("no.such", {})) == -32601
for method in ("bridge.add", "port.add", "port.set", "fdb.add", "config.apply", "log.set"):
    for params in (5, "x", [1, 2], {"nonsense": 1}, {"name": 5}, {"name": None}, {"name": {}}):
        code = error(call(method, params))
        assert code in (-32602, 1, 2), (method, params, code)
assert error(call("port.add", {"bridge": "br0", "name": "x\u0000y", "type": "tap"})) in (1, -32602, -32700)
assert error(call("port.add", {"bridge": "br0", "name": "t7", "type": "tap", "tag": 1.5})) in (1, -32602)
assert error(b"[" * 5000 + b"]" * 5000 + b"\n") in (-32700, -32600)

# A batch: all or none, and in order.
batch = [{"jsonrpc": "2.0", "id": n, "method": "bridge.add", "params": {"name": name}}
         for n, name in enumerate(("bx", "by", "bad/name", "bz"))]
answers = json.loads(talk(json.dumps(batch).encode() + b"\n"))
assert [a["id"] for a in answers] == [0, 1, 2, 3], answers
assert all("error" in a for a in answers), answers
assert answers[2]["error"]["code"] == 1 and answers[0]["error"]["code"] == 7, answers

# No answer without an id; the next request is answered.
s = socket.socket(socket.AF_UNIX)
s.connect(path)
s.sendall(b'{"jsonrpc":"2.0","method":"bridge.add","params":{"name":"bad/name"}}\n' + call("version", {}))
assert json.loads(s.makefile().readline())["id"] == 1
s.close()

# One byte at a time; in two halves; without the line's end.
s = socket.socket(socket.AF_UNIX)
s.connect(path)
for b in call("version", {}):
    s.sendall(bytes([b]))
assert b"result" in s.recv(65536)
s.close()
talk(call("version", {})[:-1], close=True)

# Longer than 16 MiB: that connection ends, or is told so; the switch stays.
try:
    talk(b'"' + b"x" * (17 << 20))
except OSError:
    pass
# Many connections at once that say nothing.
idle = []
for n in range(200):
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(2)
    try:
        c.connect(path)
    except OSError:
        break
    idle.append(c)
for c in idle:
    c.close()
random.seed(1)
for n in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    try:
        s.sendall(random.randbytes(random.randint(1, 3000)) + b"\n")
    except OSError:
        pass
    s.close()
END
ctl version
cmp <(ctl_json config export | jq -S .) <(jq -S . "$TMP/before.json")

step "a client that asks and never reads does not hold up others"
python3_debian - "$RUNDIR/vswitchd.sock" <<'END'
import json, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(0.5)
try:
    for _ in range(20000):
        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"drops","params":{"all":true}}\n')
except OSError:
    pass
subprocess.run(["vswitchctl", "--timeout", "5", "version"], check=True, stdout=subprocess.DEVNULL)
END

step "the daemon's own arguments"
daemon_refuses()
{
	refused "$1" "$2" timeout 10 vswitchd "${@:3}"
}
other=(--rundir "$TMP/other" --db :memory:)
daemon_refuses 2 --nonsense --nonsense
daemon_refuses 2 --db "${other[@]}" --db
daemon_refuses 2 extra "${other[@]}" extra
for word in 0 17 many '' ' 1' +1 1x; do
	daemon_refuses 2 "'$word'" "${other[@]}" --workers "$word"
done
daemon_refuses 2 "'a?b'" "${other[@]}" --workers $'a\nb'
daemon_refuses 2 loud "${other[@]}" --log loud
for option in --rundir --db --log-file --group; do
	daemon_refuses 2 "$option" "${other[@]}" "$option" ''
done
for list in '' ',' '0,' ',0' '0,,0' 0- -0 0-x ' 0' x 0,0 0-0,0 0-100000 99999999999999999999; do
	daemon_refuses 2 "'$list'" "${other[@]}" --worker-cpus "$list"
done
daemon_refuses 2 "--worker-cpus" "${other[@]}" --worker-cpus 0 --workers 2
[ ! -e "$TMP/other" ]
daemon_refuses 1 "$RUNDIR" --rundir "$RUNDIR" --db :memory:
ctl version
kill -0 "$SWITCH_PID"
