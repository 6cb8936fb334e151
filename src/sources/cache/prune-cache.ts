import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, isInUse, removeUnused } from "./cached-files.js";

export interface PruneOptions {
  /** Remove files that were last used longer ago than this. */
  readonly olderThanMs?: number | undefined;
  /** Remove the files that were unused for longest, until the rest has at most this size. */
  readonly maxSizeBytes?: number | undefined;
  /** Remove nothing, and report what would be removed. */
  readonly dryRun?: boolean;
}

export interface PruneResult {
  readonly removed: readonly CachedFile[];
  /** Files that were kept only because a process uses them. */
  readonly inUse: readonly CachedFile[];
  readonly remainingBytes: number;
}

/** A younger leftover may belong to a process that is just about to rename it. */
const leftoverAgeMs = 60 * 60 * 1000;

/**
 * Removes old files from a cache, and files beyond a total size. A file in use stays, and no other
 * file is removed instead of it.
 * @throws NetbootError CACHE_NOT_WRITABLE
 */
export async function pruneCache(directory: string, options: PruneOptions): Promise<PruneResult> {
  return withCacheErrors(directory, async () => {
    const files = await cachedFiles(directory);
    const selected = selectFilesToPrune(files, options, Date.now());
    const [removed, inUse]: [CachedFile[], CachedFile[]] = [[], []];
    const session = new CacheSession(directory);
    try {
      for (const file of selected) {
        const isRemoved = options.dryRun
          ? !(await isInUse(session, file))
          : await removeUnused(session, file);
        (isRemoved ? removed : inUse).push(file);
      }
      if (!options.dryRun) await session.sweep();
    } finally {
      await session.close();
    }
    return { removed, inUse, remainingBytes: totalBytes(files) - totalBytes(removed) };
  });
}

/**
 * The files to remove, the one that was unused for longest first.
 * @param files the most recently used first
 * @param now milliseconds since 1970
 */
function selectFilesToPrune(
  files: readonly CachedFile[],
  { olderThanMs = Infinity, maxSizeBytes = Infinity }: PruneOptions,
  now: number,
): CachedFile[] {
  let keptBytes = 0;
  // A maximum of 0 also removes empty files, which downloads that have just begun leave behind.
  let isFull = maxSizeBytes === 0;
  const selected: CachedFile[] = [];
  for (const file of files) {
    const ageMs = now - file.lastUsed.getTime();
    const isLeftover = file.state === "leftover" && ageMs > leftoverAgeMs;
    isFull ||= keptBytes + file.size > maxSizeBytes;
    if (isLeftover || ageMs > olderThanMs || isFull) selected.push(file);
    else keptBytes += file.size;
  }
  return selected.reverse();
}

function totalBytes(files: readonly CachedFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
