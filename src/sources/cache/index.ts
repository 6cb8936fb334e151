export type { CachedFile } from "./cached-files.js";
export { defaultCacheDirectory } from "./default-cache-directory.js";
export { type ListedFile, listCache } from "./list-cache.js";
export { pruneCache } from "./prune-cache.js";
export { verifyCache } from "./verify-cache.js";
