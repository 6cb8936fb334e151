export type { CachedFile } from "./cached-files.js";
export { type ListedFile, listCache } from "./list.js";
export { type PruneOptions, type PruneResult, pruneCache } from "./prune.js";
export { type VerifyOptions, type VerifyResult, verifyCache } from "./verify.js";
