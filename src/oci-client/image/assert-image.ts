import type { Descriptor } from "../core/descriptor.js";
import {
  dockerManifestType,
  helmConfigType,
  imageConfigTypes,
  mistakenDockerConfigTypes,
  ociEmptyType,
} from "../core/media-types.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { Manifest } from "./manifest.js";

/**
 * Refuses charts, signatures, and other artifacts, which registries also store.
 * @throws OciClientError NOT_AN_IMAGE
 */
export function assertImage(manifest: Manifest): void {
  if (isImage(manifest)) return;
  throw new OciClientError(
    "NOT_AN_IMAGE",
    `This is not a container image but ${nameArtifact(manifest)}.`,
    { hint: "Give the repository and tag of a container image." },
  );
}

/**
 * Whether a manifest describes an image. The media type of its config decides. An image may have an
 * `artifactType` as well (OCI image spec, manifest.md). Signatures and attestations of cosign and BuildKit
 * have the config of an image, but their layers are documents.
 */
export function isImage(manifest: Manifest): boolean {
  const { mediaType, config, layers } = manifest;
  const hasImageConfig =
    imageConfigTypes.includes(config.mediaType) ||
    (mediaType === dockerManifestType && mistakenDockerConfigTypes.includes(config.mediaType));
  return hasImageConfig && (layers.length === 0 || !layers.every(isDocument));
}

function isDocument({ mediaType }: Descriptor): boolean {
  return /^text\/|[/+](?:json|xml)$/.test(mediaType);
}

/** Whether an index calls an entry something other than an image, although it may still be one. */
export function isArtifactType(artifactType: string | undefined): artifactType is string {
  return Boolean(artifactType) && !imageConfigTypes.includes(artifactType ?? "");
}

function nameArtifact({ artifactType, config: { mediaType }, layers }: Manifest): string {
  if (isArtifactType(artifactType)) return `an artifact of the type ${sanitize(artifactType)}`;
  const [layer] = layers;
  if (layer && imageConfigTypes.includes(mediaType)) {
    return `an artifact with layers of the type ${sanitize(layer.mediaType)}`;
  }
  if (mediaType === helmConfigType) return "a Helm chart";
  if (mediaType === ociEmptyType) return "an artifact without a config";
  if (mediaType === "") return "an artifact whose config has no media type";
  return `an artifact with a config of the type ${sanitize(mediaType)}`;
}
