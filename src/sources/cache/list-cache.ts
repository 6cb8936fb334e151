import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, isInUse } from "./cached-files.js";

export interface ListedFile extends CachedFile {
  /** True where a process that lives reads or fetches it. */
  readonly isInUse: boolean;
}

/**
 * What a cache holds, the last used first; nothing is written.
 * @throws NetbootError CACHE_NOT_WRITABLE where it cannot be read
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
