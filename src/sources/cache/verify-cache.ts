import { NetbootError, systemCode } from "../../support/index.js";
import { isIntact } from "../registry/download.js";
import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, removeUnused } from "./cached-files.js";

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
 * are fetched again when they are needed. What goes away meanwhile does not count.
 * @throws NetbootError CACHE_NOT_WRITABLE, INTERRUPTED once the signal is aborted
 */
export async function verifyCache(
  directory: string,
  { signal, onVerified }: VerifyOptions,
): Promise<VerifyResult> {
  return withCacheErrors(directory, async () => {
    const session = new CacheSession(directory);
    const [removed, inUse]: [CachedFile[], CachedFile[]] = [[], []];
    let intact = 0;
    try {
      for (const file of await cachedFiles(directory)) {
        if (file.state !== "complete") continue;
        const isRight = await isIntactOrGone(file, signal);
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

/** Undefined where the file is not there any more: another process has found it damaged, or old. */
async function isIntactOrGone(
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
