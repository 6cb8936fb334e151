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
 * `artifactType` as well (OCI image spec, manifest.md).
 */
export function isImage({ mediaType, config }: Manifest): boolean {
  return (
    imageConfigTypes.includes(config.mediaType) ||
    (mediaType === dockerManifestType && mistakenDockerConfigTypes.includes(config.mediaType))
  );
}

/** Whether an index calls an entry something other than an image, although it may still be one. */
export function isArtifactType(artifactType: string | undefined): artifactType is string {
  return Boolean(artifactType) && !imageConfigTypes.includes(artifactType ?? "");
}

function nameArtifact({ artifactType, config: { mediaType } }: Manifest): string {
  if (isArtifactType(artifactType)) return `an artifact of the type ${sanitize(artifactType)}`;
  if (mediaType === helmConfigType) return "a Helm chart";
  if (mediaType === ociEmptyType) return "an artifact without a config";
  if (mediaType === "") return "an artifact whose config has no media type";
  return `an artifact with a config of the type ${sanitize(mediaType)}`;
}
