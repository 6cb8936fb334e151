import { helmConfigType, imageConfigTypes, ociEmptyType } from "../core/media-types.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { Manifest } from "./manifest.js";

/**
 * Refuses charts, signatures, and other artifacts, which registries also store.
 * @throws OciClientError NOT_AN_IMAGE
 */
export function assertImage({ artifactType, config }: Manifest): void {
  if (!isArtifact(artifactType) && imageConfigTypes.includes(config.mediaType)) return;
  throw new OciClientError(
    "NOT_AN_IMAGE",
    `This is not a container image but ${nameArtifact(artifactType, config.mediaType)}.`,
    { hint: "Give the repository and tag of a container image." },
  );
}

/**
 * Whether an `artifactType` belongs to something other than an image. The `artifactType` of an image is
 * the media type of its config (OCI image spec, descriptor.md). Go's encoders write empty ones.
 */
export function isArtifact(artifactType: string | undefined): artifactType is string {
  return Boolean(artifactType) && !imageConfigTypes.includes(artifactType ?? "");
}

function nameArtifact(artifactType: string | undefined, configType: string): string {
  if (isArtifact(artifactType)) return `an artifact of the type ${sanitize(artifactType)}`;
  if (configType === helmConfigType) return "a Helm chart";
  if (configType === ociEmptyType) return "an artifact without a config";
  return `an artifact with a config of the type ${sanitize(configType)}`;
}
