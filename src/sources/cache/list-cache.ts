import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, isInUse } from "./cached-files.js";

export interface ListedFile extends CachedFile {
  /** True if a living process reads or fetches it. */
  readonly isInUse: boolean;
}

/**
 * Lists the files of a cache, the most recently used first. Nothing is written.
 * @throws NetbootError CACHE_NOT_WRITABLE if the directory cannot be read
 */
export async function listCache(directory: string): Promise<ListedFile[]> {
  return withCacheErrors(directory, async () => {
    const session = new CacheSession(directory);
    const listed: ListedFile[] = [];
    for (const file of await cachedFiles(directory)) {
      listed.push({ ...file, isInUse: await isInUse(session, file) });
    }
    return listed;
  });
}
