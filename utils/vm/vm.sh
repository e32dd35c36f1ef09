# vm.sh - small QEMU guests, sourced by the quickstart and by the interop tests (bash).
#
# Everything lives in the folder $VM_DIR, which the caller makes and removes.  A guest
# NAME has there NAME.pid, NAME.console (what its kernel said) and the pipes NAME.in and
# NAME.out of its command line.  Guests run without KVM: about 5 s to boot.
#
# shellcheck shell=bash

VM_HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
VM_BOOT_TIMEOUT_S=${VM_BOOT_TIMEOUT_S:-90}
VM_EXEC_TIMEOUT_S=${VM_EXEC_TIMEOUT_S:-60}
VM_WRAP=() # a command that QEMU is started through, such as "ip netns exec NS"
declare -A VM_PIDS=() VM_FDS=()

# Once, before the first guest.
vm_prepare()
{
	VM_KERNEL=$("$VM_HERE/build-initramfs.sh" "$VM_DIR/initramfs")
}

# vm_start NAME TAP IP/LEN MAC [QEMU ARGUMENT…]: boots a guest whose tap the hooks plug
# in.  Returns at once; vm_wait NAME waits for its command line.  Non-zero if QEMU ends.
vm_start()
{
	local name=$1 tap=$2 ip=$3 mac=$4
	shift 4
	mkfifo "$VM_DIR/$name.in" "$VM_DIR/$name.out" || return
	"${VM_WRAP[@]}" qemu-system-x86_64 -accel tcg -cpu max -m 160 -nographic -nodefaults -no-reboot \
		-kernel "$VM_KERNEL" -initrd "$VM_DIR/initramfs" \
		-append "console=ttyS0 quiet panic=-1 tsc=unstable guest.ip=$ip" \
		-chardev "file,id=console,path=$VM_DIR/$name.console" -serial chardev:console \
		-chardev "pipe,id=shell,path=$VM_DIR/$name" -serial chardev:shell \
		-netdev "tap,id=net,ifname=$tap,script=${VM_IFUP:-$VM_HERE/../hooks/qemu-ifup},downscript=${VM_IFDOWN:-$VM_HERE/../hooks/qemu-ifdown}" \
		-device "virtio-net-pci,netdev=net,mac=$mac,romfile=" \
		"$@" </dev/null >"$VM_DIR/$name.qemu" 2>&1 &
	VM_PIDS[$name]=$!
	echo "$!" >"$VM_DIR/$name.pid"
	exec {fd}<>"$VM_DIR/$name.out" || return
	VM_FDS[$name]=$fd
}

# Until the guest takes commands; false, with QEMU's and the kernel's words, if it does not.
vm_wait()
{
	local name=$1 line said='' deadline=$((SECONDS + VM_BOOT_TIMEOUT_S))
	while ((SECONDS < deadline)); do
		IFS= read -r -t 1 -u "${VM_FDS[$name]}" line || true
		said+=$line
		[[ $said != *'<<ready>>'* ]] || return 0
		kill -0 "${VM_PIDS[$name]}" 2>/dev/null || break
	done
	echo "guest $name did not boot:" >&2
	tail -n 20 "$VM_DIR/$name.qemu" "$VM_DIR/$name.console" >&2
	return 1
}

# vm_exec NAME COMMAND: runs one line of shell in the guest, prints what it prints and
# returns its status; 124 when the guest does not answer.
vm_exec()
{
	local name=$1 command=$2 line part='' deadline=$((SECONDS + VM_EXEC_TIMEOUT_S))
	printf '%s\n' "$command" 1<>"$VM_DIR/$name.in" # never waits for a reader
	while ((SECONDS < deadline)); do
		IFS= read -r -t 1 -u "${VM_FDS[$name]}" line || {
			part+=$line # of a line that is still coming
			continue
		}
		line=$part${line%$'\r'}
		part=
		if [[ $line =~ ^(.*)\<\<([0-9]+)\>\>$ ]]; then
			[ -z "${BASH_REMATCH[1]}" ] || printf '%s\n' "${BASH_REMATCH[1]}"
			return "${BASH_REMATCH[2]}"
		fi
		printf '%s\n' "$line"
	done
	echo "guest $name: no answer to: $command" >&2
	return 124
}

# vm_stop NAME: ends QEMU as an administrator would, so that the down-script runs.
vm_stop()
{
	local name=$1 fd=${VM_FDS[$1]}
	kill "${VM_PIDS[$name]}" 2>/dev/null || true # it may have ended by itself
	wait "${VM_PIDS[$name]}" 2>/dev/null || true
	exec {fd}<&-
	rm -f "$VM_DIR/$name.in" "$VM_DIR/$name.out" "$VM_DIR/$name.pid"
	unset "VM_PIDS[$name]" "VM_FDS[$name]"
}

vm_stop_all()
{
	local name
	for name in "${!VM_PIDS[@]}"; do
		vm_stop "$name"
	done
}
