/** A read-only client for OCI registries. This room imports nothing from the others. */
export { assertImage } from "./artifact.js";
export type { RetryPolicy } from "./backoff.js";
export type { BlobBody } from "./blob-body.js";
export { type Challenge, parseChallenges } from "./challenge.js";
export { RegistryClient, type RegistryClientOptions } from "./client.js";
export type { Credential } from "./credential.js";
export {
  type CredentialSources,
  type CredentialStore,
  loadCredentials,
  withCredential,
} from "./credentials.js";
export type { Descriptor } from "./descriptor.js";
export { isDigest, isDigestOf, sha256 } from "./digest.js";
export { OciClientError, type OciErrorCode, type OciErrorDetails } from "./error.js";
export { homeDirectory } from "./home-directory.js";
export {
  type FoundImage,
  type ImageRoot,
  type ResolvedImage,
  type ResolveOptions,
  resolveImage,
} from "./image.js";
export { type ImageConfig, parseImageConfig } from "./image-config.js";
export type { ImageReader, ManifestBytes } from "./image-reader.js";
export { type Index, type Manifest, parseManifest } from "./manifest.js";
export * from "./media-types.js";
export type { NetworkOptions } from "./network-settings.js";
export { hostKey } from "./origin.js";
export {
  formatPlatform,
  hostPlatform,
  normalisePlatform,
  type Platform,
  parsePlatform,
  platformMatchRank,
} from "./platform.js";
export { formatReference, parseReference, type Reference } from "./reference.js";
export { formatPause, isMismatch, Retry, type RetryOptions, retrying } from "./retry.js";
export { keepSecret } from "./secrets.js";
export { readSmallFile } from "./small-file.js";
export { BlobVerifier, verifyingStream } from "./verification.js";
