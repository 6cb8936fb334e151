export * from "./cache/index.js";
export type { Blob } from "./image-source/blob.js";
export type { AttachedSignatures, ImageSource } from "./image-source/image-source.js";
export { translateError } from "./image-source/translate-error.js";
export { checkReference, openSource, repositoryOf } from "./open-source.js";
export {
  type CheckedRegistryAccess,
  checkRegistryAccess,
  type RegistryAccess,
} from "./registry/registry-access.js";
export { findDamage, retryDamaged } from "./retry-damaged.js";
