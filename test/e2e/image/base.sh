#!/bin/sh
# Runs in the base layer's root, after mmdebstrap.
set -eu
echo kairos > /etc/hostname
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/container
printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' \
	> /etc/dpkg/dpkg.cfg.d/no-documentation

# Files that the upper layers change, and files that they must leave alone.
mkdir /opt/e2e
cd /opt/e2e
for name in replaced deleted deleted-then-restored becomes-directory; do
	echo base > "$name"
done
mkdir becomes-file opaque links long
echo base > becomes-file/inside
echo base > opaque/hidden
# The derived layer deletes the name that comes first in the tar.
echo linked > links/1
ln links/1 links/2
ln links/1 links/3
# An owner that an octal tar header field cannot hold.
echo owned > owned
chown 4000000:4000001 owned
chmod 6754 owned
touch -d @1234567890 owned
echo latin > "$(printf 'caf\351')"
part=$(printf '%0100d' 0)
mkdir -p "long/$part/$part"
echo long > "long/$part/$part/$part"
