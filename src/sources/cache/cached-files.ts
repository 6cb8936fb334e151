import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDigest } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import type { CacheSession } from "./cache-session.js";

/** A file in the cache: a blob, or what there is of one. */
export interface CachedFile {
  readonly digest: string;
  /** `leftover` is what a process that was killed had not yet given its name. */
  readonly state: "complete" | "partial" | "leftover";
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** When it was last of use, or grew. */
  readonly lastUsed: Date;
}

/** All files of a cache directory, the last used first; none where there is no such directory. */
export async function cachedFiles(cache: string): Promise<CachedFile[]> {
  const blobs = join(cache, "blobs");
  const files: CachedFile[] = [];
  for (const algorithm of await namesIn(blobs)) {
    for (const name of await namesIn(join(blobs, algorithm))) {
      const [hex, suffix] = splitName(name);
      const digest = `${algorithm}:${hex}`;
      // What this program did not put there is none of its business.
      if (!isDigest(digest)) continue;
      const path = join(blobs, algorithm, name);
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile()) continue;
      const state =
        suffix === undefined ? "complete" : suffix === "partial" ? "partial" : "leftover";
      files.push({ digest, state, path, size: found.size, lastUsed: found.mtime });
    }
  }
  return files.sort((one, other) => other.lastUsed.getTime() - one.lastUsed.getTime());
}

/** Whether a process that lives uses or fills it. */
export function isInUse(session: CacheSession, { digest }: CachedFile): Promise<boolean> {
  return session.isClaimed(digest, ["fill", "use"]);
}

/**
 * Removes a file, unless a process uses or fills it.
 * @returns whether it is gone
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

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
