/** A read-only client for OCI registries. This module imports nothing from the others. */

export { type Challenge, parseChallenges } from "./auth/challenge.js";
export type { Credential } from "./auth/credential.js";
export type { CredentialOrigin } from "./auth/credential-origin.js";
export {
  type CredentialSources,
  type CredentialStore,
  loadCredentials,
  withCredential,
} from "./auth/credentials.js";
export { RegistryClient, type RegistryClientOptions } from "./client.js";
export { abortable } from "./core/abortable.js";
export { type Clock, systemClock } from "./core/clock.js";
export type { Descriptor } from "./core/descriptor.js";
export { Digester, isDigest, isDigestOf, sha256 } from "./core/digest.js";
export { type FailureKind, failureRules } from "./core/failure.js";
export { homeDirectory } from "./core/home-directory.js";
export * from "./core/media-types.js";
export {
  OciClientError,
  type OciClientErrorCode,
  type OciClientErrorDetails,
  ociClientErrorCodes,
} from "./core/oci-client-error.js";
export {
  formatPlatform,
  hostPlatform,
  isCompletePlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  platformMatchRank,
} from "./core/platform.js";
export { registerSecret } from "./core/redact.js";
export { formatReference, parseReference, type Reference } from "./core/reference.js";
export { readSmallFile } from "./core/small-file.js";
export { BlobVerifier, verifyingStream } from "./core/verification.js";
export { assertImage } from "./image/assert-image.js";
export { platformNotFound } from "./image/choose-manifest.js";
export { type ImageConfig, parseImageConfig } from "./image/image-config.js";
export type { ImageReader, ManifestBytes } from "./image/image-reader.js";
export { mayBeImage } from "./image/index-walk.js";
export { type Index, type IndexEntry, type Manifest, parseManifest } from "./image/manifest.js";
export {
  type FoundImage,
  type ImageRoot,
  type ResolvedImage,
  type ResolveOptions,
  resolveImage,
} from "./image/resolve-image.js";
export type { BlobBody } from "./transport/blob-body.js";
export type { ConnectionOptions } from "./transport/connection-options.js";
export { hostKey } from "./transport/origin.js";
export { formatPause, isMismatch, Retry, type RetryOptions, retrying } from "./transport/retry.js";
export type { RetryPolicy } from "./transport/retry-policy.js";
