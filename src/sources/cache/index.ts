export type { CachedFile } from "./cached-files.js";
export { type ListedFile, listCache } from "./list-cache.js";
export { type PruneOptions, type PruneResult, pruneCache } from "./prune-cache.js";
export { type VerifyOptions, type VerifyResult, verifyCache } from "./verify-cache.js";
