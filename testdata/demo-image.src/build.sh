#!/bin/sh
# Builds testdata/demo-image, an OCI layout in the shape of a Kairos image: three layers, a kernel
# behind an absolute link, an initrd, a release file, whiteouts and a file capability. The result is
# the same each time. Needs root (owners, devices, setcap) and the packages binutils, cpio,
# libcap2-bin.
set -eu
here=$(dirname "$(readlink -f "$0")")
layout=$here/../demo-image
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
created=2025-04-01T00:00:00Z
version=0.1.0-demo
umask 022

as --32 "$here/kernel.S" -o "$work/kernel.o"
ld -m elf_i386 -Ttext 0 --oformat binary -o "$work/kernel" "$work/kernel.o"

base=$work/base
mkdir -p "$base/dev" "$base/etc" "$base/usr/bin" "$base/usr/lib" "$base/var/empty" "$base/tmp"
chmod 1777 "$base/tmp"
ln -s usr/bin "$base/bin"
ln -s usr/lib "$base/lib"
printf 'PRETTY_NAME="kairos-netboot demo"\nNAME="demo"\nID=demo\nVERSION_ID="1"\n' >"$base/usr/lib/os-release"
ln -s ../usr/lib/os-release "$base/etc/os-release"
echo 'This line is deleted by the layer above.' >"$base/etc/motd"
echo 'demo 1' >"$base/etc/issue"
printf '#!/bin/sh\necho pong\n' >"$base/usr/bin/ping"
chmod 755 "$base/usr/bin/ping"
setcap cap_net_raw+ep "$base/usr/bin/ping"
ln "$base/usr/bin/ping" "$base/usr/bin/ping4"
mknod "$base/dev/console" c 5 1
mknod "$base/dev/null" c 1 3
chmod 666 "$base/dev/null"

system=$work/system
mkdir -p "$system/boot" "$system/etc" "$system/usr/lib/modules/$version/kernel"
cp "$work/kernel" "$system/boot/vmlinuz-$version"
ln -s "/boot/vmlinuz-$version" "$system/boot/vmlinuz"
mkdir "$work/initrd"
echo 'The initrd of the kairos-netboot demo image.' >"$work/initrd/README"
touch -d "$created" "$work/initrd/README" "$work/initrd"
(cd "$work/initrd" && printf '.\nREADME\n' | cpio -o -H newc --reproducible --quiet -R 0:0) | gzip -n9 >"$system/boot/initrd"
printf 'CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_XZ=y\nCONFIG_SQUASHFS_ZSTD=y\nCONFIG_SQUASHFS_LZ4=y\nCONFIG_SQUASHFS_LZO=y\nCONFIG_XZ_DEC_X86=y\n' >"$system/boot/config-$version"
: >"$system/usr/lib/modules/$version/modules.dep"
cat >"$system/etc/kairos-release" <<END
KAIROS_FLAVOR="demo"
KAIROS_FLAVOR_RELEASE="1"
KAIROS_VARIANT="core"
KAIROS_ARCH="amd64"
KAIROS_MODEL="generic"
KAIROS_RELEASE="v0.1.0"
END
: >"$system/etc/.wh.motd"

top=$work/top
mkdir -p "$top/etc"
echo 'Welcome to the kairos-netboot demo.' >"$top/etc/issue"

rm -rf "$layout"
mkdir -p "$layout/blobs/sha256"

# Puts a file among the blobs; prints its digest and its size.
add_blob() {
	digest=$(sha256sum "$1" | cut -d ' ' -f 1)
	cp "$1" "$layout/blobs/sha256/$digest"
	echo "$digest $(stat -c %s "$1")"
}

layers= diff_ids= history= comma=
for name in base system top; do
	tar -C "$work/$name" --sort=name --mtime="$created" --numeric-owner --owner=0 --group=0 \
		--format=pax --pax-option=delete=atime,delete=ctime --xattrs --xattrs-include='*' \
		-cf "$work/$name.tar" .
	diff_id=$(sha256sum "$work/$name.tar" | cut -d ' ' -f 1)
	gzip -n9 "$work/$name.tar"
	set -- $(add_blob "$work/$name.tar.gz")
	layers="$layers$comma{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$1\",\"size\":$2}"
	diff_ids="$diff_ids$comma\"sha256:$diff_id\""
	history="$history$comma{\"created\":\"$created\",\"created_by\":\"$name\"}"
	comma=,
done
printf '{"created":"%s","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
	"$created" "$diff_ids" "$history" >"$work/config"
set -- $(add_blob "$work/config")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
	"$1" "$2" "$layers" >"$work/manifest"
set -- $(add_blob "$work/manifest")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"architecture":"amd64","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}\n' \
	"$1" "$2" >"$layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
du -sh "$layout"
