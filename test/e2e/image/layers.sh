# shellcheck shell=bash
# From overlayfs's upper directories to the gzip-compressed layers of an OCI layout.

# Turns overlayfs's deletion marks (a 0:0 device; the attribute trusted.overlay.opaque) into
# the whiteouts of OCI layers (.wh.NAME; .wh..wh..opq).
overlay_to_whiteouts() { # DIRECTORY
	local path
	while IFS= read -r -d '' path; do
		[ "$(stat -c %t:%T "$path")" = 0:0 ] || continue
		mark "$(dirname "$path")/.wh.$(basename "$path")" "$path"
	done < <(find "$1" -type c -print0)
	while IFS= read -r -d '' path; do
		[ "$(getfattr --absolute-names --only-values -n trusted.overlay.opaque "$path" \
			2> /dev/null)" = y ] || continue
		mark "$path/.wh..wh..opq"
	done < <(find "$1" -type d -print0)
}

# Makes a whiteout, optionally in place of another, without changing the directory's time.
mark() { # MARKER [REPLACED]
	local directory time
	directory=$(dirname "$1")
	time=$(stat -c @%.9Y "$directory")
	[ -z "${2:-}" ] || rm "$2"
	install -m 600 /dev/null "$1"
	touch -d "$time" "$directory"
}

layer_diff_ids=()
layer_descriptors=()

# Packs DIRECTORY as the next layer of LAYOUT.
pack_layer() { # DIRECTORY LAYOUT
	local tar=$1.tar
	tar --create --file "$tar" --directory "$1" --sort=name --numeric-owner --format=pax \
		--xattrs --xattrs-include='*' --xattrs-exclude='trusted.overlay.*' .
	layer_diff_ids+=("\"sha256:$(sha256sum < "$tar" | cut -c 1-64)\"")
	layer_descriptors+=("$(pigz -6 -n < "$tar" |
		add_blob "$2" application/vnd.oci.image.layer.v1.tar+gzip)")
	rm "$tar"
}

# Adds standard input to LAYOUT's blobs and prints its descriptor.
add_blob() { # LAYOUT MEDIA_TYPE
	local digest size
	mkdir -p "$1/blobs/sha256"
	digest=$(tee "$1/blobs/incoming" | sha256sum | cut -c 1-64)
	size=$(stat -c %s "$1/blobs/incoming")
	mv "$1/blobs/incoming" "$1/blobs/sha256/$digest"
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$2" "$digest" "$size"
}

# Writes config, manifest and index for the layers packed so far.
write_oci_layout() { # LAYOUT TAG
	local config manifest
	config=$(printf '{"created":"%s","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$(date --utc +%Y-%m-%dT%H:%M:%SZ)" "$(comma_separated "${layer_diff_ids[@]}")" |
		add_blob "$1" application/vnd.oci.image.config.v1+json)
	manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
		"$config" "$(comma_separated "${layer_descriptors[@]}")" |
		add_blob "$1" application/vnd.oci.image.manifest.v1+json)
	printf '{"schemaVersion":2,"manifests":[%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
		"${manifest%\}}" "$2" > "$1/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' > "$1/oci-layout"
}

comma_separated() {
	local IFS=,
	echo "$*"
}
