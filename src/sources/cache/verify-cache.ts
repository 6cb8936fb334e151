import { NetbootError, systemCode } from "../../support/index.js";
import { isIntact } from "../image-source/verify-slice.js";
import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, removeUnused } from "./cached-files.js";

export interface VerifyCacheOptions {
  readonly signal: AbortSignal;
  /** Called for each blob after it was read. */
  onVerified?(file: CachedFile, isIntact: boolean): void;
}

export interface VerifyCacheResult {
  /** Number of blobs that match their digest. */
  readonly intact: number;
  /** Damaged blobs that were removed. */
  readonly removed: readonly CachedFile[];
  /** Damaged blobs that a process uses, so that they were not removed. */
  readonly inUse: readonly CachedFile[];
}

/**
 * Reads all complete blobs of a cache, and removes those that do not match their digest: the next run
 * that needs them fetches them again. Blobs that another process removes meanwhile do not count.
 * @throws NetbootError CACHE_NOT_WRITABLE, INTERRUPTED once the signal is aborted
 */
export async function verifyCache(
  directory: string,
  { signal, onVerified }: VerifyCacheOptions,
): Promise<VerifyCacheResult> {
  return withCacheErrors(directory, async () => {
    const session = new CacheSession(directory);
    const [removed, inUse]: [CachedFile[], CachedFile[]] = [[], []];
    let intact = 0;
    try {
      for (const file of await cachedFiles(directory)) {
        if (file.state !== "complete") continue;
        const isRight = await checkFile(file, signal);
        if (isRight === undefined) continue;
        if (isRight) intact += 1;
        else if (await removeUnused(session, file)) removed.push(file);
        else inUse.push(file);
        onVerified?.(file, isRight);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new NetbootError("INTERRUPTED", "Interrupted.", "Run the same command again.");
    } finally {
      await session.close();
    }
    return { intact, removed, inUse };
  });
}

/** Whether a file is intact; undefined if it no longer exists. */
async function checkFile(
  { path, digest, size }: CachedFile,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    return await isIntact(path, { mediaType: "", digest, size }, signal);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
