#!/bin/sh
# Makes signatures.json and trusted_root.json: keyless signatures of testdata/demo-image, as cosign
# stores them, and the trusted root that goes with them. @sigstore/mock, of the sigstore project,
# plays Fulcio, its certificate log, Rekor, and the timestamp authority; npm fetches it into a
# temporary directory. All keys are new each time and are thrown away. Certificates are valid for ten
# minutes, which does not matter to a test: what counts is the time that the log or the timestamp
# authority signed. Needs npm and node.
set -eu
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund --ignore-scripts @sigstore/mock@0.12)
cp "$here/make.mjs" "$work/"
node "$work/make.mjs" "$here/../../demo-image" "$here/.." "$here"
