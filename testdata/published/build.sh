#!/bin/sh
# Made testdata/published/0.1.0: a directory that extract 0.1.0 published. It is not made again:
# tests show that later versions of the program still read it. It was made without --iso and --uki,
# whose files hold several megabytes of other projects' programs. Needs the package squashfs-tools.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
config=$(mktemp)
trap 'rm -f "$config"' EXIT
printf '#cloud-config\nhostname: demo\n' >"$config"
node bin/kairos-netboot.js extract oci:testdata/demo-image -o testdata/published/0.1.0 \
  --platform linux/amd64 --url http://192.168.1.10/kairos --cloud-config "$config" \
  --cmdline quiet --console ttyS0 --sbom --no-cache
