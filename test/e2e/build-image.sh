#!/bin/bash
# Builds a bootable container image from Debian's packages, as an OCI layout of three
# layers: a base system, a big layer with the kernel and the initrd, a small layer of a derived
# image. image/{base,system,derived}.sh contain what would be each layer's RUN line.
#
#   build-image.sh [--small | --large] [DEST]
#
# If these same scripts built DEST, it is left unchanged. Needs root, for overlay mounts and chroot.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/e2e/image/layers.sh
. "$here/image/layers.sh"

size=small
case ${1:-} in
	--small | --large)
		size=${1#--}
		shift
		;;
	-*)
		echo "usage: build-image.sh [--small | --large] [DEST]" >&2
		exit 2
		;;
esac
dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/kairos-netboot-e2e/$size}

stamp=$(cat "$here/build-image.sh" "$here"/image/* | sha256sum | cut -c 1-64)

main() {
	mkdir -p "$(dirname "$dest")"
	exec 9> "$dest.lock"
	flock 9
	if [ "$(cat "$dest/built-by" 2> /dev/null)" = "$size $stamp" ]; then
		echo "$dest is up to date"
		return
	fi
	[ "$(id -u)" = 0 ] || die "must be run as root: it mounts overlays and changes root"
	[ ! -e "$dest" ] || [ -e "$dest/built-by" ] || die "$dest was not made here: it is not replaced"

	work=$(mktemp -d "${TMPDIR:-/tmp}/kairos-netboot-e2e.XXXXXX")
	trap clean_up EXIT
	mkdir "$work"/{system,derived,merged,overlay-work,oci}

	say "base layer"
	# The package usr-is-merged stands in for usrmerge, which would bring all of perl.
	mmdebstrap --quiet --mode=root --variant=minbase --include=usr-is-merged \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr bookworm "$work/base" \
		> "$work/mmdebstrap.log" 2>&1 || fail mmdebstrap
	: > "$work/base/etc/resolv.conf"
	run_in "$work/base" base

	say "system layer ($size)"
	mount_overlay "$work/base" "$work/system"
	install -D -m 755 "$here/image/report.sh" "$work/merged/usr/libexec/kairos-netboot-e2e"
	install -D -m 644 "$here/image/kairos-netboot-e2e.service" -t "$work/merged/etc/systemd/system"
	install -D -m 644 "$here/image/dracut.conf" "$work/merged/etc/dracut.conf.d/netboot.conf"
	run_in "$work/merged" system "$size"
	umount -R "$work/merged"

	say "derived layer"
	mount_overlay "$work/system:$work/base" "$work/derived"
	run_in "$work/merged" derived
	umount -R "$work/merged"

	say "packing"
	overlay_to_whiteouts "$work/system"
	overlay_to_whiteouts "$work/derived"
	for layer in base system derived; do
		pack_layer "$work/$layer" "$work/oci"
	done
	write_oci_layout "$work/oci" latest
	echo "$size $stamp" > "$work/oci/built-by"

	rm -rf "$dest" "$dest.new"
	cp -r "$work/oci" "$dest.new"
	mv "$dest.new" "$dest"
	say "built $dest"
}

say() { echo "[$SECONDS s] $*"; }

die() {
	echo "build-image.sh: $*" >&2
	exit 1
}

fail() { # STEP
	tail -n 40 "$work/$1.log" >&2
	die "$1 failed: its last lines are above"
}

mount_overlay() { # LOWER UPPER
	mount -t overlay overlay "$work/merged" -o \
		"lowerdir=$1,upperdir=$2,workdir=$work/overlay-work,index=off,metacopy=off,redirect_dir=off"
}

# Runs image/NAME.sh inside ROOT, with the host's resolv.conf for that time only, as container builders do.
run_in() { # ROOT NAME [ARGUMENT...]
	local root=$1 name=$2
	shift 2
	mount -t proc proc "$root/proc"
	mount --bind "$(readlink -f /etc/resolv.conf)" "$root/etc/resolv.conf"
	env -u TMPDIR HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		chroot "$root" sh -c "$(cat "$here/image/$name.sh")" "$name.sh" "$@" \
		< /dev/null > "$work/$name.log" 2>&1 || fail "$name"
	umount "$root/etc/resolv.conf" "$root/proc"
}

clean_up() {
	umount -R "$work/merged" 2> /dev/null || true
	umount "$work/base/etc/resolv.conf" "$work/base/proc" 2> /dev/null || true
	rm -rf --one-file-system "$work"
}

# In its own mount namespace, so that nothing stays mounted whatever happens.
if [ "$(id -u)" = 0 ] && [ -z "${KAIROS_NETBOOT_E2E_NAMESPACE:-}" ]; then
	KAIROS_NETBOOT_E2E_NAMESPACE=1 exec unshare --mount "$here/build-image.sh" "--$size" "$dest"
fi
main
