#!/bin/sh
# Makes the signatures here: of testdata/demo-image, in cosign's layouts. The keys are new each time
# and their private halves are thrown away. What is signed and how is written in
# https://github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md and specs/BUNDLE_SPEC.md. Payloads are
# signed with openssl; bundles are made by @sigstore/sign, of the sigstore project, which npm fetches
# into a temporary directory. Needs openssl, npm and node.
set -eu
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
rm -f ./*.pub ./*.json ./*.sig

digest=$(sed -n 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p' "$here/../demo-image/index.json")
manifest=$here/../demo-image/blobs/sha256/${digest#sha256:}
other=sha256:$(printf 'another image' | sha256sum | cut -d ' ' -f 1)

for name in p256 other; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.key"
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/p384.key"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$work/rsa.key" 2>/dev/null
openssl genpkey -algorithm ED25519 -out "$work/ed25519.key"
for name in p256 other p384 rsa ed25519; do
	openssl pkey -in "$work/$name.key" -pubout -out "$name.pub"
done

# As cosign writes it: one line, without a line end.
payload() {
	printf '{"critical":{"identity":{"docker-reference":"registry.example/kairos/demo"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' "$1"
}
payload "$digest" >demo.json
payload "$other" >another-image.json
payload "$digest" | sed 's/cosign container image signature/a receipt/' >no-signature.json

for name in p256 other p384 rsa; do
	openssl dgst -sha256 -sign "$work/$name.key" demo.json | base64 -w 0 >"demo.$name.sig"
done
openssl dgst -sha384 -sign "$work/p384.key" demo.json | base64 -w 0 >demo.p384-sha384.sig
openssl pkeyutl -sign -rawin -inkey "$work/ed25519.key" -in demo.json | base64 -w 0 >demo.ed25519.sig
for name in another-image no-signature; do
	openssl dgst -sha256 -sign "$work/p256.key" "$name.json" | base64 -w 0 >"$name.p256.sig"
done

(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund --ignore-scripts @sigstore/sign@5)
cp bundles.mjs "$work/"
node "$work/bundles.mjs" "$work" "$manifest" "$digest" "$other" "$here"
