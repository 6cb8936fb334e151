import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDigest } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import type { CacheSession } from "./cache-session.js";

/** A file in the cache: a blob, or a part of one. */
export interface CachedFile {
  readonly digest: string;
  /** `leftover` is a temporary file of a process that ended before it could rename the file. */
  readonly state: "complete" | "partial" | "leftover";
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** When it was last used, or last grew. */
  readonly lastUsed: Date;
}

/** All files of a cache directory, the most recently used first. A missing directory has none. */
export async function cachedFiles(cache: string): Promise<CachedFile[]> {
  const blobs = join(cache, "blobs");
  const files: CachedFile[] = [];
  for (const algorithm of await namesIn(blobs)) {
    for (const name of await namesIn(join(blobs, algorithm))) {
      const [hex, suffix] = splitName(name);
      const digest = `${algorithm}:${hex}`;
      // Another program's file: leave it alone.
      if (!isDigest(digest)) continue;
      const path = join(blobs, algorithm, name);
      const stats = await stat(path).catch(() => undefined);
      if (!stats?.isFile()) continue;
      const state = stateFor(suffix);
      files.push({ digest, state, path, size: stats.size, lastUsed: stats.mtime });
    }
  }
  return files.sort((one, other) => other.lastUsed.getTime() - one.lastUsed.getTime());
}

/** Whether a living process uses or fills a file. */
export function isInUse(session: CacheSession, { digest }: CachedFile): Promise<boolean> {
  return session.isClaimed(digest, ["fill", "use"]);
}

/**
 * Removes a file, unless a process uses or fills it.
 * @returns whether the file was removed
 */
export async function removeUnused(session: CacheSession, file: CachedFile): Promise<boolean> {
  const claim = await session.claim(file.digest, "prune");
  if (claim === undefined) return false;
  try {
    await rm(file.path, { force: true });
    return true;
  } finally {
    await claim.release();
  }
}

function splitName(name: string): [hex: string, suffix?: string] {
  const dot = name.indexOf(".");
  return dot === -1 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
}

function stateFor(suffix: string | undefined): CachedFile["state"] {
  if (suffix === undefined) return "complete";
  return suffix === "partial" ? "partial" : "leftover";
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
