import * as z from "zod";
import { annotations, type Descriptor, descriptor, text } from "../core/descriptor.js";
import { checkDocument, invalidDocument, parseJson } from "../core/json-document.js";
import {
  indexTypes,
  manifestTypes,
  ociIndexType,
  ociManifestType,
  schema1Types,
} from "../core/media-types.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";

/**
 * An entry of an index. The specification demands a `mediaType`, but some tools omit it; the manifest
 * itself then says what it is.
 */
export type IndexEntry = Omit<Descriptor, "mediaType"> & { readonly mediaType?: string };

/** An OCI index or a Docker manifest list. */
export interface Index {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly IndexEntry[];
}

/** An OCI manifest or a Docker schema 2 manifest. May be an artifact: see `assertImage`. */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The largest size that registries must accept (OCI distribution spec, "Pushing Manifests"). */
export const maxManifestBytes = 4 * 1024 * 1024;
/** Builders make at most 127 layers. */
const maxDescriptors = 1000;

const indexEntry = descriptor.extend({ mediaType: text.optional() });

const index = z.object({ manifests: z.array(indexEntry).max(maxDescriptors).default([]) });

const manifest = z.object({
  // Absent in some schema 2 manifests, see `isImage`.
  config: descriptor.extend({ mediaType: text.default("") }),
  layers: z.array(descriptor).max(maxDescriptors).default([]),
  artifactType: text.optional(),
  annotations: annotations.optional(),
});

const anyDocument = z.looseObject({ schemaVersion: z.int(), mediaType: text.optional() });

/**
 * Parses an index or a manifest of one of the four current types.
 * @param options `mediaType`: from the `Content-Type` header or the descriptor; used if the document
 *   does not name its own type
 * @throws OciClientError MANIFEST_INVALID, MANIFEST_TOO_LARGE, MANIFEST_SCHEMA1
 */
export function parseManifest(
  bytes: Uint8Array,
  options: { readonly mediaType?: string } = {},
): Index | Manifest {
  if (bytes.length > maxManifestBytes) throw manifestTooLarge();
  const document = checkDocument(anyDocument, parseJson(bytes, "manifest"), "manifest");
  const named = document.mediaType ?? options.mediaType;
  if (document.schemaVersion === 1 || (named && schema1Types.includes(named))) throw schema1();
  if (document.schemaVersion !== 2)
    throw invalidDocument("manifest", "has an unknown schemaVersion");

  // The members decide. If a header could, one document could be read in two ways (CVE-2021-41190).
  const isManifest = "config" in document || "layers" in document;
  // An empty list may be absent.
  const isEmptyIndex = !isManifest && named !== undefined && indexTypes.includes(named);
  const isIndex = "manifests" in document || isEmptyIndex;
  if (isIndex === isManifest) {
    throw invalidDocument(
      "manifest",
      "has the members of both an index and an image manifest, or of neither",
    );
  }
  const known = isIndex ? indexTypes : manifestTypes;
  if (document.mediaType !== undefined && !known.includes(document.mediaType)) {
    const problem = `has the media type ${sanitize(document.mediaType)}, which does not match its content`;
    throw invalidDocument("manifest", problem);
  }
  const mediaType =
    known.find((type) => type === named) ?? (isIndex ? ociIndexType : ociManifestType);
  return isIndex
    ? { kind: "index", mediaType, ...checkDocument(index, document, "image index") }
    : { kind: "manifest", mediaType, ...checkDocument(manifest, document, "image manifest") };
}

export function manifestTooLarge(): OciClientError {
  return new OciClientError("MANIFEST_TOO_LARGE", "The manifest is larger than 4 MiB.", {
    hint: "No real image has one of this size: check that the reference names a container image.",
  });
}

function schema1(): OciClientError {
  return new OciClientError(
    "MANIFEST_SCHEMA1",
    "The image has a Docker schema 1 manifest, a format that is no longer supported.",
    { hint: "Pull the image and push it again with a current Docker, podman, or skopeo." },
  );
}
