import { z } from "zod";
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

/** An OCI index or a Docker manifest list. */
export interface Index {
  kind: "index";
  mediaType: string;
  manifests: Descriptor[];
}

/** An OCI manifest or a Docker schema 2 manifest; not yet known to be an image: see assertImage. */
export interface Manifest {
  kind: "manifest";
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** The largest manifest, in bytes, that registries have to take (OCI distribution spec, "Pushing Manifests"). */
export const maxManifestBytes = 4 * 1024 * 1024;
/** Far above what builders make (127 layers), far below what costs memory. */
const maxDescriptors = 1000;

const index = z.object({ manifests: z.array(descriptor).max(maxDescriptors) });

const manifest = z.object({
  config: descriptor,
  layers: z.array(descriptor).max(maxDescriptors).default([]),
  artifactType: text.optional(),
  annotations: annotations.optional(),
});

const anyDocument = z.looseObject({ schemaVersion: z.int(), mediaType: text.optional() });

/**
 * Reads an index or a manifest of one of the four current types. `mediaType`, from a Content-Type
 * header, is used only where the document does not name its own type.
 * @throws OciClientError MANIFEST_INVALID, MANIFEST_TOO_LARGE, MANIFEST_SCHEMA1
 */
export function parseManifest(
  bytes: Uint8Array,
  options: { mediaType?: string } = {},
): Index | Manifest {
  if (bytes.length > maxManifestBytes) throw manifestTooLarge();
  const document = checkDocument(anyDocument, parseJson(bytes, "manifest"), "manifest");
  const named = document.mediaType ?? options.mediaType;
  if (document.schemaVersion === 1 || (named && schema1Types.includes(named))) throw schema1();
  if (document.schemaVersion !== 2) throw invalidDocument("manifest", "has an unknown version");

  // The members decide, so that no header can have one document read in two ways (CVE-2021-41190).
  const isIndex = "manifests" in document;
  if (isIndex === ("config" in document || "layers" in document)) {
    throw invalidDocument("manifest", "is neither plainly an index nor plainly an image manifest");
  }
  const known = isIndex ? indexTypes : manifestTypes;
  if (document.mediaType !== undefined && !known.includes(document.mediaType)) {
    const problem = `is of the type ${sanitize(document.mediaType)}, which does not fit its content`;
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
    hint: "No real image needs that: check that the reference names a container image.",
  });
}

function schema1(): OciClientError {
  return new OciClientError(
    "MANIFEST_SCHEMA1",
    "The image has a Docker schema 1 manifest, a format that was withdrawn.",
    { hint: "Pull and push it again with a current Docker, podman or skopeo, then try that." },
  );
}
