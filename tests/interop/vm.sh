#!/bin/bash
# timeout: 420 s
# Three QEMU guests whose taps QEMU itself plugs in and out through the hooks: ping, a file
# over TCP by checksum, VLANs by hooks.d, and a machine that QEMU must refuse to start.
#
#	vm a (10.0.0.1)   vm b (10.0.0.2)   vm c (10.0.0.3, VLAN 20)
#	  tapa              tapb              tapc
#	  +------ br0 --------+-----------------+
. "$(dirname "$0")/../lib.sh"

VM_DIR=$TMP/vm
mkdir "$VM_DIR"
. "$ROOT/utils/vm/vm.sh"
export VSWITCH_HOOKS_DIR=$TMP/hooks.d
mkdir "$VSWITCH_HOOKS_DIR"
printf '[tapc]\ntag = 20\n' >"$VSWITCH_HOOKS_DIR/c.conf"
vm_prepare

step "without a switch QEMU refuses the machine"
vm_start none tapn 10.0.0.9/24 02:00:00:00:00:09
status=0
wait "${VM_PIDS[none]}" || status=$?
[ $status != 0 ]
grep -q "not running" "$VM_DIR/none.qemu"
[ ! -e /sys/class/net/tapn ]
vm_stop none

switch_start
ctl bridge add br0
vm_start a tapa 10.0.0.1/24 02:00:00:00:00:01
vm_start b tapb 10.0.0.2/24 02:00:00:00:00:02
vm_start c tapc 10.0.0.3/24 02:00:00:00:00:03
vm_wait a
vm_wait b
vm_wait c
check 'map(select(.type == "netdev")) | length == 3 and all(.[]; .state == "up")' ctl_json port list
check 'any(.[]; .name == "tapc" and .tag == 20) and any(.[]; .name == "tapa" and (.tag | not))' ctl_json port list

step "guests reach each other"
vm_exec a 'ping -c 3 -w 20 10.0.0.2'
vm_exec b 'ping -c 3 -w 20 10.0.0.1'
check 'any(.[]; .mac == "02:00:00:00:00:01" and .port == "tapa")' ctl_json fdb show br0

# copy FROM TO IP: a file over HTTP, by checksum at both ends
copy()
{
	local sum
	vm_exec "$1" 'mkdir -p /tmp/www; head -c 4000000 /dev/urandom >/tmp/www/file; httpd -h /tmp/www -p 80 || true' >/dev/null
	sum=$(vm_exec "$1" 'sha256sum </tmp/www/file')
	[ ${#sum} -ge 64 ]
	[ "$(vm_exec "$2" "wget -q -O - http://$3/file | sha256sum")" = "$sum" ] || fail "the file from $1 did not arrive whole at $2"
	echo "$1 -> $2: 4,000,000 bytes, checksums equal"
}

step "a file over TCP, both ways"
copy a b 10.0.0.1
copy b a 10.0.0.2

step "another VLAN is another network, until its port says otherwise"
if vm_exec c 'ping -c 2 -w 4 10.0.0.1' >/dev/null; then
	fail "VLAN 20 reached an untagged port"
fi
ctl port set tapc tag=
vm_exec c 'ping -c 3 -w 20 10.0.0.1'
copy a c 10.0.0.1

step "a machine that ends takes its port with it; the others go on"
vm_stop c
wait_for 10 "the port to go" check 'all(.[]; .name != "tapc")' ctl_json port list
check 'any(.[]; .mac == "02:00:00:00:00:03") | not' ctl_json fdb show br0
vm_exec a 'ping -c 2 -w 20 10.0.0.2'

step "a machine that is killed leaves a waiting port; started again it is plugged in again"
kill -KILL "${VM_PIDS[b]}"
vm_stop b
wait_for 10 "tapb to wait" port_state_is tapb waiting
vm_start b tapb 10.0.0.2/24 02:00:00:00:00:02
vm_wait b
vm_exec a 'ping -c 3 -w 20 10.0.0.2'

step "the switch restarts under running machines"
switch_kill
switch_start
wait_port_up tapa
wait_port_up tapb
vm_exec a 'ping -c 3 -w 20 10.0.0.2'
vm_stop_all
check 'all(.[]; .type != "netdev")' ctl_json port list
