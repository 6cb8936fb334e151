import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, readFile, rename, rm, stat, statfs, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  diskFull,
  formatBytes,
  makeDirectories,
  NetbootError,
  systemCode,
} from "../../support/index.js";
import { CacheSession, type SessionTiming } from "./cache-session.js";

/** A partial file that only this process fills. */
export interface PartialBlob {
  readonly path: string;
  /** Aborted when another process may have taken the file over. */
  readonly lost: AbortSignal;
  /** Gives the complete file its final name. */
  finish(): Promise<void>;
  /** Removes the file. */
  discard(): Promise<void>;
  /** Keeps the file as it is, for any process that continues it. */
  release(): Promise<void>;
}

const refusals = ["EACCES", "EROFS", "EPERM", "ENOTDIR"];
/** For making the cache directory itself: /proc and some other file systems answer ENOENT. */
const creationRefusals = [...refusals, "ENOENT"];

/**
 * Stores blobs by digest as an OCI image layout does (`blobs/sha256/HEX`), and partial ones beside
 * them (`HEX.partial`). Several processes can share a cache (see CacheSession): one of them fills a
 * file and renames it when it is complete and verified, while the others may read the partial file.
 */
export class BlobCache {
  readonly #directory: string;
  readonly #session: CacheSession;

  constructor(directory: string, timing?: Partial<SessionTiming>) {
    this.#directory = directory;
    this.#session = new CacheSession(directory, timing);
  }

  /** The interval at which to look at what another process does. */
  get pollIntervalMs(): number {
    return this.#session.pollIntervalMs;
  }

  pathOf(digest: string): string {
    return join(this.#directory, "blobs", ...digest.split(":"));
  }

  partialPathOf(digest: string): string {
    return `${this.pathOf(digest)}.partial`;
  }

  /** Whether a blob is complete. A blob that only another user may read counts as missing. */
  async has(digest: string, size: number): Promise<boolean> {
    const path = this.pathOf(digest);
    try {
      await access(path, constants.R_OK);
      return (await stat(path)).size === size;
    } catch {
      return false;
    }
  }

  /**
   * Protects a blob from `prune`, in this process and in all others, until the cache is closed. A
   * read-only cache cannot protect it, but can be read all the same.
   */
  async use(digest: string, signal: AbortSignal): Promise<void> {
    try {
      await this.guard(() => this.#session.use(digest, signal), creationRefusals);
    } catch (error) {
      if (systemCode(error) !== "CACHE_NOT_WRITABLE") throw error;
    }
  }

  /** Records that a blob was used now: `prune` removes the blobs that were unused for longest. */
  async touch(digest: string): Promise<void> {
    const now = new Date();
    await utimes(this.pathOf(digest), now, now).catch(() => {});
  }

  /** Bytes of a blob that are neither in the cache nor in a partial file. */
  async missingBytes(digest: string, size: number): Promise<number> {
    if (await this.has(digest, size)) return 0;
    return Math.max(0, size - (await sizeOf(this.partialPathOf(digest))));
  }

  /** Removes a damaged blob. */
  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  /** Reads a small blob without verifying it; undefined if it is not there. */
  async readSmall(digest: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.pathOf(digest));
    } catch {
      return undefined;
    }
  }

  async writeSmall(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(digest);
    await this.guard(async () => {
      await makeDirectories(dirname(path));
      const temporary = `${path}.new-${randomUUID().slice(0, 8)}`;
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    }, creationRefusals);
  }

  /**
   * Claims the partial file of a blob, which an earlier run may have begun.
   * @returns undefined if another process fills it, or is about to remove it
   * @throws NetbootError CACHE_NOT_WRITABLE
   */
  async takePartial(digest: string): Promise<PartialBlob | undefined> {
    const final = this.pathOf(digest);
    const path = this.partialPathOf(digest);
    return this.guard(async () => {
      await makeDirectories(dirname(final));
      const claim = await this.#session.claim(digest, "fill");
      if (claim === undefined) return undefined;
      return {
        path,
        lost: claim.lost,
        finish: () => rename(path, final),
        discard: () => rm(path, { force: true }),
        release: async () => {
          if ((await sizeOf(path)) === 0) await rm(path, { force: true });
          await claim.release();
        },
      };
    }, creationRefusals);
  }

  /** Whether another living process fills a blob. */
  isBeingFilled(digest: string): Promise<boolean> {
    return this.#session.isClaimed(digest, ["fill"]);
  }

  /** @throws NetbootError DISK_FULL if that many bytes do not fit on the disk */
  async reserve(bytes: number): Promise<void> {
    await this.guard(() => makeDirectories(this.#directory), creationRefusals);
    const { bavail, bsize } = await statfs(this.#directory);
    if (bytes <= bavail * bsize) return;
    const free = formatBytes(bavail * bsize);
    throw new NetbootError(
      "DISK_FULL",
      `The layers to fetch need ${formatBytes(bytes)}, but ${this.#directory} has only ${free} of free space.`,
      "Free some space there, or select another directory with --cache-dir.",
    );
  }

  /** Gives up the protection of all blobs. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  /**
   * Runs an action that writes to the cache, and turns system errors into errors that name it.
   * @throws NetbootError CACHE_NOT_WRITABLE, DISK_FULL
   */
  async guard<Result>(action: () => Promise<Result>, codes = refusals): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || !codes.includes(code)) {
        throw diskFull(error, `the cache, ${this.#directory}`);
      }
      throw new NetbootError(
        "CACHE_NOT_WRITABLE",
        `The cache directory ${this.#directory} is not writable (${code}).`,
        "Select another directory with --cache-dir, or use --no-cache.",
        { cause: error },
      );
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
