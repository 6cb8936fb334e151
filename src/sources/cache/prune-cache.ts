import { withCacheErrors } from "./cache-errors.js";
import { CacheSession } from "./cache-session.js";
import { type CachedFile, cachedFiles, removeUnused } from "./cached-files.js";

export interface PruneOptions {
  /** Milliseconds: what was not of use for so long goes. */
  readonly olderThan?: number | undefined;
  /** Bytes that may stay; of what is too much, what was not of use for longest goes first. */
  readonly maxSize?: number | undefined;
  /** Removes nothing, and says what it would remove. */
  readonly dryRun?: boolean;
}

export interface PruneResult {
  readonly removed: readonly CachedFile[];
  /** What would have gone if no process used it. */
  readonly inUse: readonly CachedFile[];
  /** Bytes that are still there. */
  readonly left: number;
}

/** Younger leftovers may be given their name at this moment. */
const leftoverAge = 60 * 60 * 1000;

/**
 * Removes from a cache what is old, or too much. What a process uses stays, and nothing
 * else goes in its place.
 * @throws NetbootError CACHE_NOT_WRITABLE
 */
export async function pruneCache(directory: string, options: PruneOptions): Promise<PruneResult> {
  return withCacheErrors(directory, async () => {
    const files = await cachedFiles(directory);
    const chosen = chooseFiles(files, options, Date.now());
    const [removed, inUse]: [CachedFile[], CachedFile[]] = [[], []];
    const session = new CacheSession(directory);
    try {
      for (const file of chosen) {
        const isGone = options.dryRun
          ? !(await session.isClaimed(file.digest, ["fill", "use"]))
          : await removeUnused(session, file);
        (isGone ? removed : inUse).push(file);
      }
      if (!options.dryRun) await session.sweep();
    } finally {
      await session.close();
    }
    return { removed, inUse, left: sizeOf(files) - sizeOf(removed) };
  });
}

/**
 * The files that are to go, the longest unused first.
 * @param files the last used first
 * @param now milliseconds since 1970
 */
export function chooseFiles(
  files: readonly CachedFile[],
  { olderThan = Infinity, maxSize = Infinity }: PruneOptions,
  now: number,
): CachedFile[] {
  let kept = 0;
  // Then nothing stays, also no download that has only begun.
  let isFull = maxSize === 0;
  const chosen: CachedFile[] = [];
  for (const file of files) {
    const age = now - file.lastUsed.getTime();
    const isLeft = file.state === "leftover" && age > leftoverAge;
    isFull ||= kept + file.size > maxSize;
    if (isLeft || age > olderThan || isFull) chosen.push(file);
    else kept += file.size;
  }
  return chosen.reverse();
}

export function sizeOf(files: readonly CachedFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
