#!/bin/sh
# Runs in the system layer's root. $1 is small or large.
set -eu
apt-get update
# dracut is called once, below, with a configuration of its own.
INITRD=No apt-get install --yes --no-install-recommends \
	linux-image-cloud-amd64 dracut dracut-live dracut-network \
	systemd systemd-sysv udev dmsetup procps zstd \
	curl iproute2 iputils-ping isc-dhcp-client libcap2-bin
if [ "$1" = large ]; then
	apt-get install --yes --no-install-recommends g++ gdb gfortran git python3-dev python3-numpy
fi
setcap cap_net_raw+ep /usr/bin/ping

version=$(ls /lib/modules)
dracut --kver "$version" "/boot/initrd-$version"
mv "/boot/initrd-$version" /boot/initrd
chmod 644 /boot/initrd
ln -s "/boot/vmlinuz-$version" /boot/vmlinuz

# As kairos-init writes it. The image contains no Kubernetes; the test needs the + in the name.
cat > /etc/kairos-release << 'END'
KAIROS_ARCH="amd64"
KAIROS_FAMILY="debian"
KAIROS_FIPS="false"
KAIROS_FLAVOR="debian"
KAIROS_FLAVOR_RELEASE="12"
KAIROS_ID="kairos"
KAIROS_ID_LIKE="kairos-standard-debian-12"
KAIROS_MODEL="generic"
KAIROS_NAME="kairos-standard-debian-12"
KAIROS_RELEASE="v3.5.0"
KAIROS_SOFTWARE_VERSION="v1.33.1+k3s1"
KAIROS_SOFTWARE_VERSION_PREFIX="k3s"
KAIROS_TARGETARCH="amd64"
KAIROS_TRUSTED_BOOT="false"
KAIROS_VARIANT="standard"
KAIROS_VERSION="v3.5.0"
END

systemctl enable kairos-netboot-e2e.service
# The machine runs until it has reported, so services for later are left out.
systemctl mask getty.target serial-getty@ttyS0.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-journal-flush.service systemd-random-seed.service systemd-logind.service \
	systemd-binfmt.service systemd-pstore.service dev-hugepages.mount dev-mqueue.mount
# QEMU's "max" processor offers virtualization, and udev would load kvm. That is slow, and now and
# then QEMU 7.2 hangs for minutes during it.
printf 'blacklist %s\n' kvm_amd kvm_intel > /etc/modprobe.d/e2e.conf

cd /opt/e2e
rm deleted-then-restored
rm -r opaque
mkdir opaque
echo system > opaque/shown

apt-get clean
rm -rf /usr/share/doc /usr/share/man /usr/share/locale /var/lib/apt/lists
rm -f /var/log/*.log /var/log/apt/* /var/cache/ldconfig/aux-cache
mkdir /usr/share/doc /var/lib/apt/lists
