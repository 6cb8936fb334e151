/** Media types of the OCI image spec (media-types.md) and of the Docker formats that it is based on. */
export const ociIndexType = "application/vnd.oci.image.index.v1+json";
export const ociManifestType = "application/vnd.oci.image.manifest.v1+json";
export const ociImageConfigType = "application/vnd.oci.image.config.v1+json";
export const ociEmptyType = "application/vnd.oci.empty.v1+json";

export const dockerManifestListType = "application/vnd.docker.distribution.manifest.list.v2+json";
export const dockerManifestType = "application/vnd.docker.distribution.manifest.v2+json";
export const dockerImageConfigType = "application/vnd.docker.container.image.v1+json";
export const dockerSchema1Type = "application/vnd.docker.distribution.manifest.v1+json";
export const dockerSignedSchema1Type = "application/vnd.docker.distribution.manifest.v1+prettyjws";

export const helmConfigType = "application/vnd.cncf.helm.config.v1+json";

export const indexTypes: readonly string[] = [ociIndexType, dockerManifestListType];
export const manifestTypes: readonly string[] = [ociManifestType, dockerManifestType];
export const imageConfigTypes: readonly string[] = [ociImageConfigType, dockerImageConfigType];
/**
 * Types that schema 2 manifests give their configs instead, because of defects of old registries and
 * clients. Docker accepts exactly these (moby, distribution/registry.go).
 */
export const mistakenDockerConfigTypes: readonly string[] = [
  "application/octet-stream",
  "application/json",
  "text/html",
  "",
];
export const schema1Types: readonly string[] = [dockerSchema1Type, dockerSignedSchema1Type];
