#!/bin/sh
# build-initramfs.sh OUT - a guest for tests and the quickstart: busybox, the kernel's
# virtio-net modules, and the init script beside this file; about 1.5 MB.
#
# Prints the kernel that it fits.  VSWITCH_VM_KERNEL chooses another than the newest
# in /boot (cloud kernels preferred: they boot fastest without KVM).
set -eu

here=$(dirname "$(readlink -f "$0")")
[ $# = 1 ] || {
	echo "usage: build-initramfs.sh OUT" >&2
	exit 2
}
out=$1
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
	failover net_failover virtio_net"

# The newest kernel of the names given that has its modules; false if there is none.
newest_kernel()
{
	for kernel in $(printf '%s\n' "$@" | sort -rV); do
		if [ -r "$kernel" ] && [ -d "/lib/modules/${kernel#/boot/vmlinuz-}/kernel" ]; then
			echo "$kernel"
			return
		fi
	done
	return 1
}

kernel=${VSWITCH_VM_KERNEL:-$(newest_kernel /boot/vmlinuz-*-cloud-* ||
	newest_kernel /boot/vmlinuz-*)} || {
	echo "build-initramfs.sh: no kernel with modules in /boot (package linux-image-cloud-amd64)" >&2
	exit 1
}
version=${kernel##*/vmlinuz-}
busybox=$(command -v busybox) || {
	echo "build-initramfs.sh: no busybox (package busybox-static)" >&2
	exit 1
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$tree/bin" "$tree/lib/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/tmp"
cp "$busybox" "$tree/bin/busybox"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init"
for module in $modules; do
	# A module that is built into the kernel has no file.
	file=$(find "/lib/modules/$version/kernel" -name "$module.ko*" | head -n 1)
	case $file in
	'') continue ;;
	*.xz) xz -dc "$file" >"$tree/lib/modules/$module.ko" ;;
	*.zst) zstd -qdc "$file" >"$tree/lib/modules/$module.ko" ;;
	*) cp "$file" "$tree/lib/modules/$module.ko" ;;
	esac
	echo "$module" >>"$tree/lib/modules/order"
done

(cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$out.tmp"
mv "$out.tmp" "$out"
echo "$kernel"
