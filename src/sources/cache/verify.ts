import { isIntact } from "../download.js";
import { type CachedFile, cachedFiles, removeUnused } from "./cached-files.js";
import { CacheSession } from "./session.js";
import { withCache } from "./with-cache.js";

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Told of each blob when it was read. */
  onVerified?(file: CachedFile, isIntact: boolean): void;
}

export interface VerifyResult {
  /** Blobs that are what their digest says. */
  readonly intact: number;
  /** Blobs that were not, and are gone. */
  readonly removed: readonly CachedFile[];
  /** Blobs that are not, and that a process uses. */
  readonly inUse: readonly CachedFile[];
}

/**
 * Reads all complete blobs of a cache and removes those with other bytes than their digest's: they
 * are fetched again when they are needed.
 * @throws NetbootError CACHE_NOT_WRITABLE
 */
export async function verifyCache(
  directory: string,
  { signal, onVerified }: VerifyOptions,
): Promise<VerifyResult> {
  return withCache(directory, async () => {
    const session = new CacheSession(directory);
    const [removed, inUse]: [CachedFile[], CachedFile[]] = [[], []];
    let intact = 0;
    try {
      for (const file of await cachedFiles(directory)) {
        if (file.state !== "complete") continue;
        const descriptor = { mediaType: "", digest: file.digest, size: file.size };
        const isRight = await isIntact(file.path, descriptor, signal);
        if (isRight) intact += 1;
        else if (await removeUnused(session, file)) removed.push(file);
        else inUse.push(file);
        onVerified?.(file, isRight);
      }
    } finally {
      await session.close();
    }
    return { intact, removed, inUse };
  });
}
