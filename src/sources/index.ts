export type { Blob } from "./blob.js";
export * from "./cache/index.js";
export { FileBlob } from "./file-blob.js";
export type { AttachedSignatures, ImageSource, SourceOptions } from "./image-source.js";
export { checkReference, defaultCacheDirectory, openSource, registryOf } from "./open-source.js";
export {
  type CheckedRegistryAccess,
  checkRegistryAccess,
  type RegistryAccess,
} from "./registry-access.js";
export { translateError } from "./translate-error.js";
export { damageOf, withRepairs } from "./with-repairs.js";
