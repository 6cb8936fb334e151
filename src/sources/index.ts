export * from "./cache/index.js";
export type { Blob } from "./image-source/blob.js";
export { FileBlob } from "./image-source/file-blob.js";
export type {
  AttachedSignatures,
  ImageSource,
  SourceOptions,
} from "./image-source/image-source.js";
export { translateError } from "./image-source/translate-error.js";
export { checkReference, defaultCacheDirectory, openSource, registryOf } from "./open-source.js";
export {
  type CheckedRegistryAccess,
  checkRegistryAccess,
  type RegistryAccess,
} from "./registry/registry-access.js";
export { findDamage, retryDamaged } from "./retry-damaged.js";
