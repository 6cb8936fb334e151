#!/bin/sh
# Writes the demo image into the directory $1 in the forms that docker save has had:
#   docker-1.10.tar          a directory a layer, the top layer a link to another image's (two images)
#   docker-1.10-hardlink.tar the same with a hard link
#   docker-25.tar            an OCI layout with plain layers, and manifest.json beside it
#   docker-25-containerd.tar the same with the compressed layers of a registry
# The names and members are those of archives of Docker 20.10, 25 and 27 (moby,
# image/tarexport/save.go); RepoTags are demo:v1 and, in the first two, quay.io/kairos/other:v2.
set -eu
here=$(dirname "$(readlink -f "$0")")
layout=$here/../demo-image
out=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

blob() {
	echo "$layout/blobs/sha256/${1#sha256:}"
}
# The values of a member "digest" in a file, in order.
digests() {
	grep -o '"digest":"sha256:[0-9a-f]*"' "$1" | cut -d '"' -f 4
}
sum() {
	sha256sum "$1" | cut -d ' ' -f 1
}
archive() {
	(cd "$2" && tar --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$out/$1" $(ls -A))
}

manifest=$(blob "$(digests "$layout/index.json")")
set -- $(digests "$manifest")
config=$(blob "$1")
shift

# Docker 1.10 to 24: directories called by the IDs of layers as they were before 1.10.
old=$work/old
mkdir "$old"
names= other= comma=
number=0
for digest; do
	number=$((number + 1))
	id=$(printf 'layer %s' "$number" | sha256sum | cut -d ' ' -f 1)
	mkdir "$old/$id"
	gzip -dc "$(blob "$digest")" >"$old/$id/layer.tar"
	printf 1.0 >"$old/$id/VERSION"
	printf '{"id":"%s"}' "$id" >"$old/$id/json"
	names="$names$comma\"$id/layer.tar\""
	last=$id
	comma=,
done
cp "$config" "$old/$(sum "$config").json"
# A second image of the same layers, whose top layer is a link to the first one's.
twin=$(printf 'twin' | sha256sum | cut -d ' ' -f 1)
other=$(echo "$names" | sed "s/$last/$twin/")
mkdir "$old/$twin"
ln -s "../$last/layer.tar" "$old/$twin/layer.tar"
printf '[{"Config":"%s.json","RepoTags":["demo:v1"],"Layers":[%s]},{"Config":"%s.json","RepoTags":["quay.io/kairos/other:v2"],"Layers":[%s]}]\n' \
	"$(sum "$config")" "$names" "$(sum "$config")" "$other" >"$old/manifest.json"
printf '{"demo":{"v1":"%s"}}\n' "$last" >"$old/repositories"
archive docker-1.10.tar "$old"
rm "$old/$twin/layer.tar"
ln "$old/$last/layer.tar" "$old/$twin/layer.tar"
archive docker-1.10-hardlink.tar "$old"

# Docker 25 and later: $1 is the archive, $2 "plain" or "compressed".
new() {
	name=$1 form=$2
	shift 2
	new=$work/$form
	mkdir -p "$new/blobs/sha256"
	names= layers= comma=
	for digest; do
		if [ "$form" = plain ]; then gzip -dc "$(blob "$digest")" >"$work/layer"; else cp "$(blob "$digest")" "$work/layer"; fi
		hex=$(sum "$work/layer")
		size=$(stat -c %s "$work/layer")
		mv "$work/layer" "$new/blobs/sha256/$hex"
		type=application/vnd.oci.image.layer.v1.tar
		[ "$form" = plain ] || type=$type+gzip
		names="$names$comma\"blobs/sha256/$hex\""
		layers="$layers$comma{\"mediaType\":\"$type\",\"digest\":\"sha256:$hex\",\"size\":$size}"
		comma=,
	done
	cp "$config" "$new/blobs/sha256/$(sum "$config")"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		"$(sum "$config")" "$(stat -c %s "$config")" "$layers" >"$work/manifest"
	hex=$(sum "$work/manifest")
	size=$(stat -c %s "$work/manifest")
	mv "$work/manifest" "$new/blobs/sha256/$hex"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"docker.io/library/demo:v1","org.opencontainers.image.ref.name":"v1"}}]}' \
		"$hex" "$size" >"$new/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$new/oci-layout"
	printf '[{"Config":"blobs/sha256/%s","RepoTags":["demo:v1"],"Layers":[%s]}]\n' \
		"$(sum "$config")" "$names" >"$new/manifest.json"
	archive "$name" "$new"
}
new docker-25.tar plain "$@"
new docker-25-containerd.tar compressed "$@"
