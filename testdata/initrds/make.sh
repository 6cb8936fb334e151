#!/bin/bash
# Makes the initrds here with dracut of Debian 12 and of Debian's testing distribution. To keep them small, all
# files but the few that say what is in an initrd are empty, and firmware and all drivers but file systems are left out.
# Needs root, mmdebstrap, cpio, zstd and debian-archive-keyring.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages=systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,dracut,dracut-network,dmsetup,curl,iproute2,zstd

main() {
	work=$(mktemp -d)
	trap 'umount "$work"/*/dev "$work"/*/proc 2> /dev/null || true; rm -rf --one-file-system "$work"' EXIT
	rm -f "$here"/*.img

	root=$work/bookworm
	debian bookworm "$packages,dracut-live,dracut-squash,network-manager,iputils-arping,isc-dhcp-client,procps"
	make_initrd 059-network-manager --add "livenet dmsquash-live network"
	make_initrd 059-networkd --add "livenet dmsquash-live systemd-networkd"
	make_initrd 059-network-legacy --add "livenet dmsquash-live network-legacy"
	# What users get who forget Kairos's configuration of dracut, or a part of it.
	make_initrd 059-default
	make_initrd 059-no-network --omit "network network-manager network-legacy systemd-networkd url-lib ifcfg"
	make_initrd 059-no-livenet --add "dmsquash-live network"
	make_initrd 059-no-drivers --add "livenet dmsquash-live network" --omit-drivers "squashfs overlay"
	make_initrd 059-no-kernel --add "livenet dmsquash-live network" --no-kernel
	make_initrd 059-squash --add "livenet dmsquash-live network squash"

	# Kernel modules are in a plain archive in front of the compressed rest.
	root=$work/forky
	debian forky "$packages"
	make_initrd 112-networkd --add "livenet dmsquash-live systemd-networkd"
}

debian() { # SUITE PACKAGES
	INITRD=No mmdebstrap --quiet --mode=root --variant=minbase --include="$2" \
		--aptopt='Acquire::Check-Valid-Until "false"' "$1" "$root" > "$work/log" 2>&1 || fail
	mount -t proc proc "$root/proc"
	mount --bind /dev "$root/dev"
}

make_initrd() { # NAME OPTION...
	local name=$1 version
	shift
	version=$(ls "$root/usr/lib/modules")
	chroot "$root" dracut --force --no-hostonly --no-hostonly-cmdline --compress="zstd -q -1" --kver "$version" \
		"$@" /tmp/initrd > "$work/log" 2>&1 || fail
	# A plain archive: with the module squash, the only one; since dracut 107, the first of two.
	: > "$here/$name.img"
	if [ "$(head -c 6 "$root/tmp/initrd")" = 070701 ]; then
		shorten < "$root/tmp/initrd" > "$here/$name.img"
	fi
	cp "$root/tmp/initrd" "$work/bookworm/tmp/whole"
	chroot "$work/bookworm" /usr/lib/dracut/skipcpio /tmp/whole > "$work/rest"
	if [ -s "$work/rest" ]; then
		zstd -dcq "$work/rest" | shorten | zstd -19q >> "$here/$name.img"
	fi
	echo "$name: $(stat -c %s "$here/$name.img") bytes"
}

# Reads one cpio archive and writes a shorter one.
shorten() {
	local tree=$work/tree
	rm -rf "$tree"
	mkdir "$tree"
	(cd "$tree" && cpio --extract --make-directories --quiet)
	rm -rf "$tree"/usr/lib/firmware
	find "$tree" -path '*/lib/modules/*/kernel/*' -not -path '*/kernel/fs*' -delete
	find "$tree" -type f -not -path '*/dracut/*.txt' -not -name modules.builtin -exec truncate -s 0 {} +
	(cd "$tree" && find . -print0 | LC_ALL=C sort -z |
		cpio --create --null --quiet --format=newc --reproducible --owner=0:0)
}

fail() {
	tail -n 20 "$work/log" >&2
	exit 1
}

# In a mount namespace of its own, so that nothing stays mounted.
if [ -z "${INITRDS_NAMESPACE:-}" ]; then
	INITRDS_NAMESPACE=1 exec unshare --mount "${BASH_SOURCE[0]}"
fi
main
