export * from "./cache/index.js";
export type { Blob } from "./contract/blob.js";
export { FileBlob } from "./contract/file-blob.js";
export type { AttachedSignatures, ImageSource, SourceOptions } from "./contract/image-source.js";
export { translateError } from "./contract/translate-error.js";
export { checkReference, defaultCacheDirectory, openSource, registryOf } from "./open-source.js";
export {
  type CheckedRegistryAccess,
  checkRegistryAccess,
  type RegistryAccess,
} from "./registry/registry-access.js";
export { damageOf, withRepairs } from "./retry-damaged.js";
